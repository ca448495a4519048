"""Colouring theory from its definitions: plain sums over states, flags and configurations."""

import itertools
import math

import numpy as np


def configurations(edges, vertices, q, temperature):
    """Every colouring of a small graph with its Gibbs probability."""
    colourings = list(itertools.product(range(q), repeat=vertices))
    energies = np.array([sum(s[i] == s[j] for i, j in edges) for s in colourings])
    weights = np.exp(-energies / temperature)
    return colourings, energies, weights / weights.sum()


def poisson(count, mean):
    return math.exp(count * math.log(mean) - mean - math.lgamma(count + 1))


def neighbour_count_probability(n_old, n_new, temperature, mean_degree, q, largest_degree=120):
    """Draw the degree, then the colour of each neighbour: current, proposed or another one."""
    x = math.exp(-1 / temperature)
    same, proposed = x / (q - 1 + x), 1 / (q - 1 + x)
    total = 0.0
    for degree in range(n_old + n_new, largest_degree):
        others = degree - n_old - n_new
        ways = math.comb(degree, n_old) * math.comb(degree - n_old, n_new)
        other = max(1 - same - proposed, 0.0) ** others
        total += poisson(degree, mean_degree) * ways * same**n_old * proposed**n_new * other
    return total


def half_edge_acceptance(batch_fraction, n_old, n_new):
    """Sum over the flags of all half-edges."""
    total = 0.0
    for flags in itertools.product((0, 1), repeat=n_old + n_new):
        if sum(flags[n_old:]) <= sum(flags[:n_old]):
            chosen = sum(flags)
            total += batch_fraction**chosen * (1 - batch_fraction) ** (n_old + n_new - chosen)
    return total


def binomial(count, n, p):
    return math.comb(n, count) * p**count * (1 - p) ** (n - count)


def acceptance_from_binomials(batch_fraction, n_old, n_new):
    """For counts where the flags are too many to list."""
    return sum(
        binomial(k, n_new, batch_fraction) * binomial(m, n_old, batch_fraction)
        for k in range(n_new + 1)
        for m in range(k, n_old + 1)
    )


def flows(batch_fraction, temperature, mean_degree, q, size=40):
    """Accepted flow and probability of every energy change, from the Poisson law and the binomials."""
    x = math.exp(-1 / temperature)
    mean = mean_degree / (q - 1 + x)
    flow, probability = {}, {}
    for a in range(size):
        for b in range(size):
            p = poisson(a, mean * x) * poisson(b, mean)
            flow[b - a] = flow.get(b - a, 0.0) + p * acceptance_from_binomials(batch_fraction, a, b)
            probability[b - a] = probability.get(b - a, 0.0) + p
    return flow, probability


def drift(batch_fraction, temperature, mean_degree, q, size=40):
    """Mean energy change of a proposal."""
    flow, _ = flows(batch_fraction, temperature, mean_degree, q, size)
    return sum(change * value for change, value in flow.items())


def balance_temperature(batch_fraction, temperature, mean_degree, q, largest, size=40):
    """Temperature of a weighted line through the origin, -ln[w(d)/w(-d)] against d = 1..largest."""
    flow, probability = flows(batch_fraction, temperature, mean_degree, q, size)
    d = np.arange(1, largest + 1)
    w = {k: flow[k] / probability[k] for k in flow}
    logs = np.array([-math.log(w[k] / w[-k]) for k in d])
    weights = np.array([flow[k] for k in d])
    slope = np.linalg.lstsq((np.sqrt(weights) * d)[:, None], np.sqrt(weights) * logs, rcond=None)[0][0]
    return 1 / slope
