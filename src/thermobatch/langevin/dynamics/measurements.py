"""What is measured of paths in a landscape: recorded positions, histograms, moments, first hitting."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from thermobatch.foundation.arguments import checked_axes
from thermobatch.langevin.dynamics.kernels import Basin, Histogram, Moments, Observers
from thermobatch.langevin.landscapes import Landscape

Variable = tuple[str | tuple[str, ...], np.ndarray, dict[str, str]]


def checked_edges(edges: ArrayLike | Sequence[ArrayLike] | None, dimension: int) -> list[np.ndarray]:
    """Return one array of equally spaced edges for each component, and none without a histogram."""
    if edges is None:
        return []
    if dimension > 2:
        raise ValueError(f"edges: must be None in {dimension} dimensions, histograms have at most 2")
    axes = checked_axes("edges", edges, (dimension,))
    if not all(np.allclose(np.diff(axis), axis[1] - axis[0], rtol=1e-6) for axis in axes):
        raise ValueError("edges: must increase in equal steps")
    return axes


def new_observers(
    landscape: Landscape,
    positions: np.ndarray,
    times: np.ndarray,
    burn_in: int,
    edges: list[np.ndarray],
    moments: bool,
) -> Observers:
    """Return observers that have seen the `positions`, float64[runs, d], at time 0."""
    runs, dimension = positions.shape
    shape = np.array([axis.size - 1 for axis in edges], dtype=np.int64)
    recorded = np.empty((times.size, runs, dimension))
    recorded[times == 0] = positions
    center = np.zeros(dimension) if landscape.minimum is None else landscape.minimum
    measured = runs if moments else 0
    hit = np.full(runs, -1, np.int64)
    if landscape.basin is not None:
        hit[landscape.contains_basin(positions)] = 0
    return Observers(
        times=times,
        recorded=recorded,
        burn_in=burn_in,
        histogram=Histogram(
            lower=np.array([axis[0] for axis in edges], dtype=np.float64),
            cells_per_unit=np.array(
                [(axis.size - 1) / (axis[-1] - axis[0]) for axis in edges], dtype=np.float64
            ),
            shape=shape,
            counts=np.zeros((runs, int(shape.prod()) if edges else 0), np.int64),
            outside=np.zeros(runs, np.int64),
        ),
        moments=Moments(center, np.zeros((measured, dimension)), np.zeros((measured, dimension, dimension))),
        basin=Basin(*(landscape.basin or (np.empty(0), np.empty(0))), hit),
    )


def measured_dataset(
    landscape: Landscape, observers: Observers, edges: list[np.ndarray], steps: int
) -> xr.Dataset:
    """Return what the observers saw of all runs (see :func:`thermobatch.langevin.dynamics.langevin.langevin`)."""
    positions = observers.recorded
    variables: dict[str, Variable] = {
        "position": (("time", "run", "component"), positions, _named("position", "1")),
        "energy": (("time", "run"), landscape.energy(positions), _named("loss L", "units of L")),
    }
    if landscape.basin is not None:
        variables |= _basin_variables(landscape, observers)
    if edges:
        variables |= _histogram_variables(observers.histogram)
    if len(observers.moments.first):
        variables |= _moment_variables(observers.moments, steps - observers.burn_in)
    coordinates: dict[str, Variable] = {
        "time": ("time", observers.times, _named("time since the start", "steps")),
        "run": ("run", np.arange(positions.shape[1]), _named("independent run", "1")),
        "component": ("component", np.arange(landscape.dimension), _named("component", "1")),
    }
    for name, axis in zip(_cell_dims(len(edges)), edges, strict=True):
        coordinates[name] = (name, 0.5 * (axis[1:] + axis[:-1]), _named("center of the cell", "1"))
    attributes = {"landscape": landscape.description, "steps": steps, "burn_in": observers.burn_in}
    return xr.Dataset(variables, coordinates, attributes)


def _basin_variables(landscape: Landscape, observers: Observers) -> dict[str, Variable]:
    """Presence in the basin at the recorded times, and its first hitting."""
    hit = observers.basin.hit
    inside = landscape.contains_basin(observers.recorded)
    first = np.where(hit < 0, np.nan, hit)
    return {
        "in_basin": (("time", "run"), inside, _named("in the basin of the global minimum", "1")),
        "first_hit": ("run", first, _named("first time in the basin, NaN if not entered", "steps")),
    }


def _histogram_variables(histogram: Histogram) -> dict[str, Variable]:
    """Counts of every run."""
    counts = histogram.counts.reshape(-1, *histogram.shape)
    dims = ("run", *_cell_dims(histogram.shape.size))
    return {
        "histogram": (dims, counts, _named("positions counted in the cell", "1")),
        "outside": ("run", histogram.outside, _named("positions counted out of all cells", "1")),
    }


def _moment_variables(moments: Moments, count: int) -> dict[str, Variable]:
    """Mean, and second moment about the center, of `count` positions of every run."""
    lower = np.tril(moments.second / count)  # the kernel sums the lower triangle
    second = lower + np.swapaxes(np.tril(lower, -1), 1, 2)
    words = _named("mean product of deviations from the center", "1")
    return {
        "center": ("component", moments.center, _named("reference of the second moment", "1")),
        "mean": (("run", "component"), moments.first / count + moments.center, _named("mean position", "1")),
        "second_moment": (("run", "component", "other_component"), second, words),
    }


def _cell_dims(axes: int) -> tuple[str, ...]:
    """Names of the dimensions of a histogram."""
    return ("bin",) if axes == 1 else tuple(f"bin_{axis}" for axis in range(axes))


def _named(long_name: str, units: str) -> dict[str, str]:
    """Attributes of a variable."""
    return {"long_name": long_name, "units": units}
