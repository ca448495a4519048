"""Claims on cooling as global optimisation (L2)."""

import numpy as np
import xarray as xr

from thermobatch.statistics.equivalence import verdict
from thermobatch.statistics.intervals import Interval, proportion_difference, wilson_interval
from thermobatch.study.claim import Outcome, claim

SOURCE = "doi:10.1109/TPAMI.1984.4767596"
POPULAR = "popular accounts of SGD as a Langevin process"
BEYOND = "beyond the accounts"
CONFIDENCE = 0.9


@claim(
    "L2.cooling_wins_at_last",
    source=SOURCE,
    protocol="ours",
    statement="At the end of the runs Langevin dynamics cooled as c / log n are in the global basin more often than at "
    "the best constant temperature: difference of probabilities.",
)
def cooling_wins_at_last(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the difference between the best c and the best constant T, which must exceed the margin."""
    return _advantage(dataset, margin)


@claim(
    "L2.far_better",
    source=POPULAR,
    protocol="ours",
    statement="Cooling as c / log n is far better than any constant temperature: difference of probabilities.",
)
def far_better(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide as cooling_wins_at_last, with a margin that would deserve the words."""
    return _advantage(dataset, margin)


@claim(
    "L2.batch_cools_like_temperature",
    source=POPULAR,
    protocol="ours",
    statement="A batch growing as c log n finds the global basin as often as a temperature falling as T(B_n): "
    "difference of probabilities at the end.",
)
def batch_cools_like_temperature(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by SGD with replacement against Langevin dynamics with the c of the same T_n."""
    growing = _points(dataset, "batch", "logarithmic", "with_replacement")[0]
    chosen = dataset.sel(point=growing)
    # eta sigma^2 / (2 c log n) = scale / log n
    scale = float(chosen.learning_rate * chosen.noise_variance / (2.0 * chosen.batch))
    cooled = _points(dataset, "temperature", "logarithmic")
    twin = cooled[np.argmin(np.abs(dataset.temperature.sel(point=cooled).values - scale))]
    found = _difference(dataset, growing, twin)
    return _outcome(
        found, margin, (-margin, margin), f"{_name(dataset, growing)} against {_name(dataset, twin)}"
    )


@claim(
    "L2.reshuffling_is_colder",
    source=BEYOND,
    protocol="ours",
    statement="SGD on reshuffled epochs is colder than with independent mini-batches: probability of the global basin "
    "at the same B, independent minus reshuffled.",
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


def successes(dataset: xr.Dataset, point: str) -> tuple[np.ndarray, int]:
    """Return the runs in the global basin at every time, and all runs, of one point."""
    chosen = dataset.sel(point=point)
    share = chosen.share.transpose("seed", "time").dropna("seed", how="all").values
    runs = int(chosen.runs)
    return np.rint(share * runs).sum(axis=0), runs * len(share)


def proportion(dataset: xr.Dataset, point: str, confidence: float = CONFIDENCE) -> Interval:
    """Return the share of runs in the global basin at the end, with Wilson's interval."""
    inside, runs = successes(dataset, point)
    return wilson_interval(int(inside[-1]), runs, confidence=confidence)


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


def _difference(dataset: xr.Dataset, first: str, second: str) -> Interval:
    """Difference of the shares of two points at the end, with Newcombe's interval."""
    ends = [(int(inside[-1]), runs) for inside, runs in (successes(dataset, p) for p in (first, second))]
    return proportion_difference(*ends, confidence=CONFIDENCE)


def _advantage(dataset: xr.Dataset, margin: float) -> Outcome:
    best = [
        max(_points(dataset, "temperature", cooling), key=lambda point: proportion(dataset, point).estimate)
        for cooling in ("logarithmic", "constant")
    ]
    words = f"{_name(dataset, best[0])} against {_name(dataset, best[1])}; reproduced when above the margin"
    return _outcome(_difference(dataset, *best), margin, (margin, 2.0), words)


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
