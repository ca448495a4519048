"""Detailed balance from its definitions: loops over counts, and over all colourings of a small graph."""

import itertools
import math

import numpy as np


def asymmetry(flows):
    size = len(flows)
    difference = sum(abs(flows[a][b] - flows[b][a]) for a in range(size) for b in range(size))
    return difference / sum(flows[a][b] for a in range(size) for b in range(size))


def balanced_asymmetry(flows):
    """Average over all ways to give each move a direction."""
    size, total = len(flows), 0.0
    for a in range(size):
        for b in range(a):
            n = int(flows[a][b] + flows[b][a])
            total += 2 * sum(math.comb(n, k) * abs(2 * k - n) for k in range(n + 1)) / 2**n
    return total / sum(flows[a][b] for a in range(size) for b in range(size))


def split_asymmetry(first, second):
    def one_way(guide, counts):
        size, total = len(counts), 0.0
        for a in range(size):
            for b in range(size):
                if guide[a][b] > guide[b][a]:
                    total += counts[a][b] - counts[b][a]
                elif guide[a][b] < guide[b][a]:
                    total -= counts[a][b] - counts[b][a]
        return total / np.sum(counts)

    return (one_way(second, first) + one_way(first, second)) / 2


def acceptance(flows, proposals, change):
    pairs = [(a, a + change) for a in range(len(flows)) if 0 <= a + change < len(flows)]
    return sum(flows[a][b] for a, b in pairs) / sum(proposals[a][b] for a, b in pairs)


def temperature(flows, proposals, largest):
    """Weighted least squares through the origin."""
    above = below = 0.0
    for d in range(1, largest + 1):
        weight = sum(flows[a][a + d] for a in range(len(flows) - d))
        slope = -math.log(acceptance(flows, proposals, d) / acceptance(flows, proposals, -d))
        above += weight * d * d
        below += weight * d * slope
    return above / below


def bound(flows):
    size, total = len(flows), 0.0
    for a in range(size):
        for b in range(a):
            if flows[a][b] > 0 and flows[b][a] > 0:
                total += (flows[a][b] - flows[b][a]) * math.log(flows[a][b] / flows[b][a])
    return total / sum(flows[a][b] for a in range(size) for b in range(size))


def chain(edges, n, q, accepts):
    """The transition matrix over all colourings, and for every transition its (n_old, n_new)."""
    colourings = list(itertools.product(range(q), repeat=n))
    number = {colouring: k for k, colouring in enumerate(colourings)}
    matrix, counts = np.zeros((len(colourings),) * 2), {}
    for colouring in colourings:
        here = number[colouring]
        for vertex in range(n):
            ends = [(set(edge) - {vertex}).pop() for edge in edges if vertex in edge]
            for new in set(range(q)) - {colouring[vertex]}:
                n_old = sum(colouring[end] == colouring[vertex] for end in ends)
                n_new = sum(colouring[end] == new for end in ends)
                there = number[(*colouring[:vertex], new, *colouring[vertex + 1 :])]
                matrix[here, there] = accepts(n_old, n_new) / (n * (q - 1))
                counts[here, there] = n_old, n_new
        matrix[here, here] = 1 - matrix[here].sum()
    energies = np.array([sum(c[i] == c[j] for i, j in edges) for c in colourings])
    return colourings, matrix, counts, energies


def stationary(matrix):
    """The left eigenvector of eigenvalue 1."""
    values, vectors = np.linalg.eig(matrix.T)
    law = vectors[:, np.argmin(abs(values - 1))].real
    return law / law.sum()


def entropy_production(matrix, law):
    total = 0.0
    for s in range(len(law)):
        for r in range(s):
            forward, back = law[s] * matrix[s, r], law[r] * matrix[r, s]
            if forward > 0:
                total += (forward - back) * math.log(forward / back)
    return total


def chain_flows(matrix, counts, law, size):
    flows = np.zeros((size, size))
    for (here, there), (n_old, n_new) in counts.items():
        flows[n_old, n_new] += law[here] * matrix[here, there]
    return flows
