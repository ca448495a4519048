"""Entropy and capacity of the binary perceptron with random labels, replica symmetric theory.

Notes
-----
Krauth and Mezard, J. Phys. France 50, 3057 (1989); as used by Baldassi et al., PNAS 113, E7655 (2016),
doi:10.1073/pnas.1608103113. With Phi the normal distribution function and k = sqrt(q / (1 - q)),

    S = -qh (1 - q) / 2 + < log 2 cosh(sqrt(qh) z) > + alpha < log Phi(k z) >,
    q = < tanh^2(sqrt(qh) z) >,   qh = alpha / (1 - q) < (Phi'/Phi)^2(k z) >,

which is exact below the capacity, where S vanishes.
"""

from typing import NamedTuple

import numpy as np
import scipy
import xarray as xr
from scipy.special import log_ndtr

from thermobatch.foundation.arguments import checked_integer, real_numbers
from thermobatch.networks.theory.gaussian_integrals import gaussian_nodes, inverse_mills, log_two_cosh
from thermobatch.networks.theory.saddle_point import solve_fixed_point

ORDER = 241
"""Default number of trapezoidal nodes of a one-dimensional average (error below 1e-12 for alpha <= 0.85)."""

LARGEST_ALPHA = 1.0
"""Largest load accepted, some way beyond the capacity."""


class ReplicaSymmetry(NamedTuple):
    """The replica symmetric saddle point: typical overlap q, its conjugate qh, entropy per weight."""

    overlap: float
    conjugate: float
    entropy: float
    converged: bool


def replica_symmetric_point(alpha: float, order: int = ORDER) -> ReplicaSymmetry:
    """Solve the replica symmetric equations at one `alpha` with quadratures of `order` nodes."""
    points, weights = gaussian_nodes(order)

    def conjugate(overlap: float) -> float:
        steepness = np.sqrt(overlap / (1.0 - overlap))
        return float(alpha / (1.0 - overlap) * (weights @ inverse_mills(steepness * points) ** 2))

    def update(state: np.ndarray) -> np.ndarray:
        return np.array([weights @ np.tanh(np.sqrt(conjugate(state[0])) * points) ** 2])

    solution = solve_fixed_point(
        update, np.zeros(1), lambda state: bool(0.0 <= state[0] < 1.0), tolerance=1e-13
    )
    overlap = float(solution.point[0])
    field = conjugate(overlap)
    entropy = (
        -0.5 * field * (1.0 - overlap)
        + weights @ log_two_cosh(np.sqrt(field) * points)
        + alpha * (weights @ log_ndtr(np.sqrt(overlap / (1.0 - overlap)) * points))
    )
    return ReplicaSymmetry(overlap, field, float(entropy), solution.converged)


def replica_symmetric_entropy(alpha: float | np.ndarray, *, order: int = ORDER) -> xr.Dataset:
    """Return the entropy per weight of the solutions of the binary perceptron with random labels.

    Parameters
    ----------
    alpha : float or array
        Patterns per weight, in (0, 1]; beyond the capacity (0.833) the entropy is negative and has no meaning
        but the sign.
    order : int
        Nodes of the quadratures, at least 31.

    Returns
    -------
    xarray.Dataset
        Along `alpha`: ``entropy`` (nats per weight), ``overlap`` (typical q of two solutions), ``conjugate``
        (qh), ``entropy_error`` (difference from the same solved with two thirds of the nodes) and
        ``converged``.

    Raises
    ------
    ValueError
        If `alpha` or `order` is out of range.
    """
    values = checked_alphas(alpha)
    order = checked_order(order)
    fine = [replica_symmetric_point(value, order) for value in values]
    coarse = [replica_symmetric_point(value, coarser(order)) for value in values]
    error = [abs(a.entropy - b.entropy) for a, b in zip(fine, coarse, strict=True)]
    return xr.Dataset(
        {
            "entropy": (
                "alpha",
                [p.entropy for p in fine],
                {"units": "nats per weight", "long_name": "entropy S"},
            ),
            "overlap": ("alpha", [p.overlap for p in fine], {"units": "1", "long_name": "typical overlap q"}),
            "conjugate": (
                "alpha",
                [p.conjugate for p in fine],
                {"units": "1", "long_name": "conjugate overlap qh"},
            ),
            "entropy_error": (
                "alpha",
                error,
                {"units": "nats per weight", "long_name": "quadrature error of S"},
            ),
            "converged": (
                "alpha",
                [p.converged for p in fine],
                {"units": "1", "long_name": "saddle point solved"},
            ),
        },
        coords={"alpha": ("alpha", values, {"units": "1", "long_name": "patterns per weight"})},
        attrs={"source": "Krauth and Mezard, J. Phys. France 50, 3057 (1989)", "order": order},
    )


def capacity(*, order: int = ORDER) -> xr.Dataset:
    """Return the capacity of the binary perceptron, where the replica symmetric entropy vanishes.

    Returns
    -------
    xarray.Dataset
        Scalars ``capacity`` (patterns per weight, 0.83308) and ``capacity_error`` (difference from two thirds
        of the nodes, plus the root finder's tolerance of 1e-12).
    """
    order = checked_order(order)

    def root(nodes: int) -> float:
        return scipy.optimize.brentq(
            lambda alpha: replica_symmetric_point(alpha, nodes).entropy, 0.80, 0.86, xtol=1e-12
        )

    fine, coarse = root(order), root(coarser(order))
    return xr.Dataset(
        {
            "capacity": ((), fine, {"units": "patterns per weight", "long_name": "capacity alpha_c"}),
            "capacity_error": (
                (),
                abs(fine - coarse) + 1e-12,
                {"units": "1", "long_name": "numerical error"},
            ),
        },
        attrs={"source": "Krauth and Mezard, J. Phys. France 50, 3057 (1989)", "order": order},
    )


def coarser(order: int) -> int:
    """Return two thirds of `order`, odd, so that zero stays a node."""
    return 2 * (order // 3) + 1


def checked_order(order: int) -> int:
    """Refuse an order too small to mean anything."""
    return checked_integer("order", order, 31)


def checked_alphas(alpha: float | np.ndarray) -> np.ndarray:
    """Return `alpha` as a one-dimensional array in (0, 1], or say what is wrong."""
    values = np.atleast_1d(real_numbers("alpha", alpha).astype(float))
    wrong = values[~((values > 0.0) & (values <= LARGEST_ALPHA))]
    if values.ndim != 1 or wrong.size:
        raise ValueError(f"alpha = {alpha}: must be a number or a list of numbers in (0, {LARGEST_ALPHA}]")
    return values
