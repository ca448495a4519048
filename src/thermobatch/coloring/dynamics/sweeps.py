"""Compiled sweeps of local colour changes: the fast path on words and the general path on neighbour lists.

One proposal: draw 64 random bits r; the high word of r (q - 1) picks the new colour among the q - 1 others, the
low word decides the acceptance. Both paths use the same bits in the same way, so on the same graph, table and stream
they make the same moves. In the kernels n_old and n_new are the numbers of neighbours with the current and the
proposed colour.
"""

from typing import NamedTuple

import numpy as np

from thermobatch.coloring.dynamics.acceptance import Acceptance
from thermobatch.coloring.dynamics.edge_batches import EdgeBatch, draw_batch
from thermobatch.foundation.compilation import kernel
from thermobatch.foundation.streams import advance, next_below, next_word, shuffle, split_word

SEQUENTIAL, RANDOM_PERMUTATION, RANDOM_SEQUENTIAL = range(3)
RAN, SOLVED, NEAR_TARGET = range(3)


class Instance(NamedTuple):
    """A graph as kernels see it: offsets int64[N+1], neighbors int32[2M], groups uint8[N] (planted or 0), q uint64."""

    offsets: np.ndarray
    neighbors: np.ndarray
    groups: np.ndarray
    q: np.uint64


class Configuration(NamedTuple):
    """The colours of the vertices: words uint64[N] on the fast path (empty: general path), colors uint8[N].

    On the fast path `colors` is brought up to date by :func:`colors_of` only. `batch_words` (uint64[N], empty without
    a mini-batch) are words that count only the neighbours through edges of the mini-batch.
    """

    words: np.ndarray
    batch_words: np.ndarray
    colors: np.ndarray


class Rule(NamedTuple):
    """What decides on a proposal: the batch, if it has flags, else the acceptance table."""

    acceptance: Acceptance
    batch: EdgeBatch


class Counts(NamedTuple):
    """What is counted along the way.

    confusion : int64[q, q], vertices of each group and colour, kept up to date
    proposed, accepted : int64[D, D], proposals and moves by (n_old, n_new), D = max_degree + 1 (0: not counted)
    """

    confusion: np.ndarray
    proposed: np.ndarray
    accepted: np.ndarray


class Visits(NamedTuple):
    """The order of the vertices: a code, the vertices of the current sweep int32[N], its own stream."""

    code: int
    vertices: np.ndarray
    stream: np.ndarray


class Limits(NamedTuple):
    """When a block of sweeps ends: after `sweeps`; at E = 0 if `stop_at_solution`; when `target` may be reached.

    `target` is a number of vertices: the overlap is above the wanted value only if more than `target` vertices have
    the most frequent colour of their group.
    """

    sweeps: int
    stop_at_solution: bool
    target: int


@kernel(inline="always")
def half_edges_of(instance, vertex):
    """Return the range of a vertex's half-edges, unsigned: numba then drops its care for negative indices."""
    return range(np.uint64(instance.offsets[vertex]), np.uint64(instance.offsets[vertex + 1]))


@kernel
def words_of(instance, colors, words):
    """Fill `words` (uint64[N]): byte s holds the number of neighbours with colour s, the top byte the own colour."""
    for vertex in range(colors.size):
        word = np.uint64(colors[vertex]) << np.uint64(56)
        for half_edge in half_edges_of(instance, vertex):
            word += np.uint64(1) << np.uint64(8 * colors[instance.neighbors[half_edge]])
        words[vertex] = word


@kernel
def batch_words_of(configuration, instance, batch):
    """Fill the batch words: as :func:`words_of`, through edges of the mini-batch only and without the own colour."""
    colors, batch_words = configuration.colors, configuration.batch_words
    colors_of(configuration.words, colors)
    for vertex in range(colors.size):
        word = np.uint64(0)
        for half_edge in half_edges_of(instance, vertex):
            flag = np.uint64(batch.flags[np.uint64(batch.flag_of[half_edge])])
            word += flag << (np.uint64(colors[np.uint64(instance.neighbors[half_edge])]) << np.uint64(3))
        batch_words[vertex] = word


@kernel
def colors_of(words, colors):
    """Fill `colors` (uint8[N]) with the vertices' own colours."""
    for vertex in range(words.size):
        colors[vertex] = words[vertex] >> np.uint64(56)


@kernel
def sweep_words(words, batch_words, instance, rule, vertices, counts, stream):
    """Make one sweep on words (q <= 7, degrees <= 255): return ``(change of E, accepted moves)``.

    The random stream stays in registers and neighbours are touched only when a move is accepted. What is None is
    dropped by the compiler: `vertices` in sequential order, `batch_words` where the table decides.
    """
    acceptance, batch = rule.acceptance, rule.batch
    neighbors, groups = instance.neighbors, instance.groups
    thresholds = acceptance.thresholds
    stride, origin = np.uint64(acceptance.stride), np.uint64(acceptance.origin)
    others = instance.q - np.uint64(1)
    counting = counts.proposed.size > 0
    s0, s1, s2, s3 = stream[0], stream[1], stream[2], stream[3]
    change = 0
    moves = 0
    for visit in range(words.size):
        vertex = visit if vertices is None else vertices[visit]
        output, s0, s1, s2, s3 = advance(s0, s1, s2, s3)
        pick, fraction = split_word(output, others)
        word = words[vertex]
        old = word >> np.uint64(56)
        new = pick + np.uint64(pick >= old)
        old_shift, new_shift = old << np.uint64(3), new << np.uint64(3)
        n_old = (word >> old_shift) & np.uint64(255)
        n_new = (word >> new_shift) & np.uint64(255)
        if counting:
            counts.proposed[n_old, n_new] += 1
        if batch_words is None:
            accept = fraction < thresholds[origin + stride * n_old + n_new]
        else:
            seen = batch_words[vertex]
            accept = (seen >> new_shift) & np.uint64(255) <= (seen >> old_shift) & np.uint64(255)
        if accept:
            moves += 1
            change += np.int64(n_new) - np.int64(n_old)
            words[vertex] = word + ((new - old) << np.uint64(56))
            delta = (np.uint64(1) << new_shift) - (np.uint64(1) << old_shift)
            for half_edge in half_edges_of(instance, vertex):
                words[np.uint64(neighbors[half_edge])] += delta
                if batch_words is not None:
                    flag = np.uint64(batch.flags[np.uint64(batch.flag_of[half_edge] ^ batch.mirror)])
                    batch_words[np.uint64(neighbors[half_edge])] += delta * flag
            counts.confusion[groups[vertex], old] -= 1
            counts.confusion[groups[vertex], new] += 1
            if counting:
                counts.accepted[n_old, n_new] += 1
    stream[0], stream[1], stream[2], stream[3] = s0, s1, s2, s3
    return change, moves


