"""Claims on the phase diagram and where the planted colouring is found (E6)."""

import numpy as np
import xarray as xr

from thermobatch.statistics.equivalence import paired_equivalence, verdict
from thermobatch.statistics.intervals import mean_interval, wilson_interval
from thermobatch.study.claim import Outcome, claim

CONFIDENCE = 0.9


@claim(
    "E6.connectivity",
    source="doi:10.1103/PhysRevE.76.031131",
    protocol="paper",
    statement="Reconstruction of 5 colours on the tree becomes possible at c_d = 12.84 at T = 0: c_d - 12.84.",
)
def connectivity(dataset: xr.Dataset, *, literature: float, margin: float) -> Outcome:
    """Decide by the t interval over populations."""
    values = transitions(dataset, "dynamical_connectivity").transition_mean_degree.values[:, 0] - literature
    return _located(values, margin, "c_d by population dynamics at T = 0, difference to the literature")


@claim(
    "E6.threshold",
    source="arXiv:2206.04760",
    protocol="paper",
    statement="T_sp(c) and T_d(c) cross between c = 18 and 19: the predicted threshold of annealing-like algorithms.",
)
def threshold(dataset: xr.Dataset, *, margin: list[float]) -> Outcome:
    """Decide by the t interval over populations."""
    return _located(crossings(dataset), tuple(margin), "transition along the line T = T_sp(c)")


@claim(
    "E6.predicted_side",
    source="arXiv:2206.04760; doi:10.1038/s41598-024-62625-8",
    protocol="ours",
    statement="Within the cap, both algorithms recover most graphs above the crossing of T_sp and T_d at their best T "
    "or B, and at no T or B most graphs below it: smallest fraction of graphs on the predicted side.",
)
def predicted_side(
    dataset: xr.Dataset, reconstruction: xr.Dataset, *, margin: float, distance: float
) -> Outcome:
    """Decide by the worst mean degree at least `distance` from the crossing, over both dynamics.

    Above the crossing the best temperature is chosen after the fact, so its bound is Bonferroni's over temperatures.
    Below it the temperature with most recoveries counts, with the same bound.
    """
    crossing = float(np.mean(crossings(reconstruction)))
    alpha = (1 - CONFIDENCE) / dataset.sizes["temperature"]
    rows = []
    for slug in dataset.point.values:
        recovered, graphs = recoveries(dataset.sel(point=slug))
        degree = float(dataset.mean_degree.sel(point=slug))
        if abs(degree - crossing) < distance:
            continue
        best = int(recovered.max())
        on_side = best if degree > crossing else graphs - best
        found = wilson_interval(on_side, graphs, confidence=1 - alpha)
        rows.append((found.lower, found.estimate, found.upper, degree, str(slug)))
    lower, estimate, upper, degree, _ = min(rows)
    method = (
        f"worst of {len(rows)} pairs of dynamics and c with |c - {crossing:.2f}| >= {distance:g} (c = {degree:g}), N = "
        f"{int(dataset.n[0])}, cap {int(dataset.sweeps[0])} sweeps; Wilson interval over graphs, "
        f"{CONFIDENCE:.0%} with Bonferroni over temperatures"
    )
    return Outcome(estimate, (lower, upper), margin, method, verdict((lower, upper), (margin, np.inf)))


@claim(
    "E6.same_recovery",
    source="doi:10.1038/s41598-024-62625-8",
    protocol="ours",
    statement="SGD-like dynamics at B and Metropolis at T(B) recover equally often all over the (c, T) grid: mean "
    "difference of the recovered fraction.",
)
def same_recovery(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the paired difference, by graph, of the fraction of temperatures with recovery."""
    found = np.isfinite(dataset.first_passage).mean("temperature").transpose("seed", "point")
    by_dynamics = []
    for dynamics in ("sgd_like", "metropolis"):
        chosen = found.sel(point=dataset.dynamics == dynamics)
        by_dynamics.append(chosen.isel(point=np.argsort(chosen.mean_degree.values)).values)
    tested = paired_equivalence((by_dynamics[0] - by_dynamics[1]).ravel(), margin)
    method = (
        f"{tested.method}; {by_dynamics[0].size} graphs, {dataset.sizes['temperature']} temperatures each"
    )
    return Outcome(tested.estimate, (tested.lower, tested.upper), margin, method, tested.verdict)


def transitions(dataset: xr.Dataset, kind: str) -> xr.Dataset:
    """Return the points of one kind of transition, by increasing mean degree, dimensions (seed, point)."""
    chosen = dataset.sel(point=dataset.transition == kind).transpose("seed", "point")
    return chosen.isel(point=np.argsort(chosen.transition_mean_degree.mean("seed").values))


def crossings(dataset: xr.Dataset) -> np.ndarray:
    """Return the mean degree where T_sp = T_d, one a seed."""
    return transitions(dataset, "annealing_threshold").transition_mean_degree.values[:, 0]


def recoveries(point: xr.Dataset) -> tuple[np.ndarray, int]:
    """Return how many graphs were recovered at every temperature, and the number of graphs."""
    arrived = np.isfinite(point.first_passage)
    return arrived.sum("seed").values, int(point.sizes["seed"])


def _located(values: np.ndarray, margin, what: str) -> Outcome:
    found = mean_interval(values, confidence=CONFIDENCE)
    method = f"{what}; t interval over {len(values)} seeds (independent populations), {CONFIDENCE:.0%}"
    bounds = (found.lower, found.upper)
    return Outcome(found.estimate, bounds, margin, method, verdict(bounds, margin))
