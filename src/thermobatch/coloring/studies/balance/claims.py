"""Claims on detailed balance (E5)."""

import numpy as np
import xarray as xr

from thermobatch.coloring.theory.effective_temperature import effective_temperature
from thermobatch.statistics.detailed_balance import balance_temperature, split_asymmetry
from thermobatch.statistics.equivalence import Equivalence, curve_equivalence
from thermobatch.statistics.intervals import mean_interval
from thermobatch.study.claim import Outcome, claim

PAPER = "doi:10.1038/s41598-024-62625-8"
OURS = "beyond the paper"
BOOTSTRAP_SEED = 5
CONFIDENCE = 0.9


@claim(
    "E5.balance_broken",
    source=OURS,
    protocol="ours",
    statement="SGD-like dynamics break detailed balance at every B: smallest asymmetry of the flows between pairs of "
    "neighbour counts.",
)
def balance_broken(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the smallest asymmetry over all B, each with its one-sided bound."""
    found = mean_interval(asymmetries(dataset, "sgd_like"), confidence=CONFIDENCE)
    return _all_above(
        found, margin, f"{_graphs(dataset)}; estimate without the bias of noise, from two stretches of a run"
    )


@claim(
    "E5.metropolis_balanced",
    source=OURS,
    protocol="ours",
    statement="Metropolis, measured in the same way at the matched temperatures, keeps detailed balance: asymmetry.",
)
def metropolis_balanced(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the largest mean over all B."""
    found = curve_equivalence(asymmetries(dataset, "metropolis"), margin, seed=BOOTSTRAP_SEED)
    return _outcome(found, margin, f"{_graphs(dataset)}; estimate without the bias of noise")


@claim(
    "E5.asymmetry",
    source="independent measurement with the authors' program",
    protocol="ours",
    statement="The asymmetry of the flows is the one measured independently: difference at the same B.",
)
def asymmetry(
    dataset: xr.Dataset, *, margin: float, batch_fractions: list[float], expected: list[float]
) -> Outcome:
    """Decide by the largest mean difference to the numbers of the configuration."""
    known = {f"{b:g}": index for index, b in enumerate(dataset.batch_fraction.values)}
    pairs = [(b, a) for b, a in zip(batch_fractions, expected, strict=True) if f"{b:g}" in known]
    if not pairs:
        raise ValueError(f"batch_fractions = {batch_fractions}: none was measured; known: {', '.join(known)}")
    measured = asymmetries(dataset.isel(point=[known[f"{b:g}"] for b, _ in pairs]), "sgd_like")
    found = curve_equivalence(measured - np.array([a for _, a in pairs]), margin, seed=BOOTSTRAP_SEED)
    listed = ", ".join(f"{a:g} at B = {b:g}" for b, a in pairs)
    return _outcome(found, margin, f"{_graphs(dataset)}; against {listed}")


@claim(
    "E5.averaged_balance",
    source=PAPER,
    protocol="ours",
    statement="Averaged over moves of equal energy change, detailed balance holds at the matched temperature: "
    "relative difference of the temperature of the ratios w(d)/w(-d), fitted over d = 1..8.",
)
def averaged_balance(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the largest mean difference over the B that equilibrate."""
    return _temperatures(dataset, margin, "detailed_balance")


@claim(
    "E5.first_ratio",
    source=PAPER,
    protocol="ours",
    statement="The ratio of mean acceptances at d = 1 alone is exp(-1/T) at the matched temperature: relative "
    "difference of the temperature it gives.",
)
def first_ratio(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the largest mean difference over the B that equilibrate."""
    return _temperatures(dataset, margin, "detailed_balance_1")


@claim(
    "E5.closed_form",
    source=OURS,
    protocol="ours",
    statement="The closed forms of averaged detailed balance (fit over d = 1..8, and d = 1) give the temperatures of "
    "the measured flows: relative difference.",
)
def closed_form(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the largest mean difference over both forms and the B that equilibrate."""
    chosen = _equilibrated(dataset)
    points = list(zip(chosen.batch_fraction.values, chosen.mean_degree.values, chosen.q.values, strict=True))
    differences = []
    for method in ("detailed_balance", "detailed_balance_1"):
        form = [effective_temperature(b, mean_degree=c, q=int(q), method=method) for b, c, q in points]
        differences.append(np.array(form) / flow_temperatures(chosen, method) - 1)
    found = curve_equivalence(np.concatenate(differences, axis=1), margin, seed=BOOTSTRAP_SEED)
    return _outcome(
        found, margin, f"{_graphs(dataset)}; {len(points)} values of B that equilibrate, two forms"
    )


@claim(
    "E5.entropy_production",
    source=OURS,
    protocol="ours",
    statement="The chain of single SGD-like proposals produces entropy, that of Metropolis does not: exact, on tiny "
    "graphs; smallest mean over all B, in nats per accepted move.",
)
def entropy_production(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the smallest mean over graphs; Metropolis must not produce any."""
    rates = dataset.entropy_production.isel(point=0).transpose("dynamics", "seed", "batch_fraction")
    control = float(np.abs(rates.sel(dynamics="metropolis")).max())
    found = mean_interval(rates.sel(dynamics="sgd_like").values, confidence=CONFIDENCE)
    outcome = _all_above(
        found,
        margin,
        f"{dataset.sizes['seed']} graphs, exact stationary law; Metropolis at the temperature of equal energy: at most "
        f"{control:.1e}",
    )
    if control < 1e-9:
        return outcome
    return Outcome(outcome.estimate, outcome.interval, margin, outcome.method, "not_reproduced")


def asymmetries(dataset: xr.Dataset, dynamics: str) -> np.ndarray:
    """Return the asymmetry without the bias of noise, float64[graphs, points]."""
    flows = (
        dataset.flows.sel(dynamics=dynamics).transpose("stretch", "seed", "point", "n_old", "n_new").values
    )
    return split_asymmetry(flows[0], flows[1])


def flow_temperatures(dataset: xr.Dataset, method: str) -> np.ndarray:
    """Return the temperature that the flows of SGD-like dynamics give by `method`, float64[graphs, points]."""
    counts = dataset.sel(dynamics="sgd_like").sum("stretch").transpose("seed", "point", "n_old", "n_new", ...)
    largest = {"detailed_balance": 8, "detailed_balance_1": 1}[method]
    return balance_temperature(counts.flows.values, counts.proposals.values, largest=largest)


def _temperatures(dataset: xr.Dataset, margin: float, method: str) -> Outcome:
    chosen = _equilibrated(dataset)
    matched = chosen.matched_temperature.transpose("seed", "point").values
    found = curve_equivalence(flow_temperatures(chosen, method) / matched - 1, margin, seed=BOOTSTRAP_SEED)
    return _outcome(
        found, margin, f"{_graphs(dataset)}; {chosen.sizes['point']} values of B that equilibrate"
    )


def _equilibrated(dataset: xr.Dataset) -> xr.Dataset:
    return dataset.sel(point=dataset.matching == "equilibrium")


def _all_above(found, margin: float, where: str) -> Outcome:
    """Decide whether every mean is above the margin: intersection of one-sided tests."""
    smallest = int(np.argmin(found.estimate))
    interval = float(np.min(found.lower)), float(found.upper[smallest])
    verdict = "inconclusive"
    if interval[0] > margin:
        verdict = "reproduced"
    elif np.min(found.upper) < margin:
        verdict = "not_reproduced"
    method = f"smallest mean, intersection of one-sided t tests at every B; {where}"
    return Outcome(float(found.estimate[smallest]), interval, margin, method, verdict)


def _graphs(dataset: xr.Dataset) -> str:
    return f"{dataset.sizes['seed']} graphs"


def _outcome(found: Equivalence, margin: float, where: str) -> Outcome:
    return Outcome(
        found.estimate, (found.lower, found.upper), margin, f"{found.method}; {where}", found.verdict
    )
