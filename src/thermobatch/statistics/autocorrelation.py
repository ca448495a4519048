"""Autocorrelation of a stationary series, and the error that it leaves on a time average.

Convention: tau = 1 + 2 sum_{t >= 1} rho(t), in steps of the series, so that n correlated values are worth n /
tau independent ones.

Source: A. D. Sokal, Monte Carlo Methods in Statistical Mechanics (1996), section 3; N. Madras, A. D. Sokal,
J. Stat. Phys. 50, 109 (1988).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from thermobatch.statistics.intervals import check_confidence, instances


class IntegratedTime(NamedTuple):
    """Integrated autocorrelation time.

    Attributes
    ----------
    time : float
        tau = 1 + 2 sum rho(t), in steps; 1 for independent values.
    error : float
        Its standard error (Madras and Sokal).
    window : int
        Lag at which the sum was cut.
    reliable : bool
        Whether the data hold at least 50 tau steps; shorter series underestimate tau.
    """

    time: float
    error: float
    window: int
    reliable: bool


class StationaryMean(NamedTuple):
    """Time average of a stationary series with its blocked error.

    Attributes
    ----------
    mean, error : float
        Average and its standard error from the scatter of the block averages.
    lower, upper, confidence : float
        Student's t interval over blocks.
    integrated_time : float
        tau of the series, in steps.
    drift : float
        Second half less first half, in standard errors; beyond about 3 the series is not stationary.
    reliable : bool
        Whether blocks are at least 5 tau long, so that their averages are nearly independent.
    """

    mean: float
    error: float
    lower: float
    upper: float
    confidence: float
    integrated_time: float
    drift: float
    reliable: bool


def autocorrelation(series: ArrayLike) -> np.ndarray:
    """Return the normalised autocorrelation rho(t), rho(0) = 1, for all lags t below the length.

    Parameters
    ----------
    series : array_like, shape (steps,) or (runs, steps)
        Stationary values. For several runs the autocovariances around each run's own mean are averaged.

    Raises
    ------
    ValueError
        With fewer than two steps, non-finite values, or no variation at all.
    """
    data = _runs(series)
    steps = data.shape[1]
    centred = data - data.mean(axis=1, keepdims=True)
    size = 1 << (2 * steps - 1).bit_length()
    spectrum = np.abs(np.fft.rfft(centred, size, axis=1)) ** 2
    covariance = np.fft.irfft(spectrum.mean(axis=0), size)[:steps] / steps
    if not covariance[0] > 1e-24 * np.max(np.abs(data)) ** 2:
        raise ValueError("series: constant values have no autocorrelation")
    return covariance / covariance[0]


def integrated_time(series: ArrayLike, *, window: float = 5.0) -> IntegratedTime:
    """Return the integrated autocorrelation time with Sokal's automatic window.

    The sum stops at the first lag M >= `window` * tau(M).

    Parameters
    ----------
    series : array_like, shape (steps,) or (runs, steps)
        As in :func:`autocorrelation`.
    window : float
        Larger values trade bias (about exp(-window)) for noise.

    Raises
    ------
    ValueError
        As :func:`autocorrelation`, or when `window` is not positive.
    """
    if not window > 0:
        raise ValueError(f"window = {window!r}: must be positive")
    rho = autocorrelation(series)
    total = np.size(series)
    times = 2 * np.cumsum(rho) - 1
    enough = np.arange(len(rho)) >= window * times
    cut = int(np.argmax(enough)) if enough.any() else len(rho) - 1
    time = float(max(times[cut], 0.0))
    return IntegratedTime(time, time * float(np.sqrt(2 * (2 * cut + 1) / total)), cut, total >= 50 * time)


def effective_sample_size(series: ArrayLike, *, window: float = 5.0) -> float:
    """Return how many independent values the series is worth, (number of values) / tau.

    Parameters and errors are those of :func:`integrated_time`.
    """
    found = integrated_time(series, window=window)
    return np.size(series) / max(found.time, 1e-12)


def stationary_mean(series: ArrayLike, *, blocks: int = 16, confidence: float = 0.95) -> StationaryMean:
    """Return the time average of one stationary series with its blocked error.

    Parameters
    ----------
    series : array_like, shape (steps,)
        Stationary part of the series; the first ``steps % blocks`` values are left out.
    blocks : int
        Number of blocks, at least 4 and even.
    confidence : float
        Two-sided, in (0, 1).

    Raises
    ------
    ValueError
        When the series is not 1-D or has fewer than two values per block, or an argument is out of range.
    """
    data = instances(series, minimum=1, name="series")
    check_confidence(confidence)
    if blocks < 4 or blocks % 2:
        raise ValueError(f"blocks = {blocks!r}: must be an even number, at least 4")
    if data.ndim != 1 or len(data) < 2 * blocks:
        raise ValueError(
            f"series of shape {data.shape}: must be one series of at least 2 * blocks = {2 * blocks} steps"
        )
    length = len(data) // blocks
    kept = data[len(data) - blocks * length :]
    averages = kept.reshape(blocks, length).mean(axis=1)
    mean, error = float(averages.mean()), float(averages.std(ddof=1) / np.sqrt(blocks))
    reach = float(stdtrit(blocks - 1, 0.5 + confidence / 2)) * error
    halves = averages.reshape(2, blocks // 2)
    change = float(halves[1].mean() - halves[0].mean())
    change_error = float(np.sqrt(halves.var(axis=1, ddof=1).mean() * 4 / blocks))
    constant = np.ptp(kept) <= 1e-12 * np.max(np.abs(kept))
    time = 1.0 if constant else integrated_time(kept).time
    return StationaryMean(
        mean=mean,
        error=error,
        lower=mean - reach,
        upper=mean + reach,
        confidence=confidence,
        integrated_time=time,
        drift=change / change_error if change_error > 0 else 0.0,
        reliable=length >= 5 * time,
    )


def _runs(series: ArrayLike) -> np.ndarray:
    data = np.atleast_2d(instances(series, minimum=1, name="series"))
    if data.ndim != 2 or data.shape[1] < 2:
        raise ValueError(
            f"series of shape {np.shape(series)}: must be (steps,) or (runs, steps) with steps >= 2"
        )
    return data
