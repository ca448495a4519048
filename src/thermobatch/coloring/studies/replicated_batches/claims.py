"""Claims on annealing replicas by mini-batches of edges and of replicas (R8)."""

import numpy as np
import xarray as xr
from scipy.stats import ttest_ind

from thermobatch.coloring.studies.decisions import CONFIDENCE
from thermobatch.coloring.studies.replicas.claims import (
    Scheme,
    compared_thresholds,
    coupled_scheme,
    runs_at,
    sizes,
)
from thermobatch.statistics.equivalence import verdict
from thermobatch.study.claim import Outcome, claim

SOURCE = "beyond the papers"


@claim(
    "R8.same_threshold",
    source=SOURCE,
    protocol="ours",
    statement="Mini-batches of edges and of replicas recover planted colourings at the mean degrees where "
    "temperature and coupling do: c_50 with mini-batches minus c_50 of replicated annealing, same N, "
    "gamma, sweeps and T(B).",
)
def same_threshold(dataset: xr.Dataset, *, margin: float, coupling: float) -> Outcome:
    """Decide by two one-sided tests on the difference of the thresholds."""
    thermal = coupled_scheme(dataset, coupling)
    return compared_thresholds(dataset, thermal._replace(batches=True), thermal, (-margin, margin))


@claim(
    "R8.replicas_lower_threshold",
    source=SOURCE,
    protocol="ours",
    statement="Several coupled systems recover at smaller mean degrees than one, all by mini-batches: c_50 of one "
    "system minus c_50 of coupled replicas in as many sweeps of a replica. What merely having several tries gains is "
    "in it.",
)
def replicas_lower_threshold(dataset: xr.Dataset, *, margin: float, coupling: float) -> Outcome:
    """Decide by the difference of the thresholds, which must be above the margin."""
    coupled = coupled_scheme(dataset, coupling)._replace(batches=True)
    return compared_thresholds(dataset, Scheme(1, batches=True), coupled, (margin, np.inf))


@claim(
    "R8.same_recovery_temperature",
    source=SOURCE,
    protocol="ours",
    statement="Mini-batches recover planted colourings at the T(B) that is the temperature at which replicated "
    "annealing does: difference of the means over the runs that recover, at the given c and gamma.",
)
def same_recovery_temperature(
    dataset: xr.Dataset, *, margin: float, coupling: float, mean_degree: float
) -> Outcome:
    """Decide by Welch's interval of the difference, mini-batches minus replicated annealing."""
    thermal, n = coupled_scheme(dataset, coupling), max(sizes(dataset))
    found, words = [], []
    for scheme in (thermal._replace(batches=True), thermal):
        runs = runs_at(dataset, scheme, n, mean_degree)
        values = runs.passage_temperature.values
        found.append(values[np.isfinite(values)])
        words.append(
            f"{found[-1].mean() if found[-1].size else np.nan:.3f} ({found[-1].size} of {values.size} runs)"
        )
    if min(map(len, found)) < 3:
        raise ValueError(f"recovered runs: {' and '.join(words)}, at least three of each are needed")
    interval = ttest_ind(*found, equal_var=False).confidence_interval(CONFIDENCE)
    bounds = (float(interval.low), float(interval.high))
    method = f"N = {n}, c = {mean_degree:g}, gamma = {coupling:g}: {' against '.join(words)}; Welch, {CONFIDENCE:.0%}"
    return Outcome(float(found[0].mean() - found[1].mean()), bounds, margin, method, verdict(bounds, margin))
