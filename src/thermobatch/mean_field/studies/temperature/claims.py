"""Claims on what sets the temperature of the noise in the stationary state (D4)."""

import numpy as np
import xarray as xr

from thermobatch.mean_field.studies.decisions import (
    BEYOND,
    NOISE_SOURCE,
    Point,
    all_within,
    close_ratios,
    increasing,
    mean_points,
    theory_over_simulation,
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

WEAK_NOISE = 0.054  # T b / (1 - b) for weak noise, measured independently for this model


@claim(
    "D4.noise_grows_as_batches_shrink",
    source=NOISE_SOURCE,
    protocol="ours",
    statement="In simulations the temperature T_rep of SGD's noise grows from every batch fraction to the next smaller "
    "one (independent batches): every step of log T_rep is above the margin.",
)
def noise_grows(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the order of the simulated T_rep over b, independent batches."""
    return _rising(by_noise(dataset), margin)


@claim(
    "D4.weak_noise_law",
    source=BEYOND,
    protocol="ours",
    statement="In the mean-field theory of this model T_rep = 0.054 (1 - b)/b for independent batches from the stated "
    "batch fraction on: |log ratio| below the margin.",
)
def weak_noise_law(dataset: xr.Dataset, *, margin: float, smallest_batch_fraction: float) -> Outcome:
    """Decide over the independent batches from a batch fraction on, in the theory."""
    chosen = by_noise(dataset)
    chosen = chosen.isel(point=chosen.batch_fraction.values >= smallest_batch_fraction)
    points: dict[str, Point] = {}
    for name, one in named(chosen, algorithm_name).items():
        b = float(one.batch_fraction)
        values = np.log(temperatures(one, "theory") * b / (WEAK_NOISE * (1.0 - b)))
        points |= mean_points(values[:, None], [name], chosen.sizes["point"])
    if not points:
        raise ValueError(f"no point with independent batches and b >= {smallest_batch_fraction}")
    return all_within(
        points, margin, "log ratios of T_rep of the theory to the law, 90% t intervals over seeds"
    )


@claim(
    "D4.theory_is_simulation",
    source=NOISE_SOURCE,
    protocol="ours",
    statement="The mean-field theory gives the temperature T_rep of SGD at finite dimension, for every batch fraction "
    "and persistence: |log ratio| below the margin.",
)
def temperature_theory_is_simulation(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide over all batches, independent and persistent."""
    pairs = theory_over_simulation(dataset, temperatures, algorithm_name)
    return close_ratios(pairs, margin, f"T_rep, theory over simulation at d = {int(dataset.d.values[0])}")


@claim(
    "D4.same_definitions",
    source=BEYOND,
    protocol="ours",
    statement="In the mean-field theory the temperature from the distance of replicas is that from fluctuation and "
    "response at long lags, for every batch fraction and persistence: |log ratio| of T_rep and T_int below the margin.",
)
def same_definitions(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide over all batches, in the theory, by the ratio within every population: both come from the same paths."""
    points: dict[str, Point] = {}
    for name, one in named(dataset, algorithm_name).items():
        ratio = temperatures(one, "theory") / seeds_of(one.integral_temperature.sel(origin="theory"))
        points |= mean_points(np.log(ratio)[:, None], [name], dataset.sizes["point"])
    words = (
        "log ratios T_rep/T_int of the theory (C - C12 for C in T_int), paired by population, 90% t intervals"
    )
    return all_within(points, margin, words)


@claim(
    "D4.persistence_heats",
    source=NOISE_SOURCE,
    protocol="ours",
    statement="At the stated moderate batch fraction persistent batches heat: in simulations T_rep grows from "
    "independent batches on with every longer persistence time tau, every step of log T_rep is above the margin.",
)
def persistence_heats(dataset: xr.Dataset, *, margin: float, batch_fraction: float) -> Outcome:
    """Decide by the order of the simulated T_rep over tau at one b, independent batches first."""
    return _rising(by_persistence(dataset, batch_fraction), margin)


@claim(
    "D4.persistence_cools_strong_noise",
    source=BEYOND,
    protocol="ours",
    statement="At the stated small batch fraction persistent batches do not heat, they cool: in simulations T_rep "
    "falls from independent to persistent batches, every step of log T_rep, backwards, is above the margin.",
)
def persistence_cools(dataset: xr.Dataset, *, margin: float, batch_fraction: float) -> Outcome:
    """Decide by the order of the simulated T_rep at one b, the most persistent batches first."""
    return _rising(by_persistence(dataset, batch_fraction).isel(point=slice(None, None, -1)), margin)


def _rising(ordered: xr.Dataset, margin: float) -> Outcome:
    """Decide whether log T_rep of the simulations rises from each point to the next."""
    points = named(ordered, algorithm_name)
    values = {name: np.log(temperatures(point, "simulation")) for name, point in points.items()}
    size = f" at d = {int(ordered.d.values[0])}" if points else ""
    return increasing(values, margin, f"log T_rep, simulated{size}")
