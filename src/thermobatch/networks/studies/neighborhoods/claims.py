"""Claims on the local entropies around the solutions that algorithms find (R6)."""

import numpy as np
import xarray as xr

from thermobatch.networks.studies.entropies.claims import SCALED, entropy_at, scaled_entropy, theory_curve
from thermobatch.statistics.equivalence import bound_words, verdict
from thermobatch.statistics.extremes import largest_mean
from thermobatch.statistics.intervals import mean_interval
from thermobatch.study.claim import Outcome, claim

SOURCE = "doi:10.1073/pnas.1608103113"
BEYOND = "beyond the paper"
CONFIDENCE = 0.9
ALGORITHMS = {
    "SA": ("annealing", False, True, "linear"),
    "rSA, uncoupled": ("annealing", True, False, "linear"),
    "rSA": ("annealing", True, True, "linear"),
    "rSA, step": ("annealing", True, True, "step"),
    "SGD": ("sgd", False, True, "linear"),
    "rSGD, uncoupled": ("sgd", True, False, "linear"),
    "rSGD, replica": ("sgd", True, True, "linear"),
    "rSGD": ("sgd", True, True, "linear"),
    "reinf. BP": ("reinforcement", False, True, "linear"),
    "fBP": ("focusing", False, True, "linear"),
}
"""Kind, whether replicated, whether coupled (controls: not), energy. rSGD's first solution is mostly the centre's."""

AROUND = {"rSGD, replica": "replica_", "rSGD, uncoupled": "replica_"}
"""Prefix of the variables that are not measured around the first solution."""

CHAIN = ("SA", "rSA", "rSA, step", "SGD", "rSGD, replica")
"""The order measured before on other instances."""


@claim(
    "R6.replication_helps_annealing",
    source=SOURCE,
    protocol="ours",
    statement="Replicated annealing (linear energy) ends in denser regions than annealing: difference of the local "
    "entropies on the same instance, in nats per weight.",
)
def replication_helps_annealing(dataset: xr.Dataset, *, margin: float, n: int, distance: float) -> Outcome:
    """Decide by the paired t interval, which must lie above the margin."""
    return _denser(dataset, ("rSA", "SA"), margin, n, distance)


@claim(
    "R6.replication_helps_sgd",
    source=SOURCE,
    protocol="ours",
    statement="A replica of replicated SGD ends in denser regions than SGD, each at the first solution of its own "
    "(that of the replicas' centre is not meant): difference of the local entropies on the same instance, in nats per "
    "weight, above the margin.",
)
def replication_helps_sgd(dataset: xr.Dataset, *, margin: float, n: int, distance: float) -> Outcome:
    """Decide by the paired t interval, which must lie above the margin."""
    return _denser(dataset, ("rSGD, replica", "SGD"), margin, n, distance)


@claim(
    "R6.coupling_helps_annealing",
    source=SOURCE,
    protocol="ours",
    statement="It is the coupling that leads annealed replicas (linear energy) into denser regions, not their number "
    "or schedule: local entropy around the first solution of coupled replicas minus that of as many uncoupled ones of "
    "the same schedule, on the same instance, in nats per weight, above the margin.",
)
def coupling_helps_annealing(dataset: xr.Dataset, *, margin: float, n: int, distance: float) -> Outcome:
    """Decide by the paired t interval, which must lie above the margin."""
    return _denser(dataset, ("rSA", "rSA, uncoupled"), margin, n, distance)


@claim(
    "R6.coupling_helps_sgd",
    source=SOURCE,
    protocol="ours",
    statement="It is the coupling that leads replicas of SGD into denser regions, not their number: local entropy "
    "around the first replica without error (the centre is not meant), coupled minus as many uncoupled ones, on the "
    "same instance, in nats per weight, above the margin.",
)
def coupling_helps_sgd(dataset: xr.Dataset, *, margin: float, n: int, distance: float) -> Outcome:
    """Decide by the paired t interval, which must lie above the margin."""
    return _denser(dataset, ("rSGD, replica", "rSGD, uncoupled"), margin, n, distance)


