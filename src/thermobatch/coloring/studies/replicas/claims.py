"""Claims on annealing coupled replicas of planted colourings (R7)."""

import numpy as np
import xarray as xr

from thermobatch.statistics.equivalence import verdict
from thermobatch.statistics.intervals import mean_interval
from thermobatch.study.claim import Outcome, claim

SOURCE = "beyond the papers; arXiv:2206.04760 and doi:10.1073/pnas.1608103113"
CONFIDENCE = 0.9


@claim(
    "R7.replication_lowers_threshold",
    source=SOURCE,
    protocol="ours",
    statement="Coupled replicas recover planted colourings at smaller mean degrees than one system annealed as long: "
    "shift of the recovery threshold c, coupled minus single.",
)
def replication_lowers_threshold(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the shift with the best coupling of the scan against y = 1, which must lie below minus the margin."""
    several = np.unique(dataset.replicas.values[dataset.replicas.values > 1])[-1]
    return _shift(dataset, (int(several), None), (1, None), margin)


@claim(
    "R7.coupling_lowers_threshold",
    source=SOURCE,
    protocol="ours",
    statement="Coupling replicas, and not only having several of them, lowers the recovery threshold: shift of the "
    "threshold c, coupled minus as many uncoupled replicas, the best of which counts.",
)
def coupling_lowers_threshold(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the shift with the best coupling of the scan against as many replicas without coupling."""
    several = np.unique(dataset.replicas.values[dataset.replicas.values > 1])[-1]
    return _shift(dataset, (int(several), None), (int(several), 0.0), margin)


def degrees(dataset: xr.Dataset) -> np.ndarray:
    """Return the scanned mean degrees, increasing."""
    return np.unique(dataset.mean_degree.values)


def schemes(dataset: xr.Dataset) -> list[tuple[int, float]]:
    """Return the pairs (y, last gamma) of the dataset, in increasing order."""
    pairs = zip(dataset.replicas.values.tolist(), dataset.coupling.values.tolist(), strict=True)
    return sorted(set(pairs))


def recovered(dataset: xr.Dataset, scheme: tuple[int, float]) -> np.ndarray:
    """Return which runs of a scheme ended near the planted colouring: bool[degrees, instances]."""
    rows = []
    for degree in degrees(dataset):
        wanted = (
            (dataset.replicas == scheme[0])
            & (dataset.coupling == scheme[1])
            & (dataset.mean_degree == degree)
        )
        if not wanted.any():
            raise ValueError(
                f"replicated_coloring: no point with replicas = {scheme[0]}, coupling = {scheme[1]:g}, "
                f"mean_degree = {degree:g}"
            )
        chosen = dataset.sel(point=wanted).isel(point=0)
        rows.append(chosen.final_overlap.values > float(chosen.stop_overlap))
    return np.array(rows)


def threshold(dataset: xr.Dataset, shares: np.ndarray) -> np.ndarray:
    """Return c_max - integral of the recovered share over c: where a step of the same area would be.

    Parameters
    ----------
    dataset
        Of the experiment `replicated_coloring`.
    shares
        float[degrees, ...] in the order of `degrees`.
    """
    c = degrees(dataset)
    return c[-1] - np.trapezoid(np.asarray(shares, dtype=float), c, axis=0)


def _shift(dataset: xr.Dataset, first: tuple, second: tuple, margin: float) -> Outcome:
    """Difference of the thresholds of two schemes, instance number by instance number; None: the best gamma > 0."""
    compared = [_best(dataset, scheme) for scheme in (first, second)]
    curves = [recovered(dataset, scheme) for scheme in compared]
    each = threshold(dataset, curves[0]) - threshold(dataset, curves[1])
    found = mean_interval(each, confidence=CONFIDENCE)
    names = ", ".join(
        f"{threshold(dataset, curve.mean(axis=1)):.2f} with y = {y}, gamma = {gamma:g}"
        for (y, gamma), curve in zip(compared, curves, strict=True)
    )
    method = (
        f"thresholds {names}; N = {int(dataset.n[0])}, {int(dataset.sweeps[0])} sweeps of every replica; areas under "
        f"the recovered share, t interval over {len(each)} sets of graphs, {CONFIDENCE:.0%}; reproduced when below "
        "minus the margin"
    )
    bounds = (found.lower, found.upper)
    return Outcome(found.estimate, bounds, margin, method, verdict(bounds, (-np.inf, -margin)))


def _best(dataset: xr.Dataset, scheme: tuple) -> tuple[int, float]:
    """A scheme, or where its gamma is None the coupled one (y > 1) of smallest threshold."""
    y, gamma = scheme
    if gamma is not None:
        return scheme
    known = [pair for pair in schemes(dataset) if pair[0] == y and (pair[1] > 0 or y == 1)]
    if not known:
        raise ValueError(f"replicated_coloring: no point with replicas = {y}")
    return min(known, key=lambda pair: threshold(dataset, recovered(dataset, pair).mean(axis=1)))
