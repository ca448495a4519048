"""Claims on the decision boundary (D6): noise keeps the samples away from it, and the rule generalises better."""

import numpy as np
import xarray as xr

from thermobatch.mean_field.studies.decisions import BEYOND, NOISE_SOURCE, increasing, same_curves, seeds_of
from thermobatch.study.claim import Outcome, claim


@claim(
    "D6.fewer_samples_at_the_boundary",
    source=NOISE_SOURCE,
    protocol="ours",
    statement="With stronger noise fewer training samples sit at the decision boundary: share with gap below 0.02, "
    "smallest fall.",
)
def fewer_samples_at_the_boundary(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the order of the simulated shares over b."""
    return _ordered(dataset, "near_fraction", -1.0, margin)


@claim(
    "D6.gaps_widen",
    source=NOISE_SOURCE,
    protocol="ours",
    statement="With stronger noise the median gap of the training samples to the decision boundary widens: smallest "
    "rise.",
)
def gaps_widen(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the order of the simulated medians over b."""
    return _ordered(dataset, "median_gap", 1.0, margin)


@claim(
    "D6.generalises_better",
    source=BEYOND,
    protocol="ours",
    statement="With stronger noise the generalisation error falls: smallest fall from one batch fraction to the next.",
)
def generalises_better(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the order of the simulated errors over b."""
    return _ordered(dataset, "test_error", -1.0, margin)


@claim(
    "D6.generalises_better_overall",
    source=BEYOND,
    protocol="ours",
    statement="From full batches to the strongest noise the generalisation error falls.",
)
def generalises_better_overall(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the simulated errors of the largest and the smallest batch fraction alone."""
    order = np.argsort(-dataset.batch_fraction.values)
    return _ordered(dataset.isel(point=order[[0, -1]]), "test_error", -1.0, margin)


@claim(
    "D6.theory_is_simulation",
    source=BEYOND,
    protocol="ours",
    statement="The mean-field theory gives the distribution of the gaps at finite dimension: largest difference of "
    "the distribution functions.",
)
def boundary_theory_is_simulation(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide over all batches and gaps."""
    found = {}
    for point in dataset.point.values:
        chosen = dataset.sel(point=point)
        theory, simulated = (
            seeds_of(chosen.gap_distribution.sel(origin=origin)) for origin in ("theory", "simulation")
        )
        found[f"b = {float(chosen.batch_fraction):g}"] = simulated - theory
    return same_curves(found, margin, f"d = {int(dataset.d.values[0])}")


def _ordered(dataset: xr.Dataset, name: str, sign: float, margin: float) -> Outcome:
    """Decide whether sign x a simulated value increases as b falls."""
    order = np.argsort(-dataset.batch_fraction.values)
    values = {
        f"b = {float(dataset.batch_fraction[k]):g}": sign
        * seeds_of(dataset[name].isel(point=int(k)).sel(origin="simulation"))
        for k in order
    }
    return increasing(values, margin, "simulation")
