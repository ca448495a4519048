"""Claims on detailed balance (E5)."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from thermobatch.coloring.studies.decisions import all_above, all_within
from thermobatch.coloring.theory.effective_temperature import effective_temperature, half_edge_acceptance
from thermobatch.coloring.theory.equilibrium import neighbour_count_law
from thermobatch.statistics.detailed_balance import (
    LARGEST_CHANGE,
    acceptance_ratios,
    balance_temperature,
    flow_asymmetry,
    split_asymmetry,
)
from thermobatch.study.claim import Outcome, claim

PAPER = "doi:10.1038/s41598-024-62625-8"
OURS = "beyond the paper"
BOOTSTRAP_SEED = 5
FEWEST_MOVES = 20  # a ratio needs this many uphill moves on every graph
POISSON_COUNTS = 40  # of the tables of the Poisson law, far beyond what occurs


@claim(
    "E5.balance_broken",
    source=OURS,
    protocol="ours",
    statement="SGD-like dynamics break detailed balance at every B of the scan: asymmetry of the flows between pairs "
    "of neighbour counts, smallest over B.",
)
def balance_broken(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the smallest asymmetry over all B, each with its one-sided bound."""
    where = f"{_graphs(dataset)}; estimate without the bias of noise, from two stretches of a run"
    return all_above(asymmetries(dataset, "sgd_like"), margin, _fractions(dataset), where)


