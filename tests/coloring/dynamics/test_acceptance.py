"""Acceptance tables against brute force over flags, and the law of the mini-batches themselves."""

import itertools
import math

import numpy as np
import pytest
import scipy.stats
from coloring_laws import FALSE_ALARM
from naive.coloring import dynamics as naive

from thermobatch.coloring.dynamics.acceptance import (
    half_edge_acceptance,
    half_edge_probability,
    metropolis_acceptance,
    probability_thresholds,
)
from thermobatch.coloring.dynamics.edge_batches import (
    draw_batch,
    exact_edge_batch,
    half_edge_batch,
    shared_edge_batch,
)
from thermobatch.coloring.graph import ColoringGraph, random_coloring
from thermobatch.foundation.compilation import kernel
from thermobatch.foundation.streams import random_stream


@pytest.mark.parametrize("fraction", [1e-3, 0.2, 0.6, 0.9, 1.0])
def test_half_edge_table_is_the_sum_over_all_flags(fraction):
    table = half_edge_probability(fraction, 5)
    expected = [[naive.half_edge_probability(old, new, fraction) for new in range(6)] for old in range(6)]
    np.testing.assert_allclose(table, expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("fraction", [0.05, 0.5, 0.93])
def test_half_edge_table_at_large_degree_is_that_of_binomial_variates(fraction):
    table = half_edge_probability(fraction, 300)
    for old, new in itertools.product((0, 3, 80, 300), repeat=2):
        k = np.arange(old + 1)
        expected = (scipy.stats.binom.pmf(k, old, fraction) * scipy.stats.binom.cdf(k, new, fraction)).sum()
        assert table[old, new] == pytest.approx(expected, rel=1e-9, abs=1e-300)


def test_half_edge_table_limits():
    table = half_edge_probability(0.7, 40)
    assert np.all(table[:, 0] == 1.0) and np.all((table >= 0) & (table <= 1))
    assert np.all(np.diff(table, axis=0) >= -1e-15) and np.all(np.diff(table, axis=1) <= 1e-15)
    full = half_edge_probability(1.0, 40)
    old, new = np.indices(full.shape)
    assert np.array_equal(full, (new <= old).astype(float))
    np.testing.assert_allclose(half_edge_probability(1e-9, 40), 1.0, atol=1e-7)


def test_half_edge_ratio_tends_to_a_temperature_as_the_batch_becomes_full():
    """a_B(0, 1) / a_B(1, 0) = 1 - B: the limit T -> -1/ln(1 - B) of B -> 1."""
    for fraction in (0.9, 0.99, 0.999):
        table = half_edge_probability(fraction, 1)
        assert table[0, 1] / table[1, 0] == pytest.approx(1 - fraction, rel=1e-12)


@pytest.mark.parametrize("temperature", [0, 1e-320, 0.05, 0.5, 1.2, 1e6])
def test_metropolis_thresholds(temperature):
    acceptance = metropolis_acceptance(temperature, 7)
    for old, new in itertools.product(range(8), repeat=2):
        threshold = int(acceptance.thresholds[acceptance.origin + acceptance.stride * old + new])
        probability = naive.metropolis_probability(old, new, temperature)
        assert threshold == pytest.approx(probability * 2**63, rel=1e-15, abs=0.5)
        assert temperature > 0 or threshold == (2**63 if new <= old else 0)


def test_half_edge_thresholds_are_indexed_by_both_counts():
    acceptance = half_edge_acceptance(0.8, 6)
    table = half_edge_probability(0.8, 6)
    for old, new in itertools.product(range(7), repeat=2):
        threshold = acceptance.thresholds[acceptance.origin + acceptance.stride * old + new]
        assert threshold == probability_thresholds(table[old, new])


@pytest.mark.parametrize("fraction", [0, -0.1, 1.2, math.nan, "0.5", True, None])
def test_bad_batch_fractions_are_rejected(fraction):
    with pytest.raises(ValueError, match=r"batch_fraction = .*: must be in \(0, 1\]"):
        half_edge_probability(fraction, 5)


@pytest.mark.parametrize("temperature", [-0.1, math.nan, math.inf, "1"])
def test_bad_temperatures_are_rejected(temperature):
    with pytest.raises(ValueError, match=r"temperature = .*: must be a finite number >= 0"):
        metropolis_acceptance(temperature, 5)


def test_too_large_tables_are_rejected():
    with pytest.raises(ValueError, match=r"max_degree = 1024: must be an integer in 0\.\.1023"):
        half_edge_probability(0.5, 1024)


@kernel
def draw_many(batch, state, count):
    sets = np.empty(count, np.int64)
    for k in range(count):
        draw_batch(batch, state)
        sets[k] = 0
        for flag in batch.flags:
            sets[k] = 2 * sets[k] + flag
    return sets


@pytest.mark.parametrize("fraction", [0.2, 0.4, 0.6, 1.0])
def test_exact_batches_are_uniform_over_subsets(fraction):
    """5 edges, 40 000 draws: a subset whose probability is off by 10% would be seen."""
    graph = ColoringGraph.from_edges([(0, 1), (1, 2), (2, 3), (3, 0), (0, 2)], 4, 3)
    batch = exact_edge_batch(graph, fraction)
    drawn, counts = np.unique(draw_many(batch, random_stream(1), 40_000), return_counts=True)
    size = round(5 * fraction)
    assert {int(number).bit_count() for number in drawn} == {size} and drawn.size == math.comb(5, size)
    assert drawn.size == 1 or scipy.stats.chisquare(counts).pvalue > FALSE_ALARM


@pytest.mark.parametrize(("make", "n_flags"), [(shared_edge_batch, 3), (half_edge_batch, 6)])
@pytest.mark.parametrize("fraction", [0.3, 1.0])
def test_independent_flags_have_the_product_law(make, n_flags, fraction):
    graph = ColoringGraph.from_edges([(0, 1), (1, 2), (2, 0)], 3, 3)
    numbers = draw_many(make(graph, fraction), random_stream(2), 40_000)
    ones = np.array([int(number).bit_count() for number in range(2**n_flags)])
    expected = 40_000 * fraction**ones * (1 - fraction) ** (n_flags - ones)
    counts = np.bincount(numbers, minlength=2**n_flags)
    assert np.all(counts[expected == 0] == 0)
    assert (
        fraction == 1
        or scipy.stats.chisquare(counts[expected > 0], expected[expected > 0]).pvalue > FALSE_ALARM
    )


def test_exact_batches_have_the_size_people_mean():
    graph = random_coloring(100, 3, 2.0, 0)
    assert [exact_edge_batch(graph, fraction).size for fraction in (0.29, 0.57, 0.999, 1.0)] == [
        29,
        57,
        99,
        100,
    ]
    with pytest.raises(ValueError, match=r"batch_fraction = 0\.001: must give at least one of the 100 edges"):
        exact_edge_batch(graph, 0.001)
