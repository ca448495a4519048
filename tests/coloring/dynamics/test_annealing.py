"""Replicated annealing of colourings: the Potts coupling, its acceptance ratios and equilibrium, planted recovery."""

import itertools

import numba
import numpy as np
import pytest
from mutants import mutant_of

from thermobatch.coloring import replicated as replicated_coloring
from thermobatch.coloring.colorings import overlap
from thermobatch.coloring.dynamics import annealing as coloring_annealing
from thermobatch.coloring.dynamics.annealing import anneal_colors, replicated_coloring_annealing
from thermobatch.coloring.graph import ColoringGraph, energy, planted_coloring, random_coloring
from thermobatch.coloring.replicated import coloring_log_weight, replicated_colors
from thermobatch.foundation.streams import random_stream
from thermobatch.networks.replicated import log_weight

EDGES = [(0, 1), (0, 2), (1, 2), (2, 3), (2, 3)]
GRAPH = ColoringGraph.from_edges(EDGES, 4, 3)


def test_two_colours_are_binary_variables():
    """Up to a constant, the coupling at q = 2 is that of spins +-1."""
    rng = np.random.default_rng(1)
    differences = []
    for _ in range(20):
        colors = rng.integers(0, 2, (3, 6))
        potts = coloring_log_weight([1, 2, 3], colors, 2, 0.7, 0.4)
        differences.append(potts - log_weight([1, 2, 3], 2 * colors - 1, 0.7, 0.4))
    assert differences == pytest.approx([differences[0]] * 20)


def test_the_coupling_is_the_sum_over_centres():
    colors = np.random.default_rng(1).integers(0, 3, (3, 4))
    centres = np.array(list(itertools.product(range(3), repeat=4)))
    agreeing = (centres[:, None, :] == colors).sum(axis=(1, 2))
    explicit = np.logaddexp.reduce(2 * 0.4 * agreeing)
    assert coloring_log_weight([0, 0, 0], colors, 3, 0.7, 0.4) == pytest.approx(explicit)


@numba.njit
def move(state, replica, vertex, new, powers):
    colors, counts, energies, offsets, neighbors = state
    cost = replicated_coloring.recoloring_cost(colors, offsets, neighbors, (replica, vertex), new)
    ratio = replicated_coloring.centre_ratio(counts, vertex, colors[replica, vertex], new, powers)
    replicated_coloring.recolor(colors, counts, (replica, vertex), new)
    energies[replica] += cost
    return cost, ratio


@pytest.mark.parametrize("gamma", [0.0, 0.4, 3.0])
@pytest.mark.parametrize("replicas", [1, 2, 5])
def test_ratio_of_every_move(replicas, gamma):
    powers = np.exp(2 * gamma * np.arange(-replicas, 2))
    rng = np.random.default_rng(1)
    for _ in range(20):
        colors = rng.integers(0, 3, (replicas, 4)).astype(np.uint8)
        for replica, vertex, new in np.ndindex(replicas, 4, 3):
            if new == colors[replica, vertex]:
                continue
            state = replicated_colors(GRAPH, colors)
            before = coloring_log_weight(state.energies, state.colors, 3, 0.8, gamma)
            cost, ratio = move(state, replica, vertex, new, powers)
            after = coloring_log_weight(state.energies, state.colors, 3, 0.8, gamma)
            assert -0.8 * cost + np.log(ratio) == pytest.approx(after - before, abs=1e-9)
            fresh = replicated_colors(GRAPH, state.colors)
            assert np.array_equal(state.counts, fresh.counts)
            assert np.array_equal(state.energies, fresh.energies)


def exact_moments(graph, replicas, beta, gamma):
    """Mean energy of a replica, its square, and the mean agreement of two replicas."""
    single = np.array(list(itertools.product(range(graph.q), repeat=graph.n)))
    energies = np.array([energy(graph, colors) for colors in single])
    joint = np.array(list(itertools.product(range(len(single)), repeat=replicas)))
    weights = [coloring_log_weight(energies[row], single[row], graph.q, beta, gamma) for row in joint]
    chance = np.exp(np.array(weights) - max(weights))
    chance /= chance.sum()
    first, last = single[joint[:, 0]], single[joint[:, -1]]
    values = energies[joint[:, 0]], energies[joint[:, 0]] ** 2.0, (first == last).mean(axis=1)
    return [float(chance @ value) for value in values]


