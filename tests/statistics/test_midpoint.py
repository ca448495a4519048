"""Midpoints of logistic curves: on known curves, at jumps, and how often their intervals cover."""

import numpy as np
import pytest
import statsmodels.api as sm

from thermobatch.statistics.midpoint import midpoint, midpoint_draws

X = np.array([15.0, 16.0, 17.0, 18.0, 19.0])


def test_it_is_that_of_statsmodels_where_that_exists():
    successes, trials = np.array([1, 4, 9, 17, 19]), np.full(5, 20)
    fit = sm.GLM(
        np.column_stack([successes, trials - successes]), sm.add_constant(X), family=sm.families.Binomial()
    ).fit()
    expected = -fit.params[0] / fit.params[1]
    assert midpoint(X, successes, trials) == pytest.approx(expected, abs=0.03)  # a step of the grid is 0.02


def test_a_jump_has_its_middle_and_an_interval():
    successes, trials = [0, 0, 6, 6, 6], [6] * 5
    assert midpoint(X, successes, trials) == pytest.approx(16.5, abs=0.02)
    low, high = np.quantile(midpoint_draws(X, successes, trials, seed=1), [0.05, 0.95])
    assert 16 < low < 16.4 and 16.6 < high < 17


def test_none_and_all_are_at_the_ends():
    assert midpoint(X, [0] * 5, [8] * 5) > 19
    assert midpoint(X, [8] * 5, [8] * 5) < 15


@pytest.mark.slow
def test_intervals_cover():
    """Of 400 sets of 8 runs a place, 90% intervals hold the midpoint of 86% or more (false alarm below 1% at 90%)."""
    random = np.random.default_rng(3)
    covered = 0
    for k in range(400):
        middle = random.uniform(16.2, 17.8)
        shares = 1 / (1 + np.exp(-(X - middle) / 0.4))
        draws = midpoint_draws(X, random.binomial(8, shares), [8] * 5, count=400, seed=k)
        low, high = np.quantile(draws, [0.05, 0.95])
        covered += low <= middle <= high
    assert covered >= 0.86 * 400


@pytest.mark.parametrize(
    ("x", "successes", "trials", "words"),
    [
        ([1.0], [1], [2], "at least two places"),
        ([2.0, 1.0], [1, 1], [2, 2], "increasing"),
        ([1.0, 2.0], [1], [2, 2], "one per place"),
        ([1.0, 2.0], [3, 1], [2, 2], "between 0 and trials"),
        ([1.0, 2.0], [0, 0], [0, 2], "at least 1"),
    ],
)
def test_wrong_arguments_are_named(x, successes, trials, words):
    with pytest.raises(ValueError, match=words):
        midpoint(x, successes, trials)
