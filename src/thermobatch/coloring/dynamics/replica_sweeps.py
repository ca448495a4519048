"""Compiled sweeps of coupled replicas of a colouring: the fast path on words and the general path on lists.

A visit proposes a new colour of vertex i in replica a, as in :mod:`sweeps`: n_old and n_new neighbours in the same
replica have the current and the proposed colour, r_old and r_new *other replicas* give i these colours. One replica
makes the moves of Metropolis dynamics on the same stream.
"""

from typing import NamedTuple

import numpy as np

from thermobatch.coloring.dynamics.sweeps import count_neighbors, half_edges_of, most_frequent
from thermobatch.foundation.compilation import kernel
from thermobatch.foundation.streams import advance, next_word, split_word

HALF = np.uint64(32)
LOW = np.uint64(0xFFFFFFFF)


class Replicas(NamedTuple):
    """The colours of all replicas, and how many replicas agree at every vertex.

    words : uint64[R, N] on the fast path (as in :mod:`sweeps`; empty: general path)
    shared_word : uint64[N], byte s counts the replicas that give the vertex colour s (empty: general path)
    colors : uint8[R, N], on the fast path brought up to date by `colors_of` only
    shared : int32[N, q], the same counts on the general path (empty: fast path)
    confusion : int64[R, q, q], vertices of each planted colour and colour
    energies : int64[R], numbers of monochromatic edges
    """

    words: np.ndarray
    shared_word: np.ndarray
    colors: np.ndarray
    shared: np.ndarray
    confusion: np.ndarray
    energies: np.ndarray


class Schedule(NamedTuple):
    """What changes from sweep to sweep: float64[sweeps + 1] each, the last values are those of one sweep more.

    temperature : T of every sweep
    batch_fraction : B of every sweep; empty for Metropolis dynamics
    replica_fraction : probability of another replica to be in the mini-batch; empty for Metropolis dynamics
    coupling : gamma, constant
    """

    temperature: np.ndarray
    batch_fraction: np.ndarray
    replica_fraction: np.ndarray
    coupling: float


class Tables(NamedTuple):
    """Acceptance of one sweep, D the largest degree and R the number of replicas; what is not used is empty.

    thresholds : uint64[(2 D + 1) (2 R - 1)], round(p 2^63) of the Metropolis rule by n_new - n_old and r_old - r_new
    missed_edges : uint64[(D + 1) (D + 1)], round(2^32 P[at most k of n terms are missed]) by n and k
    missed_replicas : uint64[R R], the same for other replicas
    degrees, replicas : D + 1 and R
    """

    thresholds: np.ndarray
    missed_edges: np.ndarray
    missed_replicas: np.ndarray
    degrees: np.uint64
    replicas: np.uint64


def empty_tables(max_degree: int, replicas: int, batches: bool) -> Tables:
    """Return tables to be filled, of the sizes above: those of mini-batches or those of Metropolis dynamics."""
    return Tables(
        np.zeros(0 if batches else (2 * max_degree + 1) * (2 * replicas - 1), np.uint64),
        np.zeros((max_degree + 1) ** 2 if batches else 0, np.uint64),
        np.zeros(replicas**2 if batches else 0, np.uint64),
        np.uint64(max_degree + 1),
        np.uint64(replicas),
    )


@kernel
def fill_metropolis(tables, temperature, coupling):
    """Fill the thresholds of min(1, exp(-dH/T)), dH = n_new - n_old + (gamma/R) (r_old - r_new); T = 0: dH <= 0."""
    max_degree, replicas = np.int64(tables.degrees) - 1, np.int64(tables.replicas)
    entry = 0
    for edges in range(-max_degree, max_degree + 1):
        for others in range(1 - replicas, replicas):
            change = (replicas * edges + coupling * others) / replicas
            if change <= 0.0:
                probability = 1.0
            elif change > 50.0 * temperature:  # below 2^-64, also at T = 0
                probability = 0.0
            else:
                probability = np.exp(-change / temperature)
            tables.thresholds[entry] = np.uint64(np.rint(probability * 2.0**63))
            entry += 1


@kernel
def fill_missed(missed, size, kept):
    """Fill round(2^32 P[at most k of n terms are missed]), n and k below `size`, each kept with probability `kept`."""
    probability = np.zeros(size)
    probability[0] = 1.0
    for n in range(size):
        total = 0.0
        for k in range(size):
            total += probability[k]
            share = 1.0 if k >= n else min(total, 1.0)
            missed[n * size + k] = np.uint64(np.rint(share * 2.0**32))
        for k in range(size - 1, 0, -1):
            probability[k] = kept * probability[k] + (1.0 - kept) * probability[k - 1]
        probability[0] *= kept


@kernel(inline="always")
def kept_of(missed, size, count, draw):
    """Return how many of `count` terms are in the mini-batch, from 32 random bits."""
    k = count * size
    while draw >= missed[k]:
        k += np.uint64(1)
    return count - (k - count * size)


