"""Franz-Parisi entropy of the binary perceptron: the solutions at a distance from a typical solution.

Notes
-----
Huang and Kabashima, Phys. Rev. E 90, 052813 (2014); Baldassi et al., PNAS 113, E7655 (2016),
doi:10.1073/pnas.1608103113. A reference V is drawn uniformly among the solutions and the solutions W with
overlap p = W.V/N = 1 - 2d are counted, replica symmetrically:

    phi = -qh (1 - q) / 2 - ph p + th t + GS + alpha GE,

with q the overlap of two such W, t that of W with a typical solution other than V, and (q0, q0h) the replica
symmetric overlap of typical solutions. Stationarity of phi reads, with x0 and x the jointly normal fields of
V and W (variances q0 and q, covariance t), g0 = d log Phi(x0/sqrt(1-q0)) / dx0, g the same for W, and R the
average over x0 and x given that V satisfies the pattern,

    qh = alpha R[g^2],  th = alpha R[g0 g],  q = < tanh^2 u >,  t = < tanh h0 tanh u >,  p = < V tanh u >.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import scipy
import xarray as xr
from scipy.special import expit, log_ndtr

from thermobatch.foundation.arguments import checked_real, real_numbers
from thermobatch.networks.theory.gaussian_integrals import Nodes, gaussian_nodes, inverse_mills, log_two_cosh
from thermobatch.networks.theory.perceptron_entropy import (
    LARGEST_ALPHA,
    ReplicaSymmetry,
    checked_order,
    coarser,
    replica_symmetric_point,
)
from thermobatch.networks.theory.saddle_point import solve_fixed_point

ORDER = 481
"""Default number of nodes of the inner integration variable; the outer one gets a quarter."""

SMALLEST_DISTANCE = 1e-4
FINE_SHARE = 0.7  # of the time, for the order asked for; the rest for the coarser one
SOURCE = "Huang and Kabashima, PRE 90, 052813 (2014); Baldassi et al., doi:10.1073/pnas.1608103113"


class _Grid(NamedTuple):
    """Quadratures: `outer` over the reference's field, `inner` over the rest (steep when W is close to V)."""

    outer: Nodes
    inner: Nodes


class _Spins(NamedTuple):
    """Averages over the weights at given conjugates: q, t and the entropic term GS, with ph solved for."""

    overlap: float
    cross: float
    field: float
    entropic: float


class _Patterns(NamedTuple):
    """Averages over the patterns at given overlaps: conjugates qh, th and the energetic term GE."""

    conjugate: float
    cross: float
    energetic: float


class _Point(NamedTuple):
    """A saddle point at one distance."""

    entropy: float
    overlap: float
    cross: float
    converged: bool


def _spin_averages(qh: float, th: float, p: float, typical: ReplicaSymmetry, grid: _Grid) -> _Spins:
    """Solve p = <V tanh u> for ph and average over the weights (by symmetry V = +1 with twice its weight)."""
    points, weights = grid.inner
    h0 = np.sqrt(typical.conjugate) * grid.outer.points
    reference = 2.0 * expit(2.0 * h0) * grid.outer.weights
    spread = np.sqrt(max(qh - th * th / typical.conjugate, 0.0))
    centre = (th / typical.conjugate * h0)[:, None] + spread * points[None, :] - th
    alignment = 60.0 + qh + abs(th)

    def excess(field: float) -> float:
        return float(reference @ np.tanh(centre + field) @ weights) - p

    field = scipy.optimize.brentq(excess, -alignment, alignment, xtol=1e-13)
    magnetisation = np.tanh(centre + field)
    return _Spins(
        overlap=float(reference @ magnetisation**2 @ weights),
        cross=float((reference * np.tanh(h0)) @ magnetisation @ weights),
        field=field,
        entropic=float(reference @ log_two_cosh(centre + field) @ weights),
    )


