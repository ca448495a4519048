"""Graph colouring from the definitions, slowly: what the package's kernels are held against (numpy only)."""

import itertools
import math

import numpy as np

WORD = 2**64


class Xoshiro:
    """xoshiro256++ on Python integers (Blackman & Vigna 2021)."""

    def __init__(self, state):
        self.state = [int(word) for word in state]

    def word(self):
        s = self.state
        output = (_rotate((s[0] + s[3]) % WORD, 23) + s[0]) % WORD
        t = (s[1] << 17) % WORD
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = _rotate(s[3], 45)
        return output

    def below(self, bound):
        """Lemire's rejection method on the high 32 bits."""
        while True:
            product = (self.word() >> 32) * bound
            if product % 2**32 >= 2**32 % bound:
                return product >> 32

    def uniform(self):
        return (self.word() >> 11) / 2**53


def _rotate(word, count):
    return ((word << count) | (word >> (64 - count))) % WORD


def neighbor_lists(edges, n):
    """Neighbours of every vertex, each as often as its edge occurs."""
    lists = [[] for _ in range(n)]
    for first, second in edges:
        lists[first].append(second)
        lists[second].append(first)
    return lists


def energy(edges, colors):
    return sum(colors[first] == colors[second] for first, second in edges)


def overlap(colors, planted, q):
    """The maximum over all q! permutations, one by one."""
    n = len(colors)
    matches = max(
        sum(color == permutation[group] for color, group in zip(colors, planted, strict=True))
        for permutation in itertools.permutations(range(q))
    )
    return (q * matches - n) / ((q - 1) * n)


def correlation(colors_a, colors_b, q):
    return (q * np.mean(np.asarray(colors_a) == np.asarray(colors_b)) - 1) / (q - 1)


def metropolis_probability(n_old, n_new, temperature):
    change = n_new - n_old
    if change <= 0:
        return 1.0
    return math.exp(-change / temperature) if temperature > 0 else 0.0


def half_edge_probability(n_old, n_new, fraction):
    """Sum over all 2^(n_old + n_new) flags of the half-edges that matter."""
    total = 0.0
    for flags in itertools.product((0, 1), repeat=n_old + n_new):
        if sum(flags[n_old:]) <= sum(flags[:n_old]):
            total += math.prod(fraction if flag else 1 - fraction for flag in flags)
    return total


def colorings(n, q):
    """All q^n colourings, in the order of their numbers (first vertex: most significant digit)."""
    return list(itertools.product(range(q), repeat=n))


def number_of(colors, q):
    """Number of each colouring in :func:`colorings` (the last axis runs over vertices)."""
    colors = np.asarray(colors, np.int64)
    return colors @ q ** np.arange(colors.shape[-1])[::-1]


def vertex_matrix(n, q, vertex, probability):
    """Transition matrix of one proposal at `vertex`; probability(colors, vertex, new) accepts."""
    states = colorings(n, q)
    matrix = np.zeros((len(states), len(states)))
    for row, colors in enumerate(states):
        for new in set(range(q)) - {colors[vertex]}:
            changed = (*colors[:vertex], new, *colors[vertex + 1 :])
            matrix[row, number_of(changed, q)] = probability(colors, vertex, new) / (q - 1)
    matrix[np.diag_indices(len(states))] = 1 - matrix.sum(axis=1)
    return matrix


def counting_probability(edges, n, accept):
    """Acceptance from the neighbour counts: accept(n_old, n_new)."""
    lists = neighbor_lists(edges, n)

    def probability(colors, vertex, new):
        around = [colors[other] for other in lists[vertex]]
        return accept(around.count(colors[vertex]), around.count(new))

    return probability


def flagged_probability(half_edges):
    """Acceptance (0 or 1) from the half-edges (vertex, other) that are in the mini-batch."""

    def probability(colors, vertex, new):
        around = [colors[other] for start, other in half_edges if start == vertex]
        return float(around.count(new) <= around.count(colors[vertex]))

    return probability


def sweep_matrix(matrices, order):
    """Transition matrix of a sweep of single-vertex matrices that do not share randomness."""
    n = len(matrices)
    if order == "sequential":
        return chain(matrices)
    if order == "random_permutation":
        orders = list(itertools.permutations(range(n)))
        return sum(chain([matrices[vertex] for vertex in each]) for each in orders) / len(orders)
    raise ValueError(order)


