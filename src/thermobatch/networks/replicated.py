"""The robust ensemble: y coupled replicas of any system of binary variables.

With inverse temperature beta, coupling gamma and replicas W^1 ... W^y of an instance with energy E:

- explicit centre V (which has no energy): P(V, {W^r}) ~ exp(-beta sum_r E(W^r) + gamma sum_r V . W^r);
- traced centre: P({W^r}) ~ exp(-beta sum_r E(W^r) + sum_i log 2 cosh(gamma sum_r W_i^r)), the same law
  summed over V.

Given the replicas, the traced centre has means tanh(gamma sum_r W_i^r). One replica without coupling is the system.

Source: Baldassi et al., PNAS 113, E7655 (2016), doi:10.1073/pnas.1608103113 (arXiv:1605.06444).
Colourings, whose variables have q values, are replicated in `thermobatch.coloring.replicated`.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from thermobatch.foundation.arguments import checked_choice, checked_integer
from thermobatch.foundation.compilation import kernel
from thermobatch.networks.binary import BinarySystem, flip, n_variables
from thermobatch.networks.patterns import random_signs, signs

Centre = Literal["traced", "explicit"]


class ReplicatedState(NamedTuple):
    """Compiled state of coupled replicas: that of the y copies, and of what couples them."""

    system: NamedTuple
    """State of the y copies (contract: `thermobatch.networks.binary`)."""
    sums: np.ndarray
    """int32[V]: sum over the replicas of every variable."""
    centre: np.ndarray
    """int8[V]: the explicit centre; of size 0 for the traced one."""


@dataclass(frozen=True)
class Replicated:
    """The robust ensemble of an instance: `replicas` copies under one of its energies, with a kind of centre."""

    instance: BinarySystem
    replicas: int
    energy: str
    centre: Centre = "traced"

    def __post_init__(self):
        if not hasattr(self.instance, "energies") or not hasattr(self.instance, "state"):
            raise ValueError(
                f"instance = {self.instance!r}: must be a Perceptron, a Committee or another system of binary variables"
            )
        checked_integer("replicas", self.replicas, 1)
        checked_choice("energy", self.energy, self.instance.energies)
        checked_choice("centre", self.centre, ("traced", "explicit"))

    def state(self, spins: np.ndarray, centre: np.ndarray | None = None) -> ReplicatedState:
        """Return the compiled state of replicas int8[y, V] and, for an explicit centre, of its spins int8[V]."""
        if self.centre == "traced":
            centre = np.empty(0, dtype=np.int8)
        return ReplicatedState(
            system=self.instance.state(spins, self.energy),
            sums=spins.sum(axis=0, dtype=np.int32),
            centre=np.array(centre, dtype=np.int8),
        )

    def random_state(self, generator: np.random.Generator) -> ReplicatedState:
        """Return the state of independent, uniformly drawn replicas (and centre)."""
        spins = random_signs(generator, (self.replicas + 1, n_variables(self.instance)))
        return self.state(spins[:-1], spins[-1])

    def given_state(self, initial: np.ndarray) -> ReplicatedState:
        """Return the state of the user's replicas (y, V), checked, with their majority (ties: the first) as centre."""
        spins = signs("initial", initial, 2)
        return self.state(spins, np.sign(2 * spins.sum(axis=0, dtype=np.int64) + spins[0]))

    def centre_of(self, state: ReplicatedState) -> np.ndarray:
        """Return the explicit centre, or the signs of the replicas' sums (0: a tie): int8[V]."""
        return state.centre if state.centre.size else np.sign(state.sums).astype(np.int8)


def log_weight(energies, spins, beta: float, coupling: float, centre=None) -> float:
    """Return the logarithm of the (unnormalised) probability of a replicated configuration.

    Parameters
    ----------
    energies : energy of every replica, shape (y,).
    spins : +-1, shape (y, V).
    beta, coupling : inverse temperature and gamma, in units of 1/energy and 1.
    centre : +-1, shape (V,), for the explicit centre; None for the traced one.
    """
    sums = np.asarray(spins).sum(axis=0)
    if centre is None:
        attraction = np.logaddexp(coupling * sums, -coupling * sums).sum()
    else:
        attraction = coupling * float(np.asarray(centre, dtype=np.int64) @ sums)
    return float(-beta * np.sum(energies) + attraction)


@kernel
def log_2cosh(x):
    """Return log(2 cosh x) without overflow."""
    return np.abs(x) + np.log1p(np.exp(-2.0 * np.abs(x)))


@kernel
def coupling_factors(coupling, replicas, explicit):
    """Return the factor of the acceptance ratio due to the coupling, indexed by alignment + y.

    The alignment is W_i^r sum_s W_i^s for a replica (traced centre), V_i W_i^r for a replica and V_i sum_s
    W_i^s for the centre (explicit centre).
    """
    factors = np.empty(2 * replicas + 1)
    for index in range(factors.size):
        alignment = index - replicas
        if explicit:
            exponent = -2.0 * coupling * alignment
        else:
            exponent = log_2cosh(coupling * (alignment - 2)) - log_2cosh(coupling * alignment)
        factors[index] = np.exp(min(700.0, exponent))
    return factors


@kernel
def alignment_of(spins, sums, centre, replica, variable):
    """Return the alignment that indexes `coupling_factors`; replica = y is the explicit centre."""
    if centre.size == 0:
        return np.int64(spins[replica, variable] * sums[variable])
    if replica == spins.shape[0]:
        return np.int64(centre[variable] * sums[variable])
    return np.int64(centre[variable] * spins[replica, variable])


@kernel(forceinline=True)
def flip_replicated(system, sums, centre, replica, variable, change):
    """Flip a variable of a replica, or of the explicit centre (replica = y), and keep the sums current."""
    if replica == system.spins.shape[0]:
        centre[variable] = -centre[variable]
    else:
        flip(system, replica, variable, change)
        sums[variable] += 2 * system.spins[replica, variable]