def _pattern_averages(
    q: float, t: float, p: float, alpha: float, typical: ReplicaSymmetry, grid: _Grid
) -> _Patterns:
    """Average over the fields x0 of the reference and x of W, given that the reference is satisfied."""
    q0 = typical.overlap
    z, s = grid.outer.points[:, None], grid.inner.points[None, :]
    v = q - t * t / q0
    rho = (p - t) / np.sqrt((1.0 - q0) * v)
    a = np.sqrt(q0 / (1.0 - q0))
    satisfied = np.exp(log_ndtr((a * z + rho * s) / np.sqrt(1.0 - rho * rho)) - log_ndtr(a * z))
    law = satisfied * (grid.outer.weights[:, None] * grid.inner.weights[None, :])
    field = (t / np.sqrt(q0) * z + np.sqrt(v) * s) / np.sqrt(1.0 - q)
    slope = inverse_mills(field) / np.sqrt(1.0 - q)
    reference_slope = inverse_mills(a * z) / np.sqrt(1.0 - q0)
    return _Patterns(
        conjugate=float(alpha * np.sum(law * slope * slope)),
        cross=float(alpha * np.sum(law * slope * reference_slope)),
        energetic=float(np.sum(law * log_ndtr(field))),
    )


def _solve(alpha: float, p: float, typical: ReplicaSymmetry, grid: _Grid) -> _Point:
    """Solve for (q, t) at overlap `p` with the reference, from the first guess that leads somewhere."""
    q0 = typical.overlap
    if abs(p - q0) < 1e-9:
        return _Point(typical.entropy, q0, q0, typical.converged)

    def admissible(state: np.ndarray) -> bool:
        q, t = state
        v = q - t * t / q0
        return bool(0.0 < q < 1.0 and v > 0.0 and (p - t) ** 2 < (1.0 - q0) * v)

    def update(state: np.ndarray) -> np.ndarray:
        patterns = _pattern_averages(state[0], state[1], p, alpha, typical, grid)
        spins = _spin_averages(patterns.conjugate, patterns.cross, p, typical, grid)
        return np.array([spins.overlap, spins.cross])

    for guess in _first_guesses(p, q0):
        if not admissible(guess):
            continue
        solution = solve_fixed_point(update, guess, admissible, iterations=400)
        if solution.converged:
            return _Point(
                _entropy(solution.point, p, alpha, typical, grid), *map(float, solution.point), True
            )
    return _Point(np.nan, np.nan, np.nan, False)


def _first_guesses(p: float, q0: float) -> list[np.ndarray]:
    """Return points (q, t) of the domain: exact at p = q0 (typical pair) and p = 1 (W = V), some between."""
    separation = abs((p - q0) / (1.0 - q0))
    return [
        np.array([q0 + (1.0 - q0) * separation**power, q0 * t])
        for t in (1.0, 0.9)
        for power in (1.5, 1.8, 1.2)
    ]


def _entropy(state: np.ndarray, p: float, alpha: float, typical: ReplicaSymmetry, grid: _Grid) -> float:
    """Return phi at the saddle point (q, t)."""
    q, t = state
    patterns = _pattern_averages(q, t, p, alpha, typical, grid)
    spins = _spin_averages(patterns.conjugate, patterns.cross, p, typical, grid)
    conjugates = -0.5 * patterns.conjugate * (1.0 - q) - spins.field * p + patterns.cross * t
    return float(conjugates + spins.entropic + alpha * patterns.energetic)


