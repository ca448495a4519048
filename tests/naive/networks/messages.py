"""Belief propagation, output nodes and replicated measures of tiny networks, from their definitions."""

import itertools
import math

import numpy as np

erf = np.vectorize(math.erf)
erfc = np.vectorize(math.erfc)


# --- messages, one formula after the other -----------------------------------------------------


def message_down(mu, s2, xi, ht, output_field):
    """u of the note, in magnetisations: no logarithm is expanded, so fields must be moderate."""
    variance = 2 * (s2 - 1 + ht**2)
    plus = (mu - xi * ht + xi) / np.sqrt(variance)
    minus = (mu - xi * ht - xi) / np.sqrt(variance)
    if np.isinf(output_field):
        return 0.5 * (np.log(erfc(-plus)) - np.log(erfc(-minus)))
    t = np.tanh(output_field)
    return 0.5 * (np.log1p(t * erf(plus)) - np.log1p(t * erf(minus)))


def majority_log_odds(up, left_out):
    """Field on one unit of a majority node, by summing over all the states of the others (in logarithms)."""
    others = [u for k, u in enumerate(up) if k != left_out]
    logs = {1: -np.inf, -1: -np.inf}
    for states in itertools.product((1, -1), repeat=len(others)):
        log_weight = sum(s * u for s, u in zip(states, others, strict=True))
        for own in (1, -1):
            if own + sum(states) > 0:
                logs[own] = np.logaddexp(logs[own], log_weight)
    return 0.5 * (logs[1] - logs[-1])


def log_majority(up):
    """log P(output = +1), over all the states of the units."""
    total = -np.inf
    for states in itertools.product((1, -1), repeat=len(up)):
        if sum(states) > 0:
            total = np.logaddexp(
                total, sum(s * u - np.logaddexp(u, -u) for s, u in zip(states, up, strict=True))
            )
    return total


class BeliefPropagation:
    """Twin of the kernels: the same messages in the same order, with plain numpy and no shortcut.

    `mutation` changes one formula, to show that the comparison would see it.
    """

    def __init__(self, inputs, total, weight, up, down, centre, mutation=None):
        self.inputs, self.total, self.weight = inputs.astype(float), total.copy(), weight.copy()
        self.up, self.down, self.centre = up.copy(), down.copy(), centre.copy()
        self.mutation = mutation

    def iterate(self, order, gamma, replicas, damping):
        largest = 0.0
        patterns, _, n = self.weight.shape
        for visit in order:
            if visit < patterns:
                largest = max(largest, self._pattern(visit, damping))
            else:
                largest = max(largest, self._centre(*divmod(visit - patterns, n), gamma, replicas, damping))
        return largest

    def _pattern(self, a, damping):
        xi, hidden = self.inputs[a], self.weight.shape[1]
        ht = np.tanh(self.total - self.weight[a])
        mu, s2 = (xi * ht).sum(axis=1), (1 - ht**2).sum(axis=1)
        for k in range(hidden):
            self.up[a, k] = (1 - damping) * np.arctanh(
                math.erf(mu[k] / math.sqrt(2 * s2[k]))
            ) + damping * self.up[a, k]
        if hidden > 1:
            for k in range(hidden):
                fresh = majority_log_odds(self.up[a], k)
                self.down[a, k] = (1 - damping) * fresh + damping * self.down[a, k]
        largest = 0.0
        for k in range(hidden):
            mean = mu[k] + (xi * ht[k] if self.mutation == "cavity mean" else 0.0)
            variance = s2[k] + (1 - ht[k] ** 2 if self.mutation == "cavity variance" else 0.0)
            new = message_down(mean, variance, xi, ht[k], self.down[a, k])
            new = (1 - damping) * new + damping * self.weight[a, k]
            largest = max(largest, np.max(abs(np.tanh(new) - np.tanh(self.weight[a, k]))))
            self.total[k] += new - self.weight[a, k]
            self.weight[a, k] = new
        return largest

    def _centre(self, k, i, gamma, replicas, damping):
        h = self.total[k, i] - self.centre[k, i]
        if np.isinf(gamma):
            new = (replicas - 1) * h
        else:
            t = math.tanh(gamma)
            others = replicas if self.mutation == "replicas" else replicas - 1
            new = math.atanh(t * math.tanh(others * math.atanh(t * math.tanh(h))))
        new = (1 - damping) * new + damping * self.centre[k, i]
        change = abs(math.tanh(new) - math.tanh(self.centre[k, i]))
        self.total[k, i] += new - self.centre[k, i]
        self.centre[k, i] = new
        return change


