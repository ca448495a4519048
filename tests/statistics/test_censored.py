import lifelines
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines.statistics import logrank_test as lifelines_logrank
from naive import statistics as naive

from thermobatch.statistics.censored import logrank, median_ratio, median_time, medians, survival_curve

Z = 4.9  # false-alarm rate 1e-6


def exponential(random, count, median, cap):
    """Arrivals at rate ln 2 / median, censored at the cap."""
    times = random.exponential(median / np.log(2), count)
    return np.minimum(times, cap), times <= cap


runs = st.lists(st.tuples(st.integers(1, 12), st.booleans()), min_size=1, max_size=25)


@settings(deadline=None)
@given(runs)
def test_survival_and_median_against_naive_loops(sample):
    times, observed = np.array(sample).T
    curve = survival_curve(times, observed.astype(bool))
    expected = [naive.survival(times, observed, t) for t in curve.time]
    np.testing.assert_allclose(curve.survival, expected, atol=1e-12)
    assert np.all((curve.lower <= curve.survival + 1e-12) & (curve.survival <= curve.upper + 1e-12))
    assert curve.censored.sum() == np.count_nonzero(observed == 0)
    ones = np.ones((1, len(times)))
    assert medians(times.astype(float), observed.astype(bool), ones)[0] == naive.median(times, observed)


@settings(deadline=None, max_examples=30)
@given(runs, st.integers(0, 1000))
def test_weighted_medians_are_those_of_repeated_runs(sample, seed):
    times, observed = np.array(sample).T
    weights = np.random.default_rng(seed).multinomial(len(times), np.full(len(times), 1 / len(times)), size=4)
    found = medians(times.astype(float), observed.astype(bool), weights.astype(float))
    repeated = [naive.median(np.repeat(times, w), np.repeat(observed, w)) for w in weights]
    np.testing.assert_array_equal(found, repeated)


def test_curve_and_logrank_are_lifelines():
    random = np.random.default_rng(1)
    first, second = exponential(random, 40, 3.0, 8.0), exponential(random, 30, 5.0, 8.0)
    fitter = lifelines.KaplanMeierFitter(alpha=0.1).fit(*first)
    curve = survival_curve(*first, confidence=0.9)
    theirs = fitter.survival_function_at_times(curve.time).to_numpy()
    np.testing.assert_allclose(curve.survival, theirs, atol=1e-12)
    bounds = fitter.confidence_interval_.loc[curve.time].to_numpy()
    np.testing.assert_allclose(np.column_stack([curve.lower, curve.upper]), bounds, atol=1e-9)
    assert median_time(*first, seed=1).estimate == fitter.median_survival_time_
    test = lifelines_logrank(first[0], second[0], first[1], second[1])
    found = logrank(*first, *second)
    assert found.p_value == pytest.approx(test.p_value, rel=1e-9)
    assert found.statistic**2 == pytest.approx(test.test_statistic, rel=1e-9) and found.statistic > 0


@pytest.mark.parametrize(("cap", "slack"), [(np.inf, 0.02), (1.4, 0.02)])
def test_median_interval_covers(cap, slack):
    """Cap 1.4 medians censors 38% of the runs. Detects dropping them (median biased by -35%)."""
    random = np.random.default_rng(2)
    repetitions = 400
    hits = 0
    for k in range(repetitions):
        times, observed = exponential(random, 50, 100.0, min(cap * 100, 1e9))
        found = median_time(times, observed, seed=k, resamples=300)
        hits += found.lower <= 100.0 <= found.upper
    assert abs(hits / repetitions - 0.95) < Z * np.sqrt(0.95 * 0.05 / repetitions) + slack
    dropped = np.median(times[observed]) if np.isfinite(cap) else 0.0
    assert dropped < 80.0


