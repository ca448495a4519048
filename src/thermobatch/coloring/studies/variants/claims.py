"""Claims on the variants of SGD-like dynamics (E7)."""

from collections.abc import Callable

import numpy as np
import xarray as xr

from thermobatch.coloring.studies.decisions import all_within, some_beyond
from thermobatch.statistics.equivalence import paired_equivalence
from thermobatch.study.claim import Outcome, claim

BEYOND = "beyond the paper"
CHECK = "independent measurement with the authors' program"
BOOTSTRAP_SEED = 7
DEFAULT = "half_edge.sequential"
Pairs = dict[str, str]  # a variant, and the one it is compared with
SCHEMES: Pairs = {"shared_edge.sequential": DEFAULT, "shared_edge_exact.sequential": DEFAULT}
LABELS: Pairs = {
    "half_edge.shuffled_labels": DEFAULT,
    "shared_edge.shuffled_labels": "shared_edge.sequential",
}
EXACT: Pairs = {"shared_edge_exact.sequential": "shared_edge.sequential"}
# Order alone: every half-edge is used once a drawing (per_proposal in sequential order is the default's chain).
ORDERS: Pairs = {
    "half_edge.random_permutation": DEFAULT,
    "per_proposal.random_sequential": DEFAULT,
    "shared_edge.random_permutation": "shared_edge.sequential",
}
# A vertex visited twice in a sweep sees the same half-edges again, or fresh ones, in the same order.
REUSE: Pairs = {"half_edge.random_sequential": "per_proposal.random_sequential"}
FRESH: Pairs = {"per_proposal.random_sequential": DEFAULT}


def _energies_compared(decide: Callable[..., Outcome], pairs: Pairs) -> Callable[..., Outcome]:
    def energies(dataset: xr.Dataset, *, margin: float) -> Outcome:
        """Decide by the largest mean difference of the energies over all B, starts and pairs of variants."""
        return _decided(decide, dataset.energy, pairs, margin, "energy per vertex")

    return energies


def _temperatures_compared(decide: Callable[..., Outcome], pairs: Pairs) -> Callable[..., Outcome]:
    def temperatures(dataset: xr.Dataset, *, margin: float) -> Outcome:
        """Decide by the largest mean difference of T, relative to the default's, over all B, starts and pairs."""
        relative = dataset.matched_temperature / dataset.matched_temperature.sel(variant=DEFAULT, drop=True)
        where = "relative to the temperature of the default variant"
        return _decided(decide, relative, pairs, margin, where)

    return temperatures


claim(
    "E7.exact_size_does_not_matter",
    source=CHECK,
    protocol="ours",
    statement="Batches of exactly floor(B M) edges and of independent edges have the same energy: difference per "
    "vertex, at every B and start.",
)(_energies_compared(all_within, EXACT))
claim(
    "E7.labels_do_not_matter",
    source=BEYOND,
    protocol="ours",
    statement="Sweeping the planted groups one after the other or mixed gives the same energy: difference per vertex, "
    "at every B and start, for half-edges and whole edges.",
)(_energies_compared(all_within, LABELS))
claim(
    "E7.order_alone_changes_energy",
    source=BEYOND,
    protocol="ours",
    statement="Even with a fresh mini-batch at every proposal the order of the vertices shifts the stationary energy: "
    "difference per vertex of random_sequential to sequential order beyond the margin at some B and start.",
)(_energies_compared(some_beyond, FRESH))
claim(
    "E7.scheme_changes_temperature",
    source=BEYOND,
    protocol="ours",
    statement="T(B) depends on what the mini-batch is (whole edges or half-edges), in sequential order: relative "
    "difference beyond the margin at some B and start.",
)(_temperatures_compared(some_beyond, SCHEMES))
claim(
    "E7.order_changes_temperature",
    source=BEYOND,
    protocol="ours",
    statement="T(B) depends on the order of the vertices where no mini-batch is used twice (a permutation each sweep, "
    "or fresh half-edges at every proposal, against sequential order): relative difference beyond the margin at some B "
    "and start.",
)(_temperatures_compared(some_beyond, ORDERS))
claim(
    "E7.reuse_changes_temperature",
    source=BEYOND,
    protocol="ours",
    statement="T(B) depends on whether a vertex visited twice in a sweep sees the same half-edges again or fresh ones, "
    "both in random_sequential order: relative difference beyond the margin at some B and start.",
)(_temperatures_compared(some_beyond, REUSE))


