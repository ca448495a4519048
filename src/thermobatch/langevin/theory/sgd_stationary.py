"""Stationary covariance of mini-batch SGD on a quadratic loss: exact, and in its limits.

The loss is L = (1/2N) sum_mu (x_mu . w - y_mu)^2, with Hessian H and minimum w*. One step is
w <- w - eta g, where g is the mean gradient of a mini-batch of B samples; V is the covariance of w - w*.

Exact, for every eta, B and finite data set::

    V = (I - eta H) V (I - eta H) + eta^2 f (S0 + Q[V])
    S0 = (1/N) sum_mu r_mu^2 x_mu x_mu^T,  r_mu = y_mu - x_mu . w*
    Q[V] = (1/N) sum_mu (x_mu . V x_mu) x_mu x_mu^T - H V H

with f = 1/B when the samples of a batch are drawn with replacement and f = (N - B) / (B (N - 1)) without (a
new subset at every step). Written as H V + V H = eta [H V H + f (S0 + Q[V])] it is the discrete
fluctuation-dissipation relation of Yaida (ICLR 2019, arXiv:1810.00004), closed here because the loss is
quadratic. Limits:

*additive*
    Q[V] = 0: noise that does not depend on w.
*langevin*
    eta -> 0 at fixed eta f: H V + V H = eta f S0.
*isotropic*
    S0 = sigma^2 H, which natural mini-batch noise nearly obeys: V = eta f sigma^2 (2 - eta H)^-1. It tends to
    a multiple of the identity and not to Boltzmann's T H^-1.
*boltzmann*
    noise of covariance sigma^2 I and eta -> 0: V = T H^-1 with T = eta f sigma^2 / 2.
"""

import numpy as np
import scipy.linalg
import xarray as xr
from numpy.typing import ArrayLike

from thermobatch.foundation.arguments import checked_array, checked_integer, checked_real

LARGEST_DIMENSION = 64  # the linear equation has d (d + 1) / 2 unknowns


def batch_noise_factor(batch: int, samples: int | None = None, replacement: bool = True) -> float:
    """Return f, the covariance of a mini-batch mean in units of the covariance of one sample.

    Parameters
    ----------
    batch : int
        B >= 1, the samples in a mini-batch.
    samples : int, optional
        N >= B, the samples in all; needed without replacement.
    replacement : bool
        1/B with replacement, (N - B) / (B (N - 1)) without.

    Returns
    -------
    float
        f, at most 1.
    """
    size = checked_integer("batch", batch, 1)
    if replacement:
        return 1.0 / size
    count = checked_integer("samples", samples, max(size, 2))
    return (count - size) / (size * (count - 1))


def sgd_temperature(
    learning_rate: float,
    noise_variance: float,
    batch: int,
    samples: int | None = None,
    replacement: bool = True,
) -> float:
    """Return T = eta f sigma^2 / 2, the temperature of SGD whose sample gradients scatter as sigma^2 I.

    Parameters
    ----------
    learning_rate : float
        eta > 0.
    noise_variance : float
        sigma^2 >= 0, of each component of the gradient of one sample.
    batch, samples, replacement
        As in :func:`batch_noise_factor`.

    Returns
    -------
    float
        T, in units of the loss.
    """
    rate = checked_real("learning_rate", learning_rate, 0.0, open_low=True)
    variance = checked_real("noise_variance", noise_variance, 0.0)
    return 0.5 * rate * variance * batch_noise_factor(batch, samples, replacement)


