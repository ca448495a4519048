"""Bootstrap samples are drawn until their own error cannot turn a verdict."""

import numpy as np
import pytest

from thermobatch.statistics import intervals
from thermobatch.statistics.censored import median_ratio, ratio_draws
from thermobatch.statistics.convergence import resampled_verdict
from thermobatch.statistics.equivalence import curve_equivalence
from thermobatch.statistics.resampling import quantile_error


def normal(count, seed):
    return np.random.default_rng(seed).normal(size=count)


def test_the_error_of_a_quantile_is_its_scatter():
    bounds = [np.quantile(normal(4000, k), 0.05) for k in range(200)]
    assert quantile_error(normal(4000, 1), 0.05) == pytest.approx(np.std(bounds), rel=0.25)
    assert quantile_error(np.ones(100), 0.05) == 0
    assert quantile_error(np.where(np.arange(1000) < 950, 0.0, np.inf), 0.95) > 1e300


def test_more_samples_only_where_they_matter():
    """The 90% interval of a standard normal ends at +-1.645."""
    far = resampled_verdict(normal, 3.0, seed=1)
    assert (far.verdict, far.resamples, far.settled) == ("reproduced", 2000, True)
    near = resampled_verdict(normal, 1.8, seed=1, most=256_000)
    assert near.settled and near.resamples > 2000 and near.verdict == "reproduced"
    assert max(near.errors) < 0.1 * (1.8 - near.upper)
    assert near.upper == pytest.approx(1.645, abs=5 * near.errors[1])


def test_what_samples_cannot_settle_is_inconclusive_and_says_so():
    hair = resampled_verdict(normal, 1.646, seed=1, most=4000)
    assert not hair.settled and hair.verdict == "inconclusive" and hair.resamples == 4000
    assert "NOT SETTLED after 4000 bootstrap samples" in hair.words
    assert resampled_verdict(lambda n, s: 1 + 0 * normal(n, s), (1.0, np.inf), seed=1).settled


def test_the_same_seed_keeps_the_samples_drawn_before():
    drawn = []

    def draw(count, seed):
        drawn.append(normal(count, seed))
        return drawn[-1]

    resampled_verdict(draw, 1.7, seed=3, most=8000)
    assert [len(block) for block in drawn] == [2000, 2000, 4000]
    first = list(drawn)
    drawn.clear()
    resampled_verdict(draw, 9.0, seed=3)
    np.testing.assert_array_equal(drawn[0], first[0])


def test_draws_of_a_ratio_are_those_of_its_interval():
    random = np.random.default_rng(2)
    times = random.exponential(1.0, (2, 30))
    observed = times < 1.5
    sample = (times[0], observed[0], times[1], observed[1])
    found = median_ratio(*sample, seed=4, confidence=0.9, resamples=500)
    low, high = ratio_draws(*sample)(500, 4)
    assert np.quantile(low, 0.05, method="inverted_cdf") == found.lower and np.all(low <= high)
    settled = resampled_verdict(ratio_draws(*sample), (0.01, 100.0), seed=4)
    assert settled.verdict == "reproduced"


def test_a_curve_at_the_margin_draws_more(monkeypatch):
    calls, whole = [], intervals._largest_deviations

    def counting(scores, resamples, random):
        calls.append(resamples)
        return whole(scores, resamples, random)

    monkeypatch.setattr(intervals, "_largest_deviations", counting)
    shared = np.random.default_rng(1).normal(size=(30, 1))
    values = 1.0 + shared + 0.05 * np.random.default_rng(2).normal(size=(30, 5))
    found = curve_equivalence(values, 2.0, seed=1)
    assert len(calls) == 1, "clearly below the margin"
    calls.clear()
    hair = curve_equivalence(values, found.bounds[0] * 1.0001, seed=1)
    assert sum(calls) == 16 * 2000 and hair.verdict == "inconclusive" and "NOT SETTLED" in hair.method


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: resampled_verdict(normal, 1.0, seed=1, first=10), "resamples = 10"),
        (lambda: resampled_verdict(normal, 1.0, seed=1, most=100), "most = 100"),
        (lambda: resampled_verdict(lambda n, s: np.ones(3), 1.0, seed=1), r"returned shape \(3,\)"),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()
