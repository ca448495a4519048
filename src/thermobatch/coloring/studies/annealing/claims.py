"""Claims on annealing in the mini-batch and in the temperature (L3)."""

import numpy as np
import xarray as xr

from thermobatch.statistics.equivalence import curve_equivalence
from thermobatch.study.claim import Outcome, claim

BEYOND = "beyond the paper"
BOOTSTRAP_SEED = 13


@claim(
    "L3.same_final_energy",
    source=BEYOND,
    protocol="ours",
    statement="Annealing the mini-batch ends at the energy of simulated annealing matched by T(B): largest "
    "difference per vertex over the lengths of the annealing, within the margin.",
)
def same_final_energy(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the largest mean difference over the lengths of the annealing, paired by graph."""
    return _compared(dataset, "energy", margin)


@claim(
    "L3.same_recovery",
    source=BEYOND,
    protocol="ours",
    statement="Annealing the mini-batch recovers the planted colouring as well as simulated annealing matched by T(B): "
    "largest difference of the mean final overlaps over the lengths of the annealing, within the margin.",
)
def same_recovery(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the largest mean difference over the lengths of the annealing, paired by graph."""
    return _compared(dataset, "overlap", margin)


def _compared(dataset: xr.Dataset, name: str, margin: float) -> Outcome:
    last = dataset[name].isel(level=-1)
    differences = (
        (last.sel(dynamics="sgd_like") - last.sel(dynamics="metropolis")).transpose("seed", "point").values
    )
    found = curve_equivalence(differences, margin, seed=BOOTSTRAP_SEED)
    worst = int(np.argmax(np.abs(differences.mean(axis=0))))
    method = (
        f"{found.method}; paired by graph ({len(differences)} graphs), {differences.shape[1]} lengths, the largest "
        f"difference ({differences.mean(axis=0)[worst]:+.3g}) at {int(dataset.sweeps[worst])} sweeps"
    )
    return Outcome(found.estimate, (found.lower, found.upper), margin, method, found.verdict)
