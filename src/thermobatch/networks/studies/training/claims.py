"""Claims on SGD and replicated SGD of the committee machine (R3)."""

import numpy as np
import xarray as xr
from scipy.stats import binomtest

from thermobatch.statistics.equivalence import verdict
from thermobatch.statistics.intervals import mean_interval, proportion_difference, wilson_interval
from thermobatch.study.claim import Outcome, claim

SOURCE = "doi:10.1073/pnas.1608103113"
BEYOND = "beyond the paper"
CONFIDENCE = 0.9
SETTINGS = (
    "replicas",
    "batch",
    "centre",
    "attraction",
    "coupling",
    "coupling_step",
    "learning_rate",
    "batch_rule",
    "same_start",
    "ties",
)
"""What may differ from the reference setting."""


@claim(
    "R3.solves_where_sgd_fails",
    source=SOURCE,
    protocol="program",
    statement="Replicated SGD solves instances that plain SGD, which visits as many patterns, does not: difference of "
    "the shares of solved instances at one load.",
)
def solves_where_sgd_fails(dataset: xr.Dataset, *, margin: float, alpha: float, batch: int) -> Outcome:
    """Decide by Newcombe's interval of the difference, which must lie above the margin."""
    several = solved(dataset, reference_point(dataset, alpha, batch, replicated(dataset)))
    single = solved(dataset, reference_point(dataset, alpha, batch, 1))
    counts = [(int(each.sum()), len(each)) for each in (several, single)]
    found = proportion_difference(*counts, confidence=CONFIDENCE)
    words = "; ".join(
        f"{name} {k} of {n} (Wilson {low:.2f} to {high:.2f})"
        for name, (k, n) in zip(("rSGD", "SGD"), counts, strict=True)
        for _, low, high, _ in [wilson_interval(k, n, confidence=CONFIDENCE)]
    )
    method = (
        f"alpha = {alpha:g}, batch {batch}: {words}; Newcombe's {CONFIDENCE:.0%} interval of the difference; sign "
        f"test over shared instances p = {sign_test(several, single):.2g}"
    )
    bounds = (found.lower, found.upper)
    return Outcome(found.estimate, bounds, margin, method, verdict(bounds, (margin, 2.0)))


@claim(
    "R3.fewer_errors_beyond",
    source=SOURCE,
    protocol="ours",
    statement="At a load that neither algorithm solves, replicated SGD reaches a smaller training error: mean "
    "difference of the smallest errors, SGD minus rSGD.",
)
def fewer_errors_beyond(dataset: xr.Dataset, *, margin: float, alpha: float, batch: int) -> Outcome:
    """Decide by the paired t interval over instances, which must lie above the margin."""
    single, several = (
        smallest_errors(dataset, reference_point(dataset, alpha, batch, y)) for y in (1, replicated(dataset))
    )
    shared = min(len(single), len(several))
    found = mean_interval(single[:shared] - several[:shared], confidence=CONFIDENCE)
    bounds = (found.lower, found.upper)
    method = (
        f"alpha = {alpha:g}, batch {batch}: {single.mean():.1%} against {several.mean():.1%}; paired t interval over "
        f"{shared} instances, {CONFIDENCE:.0%}"
    )
    return Outcome(found.estimate, bounds, margin, method, verdict(bounds, (margin, 1.0)))


@claim(
    "R3.errors_as_measured",
    source=BEYOND,
    protocol="ours",
    statement="Plain SGD ends with the training errors that were measured before: the largest deviation over the "
    "loads.",
)
def errors_as_measured(
    dataset: xr.Dataset, *, margin: float, batch: int, alphas: list[float], expected: list[float]
) -> Outcome:
    """Decide by the load whose t interval reaches farthest from what is expected."""
    found = []
    for alpha, value in zip(alphas, expected, strict=True):
        errors = smallest_errors(dataset, reference_point(dataset, alpha, batch, 1))
        found.append((mean_interval(errors - value, confidence=CONFIDENCE), alpha))
    worst, alpha = max(found, key=lambda pair: max(-pair[0].lower, pair[0].upper))
    method = (
        f"batch {batch}, t intervals ({CONFIDENCE:.0%}) over instances; the largest deviation is at alpha = "
        f"{alpha:g}; measured before: {', '.join(f'{e:.1%} at {a:g}' for a, e in zip(alphas, expected, strict=True))}"
    )
    bounds = (worst.lower, worst.upper)
    return Outcome(worst.estimate, bounds, margin, method, verdict(bounds, (-margin, margin)))


def sign_test(first: np.ndarray, second: np.ndarray) -> float:
    """Return the exact two-sided p-value for equal chances on the same instances (McNemar); 1 without a difference."""
    shared = min(len(first), len(second))
    only_first = int(np.count_nonzero(first[:shared] & ~second[:shared]))
    only_second = int(np.count_nonzero(~first[:shared] & second[:shared]))
    if only_first + only_second == 0:
        return 1.0
    return float(binomtest(only_first, only_first + only_second).pvalue)


def replicated(dataset: xr.Dataset) -> int:
    """Return the number of replicas at which most loads were scanned."""
    several = dataset.sel(point=dataset.replicas > 1)
    values, counts = np.unique(several.replicas.values, return_counts=True)
    if not len(values):
        raise ValueError("committee_training: no point with replicas > 1")
    return int(values[np.argmax(counts)])


def plain(dataset: xr.Dataset) -> xr.Dataset:
    """Return the points whose settings, but for replicas and batch, are those of most points."""
    kept = np.ones(dataset.sizes["point"], dtype=bool)
    for name in SETTINGS[2:]:
        kept &= differences(dataset, name) == 0
    return dataset.sel(point=kept)


def differences(dataset: xr.Dataset, name: str) -> np.ndarray:
    """Return 1 for every point whose setting differs from that of most points, else 0."""
    values = [str(value) for value in dataset[name].values]
    names, counts = np.unique(values, return_counts=True)
    usual = names[np.argmax(counts)]
    return np.array([int(value != usual) for value in values])


def loads(dataset: xr.Dataset, replicas: int, batch: int) -> np.ndarray:
    """Return the loads of the reference setting, increasing."""
    chosen = plain(dataset)
    chosen = chosen.sel(point=(chosen.replicas == replicas) & (chosen.batch == batch))
    return np.unique(chosen.alpha.values)


def reference_point(dataset: xr.Dataset, alpha: float, batch: int, replicas: int) -> str:
    """Return the point of the reference setting at one load, or an error that says what is missing."""
    chosen = plain(dataset)
    wanted = (chosen.replicas == replicas) & (chosen.batch == batch) & np.isclose(chosen.alpha, alpha)
    if not wanted.any():
        raise ValueError(
            f"committee_training: no point with replicas = {replicas}, batch = {batch}, alpha = {alpha:g}"
        )
    return str(chosen.point.values[wanted.values][0])


def solved(dataset: xr.Dataset, point: str) -> np.ndarray:
    """Return, in the order of the instances, whether each run of a point was solved."""
    chosen = dataset.sel(point=point)
    return chosen.solved.values[np.isfinite(chosen.epochs_run.values)] > 0


def smallest_errors(dataset: xr.Dataset, point: str) -> np.ndarray:
    """Return, in the order of the instances, the smallest training error of each run of a point."""
    values = dataset.min_error.sel(point=point).values
    return values[np.isfinite(values)]


def epochs_to_solution(dataset: xr.Dataset, point: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the epochs each run made and whether it was solved (an unsolved run is censored)."""
    epochs = dataset.epochs_run.sel(point=point).values
    return epochs[np.isfinite(epochs)], solved(dataset, point)
