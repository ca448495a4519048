"""Naive twin of coupled replicas whose weights have several levels: definitions, all states, dynamics (numpy only)."""

import itertools

import numpy as np
from naive.networks.annealing import Words


def values(levels):
    return [level for level in range(1 - levels, levels) if level % 2 == (levels - 1) % 2]


def energy(inputs, labels, weights, kind):
    """Errors, or for every wrong pattern the fewest moves by one level that make it right: stability grows by 2."""
    total = 0
    for x, label in zip(inputs.astype(int), labels, strict=True):
        stability = int(label * (x @ weights))
        moves = 0
        while stability < 0:
            stability += 2
            moves += 1
        total += moves if kind == "linear" else int(moves > 0)
    return total


def log_weight(weights, energies, beta, gamma, levels):
    """Replicas (y, V): the centre summed over its levels, site by site, by the definition."""
    total = -beta * float(sum(energies))
    for site in range(weights.shape[1]):
        terms = [
            np.exp(-gamma / 2 * sum(((w - v) / (levels - 1)) ** 2 for w in weights[:, site]))
            for v in values(levels)
        ]
        total += np.log(sum(terms))
    return total


def replicated_law(energy_of, variables, replicas, beta, gamma, levels):
    """All (y, V) configurations and their probabilities."""
    one = list(itertools.product(values(levels), repeat=variables))
    energies = {state: energy_of(np.array(state)) for state in one}
    joint = list(itertools.product(one, repeat=replicas))
    logs = [
        log_weight(np.array(states), [energies[state] for state in states], beta, gamma, levels)
        for states in joint
    ]
    chance = np.exp(np.array(logs) - max(logs))
    return np.array(joint), chance / chance.sum()


def anneal(weights, energy_of, betas, gammas, state, target, levels):
    """Run the ramps on a copy of `weights` (y, V); return (weights, proposals, accepted, energies after each sweep)."""
    weights, words = weights.copy(), Words(state)
    replicas, variables = weights.shape
    triples = 2 * replicas * variables
    proposals = accepted = 0
    trace = [[energy_of(one) for one in weights]]
    for beta, gamma in zip(betas, gammas, strict=True):
        made = 0
        while made < replicas * variables:
            word = words.next()
            product = (word >> 32) * triples
            if product % 2**32 < 2**32 % triples:
                continue
            made += 1
            place, direction = divmod(product >> 32, 2)
            replica, variable = divmod(place, variables)
            moved = weights.copy()
            moved[replica, variable] += 2 if direction else -2
            if abs(moved[replica, variable]) >= levels:
                continue
            logs = [
                log_weight(these, [energy_of(one) for one in these], beta, gamma, levels)
                for these in (moved, weights)
            ]
            if np.exp(logs[0] - logs[1]) * 2**32 > word % 2**32:
                weights = moved
                accepted += 1
                if energy_of(weights[replica]) <= target:
                    return weights, proposals + made, accepted, trace
        proposals += made
        trace.append([energy_of(one) for one in weights])
    return weights, proposals, accepted, trace
