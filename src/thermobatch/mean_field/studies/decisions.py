"""What the claims on the mean-field theory share: one statement about many points, decided together.

A claim says that something holds at every one of several points (cases, times, steps of an order). It is *reproduced*
when the 90% interval of every point lies inside the margin: an intersection of tests, of level 5% however many and
however correlated they are. It is *not reproduced* when one point lies outside by bounds that hold for all points
together (Bonferroni's). Estimate and interval of the outcome are those of one point, the one that decides.

Source: R. L. Berger, Technometrics 24, 295 (1982) for the intersection of tests.
"""

import itertools
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import xarray as xr
from scipy.special import stdtrit

from thermobatch.mean_field.studies.points import case_name, named, seeds_of
from thermobatch.statistics.equivalence import margin_bounds
from thermobatch.statistics.intervals import instances, mean_and_error
from thermobatch.study.claim import Outcome

SOURCE = "arXiv:2210.06591"
NOISE_SOURCE = "arXiv:2112.10852"
BEYOND = "beyond the papers"
LEVEL = 0.05  # of each side: 90% intervals
CURVES = ("magnetization", "training_loss")


class Interval(NamedTuple):
    """An estimate with its interval."""

    estimate: float
    lower: float
    upper: float


class Point(NamedTuple):
    """One point of a claim: its own interval, and the one that holds together with those of all other points."""

    own: Interval
    together: Interval


def all_within(points: Mapping[str, Point], margin: float | tuple[float, float], words: str) -> Outcome:
    """Decide whether every point lies inside a margin, and report the point that decides.

    That is the one farthest outside where a point is outside, else the one whose interval reaches farthest.

    Parameters
    ----------
    points : mapping
        Name -> Point.
    margin : float or (low, infinity)
        What every point should be inside of; one number m means (-m, m).
    words : str
        What the points are and how their intervals were made, for the method.

    Raises
    ------
    ValueError
        If there is no point.
    """
    if not points:
        raise ValueError("no point of the dataset has the values this claim compares")
    low, high = margin_bounds(margin)

    def room(name: str) -> float:
        return min(points[name].own.lower - low, high - points[name].own.upper)

    def excess(name: str) -> float:
        return max(low - points[name].together.upper, points[name].together.lower - high)

    worst, outside = min(points, key=room), max(points, key=excess)
    answer = "reproduced" if room(worst) > 0 else "inconclusive"
    if excess(outside) > 0:
        worst, answer = outside, "not_reproduced"
    estimate, *ends = (float(value) for value in points[worst].own)
    if np.isinf(high):
        kind, bounds = "smallest", [min(point.own.lower for point in points.values())]
        bounds += [min(point.together.upper for point in points.values())]
    else:
        kind, bounds = "largest size", [max(0.0, *(_least_size(point.together) for point in points.values()))]
        bounds += [max(max(-point.own.lower, point.own.upper) for point in points.values())]
    method = (
        f"{words}; worst of {len(points)}: {worst}, with the interval of that point; simultaneous bounds on the {kind} "
        f"over {len(points)} points: {bounds[0]:.3g} to {bounds[1]:.3g}"
    )
    stated = margin if isinstance(margin, float | int) else (low, high)
    return Outcome(estimate, (ends[0], ends[1]), stated, method, answer)


def _least_size(found: Interval) -> float:
    """The smallest absolute value of an interval, negative where it holds zero."""
    return max(found.lower, -found.upper)


def mean_points(values: np.ndarray, names: list[str], count: int, level: float = LEVEL) -> dict[str, Point]:
    """Return the points of several means with Student's intervals.

    Parameters
    ----------
    values : ndarray, float64[seeds, points]
        At least two seeds.
    names : list of str
        Of the points.
    count : int
        Of all points that are decided together.
    level : float
        Level of each side of a point's own interval.
    """
    mean, error = mean_and_error(instances(values, minimum=2))
    own, shared = (stdtrit(len(values) - 1, 1 - each) * error for each in (level, level / count))
    return {
        name: Point(*(Interval(middle, middle - reach, middle + reach) for reach in reaches))
        for name, middle, *reaches in zip(names, mean, own, shared, strict=True)
    }


def same_curves(
    differences: Mapping[str, np.ndarray], margin: float, words: str, axis: str = "step"
) -> Outcome:
    """Decide whether all of several curves are within a margin of zero at every time.

    Parameters
    ----------
    differences : mapping
        Name of a case -> float64[seeds, times].
    margin : float
        Largest difference that counts as none.
    words : str
        Ends the description of the points.
    axis : str
        What the columns are.
    """
    count = sum(values.shape[1] for values in differences.values())
    points = {}
    for name, values in differences.items():
        points |= mean_points(values, [f"{name}, {axis} {k}" for k in range(values.shape[1])], count)
    seeds = min((len(values) for values in differences.values()), default=0)
    return all_within(
        points,
        margin,
        f"mean differences of {len(differences)} curves, 90% t intervals over {seeds} seeds; {words}",
    )


