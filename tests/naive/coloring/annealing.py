"""Replicated annealing of colourings from its definition, slowly: what the compiled sweeps are held against.

R replicas have H = sum_a E(s^a) - (gamma/R) sum_{a<b} sum_i delta(s_i^a, s_i^b). Numbers that decide about equality
are kept as fractions.
"""

import itertools
import math
from fractions import Fraction

import numpy as np
from naive.coloring.dynamics import WORD, colorings, energy, neighbor_lists, number_of


def hamiltonian(edges, replicas, coupling):
    """H of any number of colourings, a fraction."""
    pairs = itertools.combinations(replicas, 2)
    equal = sum(one == other for first, second in pairs for one, other in zip(first, second, strict=True))
    return sum(energy(edges, colors) for colors in replicas) - Fraction(coupling) * equal / len(replicas)


def metropolis_probability(change, temperature):
    if change <= 0:
        return 1.0
    return math.exp(-float(change) / temperature) if temperature > 0 else 0.0


def batch_probability(counts, fraction, replica_fraction):
    """Sum over all flags of the terms (n_old, n_new neighbours; r_old, r_new other replicas) of one visit."""
    n_old, n_new, r_old, r_new = counts
    costs = [-1] * n_old + [1] * n_new + [1] * r_old + [-1] * r_new
    chances = [fraction] * (n_old + n_new) + [replica_fraction] * (r_old + r_new)
    total = 0.0
    for flags in itertools.product((0, 1), repeat=len(costs)):
        if sum(flag * cost for flag, cost in zip(flags, costs, strict=True)) <= 0:
            total += math.prod(p if flag else 1 - p for flag, p in zip(flags, chances, strict=True))
    return total


def replica_fraction(coupling, replicas, temperature):
    """B_R of a temperature."""
    if coupling == 0:
        return 0.0
    return 1 - math.exp(-coupling / (replicas * temperature)) if temperature > 0 else 1.0


def counts_of(lists, replicas, replica, vertex, new):
    """(n_old, n_new, r_old, r_new): neighbours and other replicas with the current and the proposed colour."""
    colors = replicas[replica]
    around = [colors[other] for other in lists[vertex]]
    beside = [other[vertex] for number, other in enumerate(replicas) if number != replica]
    old = colors[vertex]
    return around.count(old), around.count(new), beside.count(old), beside.count(new)


def visit_matrix(n, q, n_replicas, visited, probability):
    """Transition matrix of one proposal; visited = (replica, vertex), states as those of n_replicas n vertices."""
    replica, vertex = visited
    states = colorings(n * n_replicas, q)
    matrix = np.zeros((len(states), len(states)))
    place = replica * n + vertex
    for row, state in enumerate(states):
        for new in set(range(q)) - {state[place]}:
            changed = (*state[:place], new, *state[place + 1 :])
            chance = probability(split(state, n), split(changed, n), replica, vertex)
            matrix[row, number_of(changed, q)] = chance / (q - 1)
    matrix[np.diag_indices(len(states))] = 1 - matrix.sum(axis=1)
    return matrix


def split(state, n):
    return [state[begin : begin + n] for begin in range(0, len(state), n)]


def visit_matrices(edges, n, q, n_replicas, *, coupling, temperature, fraction=None):
    """Those of all visits of a sweep, in their order: Metropolis moves, or mini-batches of a fraction of the edges."""
    lists = neighbor_lists(edges, n)

    def metropolis(before, after, replica, vertex):
        change = hamiltonian(edges, after, coupling) - hamiltonian(edges, before, coupling)
        return metropolis_probability(change, temperature)

    def batches(before, after, replica, vertex):
        counts = counts_of(lists, before, replica, vertex, after[replica][vertex])
        return batch_probability(counts, fraction, replica_fraction(coupling, n_replicas, temperature))

    probability = metropolis if fraction is None else batches
    visits = itertools.product(range(n_replicas), range(n))
    return [visit_matrix(n, q, n_replicas, visited, probability) for visited in visits]


def gibbs(edges, n, q, n_replicas, coupling, temperature):
    """exp(-H/T), normalised, of all states."""
    states = colorings(n * n_replicas, q)
    weights = np.exp(
        [-float(hamiltonian(edges, split(state, n), coupling)) / temperature for state in states]
    )
    return weights / weights.sum()


def missed(count, kept, draw):
    """How many of `count` terms are missed, from 32 random bits: the inverse of the cumulative binomial law."""
    total = 0.0
    for number in range(count):
        total += math.comb(count, number) * (1 - kept) ** number * kept ** (count - number)
        if draw < round(min(total, 1.0) * 2**32):
            return number
    return count


def accepts(counts, rest, words, n_replicas, *, coupling, temperature, fraction=None):
    """Decide on a proposal by 63 random bits, or by the two words that follow."""
    n_old, n_new, r_old, r_new = counts
    if fraction is None:
        change = n_new - n_old + Fraction(coupling) * (r_old - r_new) / n_replicas
        return rest < round(metropolis_probability(change, temperature) * 2**63)
    beside = replica_fraction(coupling, n_replicas, temperature)
    halves = [(word % 2**32, word >> 32) for word in (words.word(), words.word())]
    kept = [
        n_new - missed(n_new, fraction, halves[0][0]),
        n_old - missed(n_old, fraction, halves[0][1]),
        r_old - missed(r_old, beside, halves[1][0]),
        r_new - missed(r_new, beside, halves[1][1]),
    ]
    return kept[0] - kept[1] + kept[2] - kept[3] <= 0


def sweep(edges, replicas, q, words, **rule):
    """One sweep of every replica, in place, with a :class:`naive.coloring.dynamics.Xoshiro`: number of moves."""
    lists = neighbor_lists(edges, len(replicas[0]))
    moves = 0
    for replica, colors in enumerate(replicas):
        for vertex in range(len(colors)):
            pick, rest = divmod(words.word() * (q - 1), WORD)
            new = [color for color in range(q) if color != colors[vertex]][pick]
            counts = counts_of(lists, replicas, replica, vertex, new)
            if accepts(counts, rest // 2, words, len(replicas), **rule):
                colors[vertex] = new
                moves += 1
    return moves
