"""The robust ensemble of a colouring: y coupled replicas of the Potts variables of a graph.

A binary variable has gamma W.V = gamma (2 delta(W, V) - 1). For q colours the coupling is defined to agree
with it, up to a constant, at q = 2: each replica s^r sees the centre V through 2 gamma sum_i delta(s_i^r,
V_i). Summing over the q^N centres gives the law of the replicas,

    P({s^r}) ~ exp(-beta sum_r E(s^r)) prod_i Z_i,    Z_i = sum_c exp(2 gamma n_i(c)),

where n_i(c) is the number of replicas that give colour c to vertex i; given the replicas, P(V_i = c) is
exp(2 gamma n_i(c)) / Z_i. The distance of two colourings is the fraction of vertices coloured differently.

Colours are compared by name. A single replica may permute its colours at no cost, coupled replicas only all
together: the coupling is a ferromagnetic one, which must first make the replicas agree on the names. In the
paramagnet, where annealing starts, names carry no information yet; ramp gamma from 0 so that they are
agreed upon while they form.

Sources: Baldassi et al., PNAS 113, E7655 (2016), doi:10.1073/pnas.1608103113 (robust ensemble); Angelini &
Ricci-Tersenghi, arXiv:2206.04760 (planted colouring). Their combination, and the Potts coupling, are our own.
"""

from typing import NamedTuple

import numpy as np

from thermobatch.coloring.graph import ColoringGraph, energy
from thermobatch.foundation.compilation import kernel


class ReplicatedColors(NamedTuple):
    """Compiled state of y replicas of a colouring."""

    colors: np.ndarray
    """uint8[y, N]."""
    counts: np.ndarray
    """int32[N, q]: number of replicas that give each colour to each vertex."""
    energies: np.ndarray
    """int64[y]: monochromatic edges of each replica."""
    offsets: np.ndarray
    neighbors: np.ndarray


def replicated_colors(graph: ColoringGraph, colors: np.ndarray) -> ReplicatedColors:
    """Return the state of the replicas `colors`, int[y, N]."""
    return ReplicatedColors(
        colors=np.array(colors, dtype=np.uint8),
        counts=(np.asarray(colors)[:, :, None] == np.arange(graph.q)).sum(axis=0, dtype=np.int32),
        energies=np.array([energy(graph, replica) for replica in colors], dtype=np.int64),
        offsets=graph.offsets,
        neighbors=graph.neighbors,
    )


def coloring_log_weight(energies, colors: np.ndarray, q: int, beta: float, coupling: float) -> float:
    """Return the log of the (unnormalised) probability of replicas `colors` (y, N) with energies (y,)."""
    counts = (np.asarray(colors)[:, :, None] == np.arange(q)).sum(axis=0)
    return float(-beta * np.sum(energies) + np.logaddexp.reduce(2 * coupling * counts, axis=1).sum())


@kernel(forceinline=True)
def recoloring_cost(colors, offsets, neighbors, place, new):
    """Return dE of giving vertex i of replica r, place = (r, i), the colour `new`."""
    replica, vertex = place
    old = colors[replica, vertex]
    cost = 0
    for position in range(offsets[vertex], offsets[vertex + 1]):
        color = colors[replica, neighbors[position]]
        cost += np.int64(color == new) - np.int64(color == old)
    return cost


@kernel(forceinline=True)
def centre_ratio(counts, vertex, old, new, powers):
    """Return Z_i after / Z_i before a replica moves from `old` to `new`; powers[k + y] = exp(2 gamma k)."""
    replicas = powers.size - 2
    largest = np.int32(0)
    for color in range(counts.shape[1]):
        largest = max(largest, counts[vertex, color])
    shift = replicas - largest
    others = 0.0
    for color in range(counts.shape[1]):
        if color != old and color != new:
            others += powers[counts[vertex, color] + shift]
    from_old = counts[vertex, old] + shift
    from_new = counts[vertex, new] + shift
    after = others + powers[from_old - 1] + powers[from_new + 1]
    return after / (others + powers[from_old] + powers[from_new])


@kernel(forceinline=True)
def recolor(colors, counts, place, new):
    """Give vertex i of replica r, place = (r, i), a new colour, and keep the counts current."""
    replica, vertex = place
    counts[vertex, colors[replica, vertex]] -= 1
    counts[vertex, new] += 1
    colors[replica, vertex] = new
