"""Population dynamics of colouring messages on a Poisson tree.

A vertex of known true colour has a Poisson number of children, each with a true colour drawn given its
parent's, and a message eta(s) from each child: the probability of colour s given what lies below it. Messages
obey eta(s) ~ prod_k [1 - (1 - x) eta_k(s)], x = exp(-1/T). The population stands for the law of the message
of a vertex whose true colour is 0.

By symmetry this law does not change when the other colours are permuted, but a finite population drifts away
from that symmetry and ends in a spurious fixed point. Every new message is therefore stored with its other
colours in random order; a child of true colour t reads a message with the entries of 0 and t exchanged.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import pdtr

from thermobatch.foundation.compilation import kernel
from thermobatch.foundation.streams import Seed, advance, next_below, random_stream

TO_UNIT = 2.0**-53
TO_UNIT_32 = 2.0**-32


class Broadcast(NamedTuple):
    """How true colours and degrees are drawn, and how messages are read.

    Attributes
    ----------
    mean_degree : float
        Mean number of children.
    keep : float
        Probability that a child has its parent's true colour; the others are equally likely.
    coupling : float
        1 - x, with x the Boltzmann weight of a monochromatic edge.
    """

    mean_degree: float
    keep: float
    coupling: float


def broadcast_at(mean_degree: float, x: float, q: int) -> Broadcast:
    """Return the broadcast of the Gibbs measure itself: messages are exact posteriors (Nishimori)."""
    return Broadcast(mean_degree, x / (q - 1 + x), 1 - x)


class TreePopulation:
    """Messages conditioned on true colour 0, updated one generation at a time from full information.

    Parameters
    ----------
    q : int
        Number of colours.
    size : int
        Number of messages.
    seed : int or SeedSequence
        Same seed and same updates, same population.

    Attributes
    ----------
    messages : float64[size, q]
        Probabilities; column 0 belongs to the true colour.
    order : float
        Order parameter (q <eta(0)> - 1)/(q - 1): 1 for full information, 0 for none.
    state : uint64[4]
        Its random stream.
    """

    def __init__(self, q: int, size: int, seed: Seed) -> None:
        self.messages = np.zeros((size, q))
        self.messages[:, 0] = 1.0
        self.order = 1.0
        self._next = np.empty_like(self.messages)
        self.state = random_stream(seed)

    def update(self, broadcast: Broadcast) -> float:
        """Replace all messages by those one generation up; return the order parameter."""
        self.order = self._generate(broadcast, self.state)
        self.messages, self._next = self._next, self.messages
        return self.order

    def trial(self, broadcast: Broadcast) -> float:
        """Return the order parameter that :meth:`update` would give, and leave the population as it is."""
        return self._generate(broadcast, self.state.copy())

    def _generate(self, broadcast: Broadcast, state: np.ndarray) -> float:
        q = self.messages.shape[1]
        factors = 1 - broadcast.coupling * self.messages
        factors *= q / (q - broadcast.coupling)  # keeps products over many children near 1
        true_mean = next_generation(
            factors, self._next, broadcast.keep, degree_law(broadcast.mean_degree), state
        )
        return (q * true_mean - 1) / (q - 1)


@kernel
def next_generation(factors, messages, keep, degrees, state):
    """Fill `messages` with the generation above children with `factors` 1 - (1-x) eta; return <eta(0)>.

    `degrees` is the cumulative law of the number of children (its last entry is 1).
    """
    size, q = factors.shape
    width = np.uint64(size)
    others = (q - 1) / (1.0 - keep)
    weights = np.empty(q)
    total = 0.0
    for i in range(size):
        s0, s1, s2, s3 = state[0], state[1], state[2], state[3]
        word, s0, s1, s2, s3 = advance(s0, s1, s2, s3)
        u = (i + np.float64(word >> np.uint64(11)) * TO_UNIT) / size  # stratified: degrees keep their law
        degree = 0
        while degrees[degree] <= u:
            degree += 1
        weights[:] = 1.0
        for _ in range(degree):
            word, s0, s1, s2, s3 = advance(s0, s1, s2, s3)
            child = factors[np.int64(((word >> np.uint64(32)) * width) >> np.uint64(32))]
            u = np.float64(word & np.uint64(0xFFFFFFFF)) * TO_UNIT_32
            if u < keep:
                for s in range(q):
                    weights[s] *= child[s]
            else:
                colour = min(1 + np.int64((u - keep) * others), q - 1)
                swapped = weights[colour] * child[0]
                weights[0] *= child[colour]
                for s in range(1, q):
                    weights[s] *= child[s]
                weights[colour] = swapped
        state[0], state[1], state[2], state[3] = s0, s1, s2, s3
        norm = weights.sum()
        if norm == 0.0:  # children that contradict each other: at T = 0, right after a higher temperature
            weights[:] = 1.0
            norm = float(q)
        for s in range(q):
            messages[i, s] = weights[s] / norm
        total += messages[i, 0]
        for last in range(q - 1, 1, -1):
            other = 1 + next_below(state, last)
            kept = messages[i, last]
            messages[i, last] = messages[i, other]
            messages[i, other] = kept
    return total / size


def degree_law(mean: float) -> np.ndarray:
    """Return the cumulative Poisson law of degrees, cut where less than 1e-16 is left."""
    table = pdtr(np.arange(int(mean + 12 * np.sqrt(mean) + 30)), mean)
    table[-1] = 1.0
    return table
