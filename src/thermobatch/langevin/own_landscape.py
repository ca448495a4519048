"""A landscape of the user's own, from an energy and its gradient."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from thermobatch.foundation.arguments import checked_array, described, real_numbers
from thermobatch.langevin.landscapes import Box, Landscape
from thermobatch.langevin.own_functions import checked_energy_and_gradient
from thermobatch.langevin.potentials import Own


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
        ``energy(x) -> float`` of a position x, float64[d], which it must not change; plain Python or already
        ``numba.njit``. What it reads besides (globals, enclosing variables) is taken as it is now.
    gradient : callable
        ``gradient(x, out)`` writes the gradient of `energy` at x into all of `out`, float64[d].
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
        When numba cannot compile a function, or, at a few places of the start box (and around one without width):
        when it fails, reads or writes beyond its arrays, changes x, leaves an entry of out or depends on more than x;
        when the energy is not finite, or `gradient` is not its gradient (it is compared with finite differences).
        Later, when one of them fails, or reads or writes beyond its arrays, where :meth:`Landscape.energy` or
        :meth:`Landscape.gradient` is asked for, or at a recorded or the last position of a run.
    """
    lower, upper = (checked_array("start", corner, (None,)) for corner in _checked_box("start", start))
    inside = None if basin is None else _checked_box("basin", basin, lower.size)
    checked = checked_energy_and_gradient(energy, gradient, (lower, upper))
    potential = Own.compiled(*(each.function for each in checked))
    return Landscape(name, lower.size, potential, None, (lower, upper), basin=inside, checked=checked)


def _checked_box(name: str, box: tuple[ArrayLike, ArrayLike], dimension: int | None = None) -> Box:
    """Two corners of a box, of any equal size or of `dimension` components."""
    allowed = "two corners, arrays of numbers"
    corners = box if isinstance(box, list | tuple) else np.atleast_1d(real_numbers(name, box, allowed))
    if len(corners) != 2:
        raise ValueError(f"{name} {described(box)}: must be {allowed}")
    lower, upper = (np.ascontiguousarray(real_numbers(name, part), dtype=np.float64) for part in corners)
    shape = lower.shape if dimension is None else (dimension,)
    if lower.ndim != 1 or not lower.size or lower.shape != shape or upper.shape != shape:
        raise ValueError(f"{name}: corners have shapes {lower.shape}, {upper.shape}: must be one dimension")
    if not (lower <= upper).all():
        raise ValueError(f"{name} = {lower.tolist()}, {upper.tolist()}: must be lower corner <= upper corner")
    return lower, upper
