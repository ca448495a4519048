"""Claims on the effective noise in the stationary state: no single temperature (D3), and what sets it (D4)."""

import numpy as np
import xarray as xr

from thermobatch.mean_field.studies.decisions import BEYOND, NOISE_SOURCE, close_ratios, increasing, seeds_of
from thermobatch.statistics.equivalence import verdict
from thermobatch.statistics.intervals import mean_interval
from thermobatch.study.claim import Outcome, claim

WEAK_NOISE = 0.054  # T b / (1 - b) for weak noise, measured independently for this model
CONFIDENCE = 0.9


@claim(
    "D3.no_single_temperature",
    source=BEYOND,
    protocol="ours",
    statement="In the theory fluctuation against response is curved: SGD's noise has no single temperature (area under "
    "the curve over that of a straight line, minus 1).",
)
def no_single_temperature(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the least curved of the independent batches, in the theory."""
    return _curved(dataset, "theory", margin)


@claim(
    "D3.no_single_temperature_simulated",
    source=BEYOND,
    protocol="ours",
    statement="In simulations at finite dimension fluctuation against response is curved (area under the curve over "
    "that of a straight line, minus 1).",
)
def no_single_temperature_simulated(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the least certain of the independent batches, simulated."""
    return _curved(dataset, "simulation", margin)


@claim(
    "D3.theory_is_simulation",
    source=NOISE_SOURCE,
    protocol="ours",
    statement="The mean-field theory gives the integrated response of SGD at finite dimension: |log ratio| of chi at "
    "the longest lags.",
)
def response_theory_is_simulation(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide over all batches."""
    pairs = {}
    for point in dataset.point.values:
        chosen = dataset.sel(point=point)
        ends = [late_response(chosen.sel(origin=origin)) for origin in ("theory", "simulation")]
        pairs[algorithm_name(chosen)] = tuple(ends)
    return close_ratios(pairs, margin, "chi averaged over the last quarter of the lags")


@claim(
    "D4.noise_grows_as_batches_shrink",
    source=NOISE_SOURCE,
    protocol="ours",
    statement="The temperature T_rep of SGD's noise grows as the batch fraction falls: log T, smallest step.",
)
def noise_grows(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the order of T_rep of the theory over b, independent batches."""
    chosen = independent(dataset)
    order = np.argsort(-chosen.batch_fraction.values)
    return increasing(_log_temperatures(chosen.isel(point=order)), margin, "T_rep of the theory")


@claim(
    "D4.weak_noise_law",
    source=BEYOND,
    protocol="ours",
    statement="For weak noise T_rep = 0.054 (1 - b)/b in this model: |log ratio|.",
)
def weak_noise_law(dataset: xr.Dataset, *, margin: float, smallest_batch_fraction: float) -> Outcome:
    """Decide over the independent batches from a batch fraction on, in the theory."""
    chosen = independent(dataset)
    chosen = chosen.isel(point=chosen.batch_fraction.values >= smallest_batch_fraction)
    found = {}
    for point in chosen.point.values:
        b = float(chosen.sel(point=point).batch_fraction)
        values = np.log(temperatures(chosen.sel(point=point), "theory") * b / (WEAK_NOISE * (1.0 - b)))
        found[f"b = {b:g}"] = mean_interval(values, confidence=CONFIDENCE)
    if not found:
        raise ValueError(f"no point with independent batches and b >= {smallest_batch_fraction}")
    worst = max(found, key=lambda name: max(abs(found[name].lower), abs(found[name].upper)))
    each = found[worst]
    decided = [verdict(each, margin) for each in found.values()]
    answer = next((name for name in ("not_reproduced", "inconclusive") if name in decided), "reproduced")
    method = f"worst of {len(found)} log ratios (at {worst}), {CONFIDENCE:.0%} t interval over seeds"
    return Outcome(each.estimate, (each.lower, each.upper), margin, method, answer)


@claim(
    "D4.theory_is_simulation",
    source=NOISE_SOURCE,
    protocol="ours",
    statement="The mean-field theory gives the temperature T_rep of SGD at finite dimension: |log ratio|.",
)
def temperature_theory_is_simulation(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide over all batches."""
    pairs = {}
    for point in dataset.point.values:
        chosen = dataset.sel(point=point)
        pairs[algorithm_name(chosen)] = tuple(
            temperatures(chosen, origin) for origin in ("theory", "simulation")
        )
    return close_ratios(pairs, margin, f"d = {int(dataset.d.values[0])}")


@claim(
    "D4.same_definitions",
    source=BEYOND,
    protocol="ours",
    statement="The temperature from the distance of replicas is that from fluctuation and response at long lags: "
    "|log ratio| of T_rep and T_int.",
)
def same_definitions(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide over all batches, in the theory, by the ratio within every population: both come from the same paths."""
    pairs = {}
    for point in dataset.point.values:
        chosen = dataset.sel(point=point)
        ratio = temperatures(chosen, "theory") / seeds_of(chosen.integral_temperature.sel(origin="theory"))
        pairs[algorithm_name(chosen)] = (ratio, np.ones_like(ratio))
    return close_ratios(pairs, margin, "theory, paired by population; C - C12 instead of C in T_int")


@claim(
    "D4.persistence_heats",
    source=NOISE_SOURCE,
    protocol="ours",
    statement="Persistent batches heat at moderate noise: T_rep grows with the persistence time tau, log T, smallest "
    "step.",
)
def persistence_heats(dataset: xr.Dataset, *, margin: float, batch_fraction: float) -> Outcome:
    """Decide by the order of T_rep of the theory over tau at one b, in the order of tau."""
    return increasing(
        _log_temperatures(by_persistence(dataset, batch_fraction)), margin, "T_rep of the theory"
    )


@claim(
    "D4.persistence_cools_strong_noise",
    source=BEYOND,
    protocol="ours",
    statement="At strong noise persistent batches do not heat, they cool: T_rep falls from independent to persistent "
    "batches, log T.",
)
def persistence_cools(dataset: xr.Dataset, *, margin: float, batch_fraction: float) -> Outcome:
    """Decide by the order of T_rep of the theory at one b, persistent batches first."""
    chosen = by_persistence(dataset, batch_fraction)
    return increasing(
        _log_temperatures(chosen.isel(point=slice(None, None, -1))), margin, "T_rep of the theory"
    )


def _curved(dataset: xr.Dataset, origin: str, margin: float) -> Outcome:
    """Decide whether every curve of independent batches has an excess area of either sign above the margin."""
    found = {}
    for point in independent(dataset).point.values:
        chosen = dataset.sel(point=point)
        each = mean_interval(curvature(chosen.sel(origin=origin)), confidence=CONFIDENCE)
        sign = 1.0 if each.estimate > 0 else -1.0
        ends = sorted((sign * each.lower, sign * each.upper))
        found[f"b = {float(chosen.batch_fraction):g}"] = (sign * each.estimate, *ends)
    if not found:
        raise ValueError("the dataset has no point with independent batches")
    least = min(found, key=lambda name: found[name][1])
    estimate, low, high = (float(value) for value in found[least])
    method = (
        f"lowest bound of {len(found)} curves (at {least}), {CONFIDENCE:.0%} jackknife interval over seeds"
    )
    return Outcome(estimate, (low, high), margin, method, verdict((low, high), (margin, np.inf)))


def curvature(chosen: xr.Dataset) -> np.ndarray:
    """Return how far fluctuation against response is from a straight line: jackknife pseudo-values, one a seed.

    The area under the mean curve from the origin to the long-lag end, over the area under the chord, minus 1: zero for
    one temperature, positive for a concave curve (hotter at short lags). The curves of the seeds are averaged first
    because the ratio of a single noisy curve has heavy tails.

    Parameters
    ----------
    chosen : xarray.Dataset
        One point and origin of the experiment `mean_field_temperature`.
    """
    curves = np.stack(
        [_with_late_mean(seeds_of(chosen[name])) for name in ("response", "replica_fluctuation")]
    )
    total, seeds = curves.sum(axis=1), curves.shape[1]
    if seeds < 2:
        raise ValueError(f"{seeds} seed: at least 2 are needed")
    left_out = np.array([_excess_area(*(total - curves[:, k])) for k in range(seeds)])
    return seeds * _excess_area(*total) - (seeds - 1) * left_out


def _with_late_mean(curves: np.ndarray) -> np.ndarray:
    """Replace the last quarter of the lags by its mean."""
    tail = max(1, curves.shape[1] // 4)
    return np.concatenate([curves[:, :-tail], curves[:, -tail:].mean(axis=1, keepdims=True)], axis=1)


def _excess_area(response: np.ndarray, fluctuation: np.ndarray) -> float:
    """Area under a curve from the origin over the area under its chord, minus 1."""
    return float(np.trapezoid(fluctuation, response) / (0.5 * fluctuation[-1] * response[-1]) - 1.0)


def late_response(chosen: xr.Dataset) -> np.ndarray:
    """Return chi averaged over the last quarter of the lags, one number a seed.

    Parameters
    ----------
    chosen : xarray.Dataset
        One point and origin of the experiment `mean_field_temperature`.
    """
    response = seeds_of(chosen.response)
    return response[:, -max(1, response.shape[1] // 4) :].mean(axis=1)


def temperatures(chosen: xr.Dataset, origin: str) -> np.ndarray:
    """Return T_rep of every seed.

    Parameters
    ----------
    chosen : xarray.Dataset
        One point of the experiment `mean_field_temperature`.
    origin : str
        theory or simulation.
    """
    return seeds_of(chosen.replica_temperature.sel(origin=origin))


def independent(dataset: xr.Dataset) -> xr.Dataset:
    """Return the points with independent batches.

    Parameters
    ----------
    dataset : xarray.Dataset
        Of a mean-field experiment.
    """
    return dataset.isel(point=np.isnan(persistence_times(dataset)))


def persistence_times(dataset: xr.Dataset) -> np.ndarray:
    """Return tau of every point, NaN for independent batches.

    Parameters
    ----------
    dataset : xarray.Dataset
        Of a mean-field experiment.
    """
    if "persistence" not in dataset.coords:
        return np.full(dataset.sizes["point"], np.nan)
    return dataset.persistence.values.astype(float)


def by_persistence(dataset: xr.Dataset, batch_fraction: float) -> xr.Dataset:
    """Return the points of one batch fraction in the order of their correlation time.

    Independent batches are persistent ones with tau = eta / b.

    Parameters
    ----------
    dataset : xarray.Dataset
        Of a mean-field experiment.
    batch_fraction : float
        b.
    """
    chosen = dataset.isel(point=dataset.batch_fraction.values == batch_fraction)
    times = persistence_times(chosen)
    return chosen.isel(
        point=np.argsort(np.where(np.isnan(times), chosen.learning_rate.values / batch_fraction, times))
    )


def algorithm_name(chosen: xr.Dataset) -> str:
    """Return the batch fraction and persistence of a point.

    Parameters
    ----------
    chosen : xarray.Dataset
        One point of a mean-field dataset.
    """
    tau = float(chosen.persistence) if "persistence" in chosen.coords else np.nan
    return f"b = {float(chosen.batch_fraction):g}" + (f", tau = {tau:g}" if np.isfinite(tau) else "")


def _log_temperatures(dataset: xr.Dataset) -> dict[str, np.ndarray]:
    """Logarithms of T_rep of the theory by the names of the points, in their order."""
    points = [dataset.sel(point=point) for point in dataset.point.values]
    return {algorithm_name(point): np.log(temperatures(point, "theory")) for point in points}
