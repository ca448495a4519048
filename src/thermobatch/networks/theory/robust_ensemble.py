"""Robust ensemble of the binary perceptron: distance and entropy of the dense regions of solutions.

Notes
-----
Baldassi et al., PNAS 113, E7655 (2016), doi:10.1073/pnas.1608103113, replica symmetric in the centre V and in
its y replicas (y = 1 is the typical case dressed by a free centre). At zero temperature, random labels:

    phi = -q1h (1 - q1) / 2 - (y/2) (q1h q1 - q0h q0) + GS + alpha GE,
    GS = (1/y) < log < sum_V [2 cosh(sqrt(q0h) z0 + sqrt(q1h - q0h) z1 + gamma V)]^y >_z1 >_z0,
    GE = (1/y) < log < Phi^y((sqrt(q0) z0 + sqrt(q1 - q0) z1) / sqrt(1 - q1)) >_z1 >_z0.

q1 is the overlap of two replicas of one centre, q0 that of replicas of two centres. With tilted averages over
z1 and V inside, stationarity reads q1 = <<tanh^2 u>>, q0 = <<tanh u>^2>, q1h = alpha <<g^2>>, q0h = alpha
<<g>^2>, g = d log Phi. The overlap with the centre is S = d phi / d gamma = <<V tanh u>>, the reported
distance d = (1 - S) / 2, and the entropy of the solutions around the centre is d(y phi)/dy - gamma S.
When y tends to infinity the inner averages become maxima, with q1 - q0 = D / y and q1h - q0h = Dh / y.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import xarray as xr
from scipy.special import log_ndtr

from thermobatch.foundation.arguments import checked_real, real_numbers
from thermobatch.networks.theory.gaussian_integrals import (
    CUTOFF,
    gaussian_nodes,
    half_line_nodes,
    inverse_mills,
    log_two_cosh,
)
from thermobatch.networks.theory.perceptron_entropy import (
    LARGEST_ALPHA,
    checked_order,
    coarser,
    replica_symmetric_point,
)
from thermobatch.networks.theory.saddle_point import solve_fixed_point

ORDER = 161
"""Default number of nodes of the outer integration variable z0, and of z1 per 18 standard deviations."""

LONGEST_STEP, SHORTEST_STEP = 0.25, 0.03
"""Steps in gamma of the continuation from weak coupling."""

FAR = 6.0
"""Outer fields beyond this many standard deviations do not matter (they weigh 1e-9)."""

ITERATIONS = 80
LARGEST_SHIFT = 100.0
LARGEST_COUPLING = 5.0
LARGEST_OVERLAP = 1.0 - 1e-5

SOURCE = "Baldassi et al., PNAS 113, E7655 (2016), doi:10.1073/pnas.1608103113"


class _Point(NamedTuple):
    """A saddle point of the robust ensemble: overlaps (q1, q0), S, phi and the local entropy."""

    within: float
    between: float
    centre: float
    free_entropy: float
    local_entropy: float
    converged: bool


UNSOLVED = _Point(np.nan, np.nan, np.nan, np.nan, np.nan, False)


class _Tilted(NamedTuple):
    """A tilted average: ``law[outer, inner]``, the logarithm of its norm, and the fields it weighs."""

    law: np.ndarray
    log_norm: np.ndarray
    field: np.ndarray


def _tilt(log_weight: np.ndarray, field: np.ndarray) -> _Tilted:
    """Normalise exp(log_weight) along the inner axis."""
    largest = log_weight.max(axis=1, keepdims=True)
    law = np.exp(log_weight - largest)
    norm = law.sum(axis=1, keepdims=True)
    return _Tilted(law / norm, (largest + np.log(norm))[:, 0], field)


def _inner_nodes(order: int, shift: float) -> tuple[np.ndarray, np.ndarray]:
    """Return nodes of z1 and their log weights, spaced as for `order`, wide enough for a tilt by `shift`."""
    cutoff = CUTOFF + min(shift, LARGEST_SHIFT)
    points = np.linspace(-cutoff, cutoff, 2 * int(0.5 * order * cutoff / CUTOFF) + 1)
    return points, -0.5 * points * points + np.log((points[1] - points[0]) / np.sqrt(2.0 * np.pi))


def _patterns(within: float, between: float, y: float, order: int) -> _Tilted:
    """Tilt the fields of a pattern by the probability that y replicas satisfy it."""
    width = np.sqrt(1.0 - within)
    spread = np.sqrt(max(within - between, 0.0)) / width
    steepness = np.sqrt(between) / width
    hardest = _most_likely(-FAR * steepness, y * spread**2)
    points, log_weights = _inner_nodes(order, y * spread * float(inverse_mills(hardest)))
    field = steepness * gaussian_nodes(order).points[:, None] + spread * points[None, :]
    return _tilt(y * log_ndtr(field) + log_weights, field)


def _spins(within: float, between: float, gamma: float, y: float, order: int) -> _Tilted:
    """Tilt the fields of a weight (z0 > 0 by symmetry) by its y replicas; inner axis: V = +1, then V = -1."""
    spread = np.sqrt(max(within - between, 0.0))
    points, log_weights = _inner_nodes(order, y * spread)
    field = np.sqrt(between) * half_line_nodes(order).points[:, None] + spread * points[None, :]
    field = np.concatenate([field + gamma, field - gamma], axis=1)
    return _tilt(y * log_two_cosh(field) + np.tile(log_weights, 2), field)


def _most_likely(base: np.ndarray, stiffness: float) -> np.ndarray:
    """Solve w = base + stiffness * inverse_mills(w): the most likely tilted field (Newton from the left)."""
    field = np.array(base, dtype=float)
    for _ in range(100):
        mills = inverse_mills(field)
        step = (base + stiffness * mills - field) / (1.0 + stiffness * mills * (field + mills))
        field = field + step
        if np.max(np.abs(step)) < 1e-14 * (1.0 + np.max(np.abs(field))):
            break
    return field


def _conjugates(
    within: float, between: float, alpha: float, y: float, order: int
) -> tuple[float, float, _Tilted]:
    """Return (q1h, q0h) at given overlaps, and the tilted law they come from."""
    patterns = _patterns(within, between, y, order)
    weights = gaussian_nodes(order).weights
    slope = inverse_mills(patterns.field) / np.sqrt(1.0 - within)
    same = alpha * (weights @ (patterns.law * slope * slope).sum(axis=1))
    other = alpha * (weights @ (patterns.law * slope).sum(axis=1) ** 2)
    return float(same), float(other), patterns


def _solve_finite(
    alpha: float, gamma: float, y: float, start: np.ndarray, order: int
) -> tuple[_Point, np.ndarray]:
    """Solve for (q1, q0) at finite y from `start`; return the point and a start for the next gamma."""
    half = half_line_nodes(order).weights

    def admissible(state: np.ndarray) -> bool:
        return bool(0.0 <= state[1] <= state[0] + 1e-12 and state[0] < LARGEST_OVERLAP)

    def update(state: np.ndarray) -> np.ndarray:
        same, other, _ = _conjugates(state[0], state[1], alpha, y, order)
        spins = _spins(same, other, gamma, y, order)
        tanh = np.tanh(spins.field)
        within = half @ (spins.law * tanh * tanh).sum(axis=1)
        between = half @ (spins.law * tanh).sum(axis=1) ** 2
        return np.array([within, between])

    solution = solve_fixed_point(update, start, admissible, iterations=ITERATIONS)
    if not solution.converged:
        return UNSOLVED, start
    return _observe_finite(*map(float, solution.point), alpha, gamma, y, order), solution.point


def _observe_finite(q1: float, q0: float, alpha: float, gamma: float, y: float, order: int) -> _Point:
    """Return S, phi and the local entropy at the saddle point (q1, q0)."""
    weights, half = gaussian_nodes(order).weights, half_line_nodes(order).weights
    q1h, q0h, patterns = _conjugates(q1, q0, alpha, y, order)
    spins = _spins(q1h, q0h, gamma, y, order)
    sign = np.repeat([1.0, -1.0], spins.field.shape[1] // 2)
    centre = float(half @ (spins.law * np.tanh(spins.field) * sign).sum(axis=1))
    exchange = q1h * q1 - q0h * q0
    paired = -0.5 * q1h * (1.0 - q1)
    phi = paired - 0.5 * y * exchange + (half @ spins.log_norm + alpha * (weights @ patterns.log_norm)) / y
    slope = (
        paired
        - y * exchange
        + half @ (spins.law * log_two_cosh(spins.field)).sum(axis=1)
        + alpha * (weights @ (patterns.law * log_ndtr(patterns.field)).sum(axis=1))
    )
    return _Point(q1, q0, centre, float(phi), float(slope - gamma * centre), True)


class _Limit(NamedTuple):
    """Most likely fields for y -> infinity: of the weights (half line, V = +1) and of the patterns."""

    conjugate: float
    conjugate_gap: float
    spin: np.ndarray
    pattern: np.ndarray


def _limit_fields(q: float, gap: float, alpha: float, gamma: float, order: int) -> _Limit:
    """Return the conjugates (qh, Dh) at overlap q and y (q1 - q0) = gap, and the fields that maximise phi."""
    points, weights = gaussian_nodes(order)
    width = np.sqrt(1.0 - q)
    pattern = _most_likely(np.sqrt(q) * points / width, gap / (1.0 - q))
    slope = inverse_mills(pattern) / width
    conjugate = float(alpha * (weights @ slope**2))
    conjugate_gap = conjugate + float(alpha * (weights @ (slope * (points / np.sqrt(q) + pattern / width))))
    base = np.sqrt(conjugate) * half_line_nodes(order).points + gamma
    spin = base + max(conjugate_gap, 0.0)
    for _ in range(100):
        tanh = np.tanh(spin)
        slack = 1.0 - conjugate_gap * (1.0 - tanh * tanh)
        step = (spin - base - conjugate_gap * tanh) / np.maximum(slack, 1e-3)
        spin = spin - step
        if np.max(np.abs(step)) < 1e-14 * (1.0 + np.max(spin)):
            break
    return _Limit(conjugate, conjugate_gap, spin, pattern)


def _solve_limit(alpha: float, gamma: float, start: np.ndarray, order: int) -> tuple[_Point, np.ndarray]:
    """Solve for (q, D) in the limit y -> infinity from `start`."""
    nodes, half = gaussian_nodes(order), half_line_nodes(order)

    def admissible(state: np.ndarray) -> bool:
        return bool(0.0 < state[0] < LARGEST_OVERLAP and state[1] >= 0.0)

    def update(state: np.ndarray) -> np.ndarray:
        fields = _limit_fields(state[0], state[1], alpha, gamma, order)
        tanh = np.tanh(fields.spin)
        overlap = half.weights @ tanh**2
        gap = half.weights @ (half.points * tanh) / np.sqrt(fields.conjugate) - (1.0 - overlap)
        return np.array([overlap, max(gap, 0.0)])

    solution = solve_fixed_point(update, start, admissible, iterations=ITERATIONS)
    if not solution.converged:
        return UNSOLVED, start
    q, gap = map(float, solution.point)
    fields = _limit_fields(q, gap, alpha, gamma, order)
    tanh = np.tanh(fields.spin)
    centre = float(half.weights @ tanh)
    slope = inverse_mills(fields.pattern) / np.sqrt(1.0 - q)
    phi = (
        -0.5 * fields.conjugate * (1.0 - q)
        - 0.5 * (fields.conjugate_gap * q + fields.conjugate * gap)
        + half.weights @ (log_two_cosh(fields.spin) - 0.5 * fields.conjugate_gap * tanh**2)
        + alpha * (nodes.weights @ (log_ndtr(fields.pattern) - 0.5 * gap * slope**2))
    )
    return _Point(q, q, centre, float(phi), float(phi - gamma * centre), True), solution.point


def _solve(alpha: float, gamma: float, y: float, start: np.ndarray, order: int) -> tuple[_Point, np.ndarray]:
    """Solve at one coupling from `start`, for finite or infinite y."""
    if np.isinf(y):
        return _solve_limit(alpha, gamma, start, order)
    return _solve_finite(alpha, gamma, y, start, order)


def _curve(
    alpha: float, gammas: np.ndarray, y: float, order: int, report: Callable[[int], object]
) -> dict[float, tuple[_Point, np.ndarray]]:
    """Solve at every coupling, following the solution from weak coupling in steps that shrink if need be.

    Each coupling comes with the state it was solved at, from which another order may start; `report` is told their
    number.
    """
    overlap = replica_symmetric_point(alpha).overlap
    state = np.array([overlap, 0.0]) if np.isinf(y) else np.array([overlap + 1e-3, overlap])
    reached, solved, step = 0.0, {}, LONGEST_STEP
    for target in np.unique(gammas):
        point = UNSOLVED
        while reached < target and step >= SHORTEST_STEP:
            gamma = target if target - reached < 1.001 * step else reached + step
            point, state = _solve(alpha, gamma, y, state, order)
            if point.converged:
                reached, step = gamma, min(2.0 * step, LONGEST_STEP)
            else:
                step *= 0.5
        solved[float(target)] = (point, state)
        report(len(solved))
    return solved


def robust_ensemble(
    alpha: float,
    gamma: float | np.ndarray,
    replicas: float = np.inf,
    *,
    order: int = ORDER,
    progress: Callable[[float], object] | None = None,
) -> xr.Dataset:
    """Return where y replicas coupled to a centre gather, and how many solutions surround that centre.

    Parameters
    ----------
    alpha : float
        Patterns per weight, in (0, 1], random labels.
    gamma : float or array
        Coupling of every replica to the centre (exponent gamma W.V), positive.
    replicas : float
        Number y of replicas, at least 1 (not necessarily an integer), or infinity (the densest regions).
    order : int
        Nodes of the outer integration variable and, per 18 standard deviations, of the inner one; at least
        31.
    progress : callable, optional
        Called with the share of the work that is done, after every coupling.

    Returns
    -------
    xarray.Dataset
        Along `gamma`: ``distance`` (Hamming distance of the replicas from the centre over N),
        ``local_entropy`` (nats per weight, of the solutions at that distance from the centre),
        ``free_entropy`` (phi), ``overlap_within`` (two replicas of one centre, q1), ``overlap_between`` (of
        two centres, q0), ``distance_error`` and ``local_entropy_error`` (difference from the same solved with
        two thirds of the nodes) and ``converged``. Beyond the coupling where the saddle point disappears (its
        local entropy is then near zero or its overlap one) everything is NaN.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Replica symmetry may break at strong coupling; the corrections are not known.
    """
    alpha = checked_real("alpha", alpha, 0.0, LARGEST_ALPHA, open_low=True)
    gammas = np.atleast_1d(real_numbers("gamma", gamma).astype(float))
    if gammas.ndim != 1 or not np.all((gammas > 0.0) & (gammas <= LARGEST_COUPLING)):
        raise ValueError(f"gamma = {gamma}: must be a number or a list of numbers in (0, {LARGEST_COUPLING}]")
    order = checked_order(order)
    y = np.inf if replicas == np.inf else checked_real("replicas", replicas, 1.0)

    def report(done: int) -> None:  # every coupling is solved twice
        if progress is not None:
            progress(done / (2 * gammas.size))

    curve = _curve(alpha, gammas, y, order, report)
    solved = [curve[float(gamma)] for gamma in gammas]
    fine = [point for point, _ in solved]
    coarse = []
    for value, (point, state) in zip(gammas, solved, strict=True):
        coarse.append(_solve(alpha, value, y, state, coarser(order))[0] if point.converged else UNSOLVED)
        report(gammas.size + len(coarse))
    return _dataset(gammas, fine, coarse, {"source": SOURCE, "alpha": alpha, "replicas": y, "order": order})


def _dataset(gammas: np.ndarray, fine: list[_Point], coarse: list[_Point], attributes: dict) -> xr.Dataset:
    """Lay the points out along gamma, with what changed between the two orders."""
    nats = "nats per weight"
    distance = [0.5 * (1.0 - p.centre) for p in fine]
    distance_error = [0.5 * abs(a.centre - b.centre) for a, b in zip(fine, coarse, strict=True)]
    entropy_error = [abs(a.local_entropy - b.local_entropy) for a, b in zip(fine, coarse, strict=True)]
    columns = {
        "distance": (distance, "1", "Hamming distance from the centre d / N"),
        "local_entropy": (
            [p.local_entropy for p in fine],
            nats,
            "entropy of the solutions around the centre",
        ),
        "free_entropy": ([p.free_entropy for p in fine], nats, "free entropy phi of a replica"),
        "overlap_within": ([p.within for p in fine], "1", "overlap q1 of two replicas of a centre"),
        "overlap_between": ([p.between for p in fine], "1", "overlap q0 of replicas of two centres"),
        "distance_error": (distance_error, "1", "quadrature error of the distance"),
        "local_entropy_error": (entropy_error, nats, "quadrature error of the local entropy"),
        "converged": ([p.converged for p in fine], "1", "saddle point solved"),
    }
    return xr.Dataset(
        {name: ("gamma", values, {"units": u, "long_name": n}) for name, (values, u, n) in columns.items()},
        coords={"gamma": ("gamma", gammas, {"units": "1", "long_name": "coupling to the centre"})},
        attrs=attributes,
    )
