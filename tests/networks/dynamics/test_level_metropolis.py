"""Annealing of weights of several levels: step by step against a naive twin, laws against enumeration, runs."""

import numpy as np
import pytest
from mutants import mutant_of
from naive.networks import levels as naive

from thermobatch.foundation.streams import random_stream
from thermobatch.networks import bit_planes
from thermobatch.networks.dynamics import annealing, level_metropolis
from thermobatch.networks.dynamics.annealing import simulated_annealing
from thermobatch.networks.dynamics.replicated_metropolis import NO_TARGET, Schedule, empty_trace
from thermobatch.networks.level_replicas import LevelReplicated
from thermobatch.networks.patterns import energy, errors, stabilities
from thermobatch.networks.perceptron import perceptron

# --- step by step ----------------------------------------------------------------------------------------------------


def both(instance, kind, replicas, sweeps, beta, gamma, target, every=1):
    """The twin's run and the kernel's, from the same weights and the same random words."""
    ensemble = LevelReplicated(instance, replicas, kind)
    state = ensemble.random_state(np.random.default_rng(4))
    weights, stream = state.system.spins.astype(int), random_stream(7)

    def energy_of(one):
        return naive.energy(instance.inputs, instance.labels, one, kind)

    ramps = np.linspace(*beta, sweeps), np.linspace(*gamma, sweeps)
    expected = naive.anneal(weights, energy_of, *ramps, stream, target, instance.levels)
    trace = empty_trace(np.arange(0, sweeps + 1, every), replicas, instance.n)
    found = annealing.run(state, Schedule(sweeps, beta, gamma, target, 2**62), trace, stream.copy())
    return expected, state, trace, found


@pytest.mark.parametrize(
    ("levels", "kind", "replicas", "gamma"),
    [
        (4, "linear", 1, (0.0, 0.0)),
        (4, "step", 2, (0.0, 9.0)),
        (8, "linear", 3, (0.0, 60.0)),
        (2, "linear", 2, (0.0, 1.0)),  # not what the front door takes for two levels
    ],
)
def test_runs_are_those_of_the_twin(levels, kind, replicas, gamma):
    instance = perceptron(9, 0.9, 1, levels=levels)
    expected, state, trace, found = both(instance, kind, replicas, 12, (0.1, 2.0), gamma, NO_TARGET)
    assert found == (*expected[1:3], 13)
    assert np.array_equal(state.system.spins, expected[0])
    assert np.array_equal(state.sums, expected[0].sum(axis=0))
    assert np.array_equal(trace.energies, expected[3])


