import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.weightstats import ttost_ind, ttost_paired

from thermobatch.statistics.equivalence import (
    curve_equivalence,
    paired_equivalence,
    ratio_equivalence,
    verdict,
)
from thermobatch.statistics.intervals import Interval

LEVEL = 0.05
Z = 4.9  # false-alarm rate 1e-6


def most_at(level, repetitions):
    """Largest share of rejections allowed by chance for a test of this level."""
    return level + Z * np.sqrt(level * (1 - level) / repetitions)


@pytest.mark.parametrize(
    ("interval", "margin", "expected"),
    [
        ((-0.5, 0.4), 1.0, "reproduced"),
        ((0.9, 1.1), (0.8, 1.25), "reproduced"),
        ((1.1, 2.0), 1.0, "not_reproduced"),
        ((-3.0, -1.5), 1.0, "not_reproduced"),
        ((0.5, 1.5), 1.0, "inconclusive"),
        ((-9.0, 9.0), 1.0, "inconclusive"),
        ((0.5, np.inf), (0.8, 1.25), "inconclusive"),
        ((2.0, np.inf), (0.8, 1.25), "not_reproduced"),
        ((np.nan, np.nan), 1.0, "inconclusive"),
        ((-1.0, 0.0), 1.0, "inconclusive"),
        ((0.1, np.inf), (0.0, np.inf), "reproduced"),
        ((-np.inf, -0.1), (-np.inf, 0.0), "reproduced"),
        ((-0.1, np.inf), (0.0, np.inf), "inconclusive"),
        ((-np.inf, -0.1), (0.0, np.inf), "not_reproduced"),
        ((np.nan, np.inf), (-np.inf, np.inf), "inconclusive"),
    ],
)
def test_verdict(interval, margin, expected):
    assert verdict(interval, margin) == expected
    assert verdict(Interval(np.mean(interval), *interval, 0.9), margin) == expected


def test_paired_is_statsmodels():
    random = np.random.default_rng(1)
    first, second = random.normal(0.1, 1.0, 12), random.normal(0.0, 1.0, 12)
    p_value, *_ = ttost_paired(first, second, -0.7, 0.9)
    found = paired_equivalence(first - second, (-0.7, 0.9))
    assert found.p_value == pytest.approx(p_value, rel=1e-9)
    expected = stats.ttest_1samp(first - second, 0.0).confidence_interval(0.9)
    np.testing.assert_allclose([found.lower, found.upper], expected, rtol=1e-12)
    assert (found.verdict == "reproduced") == (found.p_value < 0.05)


@pytest.mark.slow
def test_paired_keeps_its_level_at_the_margin():
    """A false equivalence, the true difference on the margin, is accepted at most at the level."""
    random = np.random.default_rng(2)
    repetitions = 2000
    verdicts = [paired_equivalence(random.normal(0.5, 0.3, 8), 0.5).verdict for _ in range(repetitions)]
    assert verdicts.count("reproduced") / repetitions < most_at(LEVEL, repetitions)
    assert verdicts.count("not_reproduced") / repetitions < most_at(LEVEL, repetitions)
    assert verdicts.count("reproduced") / repetitions > 0.02


def test_paired_finds_equivalence_and_its_opposite():
    random = np.random.default_rng(3)
    assert paired_equivalence(random.normal(0.0, 0.1, 8), 0.5).verdict == "reproduced"
    assert paired_equivalence(random.normal(1.0, 0.1, 8), 0.5).verdict == "not_reproduced"
    assert paired_equivalence(random.normal(0.0, 3.0, 4), 0.5).verdict == "inconclusive"
    assert paired_equivalence(np.zeros(3), 0.5).p_value == 0.0
    assert paired_equivalence(np.ones(3), 0.5).verdict == "not_reproduced"


