"""Claims on cooling as global optimisation (L2)."""

from typing import Literal

import numpy as np
import xarray as xr

from thermobatch.statistics.equivalence import verdict
from thermobatch.statistics.intervals import Interval, proportion_difference, wilson_interval
from thermobatch.study.claim import Outcome, claim

SOURCE = "doi:10.1109/TPAMI.1984.4767596"
POPULAR = "popular accounts of SGD as a Langevin process"
BEYOND = "beyond the accounts"
CONFIDENCE = 0.9
Half = Literal["first", "second"]
"""The first half of a point's seeds chooses the best schedule of a kind, the second half tests it."""


@claim(
    "L2.cooling_wins_at_last",
    source=SOURCE,
    protocol="ours",
    statement="At the end of the runs Langevin dynamics cooled as c / log n are in the global basin more often than at "
    "the best constant temperature, c and T chosen among those scanned on the first half of the seeds: "
    "difference of probabilities on the second half, above the margin.",
)
def cooling_wins_at_last(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the c and the constant T that are best on the first half of the seeds, tested on the second."""
    return _advantage(dataset, margin)


@claim(
    "L2.far_better",
    source=POPULAR,
    protocol="ours",
    statement="Cooling as c / log n is far better than any constant temperature: the difference of "
    "L2.cooling_wins_at_last, above a margin that would deserve the words.",
)
def far_better(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide as cooling_wins_at_last."""
    return _advantage(dataset, margin)


@claim(
    "L2.batch_cools_like_temperature",
    source=POPULAR,
    protocol="ours",
    statement="SGD with a batch growing as B_n = ceil(c log n), drawn with replacement, is in the global basin at the "
    "end as often as Langevin dynamics at its own T(B_n) = eta sigma^2 / (2 B_n), the same at every step: difference "
    "of probabilities, within the margin.",
)
def batch_cools_like_temperature(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by SGD against thermal noise of the temperature of its batch at every step."""
    pair = [
        _points(dataset, "batch", "logarithmic", sampling)[0] for sampling in ("with_replacement", "thermal")
    ]
    words = f"{_name(dataset, pair[0])} against Langevin dynamics at T(B_n)"
    return _outcome(_difference(dataset, *pair), margin, (-margin, margin), words)


@claim(
    "L2.reshuffling_is_colder",
    source=BEYOND,
    protocol="ours",
    statement="SGD on reshuffled epochs ends in the global basin less often than SGD with independent mini-batches of "
    "the same B: difference of the probabilities, independent minus reshuffled, above the margin.",
)
def reshuffling_is_colder(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the difference at the same constant batch, which must exceed the margin."""
    shuffled = _points(dataset, "batch", "constant", "reshuffling")[0]
    batches = _points(dataset, "batch", "constant", "with_replacement")
    same = next(
        p for p in batches if float(dataset.batch.sel(point=p)) == float(dataset.batch.sel(point=shuffled))
    )
    found = _difference(dataset, same, shuffled)
    return _outcome(found, margin, (margin, 2.0), f"B = {float(dataset.batch.sel(point=same)):g}")


def successes(dataset: xr.Dataset, point: str, half: Half | None = None) -> tuple[np.ndarray, int]:
    """Return the runs in the global basin at every time, and all runs, of one point or of half of its seeds."""
    chosen = dataset.sel(point=point)
    share = chosen.share.transpose("seed", "time").dropna("seed", how="all").values
    middle = len(share) // 2
    share = {None: share, "first": share[:middle], "second": share[middle:]}[half]
    runs = int(chosen.runs)
    return np.rint(share * runs).sum(axis=0), runs * len(share)


def at_end(
    dataset: xr.Dataset, point: str, half: Half | None = None, confidence: float = CONFIDENCE
) -> Interval:
    """Return the share of runs in the global basin at the end, with Wilson's interval."""
    inside, runs = successes(dataset, point, half)
    return wilson_interval(int(inside[-1]), runs, confidence=confidence)


def best_thermal(dataset: xr.Dataset, cooling: str) -> str:
    """Return the point of Langevin dynamics of one cooling that is best on the seeds that choose."""
    points = _points(dataset, "temperature", cooling)
    return max(points, key=lambda point: at_end(dataset, point, "first").estimate)


def _points(dataset: xr.Dataset, control: str, cooling: str, sampling: str | None = None) -> list[str]:
    """Names of the points that one control runs, or an error that says what is missing."""
    wanted = np.isfinite(dataset[control]) & (dataset.cooling == cooling)
    if sampling is not None:
        wanted &= dataset.sampling == sampling
    if not wanted.any():
        raise ValueError(
            f"landscape_annealing: no point with a {cooling} {control} ({sampling or 'any'} sampling)"
        )
    return [str(name) for name in dataset.point.values[wanted.values]]


def _difference(dataset: xr.Dataset, first: str, second: str, half: Half | None = None) -> Interval:
    """Difference of the shares of two points at the end, with Newcombe's interval."""
    ends = [
        (int(inside[-1]), runs) for inside, runs in (successes(dataset, p, half) for p in (first, second))
    ]
    return proportion_difference(*ends, confidence=CONFIDENCE)


def _advantage(dataset: xr.Dataset, margin: float) -> Outcome:
    best = [best_thermal(dataset, cooling) for cooling in ("logarithmic", "constant")]
    counts = [successes(dataset, point, "second") for point in best]
    shares = ", ".join(f"{int(inside[-1])} of {runs}" for inside, runs in counts)
    tried = [len(_points(dataset, "temperature", cooling)) for cooling in ("logarithmic", "constant")]
    words = (
        f"{_name(dataset, best[0])} (best of {tried[0]}) against {_name(dataset, best[1])} (best of {tried[1]}), "
        f"chosen on the first half of the seeds, tested on the second: {shares}; reproduced when above the margin"
    )
    return _outcome(_difference(dataset, *best, "second"), margin, (margin, 2.0), words)


def _name(dataset: xr.Dataset, point: str) -> str:
    chosen = dataset.sel(point=point)
    cooled = str(chosen.cooling.values) == "logarithmic"
    if np.isfinite(chosen.temperature):
        return f"T = {float(chosen.temperature):g}" + (" / log n" if cooled else "")
    return f"B = ceil({float(chosen.batch):g} log n)" if cooled else f"B = {float(chosen.batch):g}"


def _outcome(found: Interval, margin: float, allowed: tuple[float, float], words: str) -> Outcome:
    bounds = (found.lower, found.upper)
    method = f"difference of proportions of independent runs, Newcombe's {CONFIDENCE:.0%} interval; {words}"
    return Outcome(found.estimate, bounds, margin, method, verdict(bounds, allowed))
