"""Naive twins of the perceptron, the committee and the robust ensemble, from their definitions (numpy only)."""

import itertools

import numpy as np


def votes(inputs, label, weights):
    """Label x (sum of the hidden units' signs) of one pattern."""
    return int(label * np.sign(weights @ inputs).sum())


def error_count(inputs, labels, weights):
    weights = np.atleast_2d(weights)
    return sum(votes(x, label, weights) < 0 for x, label in zip(inputs, labels, strict=True))


def flips_needed(inputs, label, weights):
    """Fewest flips of weights that make one pattern right, by trying all sets of flips, smallest first."""
    weights = np.atleast_2d(weights)
    places = list(np.ndindex(weights.shape))
    for count in range(len(places) + 1):
        for chosen in itertools.combinations(places, count):
            flipped = weights.copy()
            for place in chosen:
                flipped[place] *= -1
            if votes(inputs, label, flipped) > 0:
                return count
    raise AssertionError("no weights classify this pattern")


def energy(inputs, labels, weights, kind):
    if kind == "step":
        return error_count(inputs, labels, weights)
    return sum(flips_needed(x, label, weights) for x, label in zip(inputs, labels, strict=True))


def all_states(variables):
    """All configurations +-1, in the order of their codes (bit i set where variable i is +1)."""
    return np.array(
        [[1 if code >> i & 1 else -1 for i in range(variables)] for code in range(2**variables)],
        dtype=np.int8,
    )


def replicated_law(energies, variables, replicas, beta, coupling, explicit):
    """Probability of every (replicas' codes..., centre's code if explicit), summed over nothing: an array of axes."""
    states = all_states(variables).astype(float)
    law = {}
    for codes in itertools.product(range(2**variables), repeat=replicas + explicit):
        spins = states[list(codes)]
        exponent = -beta * sum(energies[code] for code in codes[:replicas])
        if explicit:
            exponent += coupling * sum(spins[replicas] @ spins[r] for r in range(replicas))
        else:
            exponent += np.log(2 * np.cosh(coupling * spins.sum(axis=0))).sum()
        law[codes] = np.exp(exponent)
    return law
