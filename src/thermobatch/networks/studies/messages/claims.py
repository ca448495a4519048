"""Claims on searches by focusing belief propagation on the committee machine (R4)."""

import numpy as np
import xarray as xr

from thermobatch.statistics.equivalence import verdict
from thermobatch.statistics.intervals import mean_interval, proportion_difference, wilson_interval
from thermobatch.study.claim import Outcome, claim

SOURCE = "doi:10.1073/pnas.1608103113"
MEASURED = "measured before on other instances"
CONFIDENCE = 0.9


@claim(
    "R4.reinforcement_solves",
    source=MEASURED,
    protocol="ours",
    statement="The fastest reinforcement solves the committee machine at every load up to the largest given: smallest "
    "share of solved instances.",
)
def reinforcement_solves(dataset: xr.Dataset, *, margin: float, largest_alpha: float) -> Outcome:
    """Decide by the Wilson interval of the worst load, Bonferroni's over the loads."""
    points = _points(dataset, "reinforcement", "fast")
    points = [point for point in points if float(dataset.alpha.sel(point=point)) <= largest_alpha + 1e-9]
    if not points:
        raise ValueError(f"message_search: no load up to {largest_alpha:g}")
    confidence = 1 - (1 - CONFIDENCE) / len(points)
    found = min((successes(dataset, point) for point in points), key=lambda pair: pair[0] / pair[1])
    interval = wilson_interval(*found, confidence=confidence)
    bounds = (float(interval.lower), float(interval.upper))
    method = f"Wilson interval of the worst of {len(points)} loads, {confidence:.1%} for each; {found[0]} of {found[1]}"
    return Outcome(float(interval.estimate), bounds, margin, method, verdict(bounds, (margin, 2.0)))


@claim(
    "R4.slow_reinforcement_goes_further",
    source=MEASURED,
    protocol="ours",
    statement="At one load the slowest reinforcement solves more instances than the fastest: difference of the shares.",
)
def slow_reinforcement_goes_further(dataset: xr.Dataset, *, margin: float, alpha: float) -> Outcome:
    """Decide by Newcombe's interval of the difference, which must lie above the margin."""
    slow, fast = (
        _pooled(dataset, _at(dataset, _points(dataset, "reinforcement", pace), alpha))
        for pace in ("slow", "fast")
    )
    return _difference(slow, fast, margin, f"alpha = {alpha:g}: slow {_count(slow)}, fast {_count(fast)}")


@claim(
    "R4.reinforcement_fails",
    source=MEASURED,
    protocol="ours",
    statement="Reinforcement, even the slowest, does not solve this load: share of solved instances.",
)
def reinforcement_fails(dataset: xr.Dataset, *, margin: float, alpha: float) -> Outcome:
    """Decide by the Wilson interval, which must lie below the margin."""
    found = _pooled(dataset, _at(dataset, _points(dataset, "reinforcement", "slow"), alpha))
    interval = wilson_interval(*found, confidence=CONFIDENCE)
    bounds = (float(interval.lower), float(interval.upper))
    method = f"{CONFIDENCE:.0%} Wilson interval; {_count(found)} at alpha = {alpha:g}"
    return Outcome(float(interval.estimate), bounds, margin, method, verdict(bounds, (-1.0, margin)))


@claim(
    "R4.focusing_goes_further",
    source=SOURCE,
    protocol="ours",
    statement="At large loads focusing belief propagation with finitely coupled replicas (pseudo-reinforcement) solves "
    "more instances than reinforcement that may make as many iterations: difference of the shares, pooled over the "
    "loads, above the margin.",
)
def focusing_goes_further(dataset: xr.Dataset, *, margin: float, smallest_alpha: float) -> Outcome:
    """Decide by Newcombe's interval of the difference of the pooled shares, which must lie above the margin."""
    pseudo = _from(dataset, _points(dataset, "pseudo", "fast"), smallest_alpha)
    budget = max((allowed_iterations(dataset, point) for point in pseudo), default=0)
    matched = _from(dataset, _matched(dataset, "reinforcement", budget), smallest_alpha)
    words = "; ".join(
        f"{name} {_count(_pooled(dataset, points))} (at most {allowed_iterations(dataset, points[0])} iterations, "
        f"{float(dataset.iterations_made.sel(point=points).mean()):.0f} made on average)"
        for name, points in (("pseudo", pseudo), ("reinforcement", matched))
    )
    counts = [_pooled(dataset, points) for points in (pseudo, matched)]
    return _difference(*counts, margin, f"alpha >= {smallest_alpha:g}: {words}")


