"""The contract of a system of binary variables, so that every sampler runs on every such system.

An *instance* (the user's object) offers what :class:`BinarySystem` lists. Its compiled *state* is a NamedTuple
that holds y copies (replicas) of the system and has at least the fields ``spins`` (int8[y, V], entries +-1) and
``energies`` (int64[y], current). Kernels act on it through two functions, chosen by the type of the state:

- ``energy_change(state, replica, variable)``: change of that replica's energy if the variable were flipped;
- ``flip(state, replica, variable, change)``: flip it; ``change`` is what ``energy_change`` just gave.

A new system writes both as plain functions that numba can compile and calls :func:`register_binary_state` once.
Energies are integers; a system with another unit of energy says so by ``beta_unit``. Public functions call the kernels
through :func:`kernel_for`.
"""

from functools import cache
from typing import Protocol

import numpy as np
from numba.extending import overload

from thermobatch.foundation.compilation import uncached


class BinarySystem(Protocol):
    """What an instance must offer to be sampled, replicated and enumerated."""

    energies: tuple[str, ...]
    """Names of its energies."""

    variable_dims: dict[str, int]
    """Named axes of one configuration, in order; their lengths multiply to the number V of variables."""

    def beta_unit(self, energy: str) -> float:
        """Return the unit of inverse temperature in which schedules for this energy are stated."""

    def state(self, spins: np.ndarray, energy: str):
        """Return the compiled state of y replicas from int8[y, V] spins."""

    def errors(self, spins: np.ndarray) -> int:
        """Return the number of violated constraints of one configuration (0 where the energy is 0)."""


STATE_CLASSES: dict[str, type] = {}
"""Registered classes of states, by name."""


def n_variables(instance: BinarySystem) -> int:
    """Return the number V of binary variables of an instance."""
    return int(np.prod(list(instance.variable_dims.values())))


def energy_change(state, replica, variable):
    """Return the change of energy of `replica` if `variable` were flipped (inside kernels only)."""
    raise TypeError("energy_change is called from compiled kernels only")


def flip(state, replica, variable, change):
    """Flip `variable` of `replica`, whose energy changes by `change` (inside kernels only)."""
    raise TypeError("flip is called from compiled kernels only")


def register_binary_state(state_class: type, energy_change_of, flip_of) -> None:
    """Make :func:`energy_change` and :func:`flip` act on states of `state_class` inside kernels.

    The first is inlined by numba, which spares passing the state: keep it free of side effects. Numba loses the
    statements of an inlined function without result, so the second is only marked for the compiler.

    Raises
    ------
    ValueError
        If another class of this name is registered: numba names compiled code by it and would confuse the two.
    """
    name = state_class.__name__
    if STATE_CLASSES.setdefault(name, state_class) is not state_class:
        raise ValueError(f"state_class = {state_class!r}: must have a name of its own, {name!r} is taken")

    @overload(energy_change, inline="always")
    def choose_energy_change(state, replica, variable):
        return energy_change_of if getattr(state, "instance_class", None) is state_class else None

    @overload(flip, jit_options={"forceinline": True})
    def choose_flip(state, replica, variable, change):
        return flip_of if getattr(state, "instance_class", None) is state_class else None


@cache
def kernel_for(function, state_class: type):
    """Return a kernel fit for states of a class: itself for the package's own, an uncached copy for a user's."""
    return function if state_class.__module__.startswith("thermobatch.") else uncached(function)