def sgd_covariance(
    inputs: ArrayLike, labels: ArrayLike, learning_rate: float, batch: int, *, replacement: bool = True
) -> xr.Dataset:
    """Return the stationary covariance V of SGD on a linear regression: exact, and three approximations.

    Parameters
    ----------
    inputs : float64[N, d]
        x, of rank d <= 64.
    labels : float64[N]
        y.
    learning_rate : float
        eta, in (0, :func:`largest_learning_rate`).
    batch : int
        B in 1..N.
    replacement : bool
        Whether the samples of a mini-batch are drawn with replacement.

    Returns
    -------
    xarray.Dataset
        ``exact``, ``additive``, ``langevin`` and ``isotropic``, each (component, other_component): see the
        module. sigma^2 of the last is tr(S0 H^-1) / d. Attributes: ``noise_factor`` f, ``label_noise``
        sigma^2.

    Raises
    ------
    ValueError
        When an argument is not allowed, or the learning rate is at or above the bound of stability.
    """
    x = _checked_inputs(inputs)
    y = checked_array("labels", labels, (len(x),))
    residuals = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    hessian = x.T @ x / len(x)
    factor = batch_noise_factor(checked_integer("batch", batch, 1, len(x)), len(x), replacement)
    rate = checked_real("learning_rate", learning_rate, 0.0, open_low=True)
    damping, friction = _linear_equation(x, hessian, factor)
    bound = _stability_bound(damping, friction)
    if rate >= bound:
        raise ValueError(
            f"learning_rate = {rate:g}: must be < {bound:.6g} at batch = {batch}, else the variance diverges"
        )
    noise = (x * residuals[:, None] ** 2).T @ x / len(x)
    basis = _symmetric_basis(len(hessian))
    force = rate * factor * (basis.T @ noise.reshape(-1))
    unknowns = scipy.linalg.solve(damping - rate * friction, force, assume_a="pos")
    variance = float(np.trace(np.linalg.solve(hessian, noise))) / len(hessian)
    found = {
        "exact": (basis @ unknowns).reshape(hessian.shape),
        "additive": additive_covariance(hessian, factor * noise, rate),
        "langevin": langevin_covariance(hessian, factor * noise, rate),
        "isotropic": isotropic_covariance(hessian, factor * variance, rate),
    }
    words = {
        "exact": "stationary covariance of SGD",
        "additive": "covariance with noise that does not depend on the position",
        "langevin": "covariance in the Langevin limit",
        "isotropic": "covariance with noise proportional to the Hessian",
    }
    dims = ("component", "other_component")
    return xr.Dataset(
        {name: (dims, value, {"long_name": words[name], "units": "1"}) for name, value in found.items()},
        coords={dim: np.arange(len(hessian)) for dim in dims},
        attrs={"noise_factor": factor, "label_noise": variance, "learning_rate": rate, "batch": int(batch)},
    )


def largest_learning_rate(inputs: ArrayLike, batch: int, *, replacement: bool = True) -> float:
    """Return the learning rate from which on the variance of SGD on a linear regression grows for ever.

    The covariance obeys V <- V - eta D V + eta^2 F V + const with D V = H V + V H and F V = H V H + f Q[V],
    both positive: it contracts when eta is below the inverse of the largest eigenvalue of F relative to D.
    The bound is at most 2 / h_max, that of gradient descent.

    Parameters
    ----------
    inputs, batch, replacement
        As in :func:`sgd_covariance`.

    Returns
    -------
    float
        The bound on eta.
    """
    x = _checked_inputs(inputs)
    hessian = x.T @ x / len(x)
    factor = batch_noise_factor(checked_integer("batch", batch, 1, len(x)), len(x), replacement)
    return _stability_bound(*_linear_equation(x, hessian, factor))


def additive_covariance(hessian: ArrayLike, noise: ArrayLike, learning_rate: float) -> np.ndarray:
    """Return V of w <- w - eta (H w + noise): V = (I - eta H) V (I - eta H) + eta^2 C, as float64[d, d].

    Parameters
    ----------
    hessian : float64[d, d]
        H, symmetric and positive definite.
    noise : float64[d, d]
        C, the covariance of the noise of one step (f times that of one sample).
    learning_rate : float
        eta in (0, 2 / h_max).
    """
    levels, modes, rotated = _in_modes(hessian, noise)
    rate = checked_real("learning_rate", learning_rate, 0.0, 2.0 / levels[-1], open_low=True, open_high=True)
    pairs = levels[:, None] + levels - rate * np.outer(levels, levels)
    return modes @ (rate * rotated / pairs) @ modes.T


def langevin_covariance(hessian: ArrayLike, noise: ArrayLike, learning_rate: float) -> np.ndarray:
    """Return V of the Langevin limit, H V + V H = eta C; the arguments are those of `additive_covariance`."""
    levels, modes, rotated = _in_modes(hessian, noise)
    rate = checked_real("learning_rate", learning_rate, 0.0, open_low=True)
    return modes @ (rate * rotated / (levels[:, None] + levels)) @ modes.T