@kernel(inline="always")
def accepts(tables, fraction, first, second, counts):
    """Decide on a proposal with counts (n_old, n_new, r_old, r_new): `first` and `second` are random words, or None.

    Without them the Metropolis table decides by the 63-bit `fraction`; with them every neighbour and every other
    replica is in the mini-batch or not, and the move must not break more of the terms in it than it mends: it breaks
    those with neighbours of the new colour and with replicas of the old one.
    """
    n_old, n_new, r_old, r_new = counts
    replicas, degrees = tables.replicas, tables.degrees
    if first is None:
        row, column = n_new + degrees - n_old - np.uint64(1), r_old + replicas - np.uint64(1) - r_new
        return fraction < tables.thresholds[row * (replicas + replicas - np.uint64(1)) + column]
    broken = kept_of(tables.missed_edges, degrees, n_new, first & LOW)
    broken += kept_of(tables.missed_replicas, replicas, r_old, second & LOW)
    mended = kept_of(tables.missed_edges, degrees, n_old, first >> HALF)
    mended += kept_of(tables.missed_replicas, replicas, r_new, second >> HALF)
    return broken <= mended


@kernel
def sweep_words(words, shared_word, instance, tables, batches, confusion, stream):
    """Make one sweep of one replica on words: return ``(change of E, accepted moves)``.

    `words` (uint64[N]) and `confusion` (int64[q, q]) are the replica's own. `batches` is None for Metropolis dynamics:
    the compiler then drops what only mini-batches need.
    """
    neighbors, groups = instance.neighbors, instance.groups
    others = instance.q - np.uint64(1)
    s0, s1, s2, s3 = stream[0], stream[1], stream[2], stream[3]
    change = 0
    moves = 0
    for vertex in range(words.size):
        output, s0, s1, s2, s3 = advance(s0, s1, s2, s3)
        pick, fraction = split_word(output, others)
        word, agreeing = words[vertex], shared_word[vertex]
        old = word >> np.uint64(56)
        new = pick + np.uint64(pick >= old)
        old_shift, new_shift = old << np.uint64(3), new << np.uint64(3)
        n_old = (word >> old_shift) & np.uint64(255)
        n_new = (word >> new_shift) & np.uint64(255)
        r_old = ((agreeing >> old_shift) & np.uint64(255)) - np.uint64(1)
        r_new = (agreeing >> new_shift) & np.uint64(255)
        first = second = None
        if batches is not None:
            first, s0, s1, s2, s3 = advance(s0, s1, s2, s3)
            second, s0, s1, s2, s3 = advance(s0, s1, s2, s3)
        if accepts(tables, fraction, first, second, (n_old, n_new, r_old, r_new)):
            moves += 1
            change += np.int64(n_new) - np.int64(n_old)
            words[vertex] = word + ((new - old) << np.uint64(56))
            delta = (np.uint64(1) << new_shift) - (np.uint64(1) << old_shift)
            shared_word[vertex] = agreeing + delta
            for half_edge in half_edges_of(instance, vertex):
                words[np.uint64(neighbors[half_edge])] += delta
            confusion[groups[vertex], old] -= 1
            confusion[groups[vertex], new] += 1
    stream[0], stream[1], stream[2], stream[3] = s0, s1, s2, s3
    return change, moves


@kernel
def sweep_lists(colors, shared, instance, tables, batches, confusion, stream):
    """Make one sweep of one replica on neighbour lists (any q, degree and R): as :func:`sweep_words`."""
    groups = instance.groups
    others = instance.q - np.uint64(1)
    change = 0
    moves = 0
    for vertex in range(colors.size):
        pick, fraction = split_word(next_word(stream), others)
        old = np.uint64(colors[vertex])
        new = pick + np.uint64(pick >= old)
        n_old, n_new = count_neighbors(colors, instance, vertex, old, new)
        first = second = None
        if batches is not None:
            first, second = next_word(stream), next_word(stream)
        counts = (
            np.uint64(n_old),
            np.uint64(n_new),
            np.uint64(shared[vertex, old] - 1),
            np.uint64(shared[vertex, new]),
        )
        if accepts(tables, fraction, first, second, counts):
            moves += 1
            change += n_new - n_old
            colors[vertex] = new
            shared[vertex, old] -= 1
            shared[vertex, new] += 1
            confusion[groups[vertex], old] -= 1
            confusion[groups[vertex], new] += 1
    return change, moves


@kernel
def run_replicas(replicas, instance, schedule, tables, batches, begin, end, target, stream):
    """Run sweeps `begin` to `end` of the schedule: return ``(sweeps done since the start, accepted moves, near)``.

    Ends `near` the target: after the first sweep in which more than `target` vertices of a replica have the most
    frequent colour of their group (which may be the last of the block).
    """
    accepted = 0
    for sweep in range(begin, end):
        if batches is None:
            fill_metropolis(tables, schedule.temperature[sweep], schedule.coupling)
        else:
            fill_missed(tables.missed_edges, np.int64(tables.degrees), schedule.batch_fraction[sweep])
            fill_missed(tables.missed_replicas, np.int64(tables.replicas), schedule.replica_fraction[sweep])
        near = False
        for replica in range(replicas.energies.size):
            confusion = replicas.confusion[replica]
            if replicas.words.size > 0:
                change, moves = sweep_words(
                    replicas.words[replica],
                    replicas.shared_word,
                    instance,
                    tables,
                    batches,
                    confusion,
                    stream,
                )
            else:
                change, moves = sweep_lists(
                    replicas.colors[replica], replicas.shared, instance, tables, batches, confusion, stream
                )
            replicas.energies[replica] += change
            accepted += moves
            near |= most_frequent(confusion) > target
        if near:
            return sweep + 1, accepted, True
    return end, accepted, False
