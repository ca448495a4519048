"""Iterations of belief propagation on the factor graph of a perceptron or a committee.

One iteration visits the M patterns and, when there are replicas, the K N nodes of their centre, all in one
random order (Baldassi et al., PNAS 113, E7655 (2016), supporting text). At a pattern: the up messages of its
hidden units from the current cavity fields, the output node, the down messages to the weights.
"""

from typing import NamedTuple

import numpy as np

from thermobatch.foundation.compilation import kernel
from thermobatch.foundation.streams import shuffle
from thermobatch.networks.dynamics.majority_messages import majority_field
from thermobatch.networks.dynamics.saturated_messages import frozen_row, interpolate_frozen
from thermobatch.networks.dynamics.threshold_messages import (
    FEW_NODES,
    NODES,
    cavity,
    coupled,
    exact_row,
    fast_row,
    interpolate,
    lane_sum,
    magnetisation_change,
    output_mixture,
    up_message,
)

UNFINISHED, CONVERGED, SOLVED, BROKEN = range(4)
"""Why a run of iterations ended."""


class Messages(NamedTuple):
    """All the fields of a factor graph of M patterns, K hidden units and N inputs.

    inputs : int8[M, N], patterns times their labels (every output must be +1).
    total : float64[K, N], sum of all the messages to a weight.
    weight : float64[M, K, N], messages of the hidden units to the weights.
    up : float64[M, K], messages of the hidden units to their outputs.
    down : float64[M, K], messages of the output nodes to the hidden units (infinite for K = 1).
    centre : float64[K, N], messages of the centres, or an external field, to the weights.
    """

    inputs: np.ndarray
    total: np.ndarray
    weight: np.ndarray
    up: np.ndarray
    down: np.ndarray
    centre: np.ndarray


class Workspace(NamedTuple):
    """Scratch arrays of the kernels, allocated once, and the random stream of the order of visits."""

    order: np.ndarray
    a: np.ndarray
    spread: np.ndarray
    before: np.ndarray
    moments: np.ndarray
    coefficients: np.ndarray
    frozen: np.ndarray
    law: np.ndarray
    signs: np.ndarray
    best: np.ndarray
    stream: np.ndarray


class Rule(NamedTuple):
    """How messages are updated: coupling gamma, y replicas, weight of a new message, exact or fast."""

    gamma: float
    replicas: float
    keep: float
    exact: bool


class Limits(NamedTuple):
    """When to stop: largest change of a magnetisation, and whether a solution ends the run."""

    tolerance: float
    stop_solved: bool


def workspace(messages: Messages, stream: np.ndarray) -> Workspace:
    """Allocate the scratch arrays for `messages`."""
    patterns, hidden, n = messages.weight.shape
    return Workspace(
        order=np.arange(patterns + hidden * n),
        a=np.empty((hidden, n)),
        spread=np.empty((hidden, n)),
        before=np.empty(n),
        moments=np.empty((hidden, 2)),
        coefficients=np.empty(NODES),
        frozen=np.empty((2, FEW_NODES)),
        law=np.empty(hidden + 1),
        signs=np.empty((hidden, n), dtype=np.int8),
        best=np.empty((hidden, n), dtype=np.int8),
        stream=stream,
    )


@kernel
def visit_pattern(messages, pattern, space, rule, known):
    """Update the messages of one pattern; return the largest change of a tanh, at least `known`."""
    hidden = messages.total.shape[0]
    inputs, up, down = messages.inputs[pattern], messages.up[pattern], messages.down[pattern]
    for k in range(hidden):
        cavity(messages.total[k], messages.weight[pattern, k], inputs, space.a[k], space.spread[k])
        mu, s2 = lane_sum(space.a[k]), lane_sum(space.spread[k])
        space.moments[k, 0], space.moments[k, 1] = mu, s2
        up[k] += rule.keep * (up_message(mu, s2) - up[k])
    if hidden > 1:
        for k in range(hidden):
            down[k] += rule.keep * (majority_field(up, k, space.law) - down[k])
    for k in range(hidden):
        row = messages.weight[pattern, k]
        for i in range(row.size):
            space.before[i] = row[i]
        if _send_down(messages, pattern, k, space, rule) > known:
            known = max(known, magnetisation_change(space.before, row, space.spread[k]))
    return known