def test_unpaired_ratio_is_statsmodels():
    random = np.random.default_rng(4)
    first, second = random.lognormal(0.05, 0.3, 14), random.lognormal(0.0, 0.1, 9)
    p_value, *_ = ttost_ind(np.log(first), np.log(second), np.log(0.8), np.log(1.25), usevar="unequal")
    assert ratio_equivalence(first, second, paired=False).p_value == pytest.approx(p_value, rel=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("paired", [True, False])
def test_ratio_keeps_its_level_at_the_margin(paired):
    random = np.random.default_rng(5)
    repetitions = 2000
    accepted = 0
    for _ in range(repetitions):
        graph = random.normal(0.0, 1.0 if paired else 0.0, 10)
        first = np.exp(graph + random.normal(np.log(1.25), 0.1, 10))
        second = np.exp(graph + random.normal(0.0, 0.1, 10))
        accepted += ratio_equivalence(first, second, paired=paired).verdict == "reproduced"
    assert 0.02 < accepted / repetitions < most_at(LEVEL, repetitions)


def test_pairing_removes_the_spread_of_the_instances():
    random = np.random.default_rng(6)
    graph = np.exp(random.normal(0.0, 1.0, 10))
    first, second = graph * random.lognormal(0.0, 0.05, 10), graph * random.lognormal(0.0, 0.05, 10)
    assert ratio_equivalence(first, second).verdict == "reproduced"
    assert ratio_equivalence(first, second, paired=False).verdict == "inconclusive"


def curves(count, points, excess, seed):
    random = np.random.default_rng(seed)
    truth = np.zeros(points)
    truth[points // 2] = excess
    return truth + random.normal(0.0, 0.3, (count, points)) + random.normal(0.0, 0.1, (count, 1))


@pytest.mark.parametrize("points", [1, 30])
@pytest.mark.parametrize("count", [4, 20])
def test_curves_that_differ_at_one_point_are_not_called_equal(points, count):
    """The difference sits exactly on the margin at one of the points: worst case of the test."""
    repetitions = 400
    found = [
        curve_equivalence(curves(count, points, 1.0, k), 1.0, seed=k, resamples=200)
        for k in range(repetitions)
    ]
    assert sum(f.verdict == "reproduced" for f in found) / repetitions < most_at(LEVEL, repetitions)
    assert sum(f.verdict == "not_reproduced" for f in found) / repetitions < most_at(LEVEL, repetitions)
    assert sum(f.bounds[1] < 1.0 for f in found) / repetitions < most_at(LEVEL, repetitions)


def test_curves_power_and_fields():
    equal = curve_equivalence(curves(8, 50, 0.0, 1), 1.0, seed=1)
    assert equal.verdict == "reproduced" and equal.p_value < 0.05 and equal.bounds[0] >= 0.0
    assert equal.margin == (0.0, 1.0) and equal.confidence == pytest.approx(0.9)
    assert equal.lower <= equal.estimate <= equal.upper < 1.0
    different = curve_equivalence(curves(8, 50, 4.0, 1), 1.0, seed=1)
    assert different.verdict == "not_reproduced" and different.bounds[0] > 1.0
    assert curve_equivalence(curves(3, 50, 0.9, 1), 1.0, seed=1).verdict == "inconclusive"
    assert curve_equivalence(np.zeros((4, 6)), 1.0, seed=1).verdict == "reproduced"


def test_p_value_and_bound_agree():
    for k in range(40):
        found = curve_equivalence(curves(5, 10, 0.4, k), 1.0, seed=1, resamples=100)
        assert (found.p_value < 0.05) == (found.bounds[1] < 1.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: paired_equivalence([0.1], 1.0), r"differences of shape \(1,\): at least 2 instances"),
        (lambda: paired_equivalence(np.zeros((3, 2)), 1.0), "one value per instance"),
        (lambda: paired_equivalence([0.1, 0.2], 0.0), "margin = 0.0"),
        (lambda: paired_equivalence([0.1, 0.2], (1.0, -1.0)), "margin = "),
        (lambda: paired_equivalence([0.1, 0.2], 1.0, alpha=0.5), "alpha = 0.5"),
        (lambda: ratio_equivalence([1.0, -2.0], [1.0, 2.0]), "first: holds -2"),
        (lambda: ratio_equivalence([1.0, 2.0, 3.0], [1.0, 2.0]), "3 and 2 instances"),
        (lambda: ratio_equivalence([1.0, 2.0], [1.0, 2.0], (-0.1, 1.2)), "must be ratios"),
        (lambda: curve_equivalence(np.zeros((2, 4)), 1.0, seed=1), "at least 3 instances"),
        (lambda: curve_equivalence(np.zeros(4), 1.0, seed=1), r"must be \(instances, points\)"),
        (lambda: curve_equivalence(np.zeros((4, 4)), -1.0, seed=1), "margin = -1.0: must be positive"),
        (lambda: verdict((2.0, 1.0), 1.0), "interval = "),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()
