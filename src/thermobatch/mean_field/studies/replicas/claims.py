"""Claims on replicas where SGD reaches zero loss (D5)."""

import itertools

import numpy as np
import xarray as xr

from thermobatch.mean_field.studies.decisions import (
    BEYOND,
    NOISE_SOURCE,
    Point,
    all_within,
    close_ratios,
    increasing,
    welch_point,
)
from thermobatch.mean_field.studies.points import (
    algorithm_name,
    by_noise,
    by_persistence,
    named,
    seeds_of,
    temperatures,
)
from thermobatch.study.claim import Outcome, claim

ZERO_LOSS = 1e-3  # of the loss at the start: the replicas hardly move any more


@claim(
    "D5.distance_grows_with_noise",
    source=NOISE_SOURCE,
    protocol="ours",
    statement="Where SGD reaches zero loss the simulated distance D of replicas grows from every batch fraction to the "
    "next smaller one (independent batches): every step of log D is above the margin.",
)
def distance_grows(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the order of D of the simulations over b, independent batches."""
    return _rising(by_noise(dataset), margin)


@claim(
    "D5.distance_grows_with_persistence",
    source=NOISE_SOURCE,
    protocol="ours",
    statement="At the stated moderate batch fraction the simulated distance D of replicas at zero loss grows from "
    "independent batches on with every longer persistence time: every step of log D is above the margin.",
)
def distance_grows_with_persistence(dataset: xr.Dataset, *, margin: float, batch_fraction: float) -> Outcome:
    """Decide by the order of D of the simulations over tau at one b, independent batches first."""
    return _rising(by_persistence(dataset, batch_fraction), margin)


@claim(
    "D5.same_order_as_temperature",
    source=BEYOND,
    protocol="ours",
    statement="The distance D of replicas at zero loss orders the algorithms (batch fractions and persistence times "
    "together) as the temperature T_rep of the stationary state of another problem does, both simulated: in every pair "
    "the hotter one has the larger D, its log ratio is above the margin.",
)
def same_order(replicas: xr.Dataset, stationary: xr.Dataset, *, margin: float) -> Outcome:
    """Decide over all pairs of algorithms; an order by temperature that is within its error decides nothing."""
    names, distance, heat = paired(replicas, stationary)
    if len(names) < 4:
        raise ValueError(f"only {len(names)} algorithms are in both datasets; at least 4 are needed")
    pairs = list(itertools.combinations(range(len(names)), 2))
    points = {}
    for pair in pairs:
        cold, hot = sorted(pair, key=lambda k: np.log(heat[k]).mean())
        heats, distances = (
            welch_point(np.log(side[hot]), np.log(side[cold]), len(pairs)) for side in (heat, distance)
        )
        quantity, point = _less_certain(heats, distances)
        points[f"{quantity} of ({names[hot]}) over ({names[cold]})"] = point
    found = all_within(points, (margin, np.inf), "log ratios of pairs, Welch's 90% intervals over seeds")
    inverted = [name for name, point in points.items() if point.together.upper < margin]
    method = f"{found.method}; {len(inverted)} of {len(pairs)} pairs are inverted" + "".join(
        f"; {name}" for name in inverted
    )
    return Outcome(found.estimate, found.interval, margin, method, found.verdict)


def _less_certain(heats: Point, distances: Point) -> tuple[str, Point]:
    """Return which of the two log ratios of a pair decides: the one whose interval reaches lower.

    An inverted distance counts against the order only where the temperatures are told apart as surely.
    """
    if heats.own.lower < distances.own.lower:
        return "T_rep", heats
    if heats.together.lower <= 0.0:
        return "D", distances._replace(together=distances.together._replace(upper=np.inf))
    return "D", distances


@claim(
    "D5.theory_is_simulation",
    source=BEYOND,
    protocol="ours",
    statement="The mean-field theory gives the distance D of replicas of SGD at finite dimension, for every batch "
    "whose theory has reached zero loss (1e-3 of the start) within its steps: |log ratio| at its last step below the "
    "margin.",
)
def distance_theory_is_simulation(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide over the batches whose theory reaches zero loss within its steps, each at the theory's last time."""
    pairs = {}
    for name, chosen in named(dataset, algorithm_name).items():
        if arrived(chosen, "theory"):
            pairs[name] = (final_distances(chosen, "theory"), simulated_then(chosen))
    return close_ratios(pairs, margin, f"D, theory over simulation at d = {int(dataset.d.values[0])}")


def final_distances(chosen: xr.Dataset, origin: str) -> np.ndarray:
    """Return the distance of the replicas at the last time followed, one number a seed.

    Parameters
    ----------
    chosen : xarray.Dataset
        One point of the experiment `mean_field_replicas`.
    origin : str
        theory or simulation.
    """
    return seeds_of(chosen.replica_distance.sel(origin=origin))[:, -1]


def simulated_then(chosen: xr.Dataset) -> np.ndarray:
    """Return the simulated distance at the theory's last time, one number a seed.

    Parameters
    ----------
    chosen : xarray.Dataset
        One point of the experiment `mean_field_replicas`.
    """
    last = seeds_of(chosen.replica_distance.sel(origin="theory")).shape[1] - 1
    return seeds_of(chosen.replica_distance.sel(origin="simulation"))[:, last]


def arrived(chosen: xr.Dataset, origin: str) -> bool:
    """Say whether the mean loss fell below 1e-3 of its start.

    Parameters
    ----------
    chosen : xarray.Dataset
        One point of the experiment `mean_field_replicas`.
    origin : str
        theory or simulation.
    """
    loss = seeds_of(chosen.training_loss.sel(origin=origin)).mean(axis=0)
    return bool(loss[-1] < ZERO_LOSS * loss[0])


def paired(replicas: xr.Dataset, stationary: xr.Dataset) -> tuple[list[str], list, list]:
    """Return the algorithms in both datasets: names, simulated distances and temperatures, by seeds.

    Parameters
    ----------
    replicas, stationary : xarray.Dataset
        Of the experiments `mean_field_replicas` and `mean_field_temperature`.
    """
    heats = {
        name: temperatures(chosen, "simulation") for name, chosen in named(stationary, algorithm_name).items()
    }
    names, distances = [], []
    for name, chosen in named(replicas, algorithm_name).items():
        if name in heats:
            names.append(name)
            distances.append(final_distances(chosen, "simulation"))
    return names, distances, [heats[name] for name in names]


def _rising(ordered: xr.Dataset, margin: float) -> Outcome:
    """Decide whether log D of the simulations rises from each point to the next."""
    points = named(ordered, algorithm_name)
    values = {name: np.log(final_distances(point, "simulation")) for name, point in points.items()}
    size = f" at d = {int(ordered.d.values[0])}" if points else ""
    return increasing(values, margin, f"log D, simulated{size}")