@kernel
def _send_down(messages, pattern, k, space, rule):
    """Update the messages of one unit to its weights, fast where accurate; return the largest change."""
    total, row, inputs = messages.total[k], messages.weight[pattern, k], messages.inputs[pattern]
    mu, s2 = space.moments[k, 0], space.moments[k, 1]
    mixture = output_mixture(messages.down[pattern, k])
    if not rule.exact and interpolate(mu, s2, mixture, space.coefficients):
        return fast_row(total, row, inputs, space.a[k], space.coefficients, rule.keep)
    rows, moments = (space.a[k], space.spread[k]), (mu, s2)
    if not rule.exact and interpolate_frozen(mu, s2, mixture, space.frozen):
        return frozen_row(total, row, inputs, rows, moments, mixture, space.frozen, rule.keep)
    return exact_row(total, row, inputs, rows, moments, mixture, rule.keep)


@kernel
def visit_centre(messages, k, i, rule):
    """Update the message of the centre to one weight; return the change of its magnetisation."""
    old = messages.centre[k, i]
    gathered = (rule.replicas - 1.0) * coupled(messages.total[k, i] - old, rule.gamma)
    new = old + rule.keep * (coupled(gathered, rule.gamma) - old)
    messages.centre[k, i] = new
    messages.total[k, i] += new - old
    return abs(np.tanh(new) - np.tanh(old))


@kernel
def iterate(messages, space, rule):
    """Visit all patterns and, with replicas, all centres in random order; return the largest change."""
    patterns, n = messages.inputs.shape
    visits = space.order[: patterns + messages.total.size if rule.replicas > 1.0 else patterns]
    for visit in range(visits.size):
        visits[visit] = visit
    shuffle(space.stream, visits)
    largest = 0.0
    for visit in visits:
        if visit < patterns:
            largest = visit_pattern(messages, visit, space, rule, largest)
        else:
            site = visit - patterns
            largest = max(largest, visit_centre(messages, site // n, site % n, rule))
    return largest


@kernel
def count_errors(inputs, total, signs):
    """Return how many patterns the signs of the total fields classify wrongly; fill `signs`."""
    hidden, n = total.shape
    for k in range(hidden):
        for i in range(n):
            signs[k, i] = 1 if total[k, i] >= 0.0 else -1
    errors = 0
    for pattern in range(inputs.shape[0]):
        votes = 0
        for k in range(hidden):
            field = 0
            for i in range(n):
                field += np.int32(signs[k, i] * inputs[pattern, i])
            votes += 1 if field > 0 else -1
        errors += votes < 0
    return errors


@kernel
def _finite(fields):
    """Whether no field is infinite or not a number."""
    for k in range(fields.shape[0]):
        for i in range(fields.shape[1]):
            if not np.isfinite(fields[k, i]):
                return False
    return True


@kernel
def run(messages, space, rule, limits, changes, errors):
    """Iterate at most changes.size times; record the largest change and the errors of every iteration.

    errors has one more entry than changes; the first is the fewest errors so far. `space.best` keeps the
    signs of the last iteration with the fewest errors. Return (iterations done with finite fields, why it
    ended).
    """
    fewest = errors[0]
    for step in range(changes.size):
        changes[step] = iterate(messages, space, rule)
        if not _finite(messages.total):
            return step, BROKEN
        count = count_errors(messages.inputs, messages.total, space.signs)
        errors[step + 1] = count
        if count <= fewest:
            fewest = count
            _copy(space.signs, space.best)
        if limits.stop_solved and count == 0:
            return step + 1, SOLVED
        if changes[step] < limits.tolerance:
            return step + 1, CONVERGED
    return changes.size, UNFINISHED


@kernel
def _copy(source, target):
    """Copy a matrix."""
    for k in range(source.shape[0]):
        for i in range(source.shape[1]):
            target[k, i] = source[k, i]
