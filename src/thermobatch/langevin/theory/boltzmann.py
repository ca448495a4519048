"""Boltzmann's law exp(-L/T)/Z of a landscape by quadrature, and the law of Langevin dynamics at finite steps.

Langevin dynamics has Boltzmann's law only when its step is small. :func:`discrete_langevin_law` gives, in one
dimension, the exact stationary law of w <- w - eta L'(w) + sqrt(2 eta T) N(0, 1) at any eta: the largest
eigenvector of its transition operator, discretised where the trapezoidal rule converges exponentially.
"""

from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike
from scipy.special import logsumexp, ndtr

from thermobatch.foundation.arguments import checked_axes, checked_real, real_numbers

NODES = 8  # of Gauss and Legendre, in each cell and direction
LARGEST_BOUNDARY_WEIGHT = 1e-4  # of the mass that may touch the edge of the box
LARGEST_GRID = 4000  # nodes of the transition operator
NEGLIGIBLE_JUMP = 1e-40  # probabilities of jumps below it are dropped
NODES_PER_KICK = (
    2.0  # of its grid, per standard deviation of a kick: an error of exp(-2 pi^2 4) for smooth laws
)

Field = Callable[[np.ndarray], np.ndarray]


def boltzmann_law(energy: Field, temperature: float, edges: ArrayLike | Sequence[ArrayLike]) -> xr.Dataset:
    """Return the probabilities of cells under exp(-L/T), and what follows from its partition function.

    Parameters
    ----------
    energy : callable
        ``energy(positions)`` of positions float64[..., d], as float64[...]: the method of a landscape.
    temperature : float
        T > 0.
    edges : float64[bins + 1], or two such arrays
        Increasing edges of the cells, in one or two dimensions. The box must hold the whole law.

    Returns
    -------
    xarray.Dataset
        ``probability(bin)`` of each cell and ``density(bin)``, its mean density (in two dimensions: of bin_0,
        bin_1); ``mean_energy`` and ``log_partition_function``, of the box, scalars.

    Raises
    ------
    ValueError
        When the box is too small (more than 1e-4 of the law would lie beyond the density at its edges), or an
        argument is not allowed.
    """
    heat = checked_real("temperature", temperature, 0.0, open_low=True)
    axes = checked_axes("edges", edges, (1, 2))
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    points = [_cell_points(axis, nodes) for axis in axes]
    logs = [np.log(0.5 * np.diff(axis)[:, None] * weights).reshape(-1) for axis in axes]
    grid = np.stack(np.meshgrid(*points, indexing="ij"), axis=-1)
    values = real_numbers("energy(positions)", energy(grid)).astype(np.float64)
    if values.shape != grid.shape[:-1] or np.isnan(values).any():
        raise ValueError(
            f"energy: gave shape {values.shape} for positions {grid.shape}, or values not numbers"
        )
    log_weights = -values / heat + (logs[0] if len(axes) == 1 else logs[0][:, None] + logs[1])
    log_partition = float(logsumexp(log_weights))
    mass = np.exp(log_weights - log_partition)
    _refuse_small_box(mass, axes, weights[0])
    cells = mass.reshape(*(length for axis in axes for length in (axis.size - 1, NODES)))
    probability = cells.sum(axis=tuple(range(1, 2 * len(axes), 2)))
    return _law(
        probability,
        axes,
        heat,
        mean_energy=float((mass * values).sum()),
        log_partition_function=log_partition,
    )


def box_probability(
    energy: Field,
    temperature: float,
    box: tuple[ArrayLike, ArrayLike],
    edges: ArrayLike | Sequence[ArrayLike],
) -> float:
    """Return the probability under exp(-L/T) of a box such as the basin of the global minimum.

    Parameters
    ----------
    energy, temperature
        As in :func:`boltzmann_law`.
    box : (float64[d], float64[d])
        Lower and upper corners, which may be infinite.
    edges : float64[bins + 1], or two such arrays
        As in :func:`boltzmann_law`; the box's faces are added to them.

    Returns
    -------
    float
        The probability.
    """
    axes = checked_axes("edges", edges, (1, 2))
    lower, upper = (np.atleast_1d(real_numbers("box", corner).astype(np.float64)) for corner in box)
    if lower.shape != (len(axes),) or upper.shape != lower.shape or not (lower < upper).all():
        raise ValueError(f"box = {box!r}: must be two corners of {len(axes)} components, lower < upper")
    faces = [
        np.clip([low, high], axis[0], axis[-1]) for low, high, axis in zip(lower, upper, axes, strict=True)
    ]
    refined = [np.union1d(axis, pair) for axis, pair in zip(axes, faces, strict=True)]
    probability = boltzmann_law(energy, temperature, refined)["probability"].values
    inside = [
        (axis[:-1] >= pair[0]) & (axis[1:] <= pair[1]) for axis, pair in zip(refined, faces, strict=True)
    ]
    return float(probability[np.ix_(*inside)].sum())


