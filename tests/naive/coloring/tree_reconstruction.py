"""Broadcast of colours on trees and the posterior of the root, from the definitions."""

import itertools
import math

import numpy as np


def broadcast_probability(colours, parents, q, x):
    """Probability of a colouring of a tree; vertex 0 is the root, parents[v] < v."""
    probability = 1 / q
    for child, parent in enumerate(parents[1:], start=1):
        same = colours[child] == colours[parent]
        probability *= (x if same else 1.0) / (q - 1 + x)
    return probability


def exact_order(parents, leaves, q, x):
    """Mean posterior of the root's true colour given the leaves, over all colourings (order parameter)."""
    joint = {}
    for colours in itertools.product(range(q), repeat=len(parents)):
        key = tuple(colours[v] for v in leaves)
        joint.setdefault(key, np.zeros(q))[colours[0]] += broadcast_probability(colours, parents, q, x)
    mean = sum((p**2).sum() / p.sum() for p in joint.values() if p.sum() > 0)
    return (q * mean - 1) / (q - 1)


def message(children, x):
    """Posterior of a vertex from its children's messages."""
    weights = np.prod([1 - (1 - x) * np.asarray(child) for child in children], axis=0)
    return weights / weights.sum()


def order_from_messages(parents, leaves, q, x):
    """The same mean posterior through the message recursion, for trees with all leaves known."""
    total = 0.0
    for colours in itertools.product(range(q), repeat=len(parents)):
        probability = broadcast_probability(colours, parents, q, x)
        if probability == 0:
            continue
        eta = {v: np.eye(q)[colours[v]] for v in leaves}
        for v in reversed(range(len(parents))):
            if v not in eta:
                eta[v] = message([eta[u] for u in range(len(parents)) if parents[u] == v], x)
        total += probability * eta[0][colours[0]]
    return (q * total - 1) / (q - 1)


def poisson(count, mean):
    return math.exp(-mean) * mean**count / math.factorial(count)


def first_generation(mean_degree, q, x, most=25):
    """Mean and standard deviation of eta(true) with the children's colours known, on the Poisson tree.

    The numbers of children of each colour are independent Poisson variables.
    """
    keep = x / (q - 1 + x)
    means = [mean_degree * keep] + [mean_degree * (1 - keep) / (q - 1)] * (q - 1)
    first = second = 0.0
    for counts in itertools.product(range(most), repeat=q):
        p = math.prod(poisson(k, mean) for k, mean in zip(counts, means, strict=True))
        if p == 0:
            continue
        weights = np.array([x**k for k in counts])
        posterior = weights[0] / weights.sum()
        first += p * posterior
        second += p * posterior**2
    return first, math.sqrt(second - first**2)


def sample_message(random, colour, depth, mean_degree, q, x):
    """Message of a vertex of known colour, from a sampled Poisson tree with its last generation known."""
    if depth == 0:
        return np.eye(q)[colour]
    keep = x / (q - 1 + x)
    children = []
    for _ in range(random.poisson(mean_degree)):
        child = colour if random.random() < keep else (colour + random.integers(1, q)) % q
        children.append(sample_message(random, child, depth - 1, mean_degree, q, x))
    return message(children, x) if children else np.full(q, 1 / q)


def population_update(random, messages, mean_degree, x, permute=True):
    """One generation of population dynamics for true colour 0, vertex by vertex."""
    size, q = messages.shape
    keep = x / (q - 1 + x)
    updated = np.empty_like(messages)
    for i in range(size):
        count = random.poisson(mean_degree)
        chosen = messages[random.integers(size, size=count)]
        colours = np.where(random.random(count) < keep, 0, random.integers(1, q, size=count))
        relabelled = np.empty_like(chosen)
        for k, colour in enumerate(colours):
            others = [s for s in range(q) if s != colour]
            relabelled[k, colour] = chosen[k, 0]
            relabelled[k, others] = random.permutation(chosen[k, 1:]) if permute else chosen[k, 1:]
        updated[i] = message(relabelled, x) if count else 1 / q
    return updated


def neighbour_count_law(cavity, old, x):
    """Law of (n_old, n_new) for a vertex of colour `old` and a new colour drawn among the others."""
    count, q = cavity.shape
    law = np.zeros((count + 1, count + 1))
    for colours in itertools.product(range(q), repeat=count):
        weight = math.prod(cavity[k, s] * (x if s == old else 1.0) for k, s in enumerate(colours))
        for new in set(range(q)) - {old}:
            law[colours.count(old), colours.count(new)] += weight / (q - 1)
    return law / law.sum()
