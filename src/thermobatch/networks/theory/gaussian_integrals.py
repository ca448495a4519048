"""Gaussian averages by the trapezoidal rule, and the Gaussian tail: integrals of the perceptron's theory.

The trapezoidal rule on an infinite line converges faster than any power of the spacing for analytic
functions, and beats Gauss-Hermite nodes for the functions met here (``tanh`` of steep arguments, logarithms
of tails). The error of every result of the package that uses it is measured by solving again with another
order.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import log_ndtr

CUTOFF = 9.0
PANELS = 12


class Nodes(NamedTuple):
    """Nodes and weights of a standard normal average, ``float64[order]`` each; the weights sum to one."""

    points: np.ndarray
    weights: np.ndarray


def gaussian_nodes(order: int, cutoff: float = CUTOFF) -> Nodes:
    """Return the trapezoidal nodes of a standard normal average on ``[-cutoff, cutoff]``.

    Parameters
    ----------
    order : int
        Number of nodes, at least 3.
    cutoff : float
        Largest node; the default leaves out a probability of 2e-19.
    """
    points = np.linspace(-cutoff, cutoff, order)
    weights = np.exp(-0.5 * points * points)
    return Nodes(points, weights / weights.sum())


def half_line_nodes(order: int, cutoff: float = CUTOFF) -> Nodes:
    """Return Gauss-Legendre nodes for normal averages of even functions that are not smooth at zero.

    The half line ``[0, cutoff]`` is cut in PANELS panels that halve towards zero, so that a layer as thin as
    0.005 is resolved; each gets ``order // PANELS`` nodes (at least 3). The weights sum to one, as for the
    whole line.
    """
    roots, legendre = np.polynomial.legendre.leggauss(max(3, order // PANELS))
    edges = np.concatenate([[0.0], cutoff * 0.5 ** np.arange(PANELS - 1, -1, -1)])
    widths = np.diff(edges)[:, None]
    points = (edges[:-1, None] + 0.5 * widths * (roots + 1.0)).ravel()
    weights = (widths * legendre).ravel() * np.exp(-0.5 * points * points)
    return Nodes(points, weights / weights.sum())


def log_two_cosh(field: np.ndarray) -> np.ndarray:
    """Return ``log(2 cosh(field))`` without overflow."""
    size = np.abs(field)
    return size + np.log1p(np.exp(-2.0 * size))


def inverse_mills(field: np.ndarray) -> np.ndarray:
    """Return ``d log Phi(x) / dx``, Phi the normal distribution function (G/H at -x in the papers)."""
    return np.exp(-0.5 * field * field - log_ndtr(field)) / np.sqrt(2.0 * np.pi)