@claim(
    "E7.shared_edge_shift",
    source=CHECK,
    protocol="ours",
    statement="Mini-batches of whole edges lower the stationary energy per vertex by the amounts measured "
    "independently: difference to them, at every B they were measured at.",
)
def shared_edge_shift(
    dataset: xr.Dataset, *, margin: float, batch_fractions: list[float], expected: list[float]
) -> Outcome:
    """Decide by the largest mean difference over the B of the configuration, from a random start."""
    chosen, wanted = _at(dataset, "random", batch_fractions, expected)
    shifts = xr.DataArray(list(wanted.values()), dims="point")
    shifted = chosen.energy + shifts.where(chosen.variant == "shared_edge.sequential", 0.0)
    listed = ", ".join(f"{value:g} at B = {b}" for b, value in wanted.items())
    return _decided(all_within, shifted, {"shared_edge.sequential": DEFAULT}, margin, f"against {listed}")


@claim(
    "E7.phase_changes_temperature",
    source=BEYOND,
    protocol="ours",
    statement="T(B) depends on the phase: relative difference between planted state and paramagnet at the same B, "
    "beyond the margin at some B measured in both.",
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
    ratios = planted.values / paramagnet.values - 1
    measured = np.isfinite(ratios).all(axis=0)
    labels = [f"B = {b:g}" for b in planted.batch_fraction.values[measured]]
    where = f"paired by graph ({len(ratios)} graphs); {len(labels)} values of B"
    return some_beyond(ratios[:, measured], margin, labels, where, seed=BOOTSTRAP_SEED)


@claim(
    "E7.planted_temperature",
    source=CHECK,
    protocol="ours",
    statement="Inside the planted state SGD-like dynamics have the temperature measured independently, at the B of "
    "that measurement: difference of T.",
)
def planted_temperature(
    dataset: xr.Dataset, *, margin: float, batch_fraction: float, expected: float
) -> Outcome:
    """Decide by the mean over graphs."""
    chosen, _ = _at(dataset, "planted", [batch_fraction], [expected])
    measured = chosen.matched_temperature.sel(variant=DEFAULT).isel(point=0).values
    found = paired_equivalence(measured - expected, margin)
    method = f"{found.method}; {len(measured)} graphs; against T = {expected:g} at B = {batch_fraction:g}"
    return Outcome(found.estimate, (found.lower, found.upper), margin, method, found.verdict)


def _decided(
    decide: Callable[..., Outcome], values: xr.DataArray, pairs: Pairs, margin: float, where: str
) -> Outcome:
    """Compare variants on the same graph, all points and pairs side by side; points without a value are left out."""
    starts = zip(values.start.values, values.batch_fraction.values, strict=True)
    points = [f"{start} start, B = {b:g}" for start, b in starts]
    columns = [
        (values.sel(variant=variant) - values.sel(variant=reference)).transpose("seed", "point").values
        for variant, reference in pairs.items()
    ]
    differences = np.concatenate(columns, axis=1)
    measured = np.isfinite(differences).all(axis=0)  # a planted start that melted has no temperature
    labels = np.array([f"{variant}, {point}" for variant in pairs for point in points])[measured]
    where = f"paired by graph ({len(differences)} graphs); {where}"
    return decide(differences[:, measured], margin, labels, where, seed=BOOTSTRAP_SEED)


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
