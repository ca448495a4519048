"""Coupled replicas of a perceptron whose weights have several levels, attracted by a traced centre.

With L levels -(L - 1), ..., L - 1 (odd numbers), the largest of which is T = L - 1, replicas W^1 ... W^y are coupled by
their quadratic distance from a centre V on the same levels, in units of the largest weight, and V is summed over:

    P({W^r}) ~ exp(-beta sum_r E(W^r)) prod_i sum_{V_i} exp(-(gamma / 2) sum_r ((W_i^r - V_i) / T)^2).

For L = 2 this is the law of `thermobatch.networks.replicated`: ((W - V) / T)^2 = 2 - 2 W V, so that the sum is
exp(-gamma y) 2 cosh(gamma sum_r W_i^r). In general, with S_i = sum_r W_i^r and c = gamma / (2 T^2), the logarithm of a
site's factor is

    -c sum_r (W_i^r)^2 + g(S_i),    g(S) = log sum_V exp(-c (y V^2 - 2 V S)),

and a move of W_i^r by 2 s, s = +-1, multiplies the probability by
exp(-beta dE - 4 c (s W_i^r + 1) + g(S_i + 2 s) - g(S_i)).

The law of the replicas is ours (see `thermobatch.networks.levels`).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from thermobatch.networks.binary import n_variables
from thermobatch.networks.levels import level_values, on_levels, random_levels
from thermobatch.networks.replicated import Centre, Replicated


class LevelReplicas(NamedTuple):
    """Compiled state of coupled replicas on several levels."""

    system: NamedTuple
    """`thermobatch.networks.threshold_units.ThresholdState`, whose `spins` are the weights."""
    sums: np.ndarray
    """int32[V]: sum over the replicas of every weight."""
    top: int
    """Largest weight T."""


@dataclass(frozen=True)
class LevelReplicated(Replicated):
    """The ensemble of this file: `replicas` copies under one energy of an instance that has `levels`."""

    def __post_init__(self):
        super().__post_init__()
        if self.centre != "traced":
            raise ValueError(
                f"centre = {self.centre!r}: must be 'traced' with levels = {self.instance.levels} (an explicit centre "
                "is for weights +-1)"
            )

    def state(self, spins: np.ndarray, centre: np.ndarray | None = None) -> LevelReplicas:
        """Return the compiled state of replicas int8[y, V]."""
        system = self.instance.state(spins, self.energy)
        return LevelReplicas(system, spins.sum(axis=0, dtype=np.int32), self.instance.levels - 1)

    def random_state(self, generator: np.random.Generator) -> LevelReplicas:
        """Return the state of independent, uniformly drawn replicas."""
        shape = (self.replicas, n_variables(self.instance))
        return self.state(random_levels(generator, shape, self.instance.levels))

    def given_state(self, initial: np.ndarray) -> LevelReplicas:
        """Return the state of the user's replicas (y, V), checked."""
        return self.state(on_levels("initial", initial, 2, self.instance.levels))

    def centre_of(self, state: LevelReplicas) -> np.ndarray:
        """Return the levels nearest to the replicas' means, int8[V]; the even number between two equally near ones."""
        low, high = nearest_levels(state)
        return ((low + high) // 2).astype(np.int8)


def ensemble(instance, replicas: int, energy: str, centre: Centre) -> Replicated:
    """Return the ensemble of coupled replicas that fits an instance: of binary variables, or of several levels."""
    kind = LevelReplicated if getattr(instance, "levels", 2) > 2 else Replicated
    return kind(instance, replicas, energy, centre)


def nearest_levels(state: LevelReplicas) -> tuple[np.ndarray, np.ndarray]:
    """Return the levels nearest to the replicas' means, int64[V] each; they differ where two are equally near."""
    mean = state.sums / state.system.spins.shape[0]
    low = 2 * np.ceil((mean - 2) / 2) + 1
    high = 2 * np.floor(mean / 2) + 1
    return tuple(np.clip(near, -state.top, state.top).astype(np.int64) for near in (low, high))


def distances_and_overlap(state: LevelReplicas) -> tuple[np.ndarray, float]:
    """Return the distances of the replicas from their centre, float64[y], and the mean overlap of two of them.

    Distances are quadratic and normalised, sum_i ((W_i - V_i) / (2 T))^2 / N, with V the nearest level to the mean (two
    equally near ones count half each); an overlap is 1 - 2 d. For two levels both are those of binary weights.
    """
    weights = state.system.spins.astype(float)
    squares = [(weights - near) ** 2 for near in nearest_levels(state)]
    distances = np.mean(squares, axis=(0, 2)) / (2 * state.top) ** 2
    replicas, variables = weights.shape
    if replicas == 1:
        return distances, 1.0
    between = replicas * np.sum(weights**2) - np.sum(state.sums.astype(float) ** 2)
    pairs = replicas * (replicas - 1) / 2
    return distances, 1 - 2 * float(between) / (pairs * variables * (2 * state.top) ** 2)


def log_weight(energies, weights, beta: float, coupling: float, levels: int) -> float:
    """Return the logarithm of the (unnormalised) probability of replicas.

    Parameters
    ----------
    energies : energy of every replica, shape (y,).
    weights : odd levels, shape (y, V).
    beta, coupling : inverse temperature and gamma, in units of 1/energy and 1.
    levels : L.
    """
    apart = (np.asarray(weights)[None] - level_values(levels)[:, None, None]) / (levels - 1)
    attraction = np.logaddexp.reduce(-coupling / 2 * np.sum(apart**2, axis=1), axis=0).sum()
    return float(-beta * np.sum(energies) + attraction)
