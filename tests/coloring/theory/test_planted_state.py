import numpy as np
import pytest
from naive.coloring import tree_reconstruction as naive

from thermobatch.coloring.theory.equilibrium import neighbour_count_law, paramagnetic_energy
from thermobatch.coloring.theory.planted_state import convolve, planted_state
from thermobatch.coloring.theory.tree_population import Broadcast, TreePopulation

Z = 4.9  # false-alarm rate 1e-6


@pytest.mark.parametrize("x", [0.0, 0.2, 1.0])
def test_neighbour_counts_against_all_colourings(x):
    random = np.random.default_rng(1)
    cavity = random.dirichlet(np.ones(3), size=4)
    counts = np.empty((6, 6))
    for old in range(3):
        found = np.zeros((5, 5))
        for new in {0, 1, 2} - {old}:
            convolve(counts, cavity, old, new, 1 - x)
            found += [[counts[a, b] / 2 if a + b <= 4 else 0.0 for b in range(5)] for a in range(5)]
        np.testing.assert_allclose(found, naive.neighbour_count_law(cavity, old, x), atol=1e-14)


def test_melted_state_is_the_paramagnet():
    state = planted_state(2.0, mean_degree=6.0, q=3, population=4000)
    assert abs(state.overlap) < 1e-6
    law = neighbour_count_law(2.0, mean_degree=6.0, q=3, max_count=len(state.probability) - 1).probability
    np.testing.assert_allclose(state.probability, law, atol=2e-4)
    assert state.energy == pytest.approx(paramagnetic_energy(2.0, mean_degree=6.0, q=3), rel=2e-3)


def test_zero_temperature_is_the_planted_colouring_up_to_free_vertices():
    state = planted_state(0.0, mean_degree=19.0, population=2000)
    assert state.energy == 0.0 and 0.9 < state.overlap < 1.0
    assert state.probability[1:].sum() == 0.0 and state.probability.sum() == pytest.approx(1.0)


def test_energy_from_vertices_is_the_energy_from_edges():
    """On an edge of the planted graph P(same colour) = x S/(1 - (1 - x) S), S = sum_s eta_i(s) eta_j(s)."""
    c, q, temperature, size = 19.0, 5, 0.7, 6000
    x = np.exp(-1 / temperature)
    population = TreePopulation(q, size, 2)
    for _ in range(60):
        population.update(Broadcast(c, 0.0, 1 - x))
    random = np.random.default_rng(3)
    first, second = population.messages, population.messages[random.permutation(size)]
    rows, colours = np.arange(size), random.integers(1, q, size)
    second[rows, 0], second[rows, colours] = second[rows, colours].copy(), second[rows, 0].copy()
    product = (first * second).sum(axis=1)
    edges = c / 2 * x * product / (1 - (1 - x) * product)
    state = planted_state(temperature, mean_degree=c, q=q, population=size, seed=4)
    assert abs(state.energy - edges.mean()) < Z * 2 * edges.std() / np.sqrt(size)
    assert paramagnetic_energy(temperature, mean_degree=c) > 3 * state.energy


def test_overlap_falls_with_temperature_and_the_state_melts():
    states = [planted_state(t, mean_degree=19.0, population=1000) for t in (0.3, 0.5, 0.7, 1.0)]
    overlaps = [state.overlap for state in states]
    assert overlaps[0] > overlaps[1] > overlaps[2] > 0.7 and abs(overlaps[3]) < 1e-3
    energies = [state.energy for state in states]
    assert np.all(np.diff(energies) > 0)


def test_seeds_decide():
    first, again, other = (planted_state(0.5, mean_degree=8.0, population=200, seed=s) for s in (1, 1, 2))
    assert first.energy == again.energy != other.energy


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: planted_state(-1.0, mean_degree=19.0), r"temperature = -1\.0"),
        (lambda: planted_state(0.5, mean_degree=0.0), r"mean_degree = 0\.0"),
        (lambda: planted_state(0.5, mean_degree=19.0, population=10), "population = 10"),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()