def test_a_run_stops_at_the_move_that_solves_it():
    instance = perceptron(9, 0.9, 3, levels=4)
    expected, state, trace, found = both(instance, "linear", 2, 60, (1.0, 2.0), (0.5, 0.5), 0, every=4)
    proposals, accepted, rows = found
    assert (proposals, accepted) == expected[1:3] and proposals < 60 * 18
    assert state.system.energies.min() == 0 == trace.energies[rows - 1].min()
    assert trace.sweeps[rows - 1] == -(-proposals // 18)


def test_the_incremental_state_is_the_one_built_afresh():
    """Counters and masks after many moves, also where weights stand at the ends."""
    instance = perceptron(65, 2.0, 1, levels=8)
    state = LevelReplicated(instance, 2, "linear").random_state(np.random.default_rng(1))
    schedule = Schedule(200, (0.0, 1.0), (0.0, 20.0), NO_TARGET, 2**62)
    annealing.run(state, schedule, empty_trace([0], 2, 65), random_stream(1))
    assert np.abs(state.system.spins).max() == 7
    fresh = instance.state(state.system.spins, "linear")
    assert np.array_equal(state.system.energies, fresh.energies)
    assert np.array_equal(state.system.masks, fresh.masks)
    counters, expected = (
        bit_planes.from_planes(np.swapaxes(each.counters, 2, 3), instance.n_patterns)
        for each in (state.system, fresh)
    )
    assert np.array_equal(counters, expected)
    assert np.array_equal(2 * counters[0, 0] + 1, stabilities(instance, state.system.spins[0])[:, 0])


# --- equilibrium -----------------------------------------------------------------------------------------------------

LAWS = [
    (perceptron(3, 1.0, 1, levels=4), "linear", 1, 0.5, 0.0),
    (perceptron(3, 1.0, 1, levels=4), "linear", 2, 0.5, 4.0),
    (perceptron(3, 1.0, 2, levels=4), "step", 2, 0.8, 9.0),
    (perceptron(1, 2.0, 3, levels=8), "linear", 2, 0.3, 20.0),
]
BATCHES = 200


def largest_deviation(instance, kind, replicas, beta, coupling):
    """Largest |z| of the moments of a long run, errors from batch means, and the largest standard error.

    Moments: weights and energies of every replica, their squares, their products between replicas, and the occupation
    of every level.
    """
    joint, chance = naive.replicated_law(
        lambda one: naive.energy(instance.inputs, instance.labels, one, kind),
        instance.n, replicas, beta * instance.beta_unit(kind), coupling, instance.levels,
    )  # fmt: skip
    run = annealing.replicated_metropolis(
        instance, replicas, kind, beta=beta, coupling=coupling,
        sweeps=400_000, every=8, keep_weights=True, seed=11,
    )  # fmt: skip
    samples = run.samples.values[1:].astype(float)

    def moments(weights):
        fields = weights @ (instance.inputs * instance.labels[:, None]).T.astype(float)
        wrong = np.maximum(0, (1 - fields) / 2)
        energies = (wrong if kind == "linear" else wrong > 0).sum(axis=-1)
        columns = [weights[:, r, i] for r in range(replicas) for i in range(instance.n)]
        columns += [energies[:, r] for r in range(replicas)]
        columns += [(weights[:, 0, 0] == level).astype(float) for level in naive.values(instance.levels)]
        if replicas > 1:
            columns += [weights[:, 0, i] * weights[:, 1, i] for i in range(instance.n)]
            columns += [energies[:, 0] * energies[:, 1]]
        return np.stack(columns, axis=1)

    scale = np.sqrt(chance @ (moments(joint) - chance @ moments(joint)) ** 2) + 1e-9
    means = moments(samples).reshape(BATCHES, -1, scale.size).mean(axis=1)
    error = means.std(axis=0, ddof=1) / np.sqrt(BATCHES) + 1e-6 * scale
    return np.max(np.abs(means.mean(axis=0) - chance @ moments(joint)) / error), np.max(error / scale)


@pytest.mark.parametrize("law", LAWS)
def test_the_stationary_law_is_the_enumerated_one(law):
    """About 50 moments in all, each beyond 6 standard errors with probability 1e-8 (Student, 199 degrees of freedom).

    A standard error is below 0.02 of a moment's standard deviation: biases of 0.12 of it are seen in any moment.
    """
    deviation, error = largest_deviation(*law)
    assert error < 0.02
    assert deviation < 6


@pytest.mark.slow
@pytest.mark.parametrize(
    ("right", "wrong", "law"),
    [
        ("= boltzmann_factors(beta, ", "= boltzmann_factors(0.9 * beta, ", 1),
        ("= level_factors(coupling, ", "= level_factors(0.9 * coupling, ", 1),
        ("-4.0 * scale * (step", "-3.6 * scale * (step", 1),
        ("if weight * step == top:", "if weight * step == top and direction:", 0),
        ("inverted = ONES if direction", "inverted = ONES if not direction", 0),
        ("[direction, (weight + top) >> 1,", "[direction, (top - weight) >> 1,", 1),
        ("- np.float64(word & low_half)", "- np.float64(word >> np.uint64(32))", 0),
    ],
)
def test_mutants_break_the_law(right, wrong, law, monkeypatch):
    mutant = mutant_of(level_metropolis, right, wrong)
    monkeypatch.setattr(annealing, "run_levels", mutant.run_levels)
    try:
        deviation = largest_deviation(*LAWS[law])[0]
    except (ValueError, IndexError):  # weights beyond the levels
        return
    assert deviation > 6


# --- annealing -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["linear", "step"])
@pytest.mark.parametrize("replicas", [1, 3])
@pytest.mark.parametrize("levels", [4, 8])
def test_solutions_are_solutions(levels, replicas, kind):
    instance = perceptron(101, 0.4, 1, levels=levels)
    run = simulated_annealing(instance, replicas, kind, seed=2)
    weights = run.weights.values
    assert run.solved and run.errors == run.energy == 0 == errors(instance, weights)
    assert set(np.unique(weights)) <= set(naive.values(levels)) and weights.dtype == np.int8
    assert any(np.array_equal(weights, other) for other in run.replica_weights.values)
    assert run.time[0] == 0 and run.energies[-1].min() == 0 and run.energies[0].min() > 0
    assert run.proposals == run.attempt_proposals.sum() and run.accepted == run.attempt_accepted.sum()
    for replica in range(replicas):
        own = run.replica_weights.values[replica]
        assert run.energies.values[-1, replica] == energy(instance, own, kind)
    assert run.attrs["coupling"] == [0, 3 * (levels - 1) ** 2 if replicas > 1 else 0]


def test_determinism_and_the_budget():
    instance = perceptron(inputs=np.ones((2, 21)), labels=[1, -1], levels=4)
    budget = 63 * (16 + 32) + 1000
    first, again = (simulated_annealing(instance, 3, max_proposals=budget, seed=5) for _ in range(2))
    assert first.identical(again) and not first.solved and first.proposals == budget
    assert first.attempt_proposals.values.tolist() == [16 * 63, 32 * 63, 1000]
    hot = simulated_annealing(instance, beta=(0, 0), max_proposals=21 * 400, sweeps=400, seed=1)
    share = float(hot.accepted / hot.proposals)
    assert share == pytest.approx(0.75, abs=0.03)  # a quarter of the moves would be beyond the end
