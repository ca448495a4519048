"""Claims on replicas where SGD reaches zero loss (D5)."""

import numpy as np
import xarray as xr
from scipy.stats import rankdata

from thermobatch.mean_field.studies.decisions import (
    BEYOND,
    BOOTSTRAP_SEED,
    NOISE_SOURCE,
    close_ratios,
    increasing,
    seeds_of,
)
from thermobatch.mean_field.studies.temperature.claims import (
    algorithm_name,
    by_persistence,
    independent,
    temperatures,
)
from thermobatch.statistics.equivalence import verdict
from thermobatch.study.claim import Outcome, claim

ZERO_LOSS = 1e-3  # of the loss at the start: the replicas hardly move any more
RESAMPLES = 2000


@claim(
    "D5.distance_grows_with_noise",
    source=NOISE_SOURCE,
    protocol="ours",
    statement="Where SGD reaches zero loss the distance of replicas grows as the batch fraction falls: log D, "
    "smallest step.",
)
def distance_grows(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the order of D of the simulations over b, independent batches."""
    chosen = independent(dataset)
    return increasing(
        _log_distances(chosen.isel(point=np.argsort(-chosen.batch_fraction.values))), margin, "simulation"
    )


@claim(
    "D5.distance_grows_with_persistence",
    source=NOISE_SOURCE,
    protocol="ours",
    statement="At moderate noise the distance of replicas at zero loss grows with the persistence of the batches: "
    "log D, smallest step.",
)
def distance_grows_with_persistence(dataset: xr.Dataset, *, margin: float, batch_fraction: float) -> Outcome:
    """Decide by the order of D of the simulations over tau at one b, independent batches first."""
    return increasing(_log_distances(by_persistence(dataset, batch_fraction)), margin, "simulation")


@claim(
    "D5.same_order_as_temperature",
    source=NOISE_SOURCE,
    protocol="ours",
    statement="The distance of replicas at zero loss orders the algorithms as the temperature of the stationary state "
    "of another problem does: rank correlation.",
)
def same_order(replicas: xr.Dataset, stationary: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by Spearman's coefficient over all batches, with a bootstrap over the seeds of both."""
    names, distance, heat = paired(replicas, stationary)
    if len(names) < 4:
        raise ValueError(f"only {len(names)} algorithms are in both datasets; at least 4 are needed")
    random = np.random.default_rng(BOOTSTRAP_SEED)
    draws = _spearman(*(_resampled_means(side, random) for side in (distance, heat)))
    means = (np.array([[np.mean(np.log(values)) for values in side]]) for side in (distance, heat))
    estimate = _spearman(*means)[0]
    low, high = np.quantile(draws, 0.05), np.quantile(draws, 0.95)
    bounds = (float(min(low, estimate)), float(max(high, estimate)))
    method = (
        f"Spearman's coefficient of {len(names)} algorithms (simulated D, T_rep of the theory), 90% bootstrap over "
        "seeds; reproduced when above the margin"
    )
    return Outcome(float(estimate), bounds, margin, method, verdict(bounds, (margin, 1.0 + 1e-9)))


@claim(
    "D5.theory_is_simulation",
    source=BEYOND,
    protocol="ours",
    statement="The mean-field theory gives the distance of replicas at zero loss: |log ratio|.",
)
def distance_theory_is_simulation(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide over the batches whose theory reaches zero loss within its steps, each at the theory's last time."""
    pairs = {}
    for point in dataset.point.values:
        chosen = dataset.sel(point=point)
        if arrived(chosen, "theory"):
            pairs[algorithm_name(chosen)] = (final_distances(chosen, "theory"), simulated_then(chosen))
    return close_ratios(pairs, margin, f"d = {int(dataset.d.values[0])}")


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
    """Return the algorithms in both datasets: names, simulated distances and temperatures of the theory, by seeds.

    Parameters
    ----------
    replicas, stationary : xarray.Dataset
        Of the experiments `mean_field_replicas` and `mean_field_temperature`.
    """
    heats = {}
    for point in stationary.point.values:
        chosen = stationary.sel(point=point)
        heats[algorithm_name(chosen)] = temperatures(chosen, "theory")
    names, distances = [], []
    for point in replicas.point.values:
        chosen = replicas.sel(point=point)
        if algorithm_name(chosen) in heats:
            names.append(algorithm_name(chosen))
            distances.append(final_distances(chosen, "simulation"))
    return names, distances, [heats[name] for name in names]


def _log_distances(dataset: xr.Dataset) -> dict[str, np.ndarray]:
    """Logarithms of the simulated distances by the names of the points, in their order."""
    points = [dataset.sel(point=point) for point in dataset.point.values]
    return {algorithm_name(point): np.log(final_distances(point, "simulation")) for point in points}


def _resampled_means(groups: list[np.ndarray], random: np.random.Generator) -> np.ndarray:
    """Means of the logarithms of bootstrap samples, float64[samples, groups]."""
    drawn = [np.log(values)[random.integers(len(values), size=(RESAMPLES, len(values)))] for values in groups]
    return np.stack([values.mean(axis=1) for values in drawn], axis=1)


def _spearman(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Spearman's rank correlation of the rows of two arrays [samples, groups]."""
    ranks = [rankdata(values, axis=1) for values in (first, second)]
    centred = [rank - rank.mean(axis=1, keepdims=True) for rank in ranks]
    products = (centred[0] * centred[1]).sum(axis=1)
    return products / np.sqrt((centred[0] ** 2).sum(axis=1) * (centred[1] ** 2).sum(axis=1))
