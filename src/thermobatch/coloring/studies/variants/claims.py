"""Claims on the variants of SGD-like dynamics (E7)."""

import numpy as np
import xarray as xr

from thermobatch.statistics.equivalence import (
    Equivalence,
    curve_difference,
    curve_equivalence,
    paired_equivalence,
)
from thermobatch.study.claim import Outcome, claim

BEYOND = "beyond the paper"
CHECK = "independent measurement with the authors' program"
BOOTSTRAP_SEED = 7
DEFAULT = "half_edge.sequential"
# per_proposal in sequential order is the same chain as the default
ORDERS = {
    "half_edge.random_permutation": DEFAULT,
    "half_edge.random_sequential": DEFAULT,
    "per_proposal.random_sequential": DEFAULT,
    "shared_edge.random_permutation": "shared_edge.sequential",
    "shared_edge.random_sequential": "shared_edge.sequential",
}
SCHEMES = {"shared_edge.sequential": DEFAULT, "shared_edge_exact.sequential": DEFAULT}
LABELS = {"half_edge.shuffled_labels": DEFAULT, "shared_edge.shuffled_labels": "shared_edge.sequential"}
EXACT = {"shared_edge_exact.sequential": "shared_edge.sequential"}


@claim(
    "E7.shared_edge_shift",
    source=CHECK,
    protocol="ours",
    statement="Mini-batches of whole edges lower the stationary energy per vertex by the amounts measured "
    "independently: difference to them.",
)
def shared_edge_shift(
    dataset: xr.Dataset, *, margin: float, batch_fractions: list[float], expected: list[float]
) -> Outcome:
    """Decide by the largest mean difference over the B of the configuration, from a random start."""
    chosen, wanted = _at(dataset, "random", batch_fractions, expected)
    shifts = _compared(chosen.energy, {"shared_edge.sequential": DEFAULT})
    found = curve_equivalence(shifts + np.array(list(wanted.values())), margin, seed=BOOTSTRAP_SEED)
    listed = ", ".join(f"{value:g} at B = {b}" for b, value in wanted.items())
    return _outcome(found, margin, dataset, f"against {listed}")


