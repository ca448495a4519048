"""Claims on learning curves with correlated inputs (D7)."""

import numpy as np
import xarray as xr

from thermobatch.mean_field.studies.decisions import (
    BEYOND,
    CURVES,
    SOURCE,
    Interval,
    Point,
    mean_points,
    theory_is,
)
from thermobatch.mean_field.studies.points import case_name, correlated, identity_twin, named, seeds_of
from thermobatch.study.claim import Outcome, claim

COVARIANCE_CURVES = (*CURVES, "self_overlap")


@claim(
    "D7.theory_is_exact",
    source=SOURCE,
    protocol="ours",
    statement="With correlated inputs and independent batches the mean-field theory of the square loss gives the exact "
    "overlap, training loss and self-overlap: at every step the mean difference is below the margin.",
)
def theory_is_exact(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide over all covariances that are not the identity: whether the solver is right, a numerical question."""
    return theory_is(correlated(dataset), "exact", margin, COVARIANCE_CURVES)


@claim(
    "D7.theory_is_simulation",
    source=SOURCE,
    protocol="ours",
    statement="With correlated inputs the mean-field theory of the square loss gives overlap, training loss and "
    "self-overlap of SGD at finite dimension: at every step the mean difference is below the margin.",
)
def theory_is_simulation(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide over all covariances that are not the identity, with the errors of both."""
    return theory_is(correlated(dataset), "simulation", margin, COVARIANCE_CURVES)


@claim(
    "D7.covariance_matters",
    source=BEYOND,
    protocol="ours",
    statement="Control: for every covariance and batch fraction of D7 there is a step at which the simulated overlap "
    "differs from the exact one with uncorrelated inputs by more than the margin of D7.theory_is_simulation.",
)
def covariance_matters(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the case that differs least, at its most different step."""
    chosen = correlated(dataset)
    found = {}
    for case, one in named(chosen, case_name).items():
        identity = seeds_of(identity_twin(dataset, one).magnetization.sel(origin="exact"))[0]
        simulated = seeds_of(one.magnetization.sel(origin="simulation"))
        step, point, largest = _most_different(simulated - identity, chosen.sizes["point"])
        found[f"{case}, at {step}"] = (point, largest)
    if not found:
        raise ValueError("the dataset has no point with correlated inputs")
    least = min(found, key=lambda name: found[name][0].together.lower)
    answer = "reproduced" if found[least][0].together.lower > margin else "inconclusive"
    same = min(found, key=lambda name: found[name][1])
    if found[same][1] < margin:
        least, answer = same, "not_reproduced"
    (estimate, *ends), together = found[least][0]
    method = (
        f"least different of {len(found)} cases, at its most different step: {least}, its own 90% interval; lower "
        f"bound there for all steps together, which must exceed the margin: {together.lower:.3g}; no step differs by "
        f"more than {found[least][1]:.3g}"
    )
    return Outcome(float(estimate), (float(ends[0]), float(ends[1])), margin, method, answer)


def _most_different(differences: np.ndarray, cases: int) -> tuple[int, Point, float]:
    """Return the step with the largest lower bound, its |difference|, and the upper bound of all steps.

    The lower bound holds for all steps and both signs together; the upper one is an intersection of tests over steps
    and a union over the cases.
    """
    steps = differences.shape[1]
    names = [str(k) for k in range(steps)]
    lower = mean_points(differences, names, 2 * steps)
    upper = mean_points(differences, names, cases)
    sizes = [_size(lower[name]) for name in names]
    step = max(range(steps), key=lambda k: sizes[k].together.lower)
    return step, sizes[step], max(_size(upper[name]).together.upper for name in names)


def _size(point: Point) -> Point:
    """The same of the absolute value."""
    if point.own.estimate >= 0:
        return point
    return Point(*(Interval(-each.estimate, -each.upper, -each.lower) for each in point))
