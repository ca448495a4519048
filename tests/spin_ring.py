"""An Ising ring that implements the contract of binary systems: what a user's own system looks like."""

from typing import NamedTuple

import numpy as np

from thermobatch.networks.binary import register_binary_state


class RingState(NamedTuple):
    spins: np.ndarray
    energies: np.ndarray


def ring_energy_change(state, replica, variable):
    spins = state.spins[replica]
    aligned = spins[variable] * (spins[variable - 1] + spins[(variable + 1) % spins.size])
    return np.int64(aligned)


def ring_flip(state, replica, variable, change):
    state.spins[replica, variable] = -state.spins[replica, variable]
    state.energies[replica] += change


register_binary_state(RingState, ring_energy_change, ring_flip)


class Ring:
    """An Ising ring, E = number of unsatisfied bonds: a system the package knows nothing about."""

    energies = ("bonds",)

    def __init__(self, n):
        self.variable_dims = {"site": n}

    def beta_unit(self, energy):
        return 1.0

    def errors(self, spins):
        return int(np.count_nonzero(spins != np.roll(spins, 1)))

    def state(self, spins, energy):
        return RingState(spins.copy(), np.array([self.errors(s) for s in spins]))