def discrete_langevin_law(
    gradient: Field, temperature: float, learning_rate: float, edges: ArrayLike
) -> xr.Dataset:
    """Return the exact stationary law of one-dimensional Langevin dynamics at a finite learning rate.

    Where L grows faster than a parabola, rare kicks send the process to infinity at any eta; the law is then that of
    the process kept in the box.

    Parameters
    ----------
    gradient : callable
        ``gradient(positions)`` of positions float64[n, 1], in the same shape: the method of a landscape.
    temperature : float
        T > 0.
    learning_rate : float
        eta > 0, small enough that no step leaves a box which holds the law.
    edges : float64[bins + 1]
        Increasing edges of the cells; the box must hold the whole law.

    Returns
    -------
    xarray.Dataset
        ``probability(bin)`` and ``density(bin)`` as in :func:`boltzmann_law`.

    Raises
    ------
    ValueError
        When the box is too small, or so large against a kick sqrt(2 eta T) that it would need more than 4000
        nodes.
    """
    heat = checked_real("temperature", temperature, 0.0, open_low=True)
    rate = checked_real("learning_rate", learning_rate, 0.0, open_low=True)
    (axis,) = checked_axes("edges", edges, (1,))
    kick = np.sqrt(2.0 * rate * heat)
    count = int(np.ceil((axis[-1] - axis[0]) / kick * NODES_PER_KICK)) + 1
    if count > LARGEST_GRID:
        raise ValueError(
            f"learning_rate = {rate:g}: kicks of {kick:.3g} need {count} nodes, at most {LARGEST_GRID}"
        )
    places = np.linspace(axis[0], axis[-1], max(count, 8))
    targets = (
        places
        - rate * real_numbers("gradient(positions)", gradient(places[:, None])).astype(np.float64)[:, 0]
    )
    distances = ((places - targets[:, None]) / kick) ** 2
    jumps = np.exp(-0.5 * (distances - distances.min(axis=1, keepdims=True)))  # no row is ever empty
    escape = ndtr((axis[0] - targets) / kick) + ndtr((targets - axis[-1]) / kick)
    deepest = int(np.argmin(np.cumsum(places - targets)))
    stationary = _stationary_law(jumps / jumps.sum(axis=1, keepdims=True), deepest)
    if not stationary @ escape < LARGEST_BOUNDARY_WEIGHT * rate:
        raise ValueError(f"edges: the process leaves the box [{axis[0]:g}, {axis[-1]:g}]: make it larger")
    probability = stationary @ np.diff(ndtr((axis - targets[:, None]) / kick), axis=1)
    return _law(probability / probability.sum(), [axis], heat)


def _cell_points(axis: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    """The quadrature nodes of all cells of one axis, in order."""
    return (axis[:-1, None] + 0.5 * np.diff(axis)[:, None] * (nodes + 1.0)).reshape(-1)


def _refuse_small_box(mass: np.ndarray, axes: list[np.ndarray], end_weight: float) -> None:
    """Raise ValueError when the density at a face of the box, times its width, is not negligible."""
    for direction, axis in enumerate(axes):
        across = np.moveaxis(mass, direction, 0).reshape(mass.shape[direction], -1).sum(axis=1)
        widths = np.diff(axis)
        density = max(across[0] / widths[0], across[-1] / widths[-1]) / (0.5 * end_weight)
        if density * (axis[-1] - axis[0]) > LARGEST_BOUNDARY_WEIGHT:
            raise ValueError(
                f"edges: the box [{axis[0]:g}, {axis[-1]:g}] of component {direction} cuts the law: enlarge it"
            )


def _stationary_law(chain: np.ndarray, deepest: int) -> np.ndarray:
    """Stationary law of a banded Markov chain (rows sum to 1) by Grassmann, Taksar and Heyman's elimination.

    It subtracts nothing, so every entry has full relative accuracy however long the chain stays in one well. States
    are eliminated from both ends towards `deepest`, which the chain can always reach.
    """
    work = np.where(chain > NEGLIGIBLE_JUMP, chain, 0.0)
    rows, columns = np.nonzero(work)
    band = int(np.abs(rows - columns).max())
    size = len(work)
    order = [(state, slice(max(0, state - band), state)) for state in range(size - 1, deepest, -1)]
    order += [(state, slice(state + 1, min(state + band, deepest) + 1)) for state in range(deepest)]
    for state, rest in order:
        work[rest, state] /= work[state, rest].sum()
        work[rest, rest] += np.outer(work[rest, state], work[state, rest])
    law = np.zeros(size)
    law[deepest] = 1.0
    for state, rest in reversed(order):
        law[state] = law[rest] @ work[rest, state]
    return law / law.sum()


def _law(probability: np.ndarray, axes: list, heat: float, **scalars: float) -> xr.Dataset:
    """Cells' probabilities and densities as a Dataset."""
    dims = ("bin",) if len(axes) == 1 else tuple(f"bin_{axis}" for axis in range(len(axes)))
    volume = np.diff(axes[0]) if len(axes) == 1 else np.outer(np.diff(axes[0]), np.diff(axes[1]))
    words = {"long_name": "center of the cell", "units": "1"}
    return xr.Dataset(
        {
            "probability": (dims, probability, {"long_name": "probability of the cell", "units": "1"}),
            "density": (dims, probability / volume, {"long_name": "mean density in the cell", "units": "1"}),
            **{
                name: ((), value, {"long_name": name.replace("_", " "), "units": "1"})
                for name, value in scalars.items()
            },
        },
        coords={
            dim: (dim, 0.5 * (axis[1:] + axis[:-1]), words) for dim, axis in zip(dims, axes, strict=True)
        },
        attrs={"temperature": heat},
    )