@claim(
    "R4.symmetry_breaks",
    source=SOURCE,
    protocol="ours",
    statement="Solving breaks the symmetry between the hidden units: their relative overlap (with each other over with "
    "themselves), first step minus last.",
)
def symmetry_breaks(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the t interval over instances of the fall, averaged over the solved runs of each."""
    dataset = dataset.sel(point=usual(dataset))
    relative = relative_overlap(dataset)
    steps = np.isfinite(relative).sum("step")
    last = relative.isel(step=np.maximum(steps - 1, 0))
    fall = (relative.isel(step=0) - last).where(dataset.solved == 1)
    per_instance = fall.mean("point").dropna("seed").values
    interval = mean_interval(per_instance, confidence=CONFIDENCE)
    bounds = (float(interval.lower), float(interval.upper))
    method = (
        f"{CONFIDENCE:.0%} t interval over {per_instance.size} instances, each averaged over its solved runs"
    )
    return Outcome(float(interval.estimate), bounds, margin, method, verdict(bounds, (margin, 3.0)))


def successes(dataset: xr.Dataset, point: str) -> tuple[int, int]:
    """Return how many instances of a point were solved, and how many there are.

    Parameters
    ----------
    dataset
        Of the experiment `message_search`.
    point
        Name of the point.
    """
    solved = dataset.solved.sel(point=point).dropna("seed").values
    return int(solved.sum()), len(solved)


def allowed_iterations(dataset: xr.Dataset, point: str) -> int:
    """Return the most iterations that a point may make: those of a step times the steps of its protocol."""
    chosen = dataset.sel(point=point)
    return round(float(chosen.iterations / chosen.increment))


def relative_overlap(dataset: xr.Dataset) -> xr.DataArray:
    """Return the overlap of two units over that of a unit with itself, along the protocol (1: symmetric)."""
    return dataset.other_overlap / dataset.own_overlap


def _points(dataset: xr.Dataset, protocol: str, pace: str) -> list[str]:
    """Points of a protocol with its largest ("fast") or its smallest ("slow") increment."""
    wanted = (dataset.protocol == protocol) & usual(dataset)
    if not wanted.any():
        raise ValueError(f"message_search: no point with the protocol {protocol}")
    increments = dataset.increment.where(wanted)
    chosen = increments.max() if pace == "fast" else increments.min()
    return [str(point) for point in dataset.point.values[(increments == chosen).values]]


def _matched(dataset: xr.Dataset, protocol: str, budget: int) -> list[str]:
    """Points of a protocol whose most iterations are nearest to a budget, on a logarithmic scale."""
    points = dataset.point.values[((dataset.protocol == protocol) & usual(dataset)).values]
    allowed = np.array([allowed_iterations(dataset, point) for point in points])
    if not budget or not points.size:
        raise ValueError(f"message_search: no {protocol} to compare at large loads")
    nearest = allowed[np.argmin(np.abs(np.log(allowed / budget)))]
    return [str(point) for point in points[allowed == nearest]]


def usual(dataset: xr.Dataset) -> xr.DataArray:
    """Say of every point whether size, damping and first messages are those of most points."""
    kept = xr.ones_like(dataset.alpha, dtype=bool)
    for name in ("n", "damping", "spread"):
        values, counts = np.unique(dataset[name].values, return_counts=True)
        kept &= dataset[name] == values[np.argmax(counts)]
    return kept


def _from(dataset: xr.Dataset, points: list[str], alpha: float) -> list[str]:
    """Those of the points at this load or above."""
    return [point for point in points if float(dataset.alpha.sel(point=point)) >= alpha - 1e-9]


def _at(dataset: xr.Dataset, points: list[str], alpha: float) -> list[str]:
    """Those of the points at one load."""
    return [point for point in points if np.isclose(float(dataset.alpha.sel(point=point)), alpha)]


def _pooled(dataset: xr.Dataset, points: list[str]) -> tuple[int, int]:
    """Solved and all runs of some points."""
    if not points:
        raise ValueError("message_search: no point at that load")
    counts = np.array([successes(dataset, point) for point in points]).sum(axis=0)
    return int(counts[0]), int(counts[1])


def _count(pair: tuple[int, int]) -> str:
    return f"{pair[0]} of {pair[1]}"


def _difference(first: tuple[int, int], second: tuple[int, int], margin: float, words: str) -> Outcome:
    found = proportion_difference(first, second, confidence=CONFIDENCE)
    bounds = (float(found.lower), float(found.upper))
    method = f"Newcombe's {CONFIDENCE:.0%} interval; {words}"
    return Outcome(float(found.estimate), bounds, margin, method, verdict(bounds, (margin, 2.0)))
