"""Fixed points of a few saddle-point equations, by Anderson mixing that falls back on plain iteration."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

MEMORY = 4


class FixedPoint(NamedTuple):
    """What the iteration reached: the point, the largest change of its last step, whether below tolerance."""

    point: np.ndarray
    residual: float
    converged: bool


def solve_fixed_point(
    update: Callable[[np.ndarray], np.ndarray],
    start: np.ndarray,
    admissible: Callable[[np.ndarray], bool],
    *,
    tolerance: float = 1e-11,
    iterations: int = 2000,
) -> FixedPoint:
    """Solve ``x = update(x)``.

    Parameters
    ----------
    update : callable
        The right-hand sides of the saddle-point equations.
    start : float64[n]
        First guess, admissible.
    admissible : callable
        Whether a point is in the domain of `update`. A mixed point that is not is replaced by the plain one;
        when that is not either, the iteration stops unconverged.
    tolerance : float
        Largest change of a component at convergence, relative to ``max(1, |component|)``.
    iterations : int
        Most evaluations of `update`.
    """
    point = np.asarray(start, dtype=float)
    points: list[np.ndarray] = []
    images: list[np.ndarray] = []
    residual = np.inf
    for _ in range(iterations):
        image = update(point)
        if not np.all(np.isfinite(image)) or not admissible(image):
            return FixedPoint(point, residual, False)
        residual = float(np.max(np.abs(image - point) / np.maximum(1.0, np.abs(point))))
        if residual < tolerance:
            return FixedPoint(image, residual, True)
        points = [*points, point][-MEMORY:]
        images = [*images, image][-MEMORY:]
        mixed = _anderson(points, images)
        point = mixed if np.all(np.isfinite(mixed)) and admissible(mixed) else image
    return FixedPoint(point, residual, False)


def _anderson(points: list[np.ndarray], images: list[np.ndarray]) -> np.ndarray:
    """Combine the last images so that a linear model of their residuals is smallest (type II)."""
    residuals = np.array(images) - np.array(points)
    if len(images) == 1:
        return images[-1]
    changes = np.diff(residuals, axis=0).T
    mixing = np.linalg.lstsq(changes, residuals[-1], rcond=1e-10)[0]
    return images[-1] - np.diff(np.array(images), axis=0).T @ mixing
