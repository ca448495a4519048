"""Censored first-passage times: survival curve, median, and comparison of two samples.

A run that did not arrive before its cap is censored: `times` holds the cap and `observed` is False. Censored
runs count as "later than the cap", never as arrivals and never as missing.

Source: E. L. Kaplan, P. Meier, J. Am. Stat. Assoc. 53, 457 (1958).
"""

import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from thermobatch.foundation.arguments import real_numbers
from thermobatch.foundation.streams import Seed
from thermobatch.statistics.intervals import Interval, check_confidence
from thermobatch.statistics.resampling import (
    MINIMUM_RESAMPLED,
    generator,
    percentile_bounds,
    resampling_weights,
)


class SurvivalCurve(NamedTuple):
    """Kaplan-Meier estimate of P[time > t], a step function that is right-continuous.

    Attributes
    ----------
    time : float64[steps]
        0 and then every distinct time at which a run arrived or was censored.
    survival, lower, upper : float64[steps]
        Estimate and its pointwise log-log interval (1 before the first arrival).
    censored : int64[steps]
        Number of runs censored at that time, for tick marks.
    confidence : float
        Two-sided, of (lower, upper).
    """

    time: np.ndarray
    survival: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    censored: np.ndarray
    confidence: float


class LogrankTest(NamedTuple):
    """Log-rank test: standard normal `statistic` (positive: the first arrives earlier), two-sided p-value."""

    statistic: float
    p_value: float


def survival_curve(times: ArrayLike, observed: ArrayLike, *, confidence: float = 0.95) -> SurvivalCurve:
    """Return the Kaplan-Meier survival curve of first-passage times with its pointwise interval.

    Computed by :func:`scipy.stats.ecdf`; this adds time 0 and the ends of the interval that are undefined there.

    Parameters
    ----------
    times : array_like, shape (runs,)
        Arrival times or caps, >= 0.
    observed : array_like of bool, shape (runs,)
        False where the run was censored.
    confidence : float
        Two-sided, in (0, 1).

    Raises
    ------
    ValueError
        When shapes differ, a time is negative or not finite, or there are no runs.
    """
    from scipy.stats import CensoredData, ecdf  # the rest of this module stays light without scipy.stats

    t, arrived = censored_sample(times, observed)
    check_confidence(confidence)
    found = ecdf(CensoredData.right_censored(t, ~arrived)).sf
    with warnings.catch_warnings():  # the interval is undefined where the survival is 1 or 0: filled in below
        warnings.simplefilter("ignore", RuntimeWarning)
        interval = found.confidence_interval(confidence, method="log-log")
    time, survival = found.quantiles, found.probabilities
    lower, upper = interval.low.probabilities, interval.high.probabilities
    unmoved, empty = survival >= 1, survival <= 0
    lower = np.where(unmoved, 1.0, np.where(empty, 0.0, lower))
    upper = np.where(unmoved, 1.0, upper)
    if empty.any():  # after the last arrival: no better upper end than the one before it
        upper[empty] = upper[~empty][-1] if (~empty).any() else 1.0
    if time[0] > 0:
        time, survival, lower, upper = (
            np.concatenate([[first], values])
            for first, values in ((0.0, time), (1.0, survival), (1.0, lower), (1.0, upper))
        )
    censored = np.array([np.count_nonzero(~arrived & (t == value)) for value in time])
    return SurvivalCurve(time, survival, lower, upper, censored, confidence)


def median_time(
    times: ArrayLike, observed: ArrayLike, *, seed: Seed, confidence: float = 0.95, resamples: int = 2000
) -> Interval:
    """Return the Kaplan-Meier median time with its percentile bootstrap interval over runs.

    The median is the earliest time with survival <= 1/2, infinite when fewer than half arrive; the upper end
    is infinite when the data cannot exclude it.
    A 95% interval covered 88% of the time with 8 runs, 93% with 16, 94% with 64 (exponential times).

    Parameters
    ----------
    times, observed
        As in :func:`survival_curve`; at least five runs.
    seed : int or SeedSequence
        Same seed, same interval.
    confidence, resamples
        Two-sided confidence; number of bootstrap samples.

    Raises
    ------
    ValueError
        As :func:`survival_curve`, or with fewer than five runs.
    """
    t, arrived = censored_sample(times, observed, minimum=MINIMUM_RESAMPLED)
    check_confidence(confidence)
    draws = medians(t, arrived, resampling_weights(len(t), resamples, generator(seed)))
    estimate = float(medians(t, arrived, np.ones((1, len(t))))[0])
    return Interval(estimate, *percentile_bounds(draws, draws, confidence), confidence)


