import subprocess
import sys

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from thermobatch.statistics.intervals import (
    Interval,
    bootstrap_interval,
    mean_interval,
    proportion_difference,
    simultaneous_band,
    simultaneous_factor,
    wilson_interval,
)

# Coverage over R repetitions is binomial; 4.9 standard deviations are a false-alarm rate of 1e-6.
Z = 4.9


def covers(interval, truth):
    return (interval.lower <= truth) & (truth <= interval.upper)


def assert_coverage(hits, confidence, slack=0.0):
    allowed = Z * np.sqrt(confidence * (1 - confidence) / len(hits)) + slack
    assert abs(hits.mean() - confidence) < allowed


@pytest.mark.parametrize("count", [2, 4, 30])
def test_mean_interval_covers(count):
    """Detects a normal quantile in place of Student's (coverage .70 at two instances)."""
    data = np.random.default_rng(1).normal(3.0, 2.0, (count, 4000))
    assert_coverage(covers(mean_interval(data, confidence=0.9), 3.0), 0.9)


def test_mean_interval_is_scipys():
    data = np.random.default_rng(2).normal(size=7)
    expected = stats.ttest_1samp(data, 0.0).confidence_interval(0.95)
    found = mean_interval(data)
    np.testing.assert_allclose([found.lower, found.upper], [expected.low, expected.high], rtol=1e-12)
    assert isinstance(found.estimate, float) and found.confidence == 0.95


def test_wilson_is_statsmodels():
    successes, trials = np.array([0, 1, 5, 16, 16]), np.array([4, 16, 7, 16, 64])
    low, high = proportion_confint(successes, trials, alpha=0.1, method="wilson")
    found = wilson_interval(successes, trials, confidence=0.9)
    np.testing.assert_allclose(found.lower, low, atol=1e-14)
    np.testing.assert_allclose(found.upper, high, atol=1e-14)
    assert wilson_interval(0, 8).lower == 0.0 and wilson_interval(8, 8).upper == 1.0


def test_the_difference_of_proportions_is_statsmodels():
    from statsmodels.stats.proportion import confint_proportions_2indep

    for first, second in (((7, 10), (2, 12)), ((0, 5), (5, 5)), ((3, 3), (9, 9))):
        found = proportion_difference(first, second, confidence=0.9)
        low, high = confint_proportions_2indep(*first, *second, method="newcomb", alpha=0.1)
        assert (found.lower, found.upper) == pytest.approx((low, high), abs=1e-12)
        assert found.estimate == pytest.approx(first[0] / first[1] - second[0] / second[1])


@pytest.mark.parametrize("method", ["BCa", "percentile", "basic"])
def test_bootstrap_interval_covers_a_mean(method):
    data = np.random.default_rng(3).normal(size=(40, 500))
    assert_coverage(
        covers(bootstrap_interval(data, seed=1, resamples=400, method=method), 0.0), 0.95, slack=0.02
    )


def test_bootstrap_interval_of_a_skewed_statistic():
    data = np.random.default_rng(4).lognormal(size=(60, 300))
    found = bootstrap_interval(data, np.median, seed=1, resamples=400)
    assert_coverage(covers(found, 1.0), 0.95, slack=0.03)


def test_bootstrap_interval_depends_on_its_seed_only():
    data = np.random.default_rng(5).normal(size=12)
    assert bootstrap_interval(data, seed=7) == bootstrap_interval(data, seed=np.random.SeedSequence(7))
    assert bootstrap_interval(data, seed=7) != bootstrap_interval(data, seed=8)
    assert bootstrap_interval(np.full(6, 2.5), seed=1) == Interval(2.5, 2.5, 2.5, 0.95)


def correlated_curves(count, points, correlation, seed):
    random = np.random.default_rng(seed)
    noise = random.normal(size=(count, points))
    curves = noise.copy()
    for t in range(1, points):
        curves[:, t] = correlation * curves[:, t - 1] + np.sqrt(1 - correlation**2) * noise[:, t]
    return curves


@pytest.mark.parametrize(("count", "correlation"), [(4, 0.0), (4, 0.9), (12, 0.9), (40, 0.99)])
def test_simultaneous_band_holds_the_whole_curve(count, correlation):
    """Detects a pointwise t interval (coverage near 0 for independent points) and a plain percentile band."""
    hits = np.array(
        [
            np.all(
                covers(
                    simultaneous_band(correlated_curves(count, 40, correlation, k), seed=k, resamples=300),
                    0.0,
                )
            )
            for k in range(200)
        ]
    )
    assert hits.mean() > 0.95 - Z * np.sqrt(0.95 * 0.05 / len(hits))


def test_simultaneous_band_profits_from_correlated_points():
    curves = np.repeat(correlated_curves(60, 1, 0.0, 1), 100, axis=1)
    factor = simultaneous_factor(curves, seed=1, confidence=0.95)
    assert 1.9 < factor < 2.4  # one point in disguise: Student's 2.00, not Bonferroni's 3.7
    band = simultaneous_band(curves, seed=1)
    np.testing.assert_allclose(band.upper - band.estimate, band.estimate - band.lower)
    assert band.estimate.shape == (100,)


def test_simultaneous_band_of_constant_points():
    curves = correlated_curves(6, 5, 0.0, 2)
    curves[:, 2] = 1.0
    band = simultaneous_band(curves, seed=1)
    assert band.lower[2] == band.upper[2] == 1.0 and band.upper[1] > band.lower[1]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mean_interval([1.0]), r"values of shape \(1,\): at least 2 instances"),
        (lambda: mean_interval(3.0), "at least 2 instances"),
        (lambda: mean_interval([1.0, np.nan]), "1 entries are not finite"),
        (lambda: mean_interval([1.0, 2.0], confidence=95), "confidence = 95"),
        (lambda: bootstrap_interval([1.0, 2.0, 3.0, 4.0], seed=1), "at least 5 instances"),
        (lambda: bootstrap_interval(np.arange(9), seed=None), "seed = None: must be a non-negative integer"),
        (lambda: bootstrap_interval(np.arange(9), seed=-1), "seed = -1"),
        (lambda: bootstrap_interval(np.arange(9), seed=1, method="bca"), "method = 'bca'"),
        (lambda: bootstrap_interval(np.arange(9), seed=1, resamples=0), "resamples = 0"),
        (lambda: simultaneous_band(np.ones((2, 5)), seed=1), "at least 3 instances"),
        (lambda: simultaneous_band(np.ones(5), seed=1), r"must be \(instances, points\)"),
        (lambda: wilson_interval(5, 4), "successes = 5"),
        (lambda: wilson_interval(0, 0), "trials = 0"),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_imports_stay_light():
    """Claims and notebooks read verdicts: no scipy.stats, statsmodels, lifelines or pandas for that."""
    code = (
        "import sys, thermobatch.statistics.equivalence, thermobatch.statistics.censored, "
        "thermobatch.statistics.optimum, thermobatch.statistics.autocorrelation;"
        "print([m for m in ('scipy.stats', 'statsmodels', 'lifelines', 'pandas') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