@claim(
    "R6.sgd_is_denser_than_annealing",
    source=SOURCE,
    protocol="ours",
    statement="Plain SGD ends in far denser regions than simulated annealing: difference of the local entropies on the "
    "same instance, in nats per weight.",
)
def sgd_is_denser_than_annealing(dataset: xr.Dataset, *, margin: float, n: int, distance: float) -> Outcome:
    """Decide by the paired t interval, which must lie above the margin."""
    return _denser(dataset, ("SGD", "SA"), margin, n, distance)


@claim(
    "R6.messages_as_dense_as_replicas",
    source=SOURCE,
    protocol="ours",
    statement="Focusing belief propagation ends in regions no less dense than replicated SGD (the first solution of "
    "either its centre or a replica), to within the margin: difference of the local entropies on the same instance, in "
    "nats per weight.",
)
def messages_as_dense_as_replicas(dataset: xr.Dataset, *, margin: float, n: int, distance: float) -> Outcome:
    """Decide by the paired t interval, which must lie above minus the margin."""
    return _denser(dataset, ("fBP", "rSGD"), -margin, n, distance)


@claim(
    "R6.ordering",
    source="measured before on other instances",
    protocol="ours",
    statement="The solutions found lie in ever denser regions in the order SA, rSA (linear energy), rSA (step energy), "
    "SGD, replicas of rSGD: smallest step of the local entropy on the same instance, in nats per weight, above the "
    "margin.",
)
def ordering(dataset: xr.Dataset, *, margin: float, n: int, distance: float) -> Outcome:
    """Decide by the smallest of the paired steps, all of which must exceed the margin."""
    found = at_distance(dataset, n, distance)
    steps = np.diff(_paired(found, CHAIN), axis=1)
    tested = largest_mean(-steps, -margin)
    bounds = (-tested.upper, -tested.lower)
    over_all = (-tested.bounds[1], -tested.bounds[0])
    pair = (CHAIN[tested.point], CHAIN[tested.point + 1])
    trend = ", ".join(
        f"{np.diff(_paired(at_distance(dataset, size, distance), pair)).mean():.4f} at N = {size}"
        for size in np.unique(dataset.n.values)
    )
    method = (
        f"{_where(dataset, n, distance)}: smallest of {len(CHAIN) - 1} mean steps ({pair[0]} to {pair[1]}; it is "
        f"{trend}), one-sided 95% t bounds over {len(steps)} instances, the upper one Bonferroni's, "
        f"{bound_words(len(CHAIN) - 1, over_all)}"
    )
    return Outcome(-tested.estimate, bounds, margin, method, tested.verdict)


@claim(
    "R6.annealing_is_typical",
    source=BEYOND,
    protocol="ours",
    statement="Simulated annealing finds solutions with the surroundings of a typical one, to within the margin and at "
    "the given N: local entropy minus Franz-Parisi at the same distance, in nats per weight.",
)
def annealing_is_typical(
    dataset: xr.Dataset, entropies: xr.Dataset, *, margin: float, n: int, distance: float
) -> Outcome:
    """Decide by the t interval of the scaled local entropy, which must lie within the margin."""
    scaled, curves = _on_theory(dataset, entropies, "SA", n, distance)
    return _mean(
        scaled - curves["typical"], margin, (-margin, margin), f"{_where(dataset, n, distance)}; {SCALED}"
    )


@claim(
    "R6.messages_nearly_densest",
    source=BEYOND,
    protocol="ours",
    statement="Focusing belief propagation ends near the densest regions there are (other algorithms may do so too): "
    "where its local entropy lies between Franz-Parisi (0) and y to infinity (1) at the same distance.",
)
def messages_nearly_densest(
    dataset: xr.Dataset,
    entropies: xr.Dataset,
    *,
    margin: list[float],
    n: int,
    distance: float,
) -> Outcome:
    """Decide by the t interval of the scaled place between the curves, which must lie within the margin."""
    scaled, curves = _on_theory(dataset, entropies, "fBP", n, distance)
    place = (scaled - curves["typical"]) / (curves["densest"] - curves["typical"])
    return _mean(place, tuple(margin), tuple(margin), f"{_where(dataset, n, distance)}; {SCALED}")