@claim(
    "E7.exact_size_does_not_matter",
    source=CHECK,
    protocol="ours",
    statement="Batches of exactly floor(B M) edges and of independent edges have the same energy: difference per "
    "vertex.",
)
def exact_size_does_not_matter(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the largest mean difference over all B and starts."""
    found = curve_equivalence(_compared(dataset.energy, EXACT), margin, seed=BOOTSTRAP_SEED)
    return _outcome(found, margin, dataset, "energy per vertex")


@claim(
    "E7.labels_do_not_matter",
    source=BEYOND,
    protocol="ours",
    statement="Sweeping the planted groups one after the other or mixed gives the same energy: difference per vertex.",
)
def labels_do_not_matter(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the largest mean difference over all B, starts and the two schemes."""
    found = curve_equivalence(_compared(dataset.energy, LABELS), margin, seed=BOOTSTRAP_SEED)
    return _outcome(found, margin, dataset, "energy per vertex")


@claim(
    "E7.scheme_changes_temperature",
    source=BEYOND,
    protocol="ours",
    statement="T(B) depends on what the mini-batch is (whole edges or half-edges): largest relative difference.",
)
def scheme_changes_temperature(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the largest mean relative difference over all B and starts, in sequential order."""
    return _changes(dataset, SCHEMES, margin)


@claim(
    "E7.order_changes_temperature",
    source=BEYOND,
    protocol="ours",
    statement="T(B) depends on the order of the vertices at the same batch scheme: largest relative difference.",
)
def order_changes_temperature(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the largest mean relative difference over all B, starts, schemes and orders."""
    return _changes(dataset, ORDERS, margin)


@claim(
    "E7.order_alone_changes_energy",
    source=BEYOND,
    protocol="ours",
    statement="Even with a fresh mini-batch at every proposal the order of the vertices shifts the stationary energy: "
    "difference per vertex of random_sequential to sequential order.",
)
def order_alone_changes_energy(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the largest mean difference over all B and starts."""
    shifts = _compared(dataset.energy, {"per_proposal.random_sequential": DEFAULT})
    return _outcome(
        curve_difference(shifts, margin, seed=BOOTSTRAP_SEED), margin, dataset, "energy per vertex"
    )


@claim(
    "E7.phase_changes_temperature",
    source=BEYOND,
    protocol="ours",
    statement="T(B) depends on the phase: relative difference between planted state and paramagnet at the same B.",
)
def phase_changes_temperature(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the largest mean relative difference over the B measured in both phases, on the same graphs."""
    starts = {
        start: dataset.sel(point=dataset.start == start).swap_dims(point="batch_fraction")
        for start in ("random", "planted")
    }
    found = {
        start: part.matched_temperature.sel(variant=DEFAULT).transpose("seed", "batch_fraction")
        for start, part in starts.items()
    }
    planted, paramagnet = xr.align(found["planted"], found["random"], join="inner")
    result = curve_difference(_finite(planted.values / paramagnet.values - 1), margin, seed=BOOTSTRAP_SEED)
    return _outcome(result, margin, dataset, f"{planted.sizes['batch_fraction']} values of B")


@claim(
    "E7.planted_temperature",
    source=CHECK,
    protocol="ours",
    statement="Inside the planted state SGD-like dynamics have the temperature measured independently: difference.",
)
def planted_temperature(
    dataset: xr.Dataset, *, margin: float, batch_fraction: float, expected: float
) -> Outcome:
    """Decide by the mean over graphs."""
    chosen, _ = _at(dataset, "planted", [batch_fraction], [expected])
    measured = chosen.matched_temperature.sel(variant=DEFAULT).isel(point=0).values
    found = paired_equivalence(measured - expected, margin)
    return _outcome(found, margin, dataset, f"against T = {expected:g} at B = {batch_fraction:g}")


def _compared(values: xr.DataArray, references: dict[str, str]) -> np.ndarray:
    """Return values less those of the reference variant on the same graph: a row per graph."""
    columns = [
        (values.sel(variant=variant) - values.sel(variant=reference)).transpose("seed", "point").values
        for variant, reference in references.items()
    ]
    return _finite(np.concatenate(columns, axis=1))


def _changes(dataset: xr.Dataset, references: dict[str, str], margin: float) -> Outcome:
    """Decide whether temperatures differ from those of the reference variants, relative to the default's."""
    temperatures = dataset.matched_temperature
    differences = _compared(temperatures / temperatures.sel(variant=DEFAULT, drop=True), references)
    found = curve_difference(differences, margin, seed=BOOTSTRAP_SEED)
    return _outcome(found, margin, dataset, "relative to the temperature of the default variant")


def _finite(columns: np.ndarray) -> np.ndarray:
    """Leave out points without a temperature: a planted start that melted."""
    return columns[:, np.isfinite(columns).all(axis=0)]


def _at(
    dataset: xr.Dataset, start: str, batch_fractions: list[float], expected: list[float]
) -> tuple[xr.Dataset, dict[str, float]]:
    """Return the points of a start at those of the given B that were measured, and what is expected of them."""
    part = dataset.sel(point=dataset.start == start)
    known = {f"{b:g}": index for index, b in enumerate(part.batch_fraction.values)}
    wanted = {
        f"{b:g}": value for b, value in zip(batch_fractions, expected, strict=True) if f"{b:g}" in known
    }
    if not wanted:
        raise ValueError(f"batch_fraction: none of {batch_fractions} was measured; known: {', '.join(known)}")
    return part.isel(point=[known[b] for b in wanted]), wanted


def _outcome(found: Equivalence, margin: float, dataset: xr.Dataset, where: str) -> Outcome:
    method = f"{found.method}; paired by graph ({dataset.sizes['seed']} graphs); {where}"
    return Outcome(found.estimate, (found.lower, found.upper), margin, method, found.verdict)
