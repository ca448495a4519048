"""Entropy and capacity of the perceptron whose weights have several levels, replica symmetric theory, random labels.

Notes
-----
Gutfreund and Stein, J. Phys. A 23, 2613 (1990) treat such perceptrons; the equations are written out here for L levels
-(L - 1), ..., L - 1 (odd numbers) without threshold. With Q = <W^2>, q the overlap of two solutions, their conjugates
Qh and qh, m = Phi'/Phi (Phi the normal distribution function) and k = sqrt(q / (Q - q)),

    S = -Qh Q / 2 + qh q / 2 + < log sum_W exp((Qh - qh) W^2 / 2 + sqrt(qh) z W) > + alpha < log Phi(k z) >,
    Q = << W^2 >>,   q = << W >^2 >,   qh = alpha / (Q - q) < m^2(k z) >,   Qh = qh q / Q,

the averages over W with the weights of the sum. Two levels give Q = 1 and the equations of `perceptron_entropy`. The
*capacity* is where S vanishes. It is that of two levels as far as is known; for more levels replica symmetry may break
while S is still positive, and it is an estimate that serves to compare loads.
"""

from typing import NamedTuple

import numpy as np
import scipy
import xarray as xr
from scipy.special import log_ndtr

from thermobatch.foundation.arguments import checked_integer, checked_real
from thermobatch.networks.theory.gaussian_integrals import gaussian_nodes, inverse_mills
from thermobatch.networks.theory.perceptron_entropy import ORDER, checked_order, coarser
from thermobatch.networks.theory.saddle_point import solve_fixed_point

MOST_LEVELS = 64
LARGEST_ALPHA = 2.0
"""The capacity of real weights, which no number of levels exceeds."""


class LevelSymmetry(NamedTuple):
    """The replica symmetric saddle point: mean square Q, overlap q, conjugates Qh and qh, entropy per weight."""

    square: float
    overlap: float
    square_conjugate: float
    overlap_conjugate: float
    entropy: float
    converged: bool


def level_symmetric_point(alpha: float, levels: int, order: int = ORDER) -> LevelSymmetry:
    """Solve the replica symmetric equations at one load.

    Parameters
    ----------
    alpha : patterns per weight, in (0, 2].
    levels : number of levels L of a weight, even, 2 to 64.
    order : nodes of the quadratures, at least 31.

    Returns
    -------
    LevelSymmetry

    Raises
    ------
    ValueError
        If an argument is out of range.
    """
    alpha = checked_real("alpha", alpha, 0.0, LARGEST_ALPHA, open_low=True)
    levels = checked_integer("levels", levels, 2, MOST_LEVELS)
    if levels % 2:
        raise ValueError(f"levels = {levels}: must be even")
    points, weights = gaussian_nodes(checked_order(order))
    values = np.arange(1.0 - levels, levels, 2.0)

    def conjugates(square: float, overlap: float) -> tuple[float, float]:
        steepness = np.sqrt(overlap / (square - overlap))
        qh = alpha / (square - overlap) * (weights @ inverse_mills(steepness * points) ** 2)
        return float(qh * overlap / square), float(qh)

    def exponents(square_conjugate: float, qh: float) -> np.ndarray:
        return 0.5 * (square_conjugate - qh) * values**2 + np.sqrt(qh) * points[:, None] * values

    def update(state: np.ndarray) -> np.ndarray:
        terms = exponents(*conjugates(*state))
        law = np.exp(terms - terms.max(axis=1, keepdims=True))
        law /= law.sum(axis=1, keepdims=True)
        return np.array([weights @ (law @ values**2), weights @ (law @ values) ** 2])

    start = np.array([np.mean(values**2), 0.0])
    solution = solve_fixed_point(
        update, start, lambda state: bool(0.0 <= state[1] < state[0]), tolerance=1e-12
    )
    square, overlap = map(float, solution.point)
    square_conjugate, qh = conjugates(square, overlap)
    entropy = (
        0.5 * (qh * overlap - square_conjugate * square)
        + weights @ np.logaddexp.reduce(exponents(square_conjugate, qh), axis=1)
        + alpha * (weights @ log_ndtr(np.sqrt(overlap / (square - overlap)) * points))
    )
    return LevelSymmetry(square, overlap, square_conjugate, qh, float(entropy), solution.converged)


def level_capacity(levels: int, *, order: int = ORDER) -> xr.Dataset:
    """Return the load at which the replica symmetric entropy of a perceptron of several levels vanishes.

    Parameters
    ----------
    levels : number of levels L of a weight, even, 2 to 64; 2^p for p bits.
    order : nodes of the quadratures, at least 31.

    Returns
    -------
    xarray.Dataset
        Scalars ``capacity`` (patterns per weight: 0.83308 for two levels) and ``capacity_error`` (difference from
        two thirds of the nodes, plus the root finder's tolerance of 1e-10).

    Raises
    ------
    ValueError
        If an argument is out of range.
    """
    order = checked_order(order)

    def root(nodes: int) -> float:
        return scipy.optimize.brentq(
            lambda alpha: level_symmetric_point(alpha, levels, nodes).entropy, 0.7, LARGEST_ALPHA, xtol=1e-10
        )

    fine, coarse = root(order), root(coarser(order))
    return xr.Dataset(
        {
            "capacity": ((), fine, {"units": "patterns per weight", "long_name": "capacity alpha_c"}),
            "capacity_error": (
                (),
                abs(fine - coarse) + 1e-10,
                {"units": "1", "long_name": "numerical error"},
            ),
        },
        attrs={
            "source": "Gutfreund and Stein, J. Phys. A 23, 2613 (1990)",
            "order": order,
            "levels": int(levels),
        },
    )
