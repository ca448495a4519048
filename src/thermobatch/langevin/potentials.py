"""The forms of energy of a continuous position, for kernels: ``potential_energy``, ``potential_gradient``.

A form is a NamedTuple of its parameters. Kernels call the two functions on any form; numba picks the code
from the type, so a call costs nothing. A new form needs its NamedTuple, its two kernels and one line in each
of the two tables.
"""

from typing import NamedTuple

import numpy as np
from numba import types
from numba.extending import overload

from thermobatch.foundation.compilation import c_function, kernel


class Quadratic(NamedTuple):
    """L = floor + (w - minimum) H (w - minimum) / 2, with H = `hessian`."""

    hessian: np.ndarray
    minimum: np.ndarray
    floor: float


class DoubleWell(NamedTuple):
    """L = barrier (x^2 - 1)^2 + tilt x, in one dimension."""

    barrier: float
    tilt: float


class Rugged(NamedTuple):
    """L = sum_i [curvature x_i^2 + amplitude (1 - cos(wavenumber x_i))], in any dimension."""

    curvature: float
    amplitude: float
    wavenumber: float


class Own(NamedTuple):
    """The user's own ``energy(x) -> float`` and ``gradient(x, out)``, as numba C functions."""

    energy: object
    gradient: object

    @classmethod
    def compiled(cls, energy, gradient) -> "Own":
        """Compile two ``numba.njit`` functions."""
        position = types.float64[::1]
        return cls(
            c_function(energy, types.float64(position)), c_function(gradient, types.void(position, position))
        )

    def __reduce__(self):
        """Travel as the functions, to be compiled anew: an address means nothing in another process."""
        return Own.compiled, (self.energy.function, self.gradient.function)


@kernel
def quadratic_energy(potential, x):
    """Energy of a :class:`Quadratic`."""
    total = 0.0
    for i in range(x.size):
        slope = 0.0
        for j in range(x.size):
            slope += potential.hessian[i, j] * (x[j] - potential.minimum[j])
        total += slope * (x[i] - potential.minimum[i])
    return potential.floor + 0.5 * total


@kernel
def quadratic_gradient(potential, x, out):
    """Gradient of a :class:`Quadratic`."""
    for i in range(x.size):
        slope = 0.0
        for j in range(x.size):
            slope += potential.hessian[i, j] * (x[j] - potential.minimum[j])
        out[i] = slope


@kernel
def double_well_energy(potential, x):
    """Energy of a :class:`DoubleWell`."""
    square = x[0] * x[0] - 1.0
    return potential.barrier * square * square + potential.tilt * x[0]


@kernel
def double_well_gradient(potential, x, out):
    """Gradient of a :class:`DoubleWell`."""
    out[0] = 4.0 * potential.barrier * x[0] * (x[0] * x[0] - 1.0) + potential.tilt


@kernel
def rugged_energy(potential, x):
    """Energy of a :class:`Rugged`."""
    total = 0.0
    for i in range(x.size):
        ripple = potential.amplitude * (1.0 - np.cos(potential.wavenumber * x[i]))
        total += potential.curvature * x[i] * x[i] + ripple
    return total


@kernel
def rugged_gradient(potential, x, out):
    """Gradient of a :class:`Rugged`."""
    for i in range(x.size):
        ripple = potential.amplitude * potential.wavenumber * np.sin(potential.wavenumber * x[i])
        out[i] = 2.0 * potential.curvature * x[i] + ripple


@kernel
def own_energy(potential, x):
    """Energy of an :class:`Own`."""
    return potential.energy(x)


@kernel
def own_gradient(potential, x, out):
    """Gradient of an :class:`Own`."""
    potential.gradient(x, out)


ENERGIES = {
    Quadratic: quadratic_energy,
    DoubleWell: double_well_energy,
    Rugged: rugged_energy,
    Own: own_energy,
}
GRADIENTS = {
    Quadratic: quadratic_gradient,
    DoubleWell: double_well_gradient,
    Rugged: rugged_gradient,
    Own: own_gradient,
}


def potential_energy(potential, x):
    """Return the energy of `potential` at the position `x`, float64[d] (to be called in kernels)."""
    return ENERGIES[type(potential)](potential, x)


def potential_gradient(potential, x, out):
    """Write the gradient of `potential` at `x` into `out`, both float64[d] (to be called in kernels)."""
    GRADIENTS[type(potential)](potential, x, out)


@overload(potential_energy)
def _energy_of_type(potential, x):
    """Let numba choose the energy from the type of the form."""
    energy = ENERGIES.get(getattr(potential, "instance_class", None))
    return energy and (lambda potential, x: energy(potential, x))


@overload(potential_gradient)
def _gradient_of_type(potential, x, out):
    """Let numba choose the gradient from the type of the form."""
    gradient = GRADIENTS.get(getattr(potential, "instance_class", None))
    return gradient and (lambda potential, x, out: gradient(potential, x, out))


@kernel
def energies(potential, positions, out):
    """Write the energies of the rows of `positions`, float64[n, d], into `out`, float64[n]."""
    for row in range(positions.shape[0]):
        out[row] = potential_energy(potential, positions[row])


@kernel
def gradients(potential, positions, out):
    """Write the gradients at the rows of `positions`, float64[n, d], into `out`, float64[n, d]."""
    for row in range(positions.shape[0]):
        potential_gradient(potential, positions[row], out[row])
