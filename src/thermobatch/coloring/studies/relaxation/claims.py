"""Claims on the relaxation of the energy (E1)."""

import numpy as np
import xarray as xr

from thermobatch.statistics.equivalence import curve_equivalence
from thermobatch.study.claim import Outcome, claim

SOURCE = "doi:10.1038/s41598-024-62625-8"
BOOTSTRAP_SEED = 1


@claim(
    "E1.same_relaxation",
    source=SOURCE,
    protocol="program",
    statement="SGD-like dynamics at B relax like Metropolis at T(B): relative difference of the energies, all times.",
)
def same_relaxation(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the largest mean difference over all B and times, relative to the energy of Metropolis."""
    minibatch, thermal = _curves(dataset)
    return _largest(
        (minibatch - thermal) / thermal.mean(axis=0), margin, "relative to the energy, over all B and times"
    )


@claim(
    "E1.same_energy",
    source=SOURCE,
    protocol="program",
    statement="SGD-like dynamics at B relax like Metropolis at T(B): difference of e at late times.",
)
def same_energy(dataset: xr.Dataset, *, margin: float, from_time: float) -> Outcome:
    """Decide by the largest mean difference over all B and the times from `from_time` on."""
    minibatch, thermal = _curves(dataset.sel(time=dataset.time >= from_time))
    return _largest(minibatch - thermal, margin, f"per vertex, over all B and times t >= {from_time:g}")


def _curves(dataset: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Energies of both dynamics, a row per graph, the recorded times of all points side by side."""
    curves = (
        dataset.energy.sel(time=dataset.time > 0).stack(entry=("point", "time")).dropna("entry", how="all")
    )
    curves = curves.transpose("dynamics", "seed", "entry")
    return curves.sel(dynamics="sgd_like").values, curves.sel(dynamics="metropolis").values


def _largest(differences: np.ndarray, margin: float, unit: str) -> Outcome:
    found = curve_equivalence(differences, margin, seed=BOOTSTRAP_SEED)
    method = f"{found.method}; paired by graph ({len(differences)} graphs); difference {unit}"
    return Outcome(found.estimate, (found.lower, found.upper), margin, method, found.verdict)