def median_ratio(
    first_times: ArrayLike,
    first_observed: ArrayLike,
    second_times: ArrayLike,
    second_observed: ArrayLike,
    *,
    seed: Seed,
    paired: bool = False,
    confidence: float = 0.95,
    resamples: int = 2000,
) -> Interval:
    """Return the ratio of two Kaplan-Meier medians (first / second) with its percentile bootstrap interval.

    Parameters
    ----------
    first_times, first_observed, second_times, second_observed
        Two samples as in :func:`survival_curve`; at least five runs each.
    seed : int or SeedSequence
        Same seed, same interval.
    paired : bool
        Resample run i of both together (same instance); else independently.
    confidence, resamples
        Two-sided confidence; number of bootstrap samples.

    Returns
    -------
    Interval
        The estimate is NaN when both medians are infinite; bootstrap samples where that happens widen the
        interval at both ends.

    Raises
    ------
    ValueError
        As :func:`survival_curve`, with fewer than five runs, or with unequal lengths when `paired`.
    """
    check_confidence(confidence)
    draw = ratio_draws(first_times, first_observed, second_times, second_observed, paired=paired)
    lowest, highest = draw(resamples, seed)
    samples = ((first_times, first_observed), (second_times, second_observed))
    first, second = (censored_sample(*sample) for sample in samples)
    estimate = _ratio(*(medians(*sample, np.ones((1, len(sample[0]))))[0] for sample in (first, second)))
    return Interval(float(estimate), *percentile_bounds(lowest, highest, confidence), confidence)


def ratio_draws(
    first_times: ArrayLike,
    first_observed: ArrayLike,
    second_times: ArrayLike,
    second_observed: ArrayLike,
    *,
    paired: bool = False,
) -> Callable[[int, Seed], np.ndarray]:
    """Return a function that draws bootstrap samples of the ratio of two medians.

    For :func:`thermobatch.statistics.convergence.resampled_verdict`, which draws as many as a verdict needs.

    Parameters
    ----------
    first_times, first_observed, second_times, second_observed, paired
        As in :func:`median_ratio`.

    Returns
    -------
    callable
        ``draw(count, seed)`` -> float64[2, count]: samples for the lower and for the upper bound, which differ where
        both medians are infinite.

    Raises
    ------
    ValueError
        As :func:`median_ratio`.
    """
    first = censored_sample(first_times, first_observed, minimum=MINIMUM_RESAMPLED)
    second = censored_sample(second_times, second_observed, minimum=MINIMUM_RESAMPLED)
    if paired and len(first[0]) != len(second[0]):
        raise ValueError(f"samples of {len(first[0])} and {len(second[0])} runs: pairs need equal lengths")

    def draw(count: int, seed: Seed) -> np.ndarray:
        random = generator(seed)
        weights = resampling_weights(len(first[0]), count, random)
        other = weights if paired else resampling_weights(len(second[0]), count, random)
        draws = _ratio(medians(*first, weights), medians(*second, other))
        return np.stack([np.nan_to_num(draws, nan=nan, posinf=np.inf) for nan in (0.0, np.inf)])

    return draw


def logrank(
    first_times: ArrayLike, first_observed: ArrayLike, second_times: ArrayLike, second_observed: ArrayLike
) -> LogrankTest:
    """Test whether two samples of censored times have the same law (:func:`scipy.stats.logrank`, two-sided).

    A large p-value does not show equivalence: use :func:`median_ratio` and a margin for that.

    Parameters
    ----------
    first_times, first_observed, second_times, second_observed
        Two samples as in :func:`survival_curve`, with at least one arrival altogether.

    Raises
    ------
    ValueError
        As :func:`survival_curve`, or when no run arrived.
    """
    from scipy.stats import CensoredData
    from scipy.stats import logrank as scipy_logrank

    samples = [censored_sample(first_times, first_observed), censored_sample(second_times, second_observed)]
    if not any(arrived.any() for _, arrived in samples):
        raise ValueError(
            "observed: no run arrived in either sample; a log-rank test needs at least one arrival"
        )
    found = scipy_logrank(*(CensoredData.right_censored(t, ~arrived) for t, arrived in samples))
    return LogrankTest(float(found.statistic), float(found.pvalue))


def medians(times: np.ndarray, observed: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the Kaplan-Meier median of each weighting: weights[samples, runs] -> float64[samples].

    Weights are multiplicities (bootstrap counts). Infinite where fewer than half arrive.
    """
    order = np.lexsort((~observed, times))  # arrivals before the runs censored at the same time
    w = weights[:, order]
    at_risk = np.cumsum(w[:, ::-1], axis=1)[:, ::-1]
    left = np.where(observed[order] & (at_risk > 0), 1 - w / np.maximum(at_risk, 1e-300), 1.0)
    survival = np.cumprod(left, axis=1)
    passed = survival <= 0.5 + 1e-12
    return np.where(passed.any(axis=1), times[order][np.argmax(passed, axis=1)], np.inf)


def censored_sample(
    times: ArrayLike, observed: ArrayLike, *, minimum: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Return times as float64 and arrival flags as bool, both of shape (runs,), after checking them."""
    t = real_numbers("times", times).astype(float)
    arrived = real_numbers("observed", observed, "true or false for every run", kinds="biuf")
    if t.ndim != 1 or t.shape != arrived.shape:
        raise ValueError(
            f"times of shape {t.shape} and observed of shape {arrived.shape}: one of each per run"
        )
    if len(t) < minimum:
        raise ValueError(f"times: {len(t)} runs; at least {minimum} are needed")
    if not np.all(np.isfinite(t) & (t >= 0)):
        wrong = t[~(np.isfinite(t) & (t >= 0))][0]
        raise ValueError(f"times = {wrong!s}: must be finite and >= 0 (a censored run holds its cap)")
    if not np.all((arrived == 0) | (arrived == 1)):
        raise ValueError("observed: must be true or false for every run")
    return t, arrived.astype(bool)


def _ratio(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Ratio of medians; infinity over infinity is NaN."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(first, dtype=float) / second
