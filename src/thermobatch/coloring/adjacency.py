"""Adjacency lists of sparse multigraphs, compressed in two arrays (CSR).

The neighbours of vertex i are ``neighbors[offsets[i]:offsets[i + 1]]``, in increasing order; an edge that occurs m
times appears m times in the rows of both its end points. A position in `neighbors` is a *half-edge*. Random graphs
are written straight into this form by drawing the same edges twice (count, then fill), so that no list of edges is
ever held.

Kernels that may run for seconds write into arrays of their caller: to hand a new array to Python, compiled code calls
Python, and a Ctrl-C that came meanwhile would break off that call, which crashes the process.
"""

import numpy as np

from thermobatch.foundation.compilation import kernel
from thermobatch.foundation.streams import next_below


@kernel
def draw_edge(state, n, group_size):
    """Draw an ordered pair of vertices, uniform among the pairs in different blocks of `group_size` vertices."""
    first = next_below(state, n)
    second = (first // group_size + 1) * group_size + next_below(state, n - group_size)
    return first, second - n if second >= n else second


@kernel
def _draw(state, group_size, labels, offsets, neighbors):
    n, n_edges = offsets.size - 1, neighbors.size // 2
    beginning = state.copy()
    for _ in range(n_edges):
        first, second = draw_edge(state, n, group_size)
        if labels is not None:
            first, second = labels[first], labels[second]
        offsets[first + 1] += 1
        offsets[second + 1] += 1
    accumulate_degrees(offsets)
    state[:] = beginning
    for _ in range(n_edges):
        first, second = draw_edge(state, n, group_size)
        if labels is not None:
            first, second = labels[first], labels[second]
        insert_edge(offsets, neighbors, first, second)
    restore_offsets(offsets)
    sort_rows(offsets, neighbors)


def draw_adjacency(state, n, n_edges, group_size, labels) -> tuple[np.ndarray, np.ndarray]:
    """Draw `n_edges` edges between blocks of `group_size` vertices: return ``(offsets, neighbors)``.

    ``group_size = 1`` draws uniform pairs of distinct vertices. `labels` (int32[n], or None) renames the vertices.
    """
    offsets, neighbors = np.zeros(n + 1, np.int64), np.empty(2 * n_edges, np.int32)
    _draw(state, group_size, labels, offsets, neighbors)
    return offsets, neighbors


@kernel
def _fill(edges, offsets, neighbors):
    for edge in range(len(edges)):
        offsets[edges[edge, 0] + 1] += 1
        offsets[edges[edge, 1] + 1] += 1
    accumulate_degrees(offsets)
    for edge in range(len(edges)):
        insert_edge(offsets, neighbors, edges[edge, 0], edges[edge, 1])
    restore_offsets(offsets)
    sort_rows(offsets, neighbors)


def adjacency_of_edges(edges, n) -> tuple[np.ndarray, np.ndarray]:
    """Return ``(offsets, neighbors)`` of the graph with vertices 0..n-1 and the rows of `edges` (int32[M, 2])."""
    offsets, neighbors = np.zeros(n + 1, np.int64), np.empty(2 * len(edges), np.int32)
    _fill(edges, offsets, neighbors)
    return offsets, neighbors


@kernel
def accumulate_degrees(offsets):
    """Turn ``offsets[i + 1]`` = degree of i into the start of every row, in place."""
    for row in range(1, offsets.size):
        offsets[row] += offsets[row - 1]


@kernel
def insert_edge(offsets, neighbors, first, second):
    """Write both half-edges where their rows begin, and move those beginnings on (offsets serve as cursors)."""
    neighbors[offsets[first]] = second
    offsets[first] += 1
    neighbors[offsets[second]] = first
    offsets[second] += 1


@kernel
def restore_offsets(offsets):
    """Undo what :func:`insert_edge` did to the offsets: each then holds the beginning of the next row."""
    for row in range(offsets.size - 1, 0, -1):
        offsets[row] = offsets[row - 1]
    offsets[0] = 0


@kernel
def sort_rows(offsets, neighbors):
    """Sort the neighbours of every vertex, in place: the canonical form."""
    for vertex in range(offsets.size - 1):
        neighbors[offsets[vertex] : offsets[vertex + 1]].sort()


@kernel
def first_flaw(offsets, neighbors):
    """Return the first vertex whose row breaks the canonical form of a multigraph without self-loops, or -1.

    Walks the half-edges (i, j) by increasing i and requires that row j names them in that order: this holds exactly
    when the rows are sorted and every edge is listed from both ends. `offsets` must already be increasing.
    """
    n = offsets.size - 1
    cursor = offsets[:-1].copy()
    for vertex in range(n):
        for half_edge in range(offsets[vertex], offsets[vertex + 1]):
            other = neighbors[half_edge]
            if other < 0 or other >= n or other == vertex or cursor[other] >= offsets[other + 1]:
                return vertex
            if neighbors[cursor[other]] != vertex:
                return vertex
            cursor[other] += 1
    return -1


@kernel
def _number_edges(offsets, neighbors, edge_of):
    cursor = offsets[:-1].copy()
    edge = 0
    for vertex in range(offsets.size - 1):
        for half_edge in range(offsets[vertex], offsets[vertex + 1]):
            other = neighbors[half_edge]
            if other > vertex:
                edge_of[half_edge] = edge
                edge_of[cursor[other]] = edge
                cursor[other] += 1
                edge += 1


def edge_of_half_edge(offsets, neighbors) -> np.ndarray:
    """Return int32[2M]: the number of the edge each half-edge belongs to (edges counted as :func:`list_edges` does)."""
    edge_of = np.empty(neighbors.size, np.int32)
    _number_edges(offsets, neighbors, edge_of)
    return edge_of


@kernel
def _list(offsets, neighbors, edges):
    edge = 0
    for vertex in range(offsets.size - 1):
        for other in neighbors[offsets[vertex] : offsets[vertex + 1]]:
            if other > vertex:
                edges[edge, 0] = vertex
                edges[edge, 1] = other
                edge += 1


def list_edges(offsets, neighbors) -> np.ndarray:
    """Return int32[M, 2]: every edge once, smaller vertex first, in lexicographic order."""
    edges = np.empty((neighbors.size // 2, 2), np.int32)
    _list(offsets, neighbors, edges)
    return edges


@kernel
def monochromatic_edges(offsets, neighbors, colors):
    """Return the number of edges whose end points have the same colour."""
    half_edges = 0
    for vertex in range(offsets.size - 1):
        color = colors[vertex]
        for half_edge in range(offsets[vertex], offsets[vertex + 1]):
            half_edges += colors[neighbors[half_edge]] == color
    return half_edges // 2
