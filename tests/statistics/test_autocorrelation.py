import numpy as np
import pytest
from naive import statistics as naive
from scipy.signal import lfilter

from thermobatch.statistics.autocorrelation import (
    autocorrelation,
    effective_sample_size,
    integrated_time,
    stationary_mean,
)

Z = 4.9  # false-alarm rate 1e-6


def autoregressive(runs, steps, coefficient, seed, mean=0.0):
    """Unit-variance AR(1) series: rho(t) = coefficient^t, tau = (1 + coefficient)/(1 - coefficient)."""
    noise = np.random.default_rng(seed).normal(size=(runs, steps + 2000)) * np.sqrt(1 - coefficient**2)
    return mean + lfilter([1.0], [1.0, -coefficient], noise, axis=1)[:, 2000:]


def test_autocorrelation_against_sums():
    series = autoregressive(1, 300, 0.7, 1)[0]
    rho = autocorrelation(series)
    assert rho.shape == (300,) and rho[0] == 1.0
    np.testing.assert_allclose(
        rho[[1, 2, 17, 299]], [naive.autocorrelation(series, k) for k in (1, 2, 17, 299)]
    )


@pytest.mark.parametrize("coefficient", [0.0, 0.8, 0.95])
def test_integrated_time_of_a_known_process(coefficient):
    found = integrated_time(autoregressive(1, 200_000, coefficient, 2)[0])
    exact = (1 + coefficient) / (1 - coefficient)
    assert abs(found.time - exact) < Z * found.error + 0.01 * exact
    assert found.error < 0.1 * exact and found.reliable


def test_runs_are_averaged():
    runs = autoregressive(20, 4000, 0.9, 3) + np.arange(20)[:, None]  # different means are not correlation
    found = integrated_time(runs)
    assert abs(found.time - 19) < Z * found.error + 0.2
    assert effective_sample_size(runs) == pytest.approx(80_000 / found.time)


def test_short_series_are_flagged():
    assert not integrated_time(autoregressive(1, 300, 0.95, 4)[0]).reliable


def test_stationary_mean_covers():
    """Detects the uncorrelated error, which would cover 47% here."""
    found = [stationary_mean(row) for row in autoregressive(600, 2000, 0.8, 5, mean=2.0)]
    hits = np.array([f.lower <= 2.0 <= f.upper for f in found])
    assert abs(hits.mean() - 0.95) < Z * np.sqrt(0.95 * 0.05 / len(hits)) + 0.015
    errors = np.mean([f.error for f in found])
    assert errors == pytest.approx(np.sqrt(9 / 2000), rel=0.06)
    assert np.mean([abs(f.drift) > 3 for f in found]) < 0.06
    assert np.mean([f.reliable for f in found]) > 0.9


def test_drift_and_short_blocks_are_seen():
    trend = autoregressive(1, 4000, 0.5, 6)[0] + np.linspace(0, 2.0, 4000)
    assert stationary_mean(trend).drift > 5
    assert not stationary_mean(autoregressive(1, 400, 0.95, 7)[0]).reliable


def test_constant_series_has_no_error():
    found = stationary_mean(np.full(64, 1.5))
    assert (found.mean, found.error, found.drift, found.reliable) == (1.5, 0.0, 0.0, False)


def test_remainder_is_left_out_at_the_start():
    series = np.concatenate([[1e6] * 3, np.random.default_rng(8).normal(size=160)])
    assert abs(stationary_mean(series).mean) < 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: autocorrelation(np.ones(10)), "constant values"),
        (lambda: autocorrelation([1.0]), "steps >= 2"),
        (lambda: autocorrelation(np.ones((2, 2, 2))), "steps >= 2"),
        (lambda: integrated_time(np.arange(10), window=0), "window = 0"),
        (lambda: stationary_mean(np.arange(31.0)), "at least 2 \\* blocks = 32"),
        (lambda: stationary_mean(np.arange(99.0), blocks=3), "blocks = 3"),
        (lambda: stationary_mean([1.0, np.nan] * 40), "not finite"),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()
