"""Claims on the effective temperature (E2)."""

import numpy as np
import xarray as xr

from thermobatch.coloring.studies.decisions import all_within
from thermobatch.coloring.theory.effective_temperature import effective_temperature
from thermobatch.study.claim import Outcome, claim

BOOTSTRAP_SEED = 2


@claim(
    "E2.drift_temperature",
    source="doi:10.1038/s41598-024-62625-8 (the temperature); the closed form is ours",
    protocol="ours",
    statement="The zero-drift form gives T(B): relative difference to the temperature matched in equilibrium, at every "
    "c and every B from `lowest` to `highest` that equilibrates.",
)
def drift_temperature(dataset: xr.Dataset, *, margin: float, lowest: float, highest: float) -> Outcome:
    """Decide by the largest mean relative difference over all c and all B in [lowest, highest] that equilibrate."""
    inside = (dataset.batch_fraction >= lowest) & (dataset.batch_fraction <= highest)
    chosen = dataset.sel(point=inside & (dataset.matching == "equilibrium"))
    points = list(zip(chosen.batch_fraction.values, chosen.mean_degree.values, chosen.q.values, strict=True))
    drift = np.array([effective_temperature(b, mean_degree=c, q=int(q)) for b, c, q in points])
    matched = chosen.temperature.transpose("seed", "point").values
    labels = [f"B = {b:g}, c = {c:g}" for b, c, _ in points]
    where = f"{len(matched)} graphs a point; {lowest:g} <= B <= {highest:g}"
    return all_within(drift / matched - 1, margin, labels, where, seed=BOOTSTRAP_SEED)
