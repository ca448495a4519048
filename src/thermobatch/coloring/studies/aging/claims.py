"""Claims on the two-time correlations (E3)."""

import xarray as xr

from thermobatch.coloring.studies.decisions import all_within, some_beyond
from thermobatch.study.claim import Outcome, claim

BOOTSTRAP_SEED = 3


@claim(
    "E3.same_correlations",
    source="doi:10.1038/s41598-024-62625-8",
    protocol="ours",
    statement="SGD-like dynamics age like Metropolis at the temperature matched to the energy at long times: "
    "difference of the two-time correlations C(t_w, t_w + t), at every (c, B), waiting time and lag.",
)
def same_correlations(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the largest mean difference over all (c, B), waiting times and lags."""
    return _decided(all_within, dataset, "sgd_like", margin)


@claim(
    "E3.wrong_temperature_shows",
    source="beyond the paper: a control of the comparison",
    protocol="ours",
    statement="A temperature wrong by the stated factor would be seen in the two-time correlations: their difference "
    "exceeds the margin of E3.same_correlations at some (c, B), waiting time and lag.",
)
def wrong_temperature_shows(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the largest mean difference between Metropolis at the wrong and at the matched temperature."""
    return _decided(some_beyond, dataset, "metropolis_detuned", margin)


def correlation_differences(dataset: xr.Dataset, dynamics: str) -> xr.DataArray:
    """Return C of `dynamics` less C of Metropolis, (seed, entry): all pairs of times of all points side by side."""
    curves = dataset.correlation.sel(lag=dataset.lag > 0).transpose("dynamics", "seed", ...)
    difference = curves.sel(dynamics=dynamics) - curves.sel(dynamics="metropolis")
    entries = difference.stack(entry=("point", "waiting_time", "lag")).dropna("entry", how="all")
    return entries.transpose("seed", "entry")


def _decided(decide, dataset: xr.Dataset, dynamics: str, margin: float) -> Outcome:
    differences = correlation_differences(dataset, dynamics)
    columns = zip(*(differences[name].values for name in ("point", "waiting_time", "lag")), strict=True)
    labels = [f"{point}, t_w = {wait}, t = {lag}" for point, wait, lag in columns]
    where = f"paired by graph ({differences.sizes['seed']} graphs), {len(labels)} pairs of times"
    return decide(differences.values, margin, labels, where, seed=BOOTSTRAP_SEED)
