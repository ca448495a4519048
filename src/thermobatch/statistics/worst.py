"""The worst of several points: its own interval, and apart from it the bounds over all points that decide a claim.

A maximum over points has two kinds of numbers that must not be mixed: the interval of the point where it is reached,
and bounds on the largest value wherever it is, which may come from another, noisier point.

Source: R. L. Berger, Technometrics 24, 295 (1982) for the intersection of tests.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from thermobatch.statistics.equivalence import Verdict, bound_words


@dataclass(frozen=True)
class Worst:
    """The worst point, and what decides.

    Attributes
    ----------
    index : int
        Which point is the worst.
    points : int
        Of how many.
    estimate, lower, upper : float
        Estimate and interval of the worst point alone.
    bounds : (float, float)
        Bounds on the worst value over all points: these decide.
    verdict : {"reproduced", "not_reproduced", "inconclusive"}
        What the bounds say about the margin.
    """

    index: int
    points: int
    estimate: float
    lower: float
    upper: float
    bounds: tuple[float, float]
    verdict: Verdict

    @property
    def words(self) -> str:
        """For the method of an outcome: what the interval is, and the simultaneous bounds by name."""
        return bound_words(self.points, self.bounds)


def worst_point(
    estimate: ArrayLike,
    lower: ArrayLike,
    upper: ArrayLike,
    margin: float,
    *,
    simultaneous: tuple[ArrayLike, ArrayLike] | None = None,
    smallest: bool = False,
) -> Worst:
    """Test whether the largest (or smallest) of several values is on the right side of a margin.

    The claim "all values lie below the margin" is shown when every point shows it by its own interval (an intersection
    of tests, of the level of one of them), and refuted when some point refutes it simultaneously with the others.

    Parameters
    ----------
    estimate, lower, upper : array_like, shape (points,)
        Values with their own intervals.
    margin : float
        What all values should be below; above with `smallest`.
    simultaneous : (lower, upper), optional
        Intervals that hold at all points together (Bonferroni's, say). The default takes those of the single points,
        which is right for one point only.
    smallest : bool
        Whether the smallest value is the worst: all should be above the margin.

    Returns
    -------
    Worst
        Its `words` belong into the method of an outcome, its interval and estimate are the outcome's.

    Raises
    ------
    ValueError
        With shapes that differ, no point, more than one without `simultaneous`, or a NaN.
    """
    columns = [np.atleast_1d(np.asarray(values, dtype=float)) for values in (estimate, lower, upper)]
    if simultaneous is None and columns[0].size > 1:
        raise ValueError(f"{columns[0].size} points: their simultaneous intervals are needed")
    columns += [np.atleast_1d(np.asarray(v, dtype=float)) for v in (simultaneous or (lower, upper))]
    if len({values.shape for values in columns}) != 1 or columns[0].ndim != 1 or not columns[0].size:
        shapes = ", ".join(str(values.shape) for values in columns)
        raise ValueError(f"estimate, lower, upper and simultaneous of shapes {shapes}: one of each per point")
    if np.isnan(columns).any():
        raise ValueError("estimate, lower, upper and simultaneous: must not be NaN")
    middle, low, high, safe_low, safe_high = columns
    if smallest:
        index, bounds = int(np.argmin(middle)), (float(low.min()), float(safe_high.min()))
        shown, refuted = bounds[0] > margin, bounds[1] < margin
    else:
        index, bounds = int(np.argmax(middle)), (float(safe_low.max()), float(high.max()))
        shown, refuted = bounds[1] < margin, bounds[0] > margin
    return Worst(
        index=index,
        points=middle.size,
        estimate=float(middle[index]),
        lower=float(low[index]),
        upper=float(high[index]),
        bounds=bounds,
        verdict="reproduced" if shown else "not_reproduced" if refuted else "inconclusive",
    )
