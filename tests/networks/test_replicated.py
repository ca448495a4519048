"""The robust ensemble: acceptance ratios of all moves of tiny systems, its moments, its exact enumeration."""

import itertools

import numba
import numpy as np
import pytest
from naive.networks import perceptron as naive
from spin_ring import Ring, RingState, ring_energy_change, ring_flip

from thermobatch.foundation.compilation import cache_directory
from thermobatch.networks import enumeration
from thermobatch.networks.binary import energy_change, kernel_for, n_variables, register_binary_state
from thermobatch.networks.committee import committee
from thermobatch.networks.patterns import energy
from thermobatch.networks.perceptron import perceptron
from thermobatch.networks.replicated import (
    Replicated,
    alignment_of,
    coupling_factors,
    flip_replicated,
    log_weight,
)
from thermobatch.networks.threshold_units import ThresholdState

SYSTEMS = [
    (perceptron(3, 1.0, 1), "linear", 2),
    (perceptron(3, 1.0, 1), "step", 2),
    (committee(1, 3, 1.0, 2), "linear", 2),
    (committee(1, 3, 1.0, 2), "step", 3),
    (Ring(4), "bonds", 2),
    (perceptron(3, 1.0, 1), "linear", 1),
]
BETA, GAMMA = 0.7, 0.45


flip_any = kernel_for(flip_replicated, RingState)


@numba.njit
def log_ratio_and_flip(state, replica, variable, beta, factors):
    """The acceptance ratio as the sampler forms it; then the flip."""
    system, sums, centre = state
    change = np.int64(0)
    if replica < system.spins.shape[0]:
        change = energy_change(system, replica, variable)
    alignment = alignment_of(system.spins, sums, centre, replica, variable)
    flip_any(system, sums, centre, replica, variable, change)
    return -beta * change + np.log(factors[alignment + system.spins.shape[0]])


@pytest.mark.parametrize("centre", ["traced", "explicit"])
@pytest.mark.parametrize(("instance", "kind", "replicas"), SYSTEMS)
def test_ratio_of_every_move(instance, kind, replicas, centre):
    """From up to 100 states of each system."""
    ensemble = Replicated(instance, replicas, kind, centre)
    variables = n_variables(instance)
    copies = replicas + (centre == "explicit")
    factors = coupling_factors(GAMMA, replicas, centre == "explicit")
    states = naive.all_states(variables)

    def weight(state):
        v = state.centre if centre == "explicit" else None
        return log_weight(state.system.energies, state.system.spins, BETA, GAMMA, v)

    joint = list(itertools.product(range(2**variables), repeat=copies))
    chosen = np.random.default_rng(1).permutation(len(joint))[:100]
    for codes in (joint[place] for place in chosen):
        spins = states[list(codes)]
        for replica in range(copies):
            for variable in range(variables):
                state = ensemble.state(spins[:replicas].copy(), spins[-1].copy())
                before = weight(state)
                ratio = log_ratio_and_flip(state, replica, variable, BETA, factors)
                assert weight(state) - before == pytest.approx(ratio, abs=1e-12)
                assert np.array_equal(state.sums, state.system.spins.sum(axis=0))


def test_the_traced_centre_is_the_explicit_one_summed_over():
    rng = np.random.default_rng(1)
    spins = rng.choice([-1, 1], (3, 4))
    explicit = [log_weight([1, 2, 3], spins, BETA, GAMMA, v) for v in naive.all_states(4)]
    assert np.logaddexp.reduce(explicit) == pytest.approx(log_weight([1, 2, 3], spins, BETA, GAMMA))
    posterior = np.exp(explicit - np.logaddexp.reduce(explicit)) @ naive.all_states(4)
    assert posterior == pytest.approx(np.tanh(GAMMA * spins.sum(axis=0)))


@pytest.mark.parametrize("gamma", [0.0, 1.0, 400.0])
def test_factors_stay_finite(gamma):
    for explicit in (False, True):
        assert np.isfinite(coupling_factors(gamma, 7, explicit)).all()


@pytest.mark.parametrize("kind", ["linear", "step"])
@pytest.mark.parametrize(
    "instance", [perceptron(9, 1.0, 1), committee(3, 3, 1.5, 2), committee(1, 9, 1.0, 3)]
)
def test_enumeration_gives_every_energy(instance, kind):
    energies = enumeration.enumerate_energies(instance, kind)
    assert energies.size == 512
    for code in range(512):
        weights = enumeration.spins_of(code, 9)
        assert enumeration.code_of(weights) == code
        assert energies[code] == energy(instance, weights.reshape(instance.weights_shape), kind)


def test_enumeration_of_any_system():
    energies = enumeration.enumerate_energies(Ring(6), "bonds")
    assert [energies[code] for code in (0, 63, 0b010101, 0b000111)] == [0, 0, 6, 2]
    levels = enumeration.energy_levels(energies)
    assert levels.states.sel(energy=[0, 2, 4, 6]).values.tolist() == [2, 30, 30, 2]
    assert levels.entropy.sel(energy=0).item() == pytest.approx(np.log(2) / 6)


def test_a_users_class_leaves_no_trace_on_disk():
    """Other processes could not read cached machine code whose types they cannot import."""
    assert kernel_for(enumeration.fill_energies, ThresholdState) is enumeration.fill_energies
    enumeration.enumerate_energies(perceptron(3, 1.0, 1))
    enumeration.enumerate_energies(Ring(3), "bonds")
    indices = {file.name: file.read_bytes() for file in cache_directory().rglob("*.nbi")}
    assert any("fill_energies" in name for name in indices)
    assert not any(b"RingState" in content for content in indices.values())


