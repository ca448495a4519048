"""Bethe free entropies at a set of messages: of all solutions, around weights, and of replicas.

With L(a, b) = log[(1 + tanh a tanh b) / 2] and lc = log 2 cosh, a weight of total field m that receives u_mu
from M units contributes lc(m) - sum_mu lc(u_mu), and each of its edges L(m - u, u) = lc(m) - lc(m - u) -
lc(u): the lc(u) cancel. The sum of lc over all the edges is vectorised as |h| plus the logarithm of a product
of 1 + exp(-2 |h|).
"""

import math
from typing import NamedTuple

import numpy as np

from thermobatch.foundation.compilation import kernel
from thermobatch.networks.dynamics.majority_messages import log_majority
from thermobatch.networks.dynamics.threshold_messages import (
    LARGEST_MESSAGE,
    cavity,
    coupled,
    decay,
    lane_sum,
    log_two_cosh,
    up_message,
)

_FEW = 64
"""Factors 1 + exp(-2 |h|) <= 2 multiplied before a logarithm is taken; far from overflow."""


class Ensemble(NamedTuple):
    """What the messages say of the replicas and of their centre, per weight.

    overlap : S, mean overlap of a replica with the centre.
    local_entropy : entropy of the solutions around the centre (nats per weight).
    within : q, mean squared magnetisation of a replica's weights.
    centre : q~, mean squared magnetisation of the centre.
    """

    overlap: float
    local_entropy: float
    within: float
    centre: float


@kernel
def edge_log(a, b):
    """L(a, b) = log of the probability that two independent spins with fields a and b agree."""
    return log_two_cosh(a + b) - log_two_cosh(a) - log_two_cosh(b)


@kernel
def pattern_entropy(messages, space):
    """Return the sum over the patterns of the log probabilities at their nodes, less their inner edges.

    Not a number if frozen weights violate a pattern: its probability is then zero for all purposes.
    """
    total = 0.0
    for pattern in range(messages.inputs.shape[0]):
        term = _pattern_term(messages, pattern, space)
        total += term if term > -LARGEST_MESSAGE else np.nan
    return total


@kernel
def _pattern_term(messages, pattern, space):
    """The hidden nodes, the output node and the edges between them, of one pattern."""
    hidden = messages.total.shape[0]
    up, down, inputs = messages.up[pattern], messages.down[pattern], messages.inputs[pattern]
    term = log_majority(up, space.law) if hidden > 1 else 0.0
    for k in range(hidden):
        cavity(messages.total[k], messages.weight[pattern, k], inputs, space.a[k], space.spread[k])
        fresh = up_message(lane_sum(space.a[k]), lane_sum(space.spread[k]))
        if hidden > 1:
            term += edge_log(down[k], fresh) - edge_log(down[k], up[k])
        else:
            term -= np.log1p(np.exp(-2.0 * abs(fresh))) + max(0.0, -2.0 * fresh)
    return term


@kernel
def edge_entropy(messages, space):
    """Return the sum over the weights' edges of lc(m) - lc(m - u), to be taken away from the free entropy."""
    patterns, hidden, n = messages.weight.shape
    total = 0.0
    for k in range(hidden):
        fields = messages.total[k]
        for i in range(n):
            total += patterns * log_two_cosh(fields[i])
        for pattern in range(patterns):
            total -= _sum_log_two_cosh(fields, messages.weight[pattern, k], space.a[k], space.spread[k])
    return total


@kernel
def _sum_log_two_cosh(total, message, size, factor):
    """Sum of lc(total - message) over a row; size and factor are scratch of the row's length."""
    n = total.size
    for i in range(n):
        size[i] = abs(total[i] - message[i])
        factor[i] = 1.0 + decay(total[i] - message[i])
    result = lane_sum(size)
    for start in range(0, n, _FEW):
        product = 1.0
        for i in range(start, min(start + _FEW, n)):
            product *= factor[i]
        result += math.log(product)
    return result


@kernel
def field_entropy(messages, space):
    """Return the Bethe free entropy of the solutions in the field `messages.centre` (not per weight)."""
    total = pattern_entropy(messages, space) - edge_entropy(messages, space)
    for k in range(messages.total.shape[0]):
        for i in range(messages.total.shape[1]):
            total += log_two_cosh(messages.total[k, i])
    return total


@kernel
def ensemble(messages, space, gamma, replicas):
    """Return the :class:`Ensemble` of y replicas coupled by gamma to a centre (averages per weight).

    -beta F is the derivative of y phi with respect to y; an infinite gamma has no local entropy (nan).
    """
    hidden, n = messages.total.shape
    free = pattern_entropy(messages, space) - edge_entropy(messages, space)
    overlap = within = centre = 0.0
    for k in range(hidden):
        for i in range(n):
            cavity_field = messages.total[k, i] - messages.centre[k, i]
            gathered = coupled(cavity_field, gamma)
            others = coupled(cavity_field, (replicas - 1.0) * gathered)
            magnetisation = np.tanh(replicas * gathered)
            overlap += np.tanh(others + gamma)
            within += np.tanh(messages.total[k, i]) ** 2
            centre += magnetisation**2
            free += log_two_cosh(cavity_field) + magnetisation * gathered - log_two_cosh(gathered)
    size = hidden * n
    overlap /= size
    coupling = log_two_cosh(gamma) - gamma * overlap if np.isfinite(gamma) else np.nan
    return Ensemble(overlap, free / size + coupling, within / size, centre / size)