def largest_deviation(anneal, graph, replicas, temperature, gamma, sweeps=200_000, batches=200):
    """Largest |z| of these moments in a long run at fixed temperature and coupling."""
    state = replicated_colors(graph, np.zeros((replicas, graph.n), np.uint8))
    trace = coloring_annealing.ColorTrace(
        np.arange(0, sweeps + 1, 2),
        np.zeros((sweeps // 2 + 1, replicas), np.int64),
        np.zeros((sweeps // 2 + 1, replicas, graph.n), np.uint8),
    )
    ramps = ((temperature, temperature), (gamma, gamma))
    rows = anneal(state, ramps, sweeps, False, trace, random_stream(3))[2]
    assert rows == sweeps // 2 + 1
    energies, colors = trace.energies[1:, 0].astype(float), trace.colors[1:]
    series = energies, energies**2, (colors[:, 0] == colors[:, -1]).mean(axis=1)
    deviations = []
    for values, exact in zip(series, exact_moments(graph, replicas, 1 / temperature, gamma), strict=True):
        means = values.reshape(batches, -1).mean(axis=1)
        deviations.append(abs(means.mean() - exact) / max(means.std(ddof=1) / np.sqrt(batches), 1e-9))
    return max(deviations)


PAIR = ColoringGraph.from_edges([(0, 1), (0, 1), (1, 2)], 3, 3)


@pytest.mark.parametrize(
    ("graph", "replicas", "temperature", "gamma"),
    [(PAIR, 2, 0.8, 0.5), (PAIR, 3, 1.2, 0.3), (GRAPH, 1, 0.7, 0.5)],
)
def test_equilibrium(graph, replicas, temperature, gamma):
    """9 moments within 6 standard errors (false alarm below 1e-6, Student with 199 degrees); errors are about 0.004."""
    assert largest_deviation(anneal_colors, graph, replicas, temperature, gamma) < 6


@pytest.mark.slow
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("new += np.int64(new >= old)", "new += np.int64(new > old)"),
        ("np.exp(2.0 * gamma", "np.exp(1.9 * gamma"),
        ("-changes / now", "-changes / (1.05 * now)"),
    ],
)
def test_mutants_break_the_equilibrium(right, wrong):
    mutant = mutant_of(coloring_annealing, right, wrong)
    assert largest_deviation(mutant.anneal_colors, PAIR, 2, 0.8, 0.5) > 6


def test_what_is_recorded():
    graph = planted_coloring(60, 3, 4.0, seed=1)
    initial = np.random.default_rng(1).integers(0, 3, (3, 60))
    run = replicated_coloring_annealing(
        graph, 3, sweeps=20, records=4, initial=initial, stop_at_solution=False, seed=1
    )
    assert run.time.values.tolist() == [0, 5, 10, 15, 20]
    assert run.proposals == 20 * 3 * 60 and 0 < run.accepted < run.proposals
    for row, colors in ((0, initial), (-1, run.replica_colors.values)):
        assert run.energy.values[row] == pytest.approx([energy(graph, c) / 60 for c in colors])
        assert run.overlap.values[row] == pytest.approx([overlap(c, graph.planted, 3) for c in colors])
        pairs = [(colors[a] != colors[b]).mean() for a, b in ((0, 1), (0, 2), (1, 2))]
        assert run.distance.values[row] == pytest.approx(np.mean(pairs))
    assert run.errors == energy(graph, run.colors.values)
    assert "overlap" not in replicated_coloring_annealing(random_coloring(60, 3, 2.0, 1), sweeps=2)
    for variable in run.variables.values():
        assert {"units", "long_name"} <= set(variable.attrs)


def test_determinism_and_stopping():
    graph = random_coloring(200, 4, 3.0, seed=1)
    first, again = (replicated_coloring_annealing(graph, 2, sweeps=300, seed=3) for _ in range(2))
    assert first.identical(again)
    assert first.solved and first.errors == 0 and first.time[-1] < 300
    assert energy(graph, first.colors.values) == 0
    assert first.proposals == first.time[-1] * 2 * 200


@pytest.mark.parametrize("replicas", [1, 3])
def test_an_easy_planted_colouring_is_recovered(replicas):
    graph = planted_coloring(1000, 5, 30.0, seed=2)
    run = replicated_coloring_annealing(
        graph, replicas, temperature=(1.5, 0.2), coupling=(0, 0.6), sweeps=300, seed=1
    )
    assert run.overlap[-1].max() > 0.95


def test_strong_coupling_binds_the_replicas():
    graph = random_coloring(500, 5, 10.0, seed=1)
    apart, bound = (
        replicated_coloring_annealing(graph, 3, coupling=(0, g), temperature=(1, 0.5), sweeps=200, seed=1)
        for g in (0.0, 3.0)
    )
    assert apart.distance[-1] == pytest.approx(0.8, abs=0.05)
    assert bound.distance[-1] < 0.1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"replicas": 0}, "replicas = 0: must be an integer >= 1"),
        ({"temperature": (1, 0)}, "temperature = 0.0: must be a finite number > 0"),
        ({"temperature": 1}, "temperature = 1: must be two numbers"),
        ({"coupling": (-1, 1)}, "coupling[0] = -1"),
        ({"coupling": (0, 301)}, "coupling = 301.0: must be in [0, 300]"),
        ({"sweeps": 0}, "sweeps = 0"),
        ({"initial": [[0, 1, 2, 0]]}, "initial has 1 rows: must be 2"),
        ({"initial": [[0, 1, 2, 3]] * 2}, "initial has colours 0..3: must be in 0..2"),
    ],
)
def test_bad_arguments_are_named(options, words):
    with pytest.raises(ValueError) as error:
        replicated_coloring_annealing(GRAPH, **({"replicas": 2} | options))
    assert words in str(error.value)
