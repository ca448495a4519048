"""Mini-batches of edges: which half-edges a sweep of the SGD-like dynamics sees.

A flag per edge (both ends see the same) or per half-edge (each end sees its own) is redrawn at the start of every
sweep. Where the flags of a vertex are used only once per draw, the table of :mod:`acceptance` has the same law and
replaces them; this file serves the other cases.
"""

from typing import NamedTuple

import numpy as np

from thermobatch.coloring.adjacency import edge_of_half_edge
from thermobatch.coloring.dynamics.acceptance import probability_thresholds
from thermobatch.coloring.graph import ColoringGraph
from thermobatch.foundation.compilation import kernel
from thermobatch.foundation.streams import advance, next_below


class EdgeBatch(NamedTuple):
    """The mini-batch of the current sweep.

    flags : uint8[F], 1 in the batch, one per edge or per half-edge (empty: no mini-batch)
    flag_of : int32[2 M], the flag of each half-edge
    mirror : int, ``flag_of[h] ^ mirror`` is the flag of the same edge seen from its other end
    pool : int32[M], a permutation of the edges to draw from without replacement (empty: independent flags)
    threshold : uint64, round(B 2^63), for independent flags
    size : int, number of edges in the batch, for draws without replacement
    """

    flags: np.ndarray
    flag_of: np.ndarray
    mirror: int
    pool: np.ndarray
    threshold: np.uint64
    size: int


_NONE = np.empty(0, np.int32)
NO_BATCH = EdgeBatch(np.empty(0, np.uint8), _NONE, 0, _NONE, np.uint64(0), 0)


def half_edge_batch(graph: ColoringGraph, batch_fraction: float) -> EdgeBatch:
    """Return flags for every half-edge, independent with probability `batch_fraction`.

    Edge e has the flags 2 e and 2 e + 1, for its smaller and its larger vertex.
    """
    flag_of = edge_of_half_edge(graph.offsets, graph.neighbors)
    flag_of *= 2
    flag_of += graph.neighbors < np.repeat(np.arange(graph.n, dtype=np.int32), graph.degrees)
    flags = np.zeros(graph.neighbors.size, np.uint8)
    return EdgeBatch(flags, flag_of, 1, _NONE, probability_thresholds(batch_fraction)[()], 0)


def shared_edge_batch(graph: ColoringGraph, batch_fraction: float) -> EdgeBatch:
    """Return flags for every edge, independent with probability `batch_fraction`."""
    flag_of = edge_of_half_edge(graph.offsets, graph.neighbors)
    flags = np.zeros(graph.n_edges, np.uint8)
    return EdgeBatch(flags, flag_of, 0, _NONE, probability_thresholds(batch_fraction)[()], 0)


def exact_edge_batch(graph: ColoringGraph, batch_fraction: float) -> EdgeBatch:
    """Return flags for every edge, exactly floor(B M) of them set; ValueError if that is none.

    The product is rounded up by at most 1e-9 before the floor, so that B = 0.29 of 100 edges is 29.
    """
    size = int(np.floor(batch_fraction * graph.n_edges + 1e-9))
    if size == 0:
        raise ValueError(
            f"batch_fraction = {batch_fraction!r}: must give at least one of the {graph.n_edges} edges "
            '(floor(batch_fraction * M) >= 1) for scheme "shared_edge_exact"'
        )
    flag_of = edge_of_half_edge(graph.offsets, graph.neighbors)
    pool = np.arange(graph.n_edges, dtype=np.int32)
    return EdgeBatch(np.zeros(graph.n_edges, np.uint8), flag_of, 0, pool, np.uint64(0), size)


@kernel
def draw_batch(batch, state):
    """Redraw the flags of a mini-batch, in place."""
    if batch.pool.size > 0:
        _draw_exactly(batch.flags, batch.pool, batch.size, state)
    else:
        _draw_independently(batch.flags, batch.threshold, state)


@kernel
def _draw_independently(flags, threshold, state):
    """Set each flag with probability threshold / 2^63; the stream stays in registers."""
    s0, s1, s2, s3 = state[0], state[1], state[2], state[3]
    for k in range(flags.size):
        output, s0, s1, s2, s3 = advance(s0, s1, s2, s3)
        flags[k] = (output >> np.uint64(1)) < threshold
    state[0], state[1], state[2], state[3] = s0, s1, s2, s3


@kernel
def _draw_exactly(flags, pool, size, state):
    """Set exactly `size` flags: begin a Fisher-Yates shuffle of the pool for the smaller of batch and complement."""
    inside = 2 * size <= pool.size
    flags[:] = 0 if inside else 1
    for k in range(size if inside else pool.size - size):
        other = k + next_below(state, pool.size - k)
        edge = pool[other]
        pool[other] = pool[k]
        pool[k] = edge
        flags[edge] = 1 if inside else 0
