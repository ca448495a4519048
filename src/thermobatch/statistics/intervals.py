"""Confidence intervals of means, statistics, proportions and whole curves.

The unit of replication is the instance (or seed), never the time point: instances run along axis 0
everywhere.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from thermobatch.foundation.arguments import real_numbers
from thermobatch.foundation.streams import Seed
from thermobatch.statistics.resampling import (
    MINIMUM_RESAMPLED,
    check_resamples,
    generator,
    quantile_error,
    resampling_weights,
)


class Interval(NamedTuple):
    """An estimate with its confidence interval.

    Attributes
    ----------
    estimate, lower, upper : float or float64 array
        In the units of the data; arrays for curves.
    confidence : float
        Two-sided confidence of (lower, upper), e.g. 0.95.
    """

    estimate: float | np.ndarray
    lower: float | np.ndarray
    upper: float | np.ndarray
    confidence: float


def mean_interval(values: ArrayLike, *, confidence: float = 0.95) -> Interval:
    """Return the mean over instances with Student's t interval, point by point.

    Parameters
    ----------
    values : array_like, shape (instances, ...)
        At least two instances.
    confidence : float
        Two-sided, in (0, 1).

    Raises
    ------
    ValueError
        With fewer than two instances, non-finite values, or a confidence outside (0, 1).
    """
    data = instances(values, minimum=2)
    check_confidence(confidence)
    mean, error = mean_and_error(data)
    reach = stdtrit(len(data) - 1, 0.5 + confidence / 2) * error
    return _interval(mean, mean - reach, mean + reach, confidence)


def bootstrap_interval(
    values: ArrayLike,
    statistic: Callable[..., np.ndarray] = np.mean,
    *,
    seed: Seed,
    confidence: float = 0.95,
    resamples: int = 2000,
    method: str = "BCa",
) -> Interval:
    """Return a statistic with its bootstrap interval over instances (:func:`scipy.stats.bootstrap`).

    Parameters
    ----------
    values : array_like, shape (instances, ...)
        At least five instances. Below about ten, bootstrap intervals of any kind are too short.
    statistic : callable
        ``statistic(values, axis=...)``, reducing the axis of instances.
    seed : int or SeedSequence
        Same seed, same interval.
    confidence, resamples
        Two-sided confidence; number of bootstrap samples.
    method : {"BCa", "percentile", "basic"}
        As in scipy; "BCa" corrects bias and skewness.

    Raises
    ------
    ValueError
        With too few instances, non-finite values or arguments out of range.
    """
    data = instances(values, minimum=MINIMUM_RESAMPLED)
    check_confidence(confidence)
    if method not in ("BCa", "percentile", "basic"):
        raise ValueError(f"method = {method!r}: must be one of BCa, percentile, basic")
    check_resamples(resamples)
    random = generator(seed)
    estimate = np.asarray(statistic(data, axis=0))
    if np.all(data == data[0]):  # scipy's BCa is undefined without spread
        return _interval(estimate, estimate, estimate, confidence)
    from scipy.stats import bootstrap  # the rest of this module stays light without scipy.stats

    found = bootstrap(
        (data,),
        statistic,
        axis=0,
        n_resamples=resamples,
        batch=max(1, 10_000_000 // data.size),
        confidence_level=confidence,
        method=method,
        random_state=random,
    ).confidence_interval
    return _interval(estimate, found.low, found.high, confidence)


def wilson_interval(successes: ArrayLike, trials: ArrayLike, *, confidence: float = 0.95) -> Interval:
    """Return a proportion with Wilson's score interval, which stays sensible at 0 and 1.

    Computed by :func:`scipy.stats.binomtest`, one proportion at a time.

    Parameters
    ----------
    successes, trials : array_like of int
        0 <= successes <= trials, trials >= 1; broadcast against each other.
    confidence : float
        Two-sided, in (0, 1).

    Raises
    ------
    ValueError
        When a count is out of its range.
    """
    check_confidence(confidence)
    k, n = np.broadcast_arrays(
        real_numbers("successes", successes, kinds="biuf").astype(float),
        real_numbers("trials", trials).astype(float),
    )
    if not np.all((k == np.round(k)) & (n == np.round(n))):
        raise ValueError("successes and trials: must be whole numbers")
    if not np.all(n >= 1):
        raise ValueError(f"trials = {n[~(n >= 1)].flat[0]:g}: must be >= 1")
    wrong = ~((k >= 0) & (k <= n))
    if wrong.any():
        raise ValueError(f"successes = {k[wrong].flat[0]:g}: must be in [0, trials = {n[wrong].flat[0]:g}]")
    from scipy.stats import binomtest  # the rest of this module stays light without scipy.stats

    found = [
        binomtest(int(some), int(all_)).proportion_ci(confidence, method="wilson")
        for some, all_ in zip(k.flat, n.flat, strict=True)
    ]
    lower, upper = (np.reshape([getattr(one, end) for one in found], k.shape) for end in ("low", "high"))
    return _interval(k / n, lower, upper, confidence)


def proportion_difference(
    first: tuple[int, int], second: tuple[int, int], *, confidence: float = 0.95
) -> Interval:
    """Return the difference of two proportions (first - second) with Newcombe's interval.

    It is made of the two Wilson intervals: R. G. Newcombe, Stat. Med. 17, 873 (1998), method 10.

    Parameters
    ----------
    first, second : (successes, trials)
        Independent samples, as in :func:`wilson_interval`.
    confidence : float
        Two-sided, in (0, 1).

    Raises
    ------
    ValueError
        As :func:`wilson_interval`.
    """
    one, two = (wilson_interval(*sample, confidence=confidence) for sample in (first, second))
    low = np.hypot(one.estimate - one.lower, two.upper - two.estimate)
    high = np.hypot(one.upper - one.estimate, two.estimate - two.lower)
    middle = one.estimate - two.estimate
    return _interval(middle, middle - low, middle + high, confidence)


def simultaneous_band(
    curves: ArrayLike, *, seed: Seed, confidence: float = 0.95, resamples: int = 2000
) -> Interval:
    """Return the mean curve with a band that holds the whole true curve with the stated confidence.

    The band is mean +- k s.e. with one k for all points: the smaller of the studentised bootstrap's quantile
    of the largest deviation, resampling instances, and Bonferroni's t. The bootstrap gains from correlated
    points when there are many instances, Bonferroni is sharper for a few.

    Parameters
    ----------
    curves : array_like, shape (instances, points)
        At least three instances.
    seed : int or SeedSequence
        Same seed, same band.
    confidence, resamples
        Two-sided confidence of the whole band; number of bootstrap samples.

    Raises
    ------
    ValueError
        With fewer than three instances, a wrong shape, non-finite values or arguments out of range.
    """
    data = instances(curves, minimum=3)
    if data.ndim != 2:
        raise ValueError(f"curves of shape {data.shape}: must be (instances, points)")
    check_confidence(confidence)
    mean, error = mean_and_error(data)
    reach = simultaneous_factor(data, seed=seed, confidence=confidence, resamples=resamples) * error
    return _interval(mean, mean - reach, mean + reach, confidence)


def simultaneous_factor(
    data: np.ndarray,
    *,
    seed: Seed,
    confidence: float,
    resamples: int = 2000,
    most: int | None = None,
    settled: Callable[[float, float], bool] = lambda factor, error: True,
) -> float:
    """Return k such that |mean - truth| <= k s.e. at all points with the stated confidence (two-sided).

    Bootstrap samples are doubled, up to `most`, until `settled` accepts k and its Monte-Carlo error.
    """
    count, points = data.shape
    bonferroni = float(stdtrit(count - 1, 1 - (1 - confidence) / (2 * points)))
    centred = data - data.mean(axis=0)
    scale = centred.std(axis=0, ddof=1)
    varying = scale > 1e-12 * np.abs(data).max(axis=0)
    if not varying.any():
        return bonferroni
    scores, random = centred[:, varying] / scale[varying], generator(seed)
    draws = _largest_deviations(scores, resamples, random)
    while True:
        factor = float(np.quantile(draws, confidence, method="higher"))
        if factor >= bonferroni:
            return bonferroni
        error = quantile_error(draws, confidence)
        if settled(factor, error) or 2 * len(draws) > (most or resamples):
            return factor
        more = [_largest_deviations(scores, resamples, random) for _ in range(len(draws) // resamples)]
        draws = np.concatenate([draws, *more])


def _largest_deviations(scores: np.ndarray, resamples: int, random: np.random.Generator) -> np.ndarray:
    """The largest |mean| / s.e. over all points of bootstrap samples of standardised data."""
    count = len(scores)
    weights = resampling_weights(count, resamples, random) / count
    means = weights @ scores
    variances = (weights @ scores**2 - means**2) * count / (count - 1)
    spread = np.sqrt(np.maximum(variances, 1e-12) / count)  # all instances equal: a deviation without bound
    return np.where(variances.max(axis=1) > 1e-12, np.max(np.abs(means) / spread, axis=1), np.inf)


def mean_and_error(data: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean over instances and its standard error."""
    return data.mean(axis=0), data.std(axis=0, ddof=1) / np.sqrt(len(data))


def instances(values: ArrayLike, *, minimum: int, name: str = "values") -> np.ndarray:
    """Return `values` as float64 with instances on axis 0; reject too few and non-finite ones."""
    data = real_numbers(name, values, kinds="biuf").astype(float)
    count = len(data) if data.ndim else 0
    if count < minimum:
        raise ValueError(f"{name} of shape {data.shape}: at least {minimum} instances are needed on axis 0")
    if not np.all(np.isfinite(data)):
        raise ValueError(f"{name}: {np.count_nonzero(~np.isfinite(data))} entries are not finite")
    return data


def check_confidence(confidence: float) -> None:
    """Reject a confidence outside (0, 1)."""
    if not 0 < confidence < 1:
        raise ValueError(f"confidence = {confidence!r}: must be in (0, 1)")


def _interval(estimate, lower, upper, confidence: float) -> Interval:
    """Plain floats for scalars, arrays for curves."""
    parts = (np.asarray(part, dtype=float) for part in (estimate, lower, upper))
    return Interval(*(float(part) if part.ndim == 0 else part for part in parts), confidence)
