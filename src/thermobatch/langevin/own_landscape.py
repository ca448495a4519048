"""A landscape of the user's own, from an energy and its gradient."""

from collections.abc import Callable

import numpy as np
from numba import types
from numpy.typing import ArrayLike

from thermobatch.foundation.arguments import checked_array
from thermobatch.foundation.compilation import c_function
from thermobatch.langevin.landscapes import Box, Landscape
from thermobatch.langevin.potentials import Own

GRADIENT_CHECKS = 5  # places where a gradient is compared with finite differences


def landscape(
    energy: Callable,
    gradient: Callable,
    start: tuple[ArrayLike, ArrayLike],
    basin: tuple[ArrayLike, ArrayLike] | None = None,
    name: str = "own",
) -> Landscape:
    """Return a landscape of the user's own, from functions that numba can compile.

    Parameters
    ----------
    energy : callable
        ``energy(x) -> float`` of a position x, float64[d]; plain Python or already ``numba.njit``.
    gradient : callable
        ``gradient(x, out)`` writes the gradient of `energy` at x into `out`, float64[d].
    start : (float64[d], float64[d])
        Lower and upper corners of the box in which runs start; their length is the dimension.
    basin : (float64[d], float64[d]), optional
        Corners of the box that is the basin of the global minimum (may be infinite), to follow its first
        hitting.
    name : str
        What to call it in the attributes of datasets.

    Returns
    -------
    Landscape
        Without samples (give it additive noise with ``with_samples``).

    Raises
    ------
    ValueError
        When numba cannot compile a function, or `gradient` is not the gradient of `energy` (it is compared
        with finite differences at a few places of the start box).
    """
    lower, upper = (checked_array("start", corner, (None,)) for corner in _checked_box("start", start))
    inside = None if basin is None else _checked_box("basin", basin, lower.size)
    position = types.float64[::1]
    potential = Own(
        c_function("energy", energy, types.float64(position)),
        c_function("gradient", gradient, types.void(position, position)),
    )
    made = Landscape(name, lower.size, potential, None, (lower, upper), basin=inside)
    _check_gradient(made)
    return made


def _checked_box(name: str, box: tuple[ArrayLike, ArrayLike], dimension: int | None = None) -> Box:
    """Two corners of a box, of any equal size or of `dimension` components."""
    try:
        lower, upper = (np.ascontiguousarray(corner, dtype=np.float64) for corner in box)
    except (TypeError, ValueError):
        raise ValueError(f"{name} = {box!r}: must be two corners, arrays of numbers") from None
    shape = lower.shape if dimension is None else (dimension,)
    if lower.ndim != 1 or not lower.size or lower.shape != shape or upper.shape != shape:
        raise ValueError(f"{name}: corners have shapes {lower.shape}, {upper.shape}: must be one dimension")
    if not (lower <= upper).all():
        raise ValueError(f"{name} = {lower.tolist()}, {upper.tolist()}: must be lower corner <= upper corner")
    return lower, upper


def _check_gradient(made: Landscape) -> None:
    """Raise ValueError where a user's gradient differs from central differences of the energy."""
    lower, upper = made.start
    generator = np.random.default_rng(np.random.SeedSequence(0))
    for place in generator.uniform(lower, upper, (GRADIENT_CHECKS, made.dimension)):
        step = 1e-5 * (1.0 + np.abs(place))
        shifts = np.diag(step)
        differences = (made.energy(place + shifts) - made.energy(place - shifts)) / (2.0 * step)
        given = made.gradient(place)
        scale = 1.0 + np.abs(differences).max()
        if not np.allclose(given, differences, rtol=1e-4, atol=1e-6 * scale):
            raise ValueError(
                f"gradient: is {given.tolist()} at x = {place.tolist()}, "
                f"where finite differences of the energy give {differences.tolist()}"
            )