def log_two_cosh(x):
    return np.logaddexp(x, -x)


def agreement(a, b):
    """L(a, b) of the note."""
    return np.log((1 + np.tanh(a) * np.tanh(b)) / 2)


def bethe(state, gamma, replicas):
    """(S, internal entropy, q, q~) of the note, term by term; beta F A = sum over nodes and edges."""
    patterns, hidden, n = state.weight.shape
    total = 0.0
    for a in range(patterns):
        for k in range(hidden):
            ht = np.tanh(state.total[k] - state.weight[a, k])
            mu, s2 = (state.inputs[a] * ht).sum(), (1 - ht**2).sum()
            total -= agreement(state.down[a, k], np.arctanh(math.erf(mu / math.sqrt(2 * s2))))
            total += agreement(state.total[k] - state.weight[a, k], state.weight[a, k]).sum()
        if hidden > 1:
            total -= log_majority(state.up[a])
            total += agreement(state.up[a], state.down[a]).sum()
    h = state.total - state.centre
    hc = np.arctanh(np.tanh(h) * np.tanh(gamma))
    mx = np.tanh(replicas * hc)
    fields = np.concatenate([state.centre[None], state.weight])
    log_site = log_two_cosh(fields.sum(axis=0)) - log_two_cosh(fields).sum(axis=0)
    site = -log_site - log_two_cosh(gamma) + agreement(h, state.centre) - mx * hc + log_two_cosh(hc)
    total += site.sum()
    overlap = np.mean(np.tanh(np.arctanh(np.tanh(h) * np.tanh((replicas - 1) * hc)) + gamma))
    entropy = -total / (hidden * n) - gamma * overlap
    return overlap, entropy, np.mean(np.tanh(state.total) ** 2), np.mean(mx**2)


# --- enumeration -------------------------------------------------------------------------------


def all_weights(count, start=0, stop=None):
    """Vectors of `count` signs, those numbered from `start` to `stop`: float32[numbers, count]."""
    numbers = np.arange(start, 2**count if stop is None else stop)
    return (1 - 2 * ((numbers[:, None] >> np.arange(count)) & 1)).astype(np.float32)


def solutions(inputs, hidden, chunk=2**15):
    """Every array of weights that answers +1 to all the inputs: float32[solutions, hidden, N]."""
    n = inputs.shape[1]
    total = 2 ** (hidden * n)
    found = []
    for start in range(0, total, chunk):
        weights = all_weights(hidden * n, start, min(start + chunk, total)).reshape(-1, hidden, n)
        votes = np.sign(weights @ inputs.T.astype(np.float32)).sum(axis=1)
        found.append(weights[(votes > 0).all(axis=1)])
    return np.concatenate(found)


def around(found, reference, gamma):
    """(distance, entropy per weight, magnetisations) of the solutions weighted by exp(gamma W.V)."""
    overlap = (found * reference).reshape(len(found), -1).sum(axis=1, dtype=float)
    weight = np.exp(gamma * (overlap - overlap.max()))
    probability = weight / weight.sum()
    size = reference.size
    log_norm = math.log(weight.sum()) + gamma * overlap.max()
    mean = probability @ overlap / size
    magnetisation = np.tensordot(probability, found, axes=1)
    return 0.5 * (1 - mean), log_norm / size - gamma * mean, magnetisation


def replicated(found, gamma, replicas):
    """(distance to the centre, local entropy per weight) of y replicas of a perceptron and their centre."""
    n = found.shape[-1]
    overlap = (all_weights(n) @ found.reshape(-1, n).T).astype(float)
    local = np.log(np.exp(gamma * overlap).sum(axis=1))
    centre = np.exp(replicas * (local - local.max()))
    centre /= centre.sum()
    mean = centre @ ((np.exp(gamma * overlap) * overlap).sum(axis=1) / np.exp(local)) / n
    return 0.5 * (1 - mean), centre @ local / n - gamma * mean


def exact_single_pattern(inputs, field):
    """Free entropy of ONE pattern with external fields, by convolving the law of the sum of its weights."""
    n = inputs.size
    law = np.zeros(2 * n + 1)
    law[n] = 1.0
    for xi, h in zip(inputs, field, strict=True):
        up = 1 / (1 + np.exp(-2 * xi * h))
        law = np.roll(law, 1) * up + np.roll(law, -1) * (1 - up)
    return math.log(law[n + 1 :].sum()) + log_two_cosh(field).sum()