def chain(matrices):
    product = np.eye(len(matrices[0]))
    for matrix in matrices:
        product = product @ matrix
    return product


def flag_sets(edges, scheme, fraction):
    """Every mini-batch of a sweep as (probability, half-edges in it)."""
    if scheme == "half_edge":
        units = [[(first, second)] for pair in edges for first, second in (pair, pair[::-1])]
    else:
        units = [[tuple(pair), tuple(pair[::-1])] for pair in edges]
    size = math.floor(fraction * len(edges) + 1e-9)
    for flags in itertools.product((0, 1), repeat=len(units)):
        if scheme == "shared_edge_exact":
            weight = (sum(flags) == size) / math.comb(len(units), size)
        else:
            weight = math.prod(fraction if flag else 1 - fraction for flag in flags)
        if weight > 0:
            yield weight, [half for flag, unit in zip(flags, units, strict=True) if flag for half in unit]


def batch_sweep_matrix(edges, n, q, scheme, fraction, order):
    """Transition matrix of a sweep whose flags are drawn once and shared by all its visits."""
    total = 0.0
    for weight, half_edges in flag_sets(edges, scheme, fraction):
        probability = flagged_probability(half_edges)
        matrices = [vertex_matrix(n, q, vertex, probability) for vertex in range(n)]
        total = total + weight * sweep_matrix(matrices, order)
    return total


def batch_visits_matrix(edges, n, q, scheme, fraction, visits):
    """Transition matrix of `visits` draws of a vertex with replacement (a pmf over their number), flags shared."""
    total = 0.0
    for weight, half_edges in flag_sets(edges, scheme, fraction):
        probability = flagged_probability(half_edges)
        total = total + weight * visits_matrix(
            [vertex_matrix(n, q, vertex, probability) for vertex in range(n)], visits
        )
    return total


def visits_matrix(matrices, visits):
    """Transition matrix of a random number of visits (pmf `visits`) to uniformly drawn vertices."""
    single = sum(matrices) / len(matrices)
    power = np.eye(len(single))
    total = np.zeros_like(single)
    for weight in visits:
        total += weight * power
        power = power @ single
    return total


def stationary_law(matrix):
    """Left eigenvector to eigenvalue 1, normalised."""
    values, vectors = np.linalg.eig(matrix.T)
    law = np.real(vectors[:, np.argmin(abs(values - 1))])
    return law / law.sum()


def sweep(edges, colors, q, accept, words, order=None):
    """One sweep from the definition with given 64-bit words: accept(n_old, n_new, fraction in [0, 2^63))."""
    colors = list(colors)
    lists = neighbor_lists(edges, len(colors))
    change = moves = 0
    for word, vertex in zip(words, order if order is not None else range(len(colors)), strict=True):
        pick, rest = divmod(word * (q - 1), WORD)
        others = [color for color in range(q) if color != colors[vertex]]
        around = [colors[other] for other in lists[vertex]]
        n_old, n_new = around.count(colors[vertex]), around.count(others[pick])
        if accept(n_old, n_new, rest // 2):
            colors[vertex] = others[pick]
            change += n_new - n_old
            moves += 1
    return colors, change, moves


def simulate_copies(edges, start, q, probability, sweeps, copies, rng, *, own_color=False, stale=False):
    """Independent copies of a sequential chain, vectorised: final colours, int[copies, n].

    probability[n_old, n_new] accepts. Mutants: `own_color` proposes among all q colours, `stale` never updates the
    neighbour counts within a sweep.
    """
    colors = np.tile(np.asarray(start, np.int64), (copies, 1))
    lists = neighbor_lists(edges, len(start))
    for _ in range(sweeps):
        seen = colors.copy() if stale else colors
        for vertex, around in enumerate(lists):
            old = colors[:, vertex].copy()
            new = rng.integers(0, q, copies) if own_color else (old + rng.integers(1, q, copies)) % q
            n_old = (seen[:, around] == old[:, None]).sum(axis=1)
            n_new = (seen[:, around] == new[:, None]).sum(axis=1)
            accepted = rng.random(copies) < probability[n_old, n_new]
            colors[accepted, vertex] = new[accepted]
    return colors