def test_heavy_censoring_gives_an_open_interval():
    times = np.concatenate([[10.0, 40.0, 70.0, 90.0], np.full(16, 100.0)])
    observed = np.arange(20) < 4
    found = median_time(times, observed, seed=1)
    assert found.estimate == np.inf and found.upper == np.inf
    assert found.lower > 40.0
    nobody = median_time(np.full(8, 50.0), np.zeros(8, bool), seed=1)
    assert nobody == (np.inf, np.inf, np.inf, 0.95)
    assert np.all(survival_curve(np.full(8, 50.0), np.zeros(8, bool)).survival == 1.0)


def test_half_censored_interval_reaches_infinity_from_a_finite_median():
    times = np.concatenate([np.arange(1.0, 12.0), np.full(9, 20.0)])
    found = median_time(times, times < 20, seed=1)
    assert found.estimate == 10.0 and found.upper == np.inf and 3 < found.lower <= 10.0


@pytest.mark.parametrize("cap", [1e9, 180.0])
def test_median_ratio_covers(cap):
    random = np.random.default_rng(3)
    repetitions = 300
    hits = 0
    for k in range(repetitions):
        first, second = exponential(random, 40, 120.0, cap), exponential(random, 60, 100.0, cap)
        found = median_ratio(*first, *second, seed=k, resamples=300)
        hits += found.lower <= 1.2 <= found.upper
    assert abs(hits / repetitions - 0.95) < Z * np.sqrt(0.95 * 0.05 / repetitions) + 0.02


def test_paired_ratio_is_tighter_when_instances_decide():
    random = np.random.default_rng(4)
    graph = random.exponential(100.0, 40)
    first, second = graph * random.lognormal(0, 0.05, 40), graph * random.lognormal(0, 0.05, 40)
    seen = np.ones(40, bool)
    paired = median_ratio(first, seen, second, seen, seed=1, paired=True)
    free = median_ratio(first, seen, second, seen, seed=1)
    assert paired.upper - paired.lower < 0.5 * (free.upper - free.lower)


def test_ratio_of_two_open_medians_says_nothing():
    times, observed = np.full(8, 50.0), np.zeros(8, bool)
    found = median_ratio(times, observed, times, observed, seed=1)
    assert np.isnan(found.estimate) and (found.lower, found.upper) == (0.0, np.inf)
    half_open = median_ratio(times, observed, np.arange(1.0, 9.0), ~observed, seed=1)
    assert half_open.estimate == np.inf and half_open.upper == np.inf


def test_logrank_level_and_power():
    random = np.random.default_rng(5)
    same = [
        logrank(*exponential(random, 30, 1.0, 1.5), *exponential(random, 30, 1.0, 1.5)) for _ in range(500)
    ]
    share = np.mean([test.p_value < 0.05 for test in same])
    assert share < 0.05 + Z * np.sqrt(0.05 * 0.95 / 500) + 0.01
    assert logrank(*exponential(random, 60, 1.0, 4.0), *exponential(random, 60, 3.0, 4.0)).p_value < 1e-3


def test_seeds_decide():
    random = np.random.default_rng(6)
    sample = exponential(random, 30, 5.0, 9.0)
    assert median_time(*sample, seed=3) == median_time(*sample, seed=np.random.SeedSequence(3))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: median_time([1.0] * 4, [True] * 4, seed=1), "times: 4 runs; at least 5"),
        (lambda: median_time([1.0] * 5, [True] * 4, seed=1), "one of each per run"),
        (lambda: survival_curve([], []), "times: 0 runs"),
        (lambda: survival_curve([1.0, np.inf], [True, False]), "times = inf: must be finite"),
        (lambda: survival_curve([1.0, -2.0], [True, False]), r"times = -2\.0"),
        (lambda: survival_curve([1.0, 2.0], [1, 2]), "observed: must be true or false"),
        (lambda: logrank([1.0], [False], [2.0], [False]), "no run arrived"),
        (lambda: median_time([1.0] * 5, [True] * 5, seed=1.5), "seed = 1.5"),
        (
            lambda: median_ratio([1.0] * 5, [True] * 5, [1.0] * 6, [True] * 6, seed=1, paired=True),
            "5 and 6 runs",
        ),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()