@claim(
    "E5.metropolis_balanced",
    source=OURS,
    protocol="ours",
    statement="Metropolis, measured in the same way at the matched temperatures, keeps detailed balance: asymmetry of "
    "the flows at every B of the scan.",
)
def metropolis_balanced(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the largest mean over all B."""
    return _within(asymmetries(dataset, "metropolis"), margin, dataset, "estimate without the bias of noise")


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
    chosen = dataset.isel(point=[known[f"{b:g}"] for b, _ in pairs])
    listed = ", ".join(f"{a:g} at B = {b:g}" for b, a in pairs)
    differences = asymmetries(chosen, "sgd_like") - np.array([a for _, a in pairs])
    return _within(differences, margin, chosen, f"against {listed}")


@claim(
    "E5.poisson_law",
    source=OURS,
    protocol="ours",
    statement="The asymmetry of the flows is that of the Poisson law of the paramagnet at the zero-drift T(B): "
    "difference of the law's asymmetry to the measured one, at every B of the scan that equilibrates.",
)
def poisson_law(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the largest mean difference over all B."""
    chosen = _equilibrated(dataset)
    points = zip(chosen.batch_fraction.values, chosen.mean_degree.values, chosen.q.values, strict=True)
    law = np.array([flow_asymmetry(paramagnetic_flows(b, float(c), int(q))) for b, c, q in points])
    differences = law - asymmetries(chosen, "sgd_like")
    where = "law less measured (without the bias of noise)"
    return _within(differences, margin, chosen, where)


@claim(
    "E5.averaged_balance",
    source=PAPER,
    protocol="ours",
    statement="Averaged over moves of equal energy change d, detailed balance holds at the matched temperature, at "
    "each d = 1..8: relative difference of the inverse temperature -ln[w(d)/w(-d)]/d, at every B that equilibrates and "
    "every d with at least 20 uphill moves on every graph.",
)
def averaged_balance(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the largest mean difference over B and d."""
    chosen = _equilibrated(dataset)
    differences, labels = balance_by_change(chosen)
    where = f"{_graphs(chosen)}; {len(labels)} pairs of B and d"
    return all_within(differences, margin, labels, where, seed=BOOTSTRAP_SEED)


@claim(
    "E5.slope_temperature",
    source=OURS,
    protocol="ours",
    statement="The temperature of one slope through -ln[w(d)/w(-d)] against d = 1..8, weighted by the accepted uphill "
    "moves, is the matched one (a stationary energy nearly implies it; it does not say that single ratios agree): "
    "relative difference, at every B that equilibrates.",
)
def slope_temperature(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the largest mean difference over the B that equilibrate."""
    return _temperatures(dataset, margin, "detailed_balance")


@claim(
    "E5.first_ratio",
    source=PAPER,
    protocol="ours",
    statement="The ratio of mean acceptances at d = 1 alone is exp(-1/T) at the matched temperature: relative "
    "difference of the temperature it gives, at every B that equilibrates.",
)
def first_ratio(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the largest mean difference over the B that equilibrate."""
    return _temperatures(dataset, margin, "detailed_balance_1")


@claim(
    "E5.closed_form",
    source=OURS,
    protocol="ours",
    statement="The closed forms of averaged detailed balance (fit over d = 1..8, and d = 1) give the temperatures of "
    "the measured flows: relative difference, at every B that equilibrates.",
)
def closed_form(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the largest mean difference over both forms and the B that equilibrate."""
    chosen = _equilibrated(dataset)
    points = list(zip(chosen.batch_fraction.values, chosen.mean_degree.values, chosen.q.values, strict=True))
    columns, labels = [], []
    for method, words in (("detailed_balance", "fit"), ("detailed_balance_1", "d = 1")):
        form = [effective_temperature(b, mean_degree=c, q=int(q), method=method) for b, c, q in points]
        columns.append(np.array(form) / flow_temperatures(chosen, method) - 1)
        labels += [f"{label}, {words}" for label in _fractions(chosen)]
    return all_within(np.concatenate(columns, axis=1), margin, labels, _graphs(chosen), seed=BOOTSTRAP_SEED)


@claim(
    "E5.entropy_production",
    source=OURS,
    protocol="ours",
    statement="The chain of single SGD-like proposals produces entropy at every B from `lowest` to `highest`, that of "
    "Metropolis none (below 1e-9): exact, on tiny graphs; smallest mean over B, in nats per accepted move.",
)
def entropy_production(dataset: xr.Dataset, *, margin: float, lowest: float, highest: float) -> Outcome:
    """Decide by the smallest mean over graphs for B in [lowest, highest]; Metropolis must not produce any."""
    inside = (dataset.batch_fraction >= lowest) & (dataset.batch_fraction <= highest)
    rates = dataset.entropy_production.isel(point=0).transpose("dynamics", "seed", "batch_fraction")
    rates = rates.sel(batch_fraction=inside)
    control = float(np.abs(rates.sel(dynamics="metropolis")).max())
    where = (
        f"{dataset.sizes['seed']} graphs, exact stationary law, {lowest:g} <= B <= {highest:g}; Metropolis at the "
        f"temperature of equal energy: at most {control:.1e}"
    )
    labels = [f"B = {b:g}" for b in rates.batch_fraction.values]
    found = all_above(rates.sel(dynamics="sgd_like").values, margin, labels, where)
    if control < 1e-9:
        return found
    return Outcome(found.estimate, found.interval, margin, found.method, "not_reproduced")


def asymmetries(dataset: xr.Dataset, dynamics: str) -> np.ndarray:
    """Return the asymmetry without the bias of noise, float64[graphs, points]."""
    flows = (
        dataset.flows.sel(dynamics=dynamics).transpose("stretch", "seed", "point", "n_old", "n_new").values
    )
    return split_asymmetry(flows[0], flows[1])


def flow_temperatures(dataset: xr.Dataset, method: str) -> np.ndarray:
    """Return the temperature that the flows of SGD-like dynamics give by `method`, float64[graphs, points]."""
    largest = {"detailed_balance": LARGEST_CHANGE, "detailed_balance_1": 1}[method]
    return balance_temperature(*counts(dataset, "sgd_like"), largest=largest)


def counts(dataset: xr.Dataset, dynamics: str) -> tuple[np.ndarray, np.ndarray]:
    """Return moves and proposals of both stretches, [graphs, points, n_old, n_new]."""
    total = dataset[["flows", "proposals"]].sel(dynamics=dynamics).sum("stretch")
    total = total.transpose("seed", "point", "n_old", "n_new", ...)
    return total.flows.values, total.proposals.values


def balance_by_change(dataset: xr.Dataset) -> tuple[np.ndarray, list[str]]:
    """Return -T ln[w(d)/w(-d)]/d - 1 of SGD-like dynamics at the matched T, float64[graphs, pairs], and the pairs.

    The pairs are the (B, d), d = 1..8, with enough uphill moves on every graph.
    """
    flows, proposals = counts(dataset, "sgd_like")
    d = np.arange(1, LARGEST_CHANGE + 1)
    uphill = np.stack([np.trace(flows, offset=k, axis1=-2, axis2=-1) for k in d], axis=-1)
    enough = (uphill >= FEWEST_MOVES).all(axis=0)
    temperature = dataset.matched_temperature.transpose("seed", "point").values[..., None]
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = -temperature * np.log(acceptance_ratios(flows, proposals)) / d - 1
    labels = [
        f"{label}, d = {change}"
        for label, row in zip(_fractions(dataset), enough, strict=True)
        for change in d[row]
    ]
    return relative[:, enough], labels


def paramagnetic_flows(batch_fraction: float, mean_degree: float, q: int) -> np.ndarray:
    """Return F(a, b) of the SGD-like chain if counts follow the paramagnet's Poisson law at the zero-drift T(B)."""
    temperature = effective_temperature(batch_fraction, mean_degree=mean_degree, q=q)
    law = neighbour_count_law(temperature, mean_degree=mean_degree, q=q, max_count=POISSON_COUNTS)
    return law.probability * half_edge_acceptance(batch_fraction, POISSON_COUNTS)


def _temperatures(dataset: xr.Dataset, margin: float, method: str) -> Outcome:
    chosen = _equilibrated(dataset)
    matched = chosen.matched_temperature.transpose("seed", "point").values
    return _within(flow_temperatures(chosen, method) / matched - 1, margin, chosen, "B that equilibrate")


def _equilibrated(dataset: xr.Dataset) -> xr.Dataset:
    chosen = dataset.sel(point=dataset.matching == "equilibrium")
    if not chosen.sizes["point"]:
        raise ValueError("matching: no point is matched in equilibrium")
    return chosen


def _within(differences: np.ndarray, margin: float, dataset: xr.Dataset, where: str) -> Outcome:
    labels = _fractions(dataset)
    return all_within(differences, margin, labels, f"{_graphs(dataset)}; {where}", seed=BOOTSTRAP_SEED)


def _fractions(dataset: xr.Dataset) -> Sequence[str]:
    return [f"B = {b:g}" for b in dataset.batch_fraction.values]


def _graphs(dataset: xr.Dataset) -> str:
    return f"{dataset.sizes['seed']} graphs"