def franz_parisi(
    alpha: float,
    distance: float | np.ndarray,
    *,
    order: int = ORDER,
    progress: Callable[[float], object] | None = None,
) -> xr.Dataset:
    """Return the entropy of the solutions at given distances from a typical solution, random labels.

    Parameters
    ----------
    alpha : float
        Patterns per weight, in (0, 1], below the capacity for the entropy to mean something.
    distance : float or array
        Hamming distance over N, in [0.0001, 0.5].
    order : int
        Nodes of each integration variable, at least 31.
    progress : callable, optional
        Called with the share of the work that is done, after every distance.

    Returns
    -------
    xarray.Dataset
        Along `distance`: ``entropy`` (nats per weight; negative where there is no solution: typical solutions
        are isolated), ``overlap`` (of two solutions at that distance from the same reference),
        ``cross_overlap`` (with another typical solution), ``entropy_error`` (difference from the same solved
        with two thirds of the nodes, which bounds the error: below 1e-9 for 0.4 <= alpha <= 0.8 and below
        1e-4 for smaller alpha wherever the entropy is positive) and ``converged``; everything is NaN where no
        saddle point was found.

    Raises
    ------
    ValueError
        If an argument is out of range.
    """
    alpha = checked_real("alpha", alpha, 0.0, LARGEST_ALPHA, open_low=True)
    values = _checked_distances(distance)
    order = checked_order(order)

    def report(place: int, begin: float, length: float) -> None:
        if progress is not None:
            progress(begin + length * (place + 1) / values.size)

    fine = _curve(alpha, values, order, lambda place: report(place, 0.0, FINE_SHARE))
    coarse = _curve(alpha, values, coarser(order), lambda place: report(place, FINE_SHARE, 1 - FINE_SHARE))
    error = [abs(a.entropy - b.entropy) for a, b in zip(fine, coarse, strict=True)]
    along = "distance"
    return xr.Dataset(
        {
            "entropy": (
                along,
                [p.entropy for p in fine],
                {"units": "nats per weight", "long_name": "Franz-Parisi entropy"},
            ),
            "overlap": (
                along,
                [p.overlap for p in fine],
                {"units": "1", "long_name": "overlap q at that distance"},
            ),
            "cross_overlap": (
                along,
                [p.cross for p in fine],
                {"units": "1", "long_name": "overlap t with another reference"},
            ),
            "entropy_error": (along, error, {"units": "nats per weight", "long_name": "quadrature error"}),
            "converged": (
                along,
                [p.converged for p in fine],
                {"units": "1", "long_name": "saddle point solved"},
            ),
        },
        coords={along: (along, values, {"units": "1", "long_name": "Hamming distance d / N"})},
        attrs={"source": SOURCE, "alpha": alpha, "order": order},
    )


def isolation_distance(alpha: float, *, order: int = ORDER) -> xr.Dataset:
    """Return the distance below which a typical solution has no other: where the entropy vanishes.

    Parameters
    ----------
    alpha : float
        Patterns per weight, in [0.2, 0.8]; the distance shrinks exponentially below.
    order : int
        Nodes of each integration variable.

    Returns
    -------
    xarray.Dataset
        Scalars ``distance`` (Hamming over N) and ``distance_error`` (difference from two thirds of the nodes,
        plus the tolerance 1e-9).
    """
    alpha = checked_real("alpha", alpha, 0.2, 0.8)
    order = checked_order(order)

    def root(nodes: int) -> float:
        return scipy.optimize.brentq(
            lambda d: _curve(alpha, np.array([d]), nodes)[0].entropy, SMALLEST_DISTANCE, 0.2, xtol=1e-9
        )

    fine, coarse = root(order), root(coarser(order))
    return xr.Dataset(
        {
            "distance": ((), fine, {"units": "1", "long_name": "distance of isolation d / N"}),
            "distance_error": ((), abs(fine - coarse) + 1e-9, {"units": "1", "long_name": "numerical error"}),
        },
        attrs={"source": SOURCE, "alpha": alpha, "order": order},
    )


def _curve(
    alpha: float, distances: np.ndarray, order: int, report: Callable[[int], object] = lambda place: None
) -> list[_Point]:
    """Solve at every distance with one order, sharing the typical solution; `report` is told each place solved."""
    typical = replica_symmetric_point(alpha)
    grid = _Grid(gaussian_nodes(2 * (order // 8) + 1), gaussian_nodes(order))
    points = []
    for place, d in enumerate(distances):
        points.append(_solve(alpha, 1.0 - 2.0 * d, typical, grid))
        report(place)
    return points


def _checked_distances(distance: float | np.ndarray) -> np.ndarray:
    """Return `distance` as a one-dimensional array in its range, or say what is wrong."""
    values = np.atleast_1d(real_numbers("distance", distance).astype(float))
    if values.ndim != 1 or not np.all((values >= SMALLEST_DISTANCE) & (values <= 0.5)):
        raise ValueError(
            f"distance = {distance}: must be a number or a list of numbers in [{SMALLEST_DISTANCE}, 0.5]"
        )
    return values