def algorithm_point(dataset: xr.Dataset, name: str, n: int) -> str | None:
    """Return the point of an algorithm at one size, or None if there is none.

    Parameters
    ----------
    dataset
        Of the experiment `solution_neighborhoods`.
    name
        A key of ALGORITHMS.
    n
        Number of weights N.
    """
    kind, replicated, attracted, energy = ALGORITHMS[name]
    wanted = (dataset.algorithm == kind) & (dataset.n == n) & ((dataset.replicas > 1) == replicated)
    wanted &= (dataset.energy == energy) & (dataset.coupled == attracted)
    return str(dataset.point.values[wanted.values][0]) if wanted.any() else None


def at_distance(dataset: xr.Dataset, n: int, distance: float, scaled_to: float | None = None) -> xr.DataArray:
    """Return the local entropies at one distance, by algorithm and seed (nan: unsolved), at the size nearest to n.

    Parameters
    ----------
    dataset
        Of the experiment `solution_neighborhoods`.
    n
        Number of weights N.
    distance
        Hamming distance over N.
    scaled_to
        Total entropy of theory that every instance's is scaled to; None leaves them.
    """
    n = nearest_size(dataset, n)
    names = [name for name in ALGORITHMS if algorithm_point(dataset, name, n) is not None]
    table = np.full((len(names), dataset.sizes["seed"]), np.nan)
    for row, name in zip(table, names, strict=True):
        chosen = dataset.sel(point=algorithm_point(dataset, name, n)).transpose("seed", "field", ...)
        prefix = AROUND.get(name, "")
        entropies = chosen[f"{prefix}entropy"]
        if scaled_to is not None:
            entropies = scaled_entropy(entropies, entropies.isel(field=0), scaled_to)
        row[:] = [
            entropy_at(*pair, distance)
            for pair in zip(chosen[f"{prefix}distance"].values, entropies.values, strict=True)
        ]
    return xr.DataArray(table, coords={"solver": names, "seed": dataset.seed.values}, dims=("solver", "seed"))


def nearest_size(dataset: xr.Dataset, n: int) -> int:
    """Return the size of the dataset that is nearest to n."""
    sizes = np.unique(dataset.n.values)
    return int(sizes[np.argmin(np.abs(sizes - n))])


def _paired(found: xr.DataArray, names: tuple[str, ...]) -> np.ndarray:
    """Local entropies (instances, algorithms) of the instances that all the algorithms solved."""
    missing = [name for name in names if name not in found.solver.values]
    if missing:
        raise ValueError(f"solution_neighborhoods: no point of {', '.join(missing)}")
    table = found.sel(solver=list(names)).transpose("seed", "solver").values
    return table[np.isfinite(table).all(axis=1)]


def _denser(dataset: xr.Dataset, names: tuple[str, str], margin: float, n: int, distance: float) -> Outcome:
    """The first algorithm's local entropy minus the second's must exceed the margin."""
    first, second = _paired(at_distance(dataset, n, distance), names).T
    words = f"{names[0]} minus {names[1]}, paired; {_where(dataset, n, distance)}"
    return _mean(first - second, margin, (margin, np.inf), words)


def _on_theory(
    dataset: xr.Dataset, entropies: xr.Dataset, name: str, n: int, distance: float
) -> tuple[np.ndarray, dict[str, float]]:
    """Scaled local entropies of an algorithm, and those of the two curves of theory at the same distance."""
    alpha = float(dataset.alpha[0])
    curves = {kind: theory_curve(entropies, kind, alpha) for kind in ("typical", "densest")}
    found = at_distance(dataset, n, distance, curves["typical"].total)
    return _paired(found, (name,))[:, 0], {kind: float(curve.at(distance)) for kind, curve in curves.items()}


def _mean(values: np.ndarray, margin, allowed: tuple[float, float], words: str) -> Outcome:
    """A mean over instances with its t interval against a range."""
    found = mean_interval(values, confidence=CONFIDENCE)
    bounds = (float(found.lower), float(found.upper))
    method = f"{CONFIDENCE:.0%} t interval over {len(values)} instances; {words}"
    return Outcome(float(found.estimate), bounds, margin, method, verdict(bounds, allowed))


def _where(dataset: xr.Dataset, n: int, distance: float) -> str:
    return f"N = {nearest_size(dataset, n)}, alpha = {float(dataset.alpha[0]):g}, d / N = {distance:g}"