def test_names_of_states_are_unique():
    """Numba would run the code of one class on states of another of the same name."""
    namesake = type("RingState", (), {})
    with pytest.raises(ValueError, match="'RingState' is taken"):
        register_binary_state(namesake, ring_energy_change, ring_flip)


def test_distance_profile():
    instance = perceptron(9, 0.7, 3)
    energies = enumeration.enumerate_energies(instance)
    states = naive.all_states(9)
    reference = int(np.flatnonzero(energies == 0)[0])
    profile = enumeration.distance_profile(energies, reference)
    distance = (states != states[reference]).sum(axis=1)
    for d in range(10):
        assert profile.states[d] == (distance == d).sum()
        assert profile.solutions[d] == ((distance == d) & (energies == 0)).sum()
        assert profile.energy[d] == pytest.approx(energies[distance == d].mean())
    assert profile.solutions[0] == 1 and profile.distance.values.tolist() == [d / 9 for d in range(10)]


@pytest.mark.parametrize("radius", [0, 1, 3])
def test_neighbours_of_every_solution(radius):
    energies = enumeration.enumerate_energies(perceptron(9, 0.5, 3))
    states = naive.all_states(9)
    found = enumeration.neighbouring_solutions(energies, radius)
    solutions = np.flatnonzero(energies == 0)
    assert found.code.values.tolist() == solutions.tolist() and len(solutions) > 3
    for code, neighbours in zip(solutions, found.neighbours.values, strict=True):
        distance = (states[solutions] != states[code]).sum(axis=1)
        assert neighbours == (distance <= radius).sum()


def test_local_free_entropy_by_definition():
    energies = enumeration.enumerate_energies(perceptron(7, 1.0, 1), "linear")
    states = naive.all_states(7).astype(float)
    expected = np.logaddexp.reduce(-BETA * energies + GAMMA * states @ states.T, axis=1)
    assert enumeration.local_free_entropy(energies, BETA, GAMMA) == pytest.approx(expected, rel=1e-12)
    tiny = enumeration.local_free_entropy(energies, 0.0, 0.0)
    assert tiny == pytest.approx(np.full(128, 7 * np.log(2)))


@pytest.mark.parametrize("explicit", [False, True])
@pytest.mark.parametrize("replicas", [1, 2, 3])
def test_moments_against_the_sum_over_all_replicas(replicas, explicit):
    energies = enumeration.enumerate_energies(perceptron(3, 1.0, 4), "linear")
    law = naive.replicated_law(energies, 3, replicas, BETA, GAMMA, explicit)
    codes = np.array(list(law))
    chance = np.array(list(law.values()))
    moments = enumeration.replicated_moments(energies, replicas, BETA, GAMMA)
    assert moments.log_partition == pytest.approx(np.log(chance.sum()))
    chance /= chance.sum()
    spins = naive.all_states(3)[codes].astype(float)
    first = energies[codes[:, 0]]
    assert moments.energy == pytest.approx(chance @ first)
    assert moments.energy_variance == pytest.approx(chance @ first**2 - (chance @ first) ** 2)
    assert moments.magnetization.values == pytest.approx(chance @ spins[:, 0])
    if replicas > 1:
        second = energies[codes[:, 1]]
        assert moments.energy_covariance == pytest.approx(chance @ (first * second) - (chance @ first) ** 2)
        assert moments.replica_overlap == pytest.approx(chance @ (spins[:, 0] * spins[:, 1]).mean(axis=1))
    centre = spins[:, replicas] if explicit else np.tanh(GAMMA * spins[:, :replicas].sum(axis=1))
    assert moments.centre_overlap == pytest.approx(chance @ (spins[:, 0] * centre).mean(axis=1))


@pytest.mark.parametrize("replicas", [1, 2, 3])
def test_law_of_a_replica_against_the_sum_over_the_others(replicas):
    energies = enumeration.enumerate_energies(perceptron(3, 1.0, 4), "linear")
    for beta in (BETA, np.inf):
        cut = 60.0 if np.isinf(beta) else beta
        joint = naive.replicated_law(energies, 3, replicas, cut, GAMMA, False)
        expected = np.zeros(8)
        for codes, chance in joint.items():
            expected[codes[0]] += chance
        expected /= expected.sum()
        assert enumeration.replica_law(energies, replicas, beta, GAMMA) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Replicated(Ring(3), 0, "bonds"), "replicas = 0: must be an integer >= 1"),
        (lambda: Replicated(Ring(3), True, "bonds"), "replicas = True"),
        (lambda: Replicated(Ring(3), 1, "linear"), "energy = 'linear': must be one of bonds"),
        (lambda: Replicated(Ring(3), 1, "bonds", "mean"), "centre = 'mean': must be one of traced, explicit"),
        (lambda: enumeration.enumerate_energies(perceptron(27, 1.0)), "instance has 27 variables"),
        (lambda: enumeration.enumerate_energies(perceptron(5, 1.0), "hinge"), "energy = 'hinge'"),
    ],
)
def test_bad_arguments_are_named(call, words):
    with pytest.raises(ValueError) as error:
        call()
    assert words in str(error.value)
