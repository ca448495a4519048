"""Where a median first-passage time is shortest: a parabola through log(median), with its uncertainty."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from thermobatch.foundation.arguments import real_numbers
from thermobatch.foundation.streams import Seed
from thermobatch.statistics.censored import censored_sample, medians
from thermobatch.statistics.intervals import check_confidence
from thermobatch.statistics.resampling import (
    MINIMUM_RESAMPLED,
    generator,
    percentile_bounds,
    resampling_weights,
)


@dataclass(frozen=True)
class Optimum:
    """Location of the shortest median time.

    Attributes
    ----------
    location, lower, upper : float
        Minimum of the parabola and its bootstrap interval, in the units of x; kept inside the fitted range.
    median : float
        Median time at the minimum of the parabola, in the units of the times.
    confidence : float
        Two-sided, of (lower, upper).
    at_border : bool
        The parabola has no minimum inside the fitted range: the location is the better end of it, and the
        scan should be extended there.
    border_fraction : float
        Share of bootstrap samples without a minimum inside; above about 0.05 the interval leans on the
        border.
    points : tuple of float
        The x that entered the fit.
    medians : float64[points of the scan]
        Kaplan-Meier medians at every x, infinite where fewer than half arrived.
    """

    location: float
    lower: float
    upper: float
    median: float
    confidence: float
    at_border: bool
    border_fraction: float
    points: tuple[float, ...]
    medians: np.ndarray


def fastest(
    x: ArrayLike,
    times: Sequence[ArrayLike],
    observed: Sequence[ArrayLike],
    *,
    seed: Seed,
    within: float = 4.0,
    confidence: float = 0.95,
    resamples: int = 2000,
) -> Optimum:
    """Return the x of the shortest median time: the minimum of a parabola through log(median) against x.

    Points whose median is infinite do not enter, nor those beyond `within` times the shortest (but the best
    three always do). The bootstrap resamples the runs of each x; points that lose their median in a sample
    (too few arrivals) leave the fit of that sample.

    Parameters
    ----------
    x : array_like, shape (points,)
        Distinct scan values (temperature, mini-batch fraction...), in any order.
    times, observed : sequences of arrays, one per point
        Runs at each x as in :func:`thermobatch.statistics.censored.survival_curve`; at least five runs each.
    seed : int or SeedSequence
        Same seed, same interval.
    within : float
        Width of the fit as a ratio of medians, > 1.
    confidence, resamples
        Two-sided confidence; number of bootstrap samples.

    Raises
    ------
    ValueError
        With fewer than three finite medians, too few runs, a zero median, or arguments out of range.
    """
    position = real_numbers("x", x).astype(float)
    if position.ndim != 1 or len(position) != len(times) or len(times) != len(observed):
        raise ValueError(
            f"x, times and observed: {position.shape}, {len(times)} and {len(observed)} points differ"
        )
    if len(np.unique(position)) != len(position) or not np.all(np.isfinite(position)):
        raise ValueError("x: must be finite and distinct")
    if not within > 1:
        raise ValueError(f"within = {within!r}: must be > 1")
    check_confidence(confidence)
    samples = [censored_sample(t, o, minimum=MINIMUM_RESAMPLED) for t, o in zip(times, observed, strict=True)]
    middle = np.array([medians(t, arrived, np.ones((1, len(t))))[0] for t, arrived in samples])
    if not np.all(middle > 0):
        raise ValueError("times: a median of zero has no logarithm")
    finite = np.count_nonzero(np.isfinite(middle))
    if finite < 3:
        raise ValueError(
            f"x: {finite} points have a finite median; at least 3 are needed for a parabola "
            "(add points near the optimum, or raise the cap)"
        )
    used = np.flatnonzero(middle <= max(within * middle.min(), np.sort(middle)[2]))
    random = generator(seed)
    draws = np.stack(
        [medians(*samples[k], resampling_weights(len(samples[k][0]), resamples, random)) for k in used],
        axis=1,
    )
    location, value, border = _parabola(position[used], np.log(middle[used])[None, :])
    locations, _, borders = _parabola(position[used], np.log(np.maximum(draws, 1e-300)))
    return Optimum(
        float(location[0]),
        *percentile_bounds(locations, locations, confidence),
        median=float(np.exp(value[0])),
        confidence=confidence,
        at_border=bool(border[0]),
        border_fraction=float(borders.mean()),
        points=tuple(float(p) for p in np.sort(position[used])),
        medians=middle,
    )


def _parabola(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Least squares through the finite y[samples, points]: minimum, its value, border flags."""
    centre, half = 0.5 * (x.min() + x.max()), 0.5 * np.ptp(x)
    u = (x - centre) / half
    finite = np.isfinite(y)
    powers = np.vander(u, 3, increasing=True)
    normal = np.einsum("sp,pi,pj->sij", finite.astype(float), powers, powers)
    moment = np.einsum("sp,pi->si", np.where(finite, y, 0.0), powers)
    solvable = finite.sum(axis=1) >= 3
    normal[~solvable] = np.eye(3)
    a, b, c = np.linalg.solve(normal, moment[..., None])[..., 0].T
    with np.errstate(divide="ignore", invalid="ignore"):
        vertex = -b / (2 * c)
    inside = solvable & (c > 0) & (np.abs(vertex) < 1)
    end = u[np.argmin(np.where(finite, y, np.inf), axis=1)]  # without a parabola: the best point
    left, right = a - b + c, a + b + c
    end = np.where(solvable, np.where(left < right, -1.0, 1.0), end)
    location = np.where(inside, vertex, end)
    value = a + b * location + c * location**2
    return centre + half * location, value, ~inside