def isotropic_covariance(hessian: ArrayLike, noise_variance: float, learning_rate: float) -> np.ndarray:
    """Return V = eta sigma^2 (2 - eta H)^-1 of noise of covariance sigma^2 H, as float64[d, d].

    Parameters
    ----------
    hessian : float64[d, d]
        H, symmetric and positive definite.
    noise_variance : float
        sigma^2 >= 0 of one step (f times that of the labels).
    learning_rate : float
        eta in (0, 2 / h_max).
    """
    variance = checked_real("noise_variance", noise_variance, 0.0)
    matrix = checked_array("hessian", hessian, (None, None))
    return additive_covariance(matrix, variance * matrix, learning_rate)


def _checked_inputs(inputs: ArrayLike) -> np.ndarray:
    """The inputs of a regression with one minimum."""
    x = checked_array("inputs", inputs, (None, None))
    if not 1 <= x.shape[1] <= LARGEST_DIMENSION:
        raise ValueError(f"inputs has shape {x.shape}: must have 1..{LARGEST_DIMENSION} columns")
    rank = int(np.linalg.matrix_rank(x))
    if rank < x.shape[1]:
        raise ValueError(f"inputs has rank {rank}: must be {x.shape[1]}, its columns")
    return x


def _symmetric_basis(dimension: int) -> np.ndarray:
    """Columns: an orthonormal basis of symmetric matrices, each flattened; float64[d * d, d (d + 1) / 2]."""
    rows, columns = np.triu_indices(dimension)
    basis = np.zeros((dimension, dimension, rows.size))
    weights = np.where(rows == columns, 1.0, np.sqrt(0.5))
    basis[rows, columns, np.arange(rows.size)] = weights
    basis[columns, rows, np.arange(rows.size)] = weights
    return basis.reshape(-1, rows.size)


def _linear_equation(x: np.ndarray, hessian: np.ndarray, factor: float) -> tuple[np.ndarray, np.ndarray]:
    """The maps V -> H V + V H and V -> H V H + f Q[V] as matrices on symmetric V."""
    dimension = len(hessian)
    basis = _symmetric_basis(dimension)
    tensor = basis.reshape(dimension, dimension, -1)
    left = np.einsum("ij,jkm->ikm", hessian, tensor)
    damping = basis.T @ (left + np.swapaxes(left, 0, 1)).reshape(basis.shape)
    bilinear = basis.T @ np.einsum("ikm,kl->ilm", left, hessian).reshape(basis.shape)
    rows, columns = np.triu_indices(dimension)
    squares = x[:, rows] * x[:, columns] * np.where(rows == columns, 1.0, np.sqrt(2.0))
    fourth_moment = squares.T @ squares / len(x)
    return damping, (1.0 - factor) * bilinear + factor * fourth_moment


def _stability_bound(damping: np.ndarray, friction: np.ndarray) -> float:
    """Largest eta for which damping - eta friction is positive."""
    return float(1.0 / scipy.linalg.eigh(friction, damping, eigvals_only=True)[-1])


def _in_modes(hessian: ArrayLike, noise: ArrayLike) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Eigenvalues and eigenvectors of the Hessian, and the noise in that basis."""
    matrix = checked_array("hessian", hessian, (None, None))
    covariance = checked_array("noise", noise, matrix.shape)
    if matrix.shape[0] != matrix.shape[1] or matrix.size == 0:
        raise ValueError(f"hessian has shape {matrix.shape}: must be a square matrix")
    for name, given in (("hessian", matrix), ("noise", covariance)):
        if not np.allclose(given, given.T, rtol=1e-10, atol=1e-12 * np.abs(given).max()):
            raise ValueError(f"{name}: must be symmetric")
    levels, modes = np.linalg.eigh(matrix)
    if levels[0] <= 0.0:
        raise ValueError(f"hessian: its lowest eigenvalue is {levels[0]:g}: must be > 0")
    return levels, modes, modes.T @ covariance @ modes
