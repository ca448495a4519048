"""Claims on the two-time correlations (E3)."""

import numpy as np
import xarray as xr

from thermobatch.statistics.equivalence import Equivalence, curve_difference, curve_equivalence
from thermobatch.study.claim import Outcome, claim

BOOTSTRAP_SEED = 3


@claim(
    "E3.same_correlations",
    source="doi:10.1038/s41598-024-62625-8",
    protocol="ours",
    statement="SGD-like dynamics age like Metropolis at the temperature matched to the energy at long times: "
    "difference of the two-time correlations C(t_w, t_w + t).",
)
def same_correlations(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the largest mean difference over all (c, B), waiting times and lags."""
    differences = correlation_differences(dataset, "sgd_like")
    return _outcome(curve_equivalence(differences, margin, seed=BOOTSTRAP_SEED), margin, differences)


@claim(
    "E3.wrong_temperature_shows",
    source="beyond the paper: a control of the comparison",
    protocol="ours",
    statement="A temperature wrong by the stated factor would be seen in the two-time correlations: their difference "
    "exceeds the margin of E3.same_correlations.",
)
def wrong_temperature_shows(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the largest mean difference between Metropolis at the wrong and at the matched temperature."""
    differences = correlation_differences(dataset, "metropolis_detuned")
    return _outcome(curve_difference(differences, margin, seed=BOOTSTRAP_SEED), margin, differences)


def correlation_differences(dataset: xr.Dataset, dynamics: str) -> np.ndarray:
    """Return C of `dynamics` less C of Metropolis: a row per graph, all pairs of times side by side."""
    curves = dataset.correlation.sel(lag=dataset.lag > 0).transpose("dynamics", "seed", ...)
    difference = curves.sel(dynamics=dynamics) - curves.sel(dynamics="metropolis")
    entries = difference.stack(entry=("point", "waiting_time", "lag")).dropna("entry", how="all")
    return entries.transpose("seed", "entry").values


def _outcome(found: Equivalence, margin: float, differences: np.ndarray) -> Outcome:
    count, points = differences.shape
    method = f"{found.method}; paired by graph ({count} graphs), {points} pairs of times"
    return Outcome(found.estimate, (found.lower, found.upper), margin, method, found.verdict)
