"""The Marchenko-Pastur law, also with a covariance of several levels, as an exact quadrature.

The d x d matrix ``X^T X`` of n = alpha d inputs ``x ~ N(0, Sigma / d)`` has, for d -> infinity, the eigenvalue law rho
with an atom max(0, 1 - alpha) at 0 and the density ``Im s(x) / pi`` elsewhere, s being the root in the upper half plane
of (J. W. Silverstein, S.-I. Choi, J. Multivariate Anal. 54, 295 (1995), in our normalisation)

    x = -alpha / s + sum_k p_k sigma_k / (1 + sigma_k s).

For the identity covariance this is the Marchenko-Pastur law on (sqrt(alpha) +- 1)^2.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
import scipy

from thermobatch.foundation.arguments import checked_real
from thermobatch.foundation.read_only import ReadOnlyArrays
from thermobatch.mean_field.spectra import IDENTITY, Spectrum


@dataclass(frozen=True, eq=False)
class SpectralLaw(ReadOnlyArrays):
    """A quadrature of the eigenvalue law, exact to rounding for the functions of the learning curves.

    Parameters
    ----------
    nodes, weights : ndarray, float64
        ``average(f) = sum_i weights_i f(nodes_i)``; the atom at 0, if any, is the first node. Read-only.
    intervals : ndarray, float64[m, 2]
        Support of the continuous part.
    """

    nodes: np.ndarray
    weights: np.ndarray
    intervals: np.ndarray

    def average(self, values: np.ndarray) -> np.ndarray:
        """Average over the law an array whose last axis runs over the nodes."""
        return values @ self.weights

    @property
    def largest(self) -> float:
        """Upper edge of the support."""
        return float(self.intervals[-1, 1])


@lru_cache(maxsize=32)
def marchenko_pastur(alpha: float, spectrum: Spectrum = IDENTITY, nodes: int = 401) -> SpectralLaw:
    """Return the eigenvalue law of ``X^T X`` for n = alpha d inputs of covariance Sigma / d.

    Parameters
    ----------
    alpha : float
        Number of samples per dimension, positive.
    spectrum : Spectrum
        Levels of Sigma.
    nodes : int
        Quadrature nodes for each piece of the support (tanh-sinh rule: the ends of a piece may be singular).

    Returns
    -------
    SpectralLaw
        Nodes, weights and support; kept for the next call with the same arguments.

    Raises
    ------
    ValueError
        If alpha is not positive.
    """
    alpha = checked_real("alpha", alpha, 0.0, open_low=True)
    sigma, fraction = np.asarray(spectrum.eigenvalues), np.asarray(spectrum.fractions)
    intervals, cuts = _support(alpha, sigma, fraction)
    t = np.linspace(-4.0, 4.0, nodes)
    along = 1.0 / (1.0 + np.exp(-np.pi * np.sinh(t)))  # from 0 to 1, double-exponentially close to both
    speed = (t[1] - t[0]) * np.pi * np.cosh(t) * along * along[::-1]  # along[::-1] = 1 - along
    pieces = []
    for low, high in intervals:
        ends = [low, *(cut for cut in cuts if low < cut < high), high]
        pieces += [(start + (end - start) * along, (end - start) * speed) for start, end in pairwise(ends)]
    x, weights = (np.concatenate(parts) for parts in zip(*pieces, strict=True))
    weights *= _density(x, alpha, sigma, fraction)
    if alpha < 1.0:
        x, weights = np.concatenate(([0.0], x)), np.concatenate(([1.0 - alpha], weights))
    x.flags.writeable = weights.flags.writeable = intervals.flags.writeable = False
    return SpectralLaw(x, weights, intervals)


def _position(s: complex, alpha: float, sigma: np.ndarray, fraction: np.ndarray) -> complex:
    """Return x(s)."""
    return -alpha / s + np.sum(fraction * sigma / (1.0 + sigma * s))


def _support(alpha: float, sigma: np.ndarray, fraction: np.ndarray) -> tuple[np.ndarray, list[float]]:
    """Return the intervals of the support and the points inside near which the density is not smooth.

    The edges are the extrema of x(s) on the real axis, where f(s) = sum_k p_k (sigma_k s / (1 + sigma_k s))^2 equals
    alpha. Between two poles f is convex: two roots are a gap of the law; none means a pair of complex roots, where a
    gap is about to open and the density has a dip that may be as sharp as a cusp.
    """

    def excess(s):
        return np.sum(fraction * (sigma * s / (1.0 + sigma * s)) ** 2) - alpha

    def slope(s):  # f'(s) / 2
        return np.sum(fraction * sigma**2 * s / (1.0 + sigma * s) ** 3)

    def root(function, low, high):
        return scipy.optimize.brentq(function, low, high, xtol=1e-300, rtol=8.9e-16)

    poles = -1.0 / np.unique(sigma)  # increasing towards 0
    hair = 1e-13
    edges, cuts = [root(excess, poles[-1] * (1.0 - hair), poles[-1] * 1e-12)], []  # first the upper edge
    for low, high in pairwise(poles):
        start, end = low * (1.0 - hair), high * (1.0 + hair)
        if not slope(start) < 0.0 < slope(end):
            continue  # the poles are one up to rounding
        bottom = root(slope, start, end)
        if excess(bottom) < 0.0:
            edges += [root(excess, start, bottom), root(excess, bottom, end)]
        else:
            bend = np.sum(fraction * sigma**2 * (1.0 - 2.0 * sigma * bottom) / (1.0 + sigma * bottom) ** 4)
            s = bottom + 1j * np.sqrt(excess(bottom) / bend)
            for _ in range(50):
                s -= excess(s) / (2.0 * slope(s)) if slope(s) != 0.0 else 0.0
            cuts.append(_position(s, alpha, sigma, fraction).real)
    if alpha > 1.0:
        edges.append(root(excess, poles[0] * 1e12, poles[0] * (1.0 + hair)))
    elif alpha < 1.0:
        edges.append(root(excess, 1e-12 / sigma.max(), 1e15 / sigma.min()))
    positions = [_position(s, alpha, sigma, fraction) for s in edges] + ([0.0] if alpha == 1.0 else [])
    return np.sort(positions).reshape(-1, 2), sorted(cuts)


def _density(x: np.ndarray, alpha: float, sigma: np.ndarray, fraction: np.ndarray) -> np.ndarray:
    """Return rho(x) inside the support: the roots s are eigenvalues of a diagonal matrix plus one of rank one."""
    if sigma.size == 1:
        low, high = sigma[0] * (np.sqrt(alpha) - 1.0) ** 2, sigma[0] * (np.sqrt(alpha) + 1.0) ** 2
        return np.sqrt(np.maximum((high - x) * (x - low), 0.0)) / (2.0 * np.pi * sigma[0] * x)
    s = np.empty(x.size, dtype=complex)
    small = (
        x < 1e-8 * sigma[0]
    )  # alpha close to 1: there x = (1 - alpha) / s - <1 / sigma> / s^2 up to higher orders
    gap, curvature = 1.0 - alpha, np.sum(fraction / sigma)
    s[small] = (gap + 1j * np.sqrt(np.maximum(4.0 * curvature * x[small] - gap**2, 0.0))) / (2.0 * x[small])
    poles = np.concatenate(([0.0], -1.0 / sigma))
    residues = np.concatenate(([-alpha], fraction))
    roots = np.linalg.eigvals(np.diag(poles) + residues[None, :, None] / x[~small, None, None])
    s[~small] = roots[np.arange(len(roots)), np.argmax(roots.imag, axis=1)]
    for _ in range(3):  # Newton: to rounding error
        terms = sigma / (1.0 + sigma * s[:, None])
        value = -alpha / s + terms @ fraction - x
        slope = alpha / s**2 - (terms**2) @ fraction
        s = s - np.divide(value, slope, out=np.zeros_like(s), where=slope != 0.0)
    return np.maximum(s.imag, 0.0) / np.pi  # beyond an edge, by rounding, the roots are real
