"""Claims on the effective temperature (E2)."""

import numpy as np
import xarray as xr

from thermobatch.coloring.theory.effective_temperature import effective_temperature
from thermobatch.statistics.equivalence import curve_equivalence
from thermobatch.study.claim import Outcome, claim

BOOTSTRAP_SEED = 2


@claim(
    "E2.drift_temperature",
    source="doi:10.1038/s41598-024-62625-8 (the temperature); the closed form is ours",
    protocol="ours",
    statement="The zero-drift form gives T(B): relative difference to the temperature matched in equilibrium.",
)
def drift_temperature(dataset: xr.Dataset, *, margin: float, lowest: float, highest: float) -> Outcome:
    """Decide by the largest mean relative difference over all c and all B in [lowest, highest] that equilibrate."""
    inside = (dataset.batch_fraction >= lowest) & (dataset.batch_fraction <= highest)
    chosen = dataset.sel(point=inside & (dataset.matching == "equilibrium"))
    points = zip(chosen.batch_fraction.values, chosen.mean_degree.values, chosen.q.values, strict=True)
    drift = np.array([effective_temperature(b, mean_degree=c, q=int(q)) for b, c, q in points])
    matched = chosen.temperature.transpose("seed", "point").values
    found = curve_equivalence(drift / matched - 1, margin, seed=BOOTSTRAP_SEED)
    method = f"{found.method}; {len(matched)} graphs a point; {len(drift)} points with {lowest:g} <= B <= {highest:g}"
    return Outcome(found.estimate, (found.lower, found.upper), margin, method, found.verdict)