def theory_is(dataset: xr.Dataset, against: str, margin: float, curves: tuple[str, ...] = CURVES) -> Outcome:
    """Decide whether the theory's learning curves are those of the simulation, or of the exact solution.

    Parameters
    ----------
    dataset : xarray.Dataset
        Points of the experiment `mean_field_learning`.
    against : str
        simulation or exact; points without it are left out.
    margin : float
        Largest difference that counts as none.
    curves : tuple of str
        Variables to compare.
    """
    found = {}
    for case, chosen in named(dataset, case_name).items():
        for name in curves:
            theory, other = (seeds_of(chosen[name].sel(origin=origin)) for origin in ("theory", against))
            if theory.size and other.size:
                found[f"{name.replace('_', ' ')}: {case}"] = theory - other
    size = f"d = {int(dataset.d.values[0])}" if against == "simulation" and dataset.sizes["point"] else ""
    size = size or f"populations of {', '.join(str(n) for n in np.unique(dataset.paths.values))} paths"
    return same_curves(found, margin, f"theory minus {against} at every step, {size}")


def welch(first: np.ndarray, second: np.ndarray, level: float = LEVEL) -> Interval:
    """Return the difference first - second of two independent means and its interval (Welch).

    Parameters
    ----------
    first, second : ndarray, float64[seeds]
        Values of independent seeds; at least two each.
    level : float
        Level of each side: 0.05 is a 90% interval.
    """
    parts = [mean_and_error(instances(values, minimum=2)) for values in (first, second)]
    squares = [error**2 for _, error in parts]
    error = float(np.sqrt(sum(squares)))
    shares = sum(s**2 / (len(v) - 1) for s, v in zip(squares, (first, second), strict=True))
    freedom = sum(squares) ** 2 / shares if shares > 0 else len(first) + len(second) - 2
    reach = float(stdtrit(freedom, 1 - level)) * error
    difference = float(parts[0][0] - parts[1][0])
    return Interval(difference, difference - reach, difference + reach)


def welch_point(first: np.ndarray, second: np.ndarray, count: int) -> Point:
    """Return the difference first - second of two independent means as one of `count` points.

    Parameters
    ----------
    first, second : ndarray, float64[seeds]
        Values of independent seeds; at least two each.
    count : int
        Of all points that are decided together.
    """
    return Point(welch(first, second), welch(first, second, LEVEL / count))


def increasing(values: Mapping[str, np.ndarray], margin: float, words: str) -> Outcome:
    """Decide whether means increase from each group of seeds to the next by more than a margin.

    Parameters
    ----------
    values : mapping
        Name of a group -> float64[seeds], in the order that is to be increasing.
    margin : float
        Smallest step that counts as an increase.
    words : str
        What the values are.
    """
    if len(values) < 2:
        raise ValueError(f"only {len(values)} of the points this claim orders are in the dataset")
    pairs = list(itertools.pairwise(values))
    steps = {f"{a} to {b}": welch_point(values[b], values[a], len(pairs)) for a, b in pairs}
    return all_within(steps, (margin, np.inf), f"steps of {words}, Welch's 90% intervals over seeds")


def close_ratios(pairs: Mapping[str, tuple[np.ndarray, np.ndarray]], margin: float, words: str) -> Outcome:
    """Decide whether the log ratios of geometric means of several pairs are all within a margin of zero.

    Parameters
    ----------
    pairs : mapping
        Name -> two arrays of positive values of independent seeds.
    margin : float
        Largest |log ratio| that counts as equal.
    words : str
        What is compared.
    """
    points = {
        name: welch_point(np.log(first), np.log(second), len(pairs))
        for name, (first, second) in pairs.items()
    }
    return all_within(points, margin, f"log ratios of {words}, Welch's 90% intervals over seeds")


def theory_over_simulation(
    dataset: xr.Dataset, values: Callable[[xr.Dataset, str], np.ndarray], name: Callable[[xr.Dataset], str]
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return what `close_ratios` compares: the values of theory and simulation at every point.

    Parameters
    ----------
    dataset : xarray.Dataset
        Of a mean-field experiment.
    values : callable
        Of one point and an origin, float64[seeds].
    name : callable
        Of one point.
    """
    return {
        case: (values(point, "theory"), values(point, "simulation"))
        for case, point in named(dataset, name).items()
    }
