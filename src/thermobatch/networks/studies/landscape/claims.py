"""Claims on flat and isolated solutions of small, enumerated perceptrons (R1)."""

import numpy as np
import xarray as xr

from thermobatch.statistics.equivalence import verdict
from thermobatch.statistics.intervals import mean_interval
from thermobatch.study.claim import Outcome, claim

SOURCE = "doi:10.1073/pnas.1608103113"
CONFIDENCE = 0.9


@claim(
    "R1.replicas_choose_dense_regions",
    source=SOURCE,
    protocol="ours",
    illustration=True,
    statement="Coupled replicas sample solutions that have more solutions around them than those a single system "
    "samples: difference of the mean local entropies.",
)
def replicas_choose_dense_regions(dataset: xr.Dataset, *, margin: float, coupling: float) -> Outcome:
    """Decide by the paired t interval over instances of the largest y against y = 1, exact for each instance."""
    most = int(dataset.replica_count.max())
    chosen = dataset.local_entropy.isel(point=0).sel(gamma=coupling, method="nearest")
    difference = (chosen.sel(replica_count=most) - chosen.sel(replica_count=1)).values
    difference = difference[np.isfinite(difference)]
    return _outcome(difference, margin, f"y = {most} against y = 1 at gamma = {float(chosen.gamma):g}")


@claim(
    "R1.flat_minima_are_wide",
    source=SOURCE,
    protocol="ours",
    illustration=True,
    statement="At the radius in which neighbours are counted, configurations around the flattest solution have fewer "
    "errors than around the most isolated one: difference of the mean shares of wrong patterns.",
)
def flat_minima_are_wide(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the paired t interval over instances of isolated minus flat."""
    radius = float(dataset.radius[0] / dataset.n[0])
    errors = dataset.profile_error.isel(point=0).sel(distance=radius, method="nearest")
    difference = (errors.sel(surrounding="isolated") - errors.sel(surrounding="flat")).values
    difference = difference[np.isfinite(difference)]
    return _outcome(difference, margin, f"isolated minus flat at distance {radius:.3f}")


def _outcome(difference: np.ndarray, margin: float, words: str) -> Outcome:
    found = mean_interval(difference, confidence=CONFIDENCE)
    bounds = (found.lower, found.upper)
    method = (
        f"{words}; exact enumeration, paired t interval over {len(difference)} instances, {CONFIDENCE:.0%}"
    )
    return Outcome(found.estimate, bounds, margin, method, verdict(bounds, (margin, np.inf)))