@kernel
def sweep_lists(colors, instance, rule, vertices, counts, stream):
    """Make one sweep on neighbour lists (any q and degree): return ``(change of E, accepted moves)``."""
    groups = instance.groups
    acceptance, batch = rule.acceptance, rule.batch
    others = instance.q - np.uint64(1)
    counting = counts.proposed.size > 0
    change = 0
    moves = 0
    for visit in range(colors.size):
        vertex = vertices[visit]
        pick, fraction = split_word(next_word(stream), others)
        old = np.uint64(colors[vertex])
        new = pick + np.uint64(pick >= old)
        if batch.flags.size > 0:
            n_old, n_new, batch_change = count_in_batch(colors, instance, batch, vertex, old, new)
            accept = batch_change <= 0
        else:
            n_old, n_new = count_neighbors(colors, instance, vertex, old, new)
            accept = fraction < acceptance.thresholds[acceptance.origin + acceptance.stride * n_old + n_new]
        if counting:
            counts.proposed[n_old, n_new] += 1
        if accept:
            moves += 1
            change += n_new - n_old
            colors[vertex] = new
            counts.confusion[groups[vertex], old] -= 1
            counts.confusion[groups[vertex], new] += 1
            if counting:
                counts.accepted[n_old, n_new] += 1
    return change, moves


@kernel
def count_neighbors(colors, instance, vertex, old, new):
    """Return the numbers of neighbours of `vertex` with the colours `old` and `new`."""
    n_old = n_new = 0
    for half_edge in half_edges_of(instance, vertex):
        color = colors[np.uint64(instance.neighbors[half_edge])]
        n_old += np.int64(color == old)
        n_new += np.int64(color == new)
    return n_old, n_new


@kernel
def count_in_batch(colors, instance, batch, vertex, old, new):
    """Return those numbers and the change of the mini-batch's energy if `vertex` goes from `old` to `new`."""
    n_old = n_new = change = 0
    for half_edge in half_edges_of(instance, vertex):
        color = colors[np.uint64(instance.neighbors[half_edge])]
        flag = np.int64(batch.flags[np.uint64(batch.flag_of[half_edge])])
        is_old, is_new = np.int64(color == old), np.int64(color == new)
        n_old += is_old
        n_new += is_new
        change += flag * (is_new - is_old)
    return n_old, n_new, change


@kernel
def order_vertices(visits):
    """Draw the vertices of the next sweep, unless the order is sequential."""
    if visits.code == RANDOM_PERMUTATION:
        shuffle(visits.stream, visits.vertices)
    elif visits.code == RANDOM_SEQUENTIAL:
        for visit in range(visits.vertices.size):
            visits.vertices[visit] = next_below(visits.stream, visits.vertices.size)


@kernel
def most_frequent(confusion):
    """Return the number of vertices with the most frequent colour of their group: at least the best matching."""
    total = 0
    for group in range(confusion.shape[0]):
        total += confusion[group].max()
    return total


@kernel
def run_sweeps(configuration, instance, rule, visits, counts, streams, limits, energy):
    """Run sweeps until a limit: return ``(sweeps made, energy, total, accepted moves, first solution, reason)``.

    `streams` holds the streams of the proposals and of the mini-batches, `energy` is E of the configuration, the total
    is the sum of E after every sweep made, and the first solution is the first sweep with E = 0, or -1.
    """
    words, batch_words = configuration.words, configuration.batch_words
    vertices = visits.vertices
    total = 0
    accepted = 0
    first_solution = -1
    for sweep in range(1, limits.sweeps + 1):
        order_vertices(visits)
        draw_batch(rule.batch, streams[1])
        if words.size == 0:
            change, moves = sweep_lists(configuration.colors, instance, rule, vertices, counts, streams[0])
        elif batch_words.size > 0:
            batch_words_of(configuration, instance, rule.batch)
            change, moves = sweep_words(words, batch_words, instance, rule, vertices, counts, streams[0])
        elif visits.code == SEQUENTIAL:
            change, moves = sweep_words(words, None, instance, rule, None, counts, streams[0])
        else:
            change, moves = sweep_words(words, None, instance, rule, vertices, counts, streams[0])
        energy += change
        total += energy
        accepted += moves
        if energy == 0 and first_solution < 0:
            first_solution = sweep
        if energy == 0 and limits.stop_at_solution:
            return sweep, energy, total, accepted, first_solution, SOLVED
        if most_frequent(counts.confusion) > limits.target:
            return sweep, energy, total, accepted, first_solution, NEAR_TARGET
    return limits.sweeps, energy, total, accepted, first_solution, RAN
