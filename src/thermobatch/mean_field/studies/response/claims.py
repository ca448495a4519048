"""Claims on fluctuation and response in the stationary state: no single temperature (D3)."""

import numpy as np
import xarray as xr

from thermobatch.mean_field.studies.decisions import (
    BEYOND,
    LEVEL,
    NOISE_SOURCE,
    Interval,
    Point,
    all_within,
    close_ratios,
    mean_points,
    theory_over_simulation,
)
from thermobatch.mean_field.studies.points import algorithm_name, by_noise, named, seeds_of
from thermobatch.study.claim import Outcome, claim


@claim(
    "D3.no_single_temperature",
    source=BEYOND,
    protocol="ours",
    statement="In simulations fluctuation against response is curved for every batch fraction (independent batches): "
    "SGD's noise has no single temperature. The area under the curve over that under its chord, minus 1, is beyond the "
    "margin, on either side.",
)
def no_single_temperature(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the least certain of the independent batches, simulated."""
    return _curved(dataset, "simulation", margin)


@claim(
    "D3.no_single_temperature_in_theory",
    source=BEYOND,
    protocol="ours",
    statement="In the mean-field theory, whose error is a numerical one, fluctuation against response is curved for "
    "every batch fraction (independent batches): the same area is beyond the same margin.",
)
def no_single_temperature_in_theory(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide by the least certain of the independent batches, in the theory."""
    return _curved(dataset, "theory", margin)


@claim(
    "D3.theory_is_simulation",
    source=NOISE_SOURCE,
    protocol="ours",
    statement="The mean-field theory gives the integrated response of SGD at finite dimension, chi averaged over the "
    "last quarter of the lags, for every batch fraction and persistence: |log ratio| below the margin.",
)
def response_theory_is_simulation(dataset: xr.Dataset, *, margin: float) -> Outcome:
    """Decide over all batches, independent and persistent."""
    pairs = theory_over_simulation(dataset, late_response, algorithm_name)
    return close_ratios(pairs, margin, f"late chi, theory over simulation at d = {int(dataset.d.values[0])}")


def _curved(dataset: xr.Dataset, origin: str, margin: float) -> Outcome:
    """Decide whether every curve of independent batches has an excess area of either sign beyond the margin."""
    chosen, points = by_noise(dataset), {}
    for name, one in named(chosen, algorithm_name).items():
        values = curvature(one.sel(origin=origin))[:, None]
        points[name] = _outwards(mean_points(values, [name], chosen.sizes["point"], LEVEL / 2)[name])
    if not points:
        raise ValueError("the dataset has no point with independent batches")
    words = f"excess areas of the {origin} in the direction of their sign, 95% jackknife intervals over seeds"
    found = all_within(points, (margin, np.inf), words)
    curved = [name for name, point in points.items() if point.own.lower > margin]
    method = f"{found.method}; beyond the margin: {', '.join(curved) or 'none'}"
    return Outcome(found.estimate, found.interval, margin, method, found.verdict)


def _outwards(point: Point) -> Point:
    """The point in the direction of its sign: negative areas are mirrored."""
    if point.own.estimate >= 0:
        return point
    return Point(*(Interval(-each.estimate, -each.upper, -each.lower) for each in point))


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


def late_response(chosen: xr.Dataset, origin: str) -> np.ndarray:
    """Return chi averaged over the last quarter of the lags, one number a seed.

    Parameters
    ----------
    chosen : xarray.Dataset
        One point of the experiment `mean_field_temperature`.
    origin : str
        theory or simulation.
    """
    response = seeds_of(chosen.response.sel(origin=origin))
    return response[:, -max(1, response.shape[1] // 4) :].mean(axis=1)
