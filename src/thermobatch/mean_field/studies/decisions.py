"""What the claims on the mean-field theory share: several curves decided together, ratios, and orders."""

import itertools
from collections.abc import Mapping

import numpy as np
import xarray as xr
from scipy.special import stdtrit

from thermobatch.statistics.equivalence import curve_equivalence, verdict
from thermobatch.statistics.intervals import instances, mean_and_error
from thermobatch.study.claim import Outcome, Verdict

SOURCE = "arXiv:2210.06591"
NOISE_SOURCE = "arXiv:2112.10852"
BEYOND = "beyond the papers"
BOOTSTRAP_SEED = 12
LEVEL = 0.05


def case_name(chosen: xr.Dataset) -> str:
    """Return a short name of one point: its loss, and what differs from full-batch gradient descent.

    Parameters
    ----------
    chosen : xarray.Dataset
        One point of a mean-field dataset: its coordinates are the parameters.
    """
    values = {name: coordinate.item() for name, coordinate in chosen.coords.items() if coordinate.ndim == 0}
    parts = [values["loss"].replace("_", " "), f"b = {values['batch_fraction']:g}"]
    if np.isfinite(values.get("persistence", np.nan)):
        parts.append(f"tau = {values['persistence']:g}")
    if values["momentum"] > 0:
        parts.append("Nesterov" if values["nesterov"] else "heavy ball")
    for name in ("eigenvalue_ratio", "spectral_exponent"):
        if np.isfinite(values.get(name, np.nan)):
            parts.append(f"{name.replace('_', ' ')} {values[name]:g}")
    return ", ".join(parts)


def same_curves(differences: Mapping[str, np.ndarray], margin: float, words: str) -> Outcome:
    """Decide whether all of several curves are within a margin of zero (an intersection of tests).

    Parameters
    ----------
    differences : mapping
        Name of a case -> float64[seeds, times].
    margin : float
        Largest difference that counts as none.
    words : str
        Ends the method's description.
    """
    if not differences:
        raise ValueError("no point of the dataset has the curves this claim compares")
    found = {
        name: curve_equivalence(values, margin, seed=BOOTSTRAP_SEED) for name, values in differences.items()
    }
    worst = max(found, key=lambda name: found[name].upper)
    shared = LEVEL / len(found)  # Bonferroni: the lower bound is a union over cases
    lower = max(
        curve_equivalence(values, margin, seed=BOOTSTRAP_SEED, alpha=shared).lower
        for values in differences.values()
    )
    bounds = (lower, found[worst].upper)
    estimate = max(each.estimate for each in found.values())
    seeds = min(len(values) for values in differences.values())
    cases = f"largest over {len(found)} cases (bound reached by {worst}), {seeds} seeds each"
    method = f"{found[worst].method}; {cases}; {words}"
    return Outcome(estimate, bounds, margin, method, _within(bounds, margin))


def welch(first: np.ndarray, second: np.ndarray, level: float = LEVEL) -> tuple[float, float, float]:
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
    return difference, difference - reach, difference + reach


def increasing(values: Mapping[str, np.ndarray], margin: float, words: str) -> Outcome:
    """Decide whether means increase from each group of seeds to the next by more than a margin.

    The estimate is the smallest step; all steps must exceed the margin (an intersection of one-sided tests).

    Parameters
    ----------
    values : mapping
        Name of a group -> float64[seeds], in the order that is to be increasing.
    margin : float
        Smallest step that counts as an increase.
    words : str
        Ends the method's description.
    """
    names = list(values)
    if len(names) < 2:
        raise ValueError(f"only {len(names)} of the points this claim orders are in the dataset")
    steps = [(welch(values[b], values[a]), f"{a} to {b}") for a, b in itertools.pairwise(names)]
    (estimate, *_), where = min(steps, key=lambda step: step[0][0])
    bounds = (min(step[0][1] for step in steps), min(step[0][2] for step in steps))
    method = f"smallest of {len(steps)} steps ({where}), Welch's 90% intervals over seeds; {words}"
    return Outcome(estimate, bounds, margin, method, verdict(bounds, (margin, np.inf)))


def close_ratios(pairs: Mapping[str, tuple[np.ndarray, np.ndarray]], margin: float, words: str) -> Outcome:
    """Decide whether the ratios of several pairs of means are all within 1 +- margin.

    The estimate is the largest |log ratio|, on the scale of relative differences; intervals are Welch's on logarithms.

    Parameters
    ----------
    pairs : mapping
        Name -> two arrays of positive values of independent seeds.
    margin : float
        Largest |log ratio| that counts as equal.
    words : str
        Ends the method's description.
    """
    if not pairs:
        raise ValueError("no point of the dataset has the values this claim compares")
    found = {}
    for name, (first, second) in pairs.items():
        logs = np.log(first), np.log(second)
        middle, _, high = welch(*logs)
        _, _, farther = welch(*logs, level=LEVEL / len(pairs))  # Bonferroni: the lower bound is a union
        found[name] = (abs(middle), abs(middle) - (farther - middle), abs(middle) + (high - middle))
    worst = max(found, key=lambda name: found[name][2])
    estimate, low, high = (max(each[k] for each in found.values()) for k in range(3))
    bounds = (max(low, 0.0), high)
    method = f"largest of {len(found)} |log ratios| (bound reached at {worst}), Welch's intervals over seeds; {words}"
    return Outcome(estimate, bounds, margin, method, _within(bounds, margin))


def _within(bounds: tuple[float, float], margin: float) -> Verdict:
    """What bounds of a largest absolute difference say about a margin."""
    return "reproduced" if bounds[1] < margin else "not_reproduced" if bounds[0] > margin else "inconclusive"


def seeds_of(values: xr.DataArray) -> np.ndarray:
    """Return the values of one point as float64[seeds, ...], without seeds that were not run and trailing gaps.

    Parameters
    ----------
    values : xarray.DataArray
        With the dimension `seed` and at most one other.
    """
    others = [name for name in values.dims if name != "seed"]
    kept = values.dropna("seed", how="all")
    if others:
        kept = kept.dropna(others[0], how="all")
    return kept.transpose("seed", *others).values
