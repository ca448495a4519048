"""Compiled epochs of (replicated) SGD with hidden accumulators; see `thermobatch.networks.dynamics.committee_sgd`.

Arrays over the N inputs are padded with zeros to whole words of 64: padded inputs, weights and accumulators
are 0 and stay so. Bits of weights and of patterns (labels absorbed), set where negative, give the
stabilities by population counts.
"""

from typing import NamedTuple

import numpy as np

from thermobatch.foundation.compilation import kernel
from thermobatch.foundation.streams import next_below, shuffle
from thermobatch.networks.bit_planes import popcount

CENTRES = ("simple", "hard", "corrected", "continuous", "explicit")
SIMPLE, HARD, CORRECTED, CONTINUOUS, EXPLICIT = range(5)
BATCH_RULES = ("permutation", "shared", "random")
PERMUTATION, SHARED, RANDOM = range(3)


TIES = ("minus", "keep")
MINUS, KEEP = range(2)
TIE = 1e-9
"""An accumulator this close to 0 counts as 0, so that rounding does not decide."""


class Examples(NamedTuple):
    """The patterns, labels absorbed."""

    signs: np.ndarray
    """int8[M, width], zero in the padding."""
    bits: np.ndarray
    """uint64[M, width / 64]."""
    words: np.ndarray
    """uint64[width / 64, M]: the same bits, word by word."""
    n: int
    """Number of inputs, without padding."""


class Accumulators(NamedTuple):
    """State of y replicas of K units and of their centre."""

    fields: np.ndarray
    """float64[y + 1, K, width]: H of the replicas; the last one is the explicit centre's."""
    weights: np.ndarray
    """int8[y + 1, K, width]: J = sign(H); the last one is the centre (traced: the majority, when needed)."""
    bits: np.ndarray
    """uint64[y + 1, K, width / 64]: packed weights."""
    sums: np.ndarray
    """int32[K, width]: sum of the replicas' weights, as far as the kicks know it."""
    gradient: np.ndarray
    """int32[K, width]: what the batch at hand adds, in units of the learning rate."""


class Settings(NamedTuple):
    """What the dynamics is."""

    learning_rate: float
    attraction: float
    coupling: float
    coupling_step: float
    centre: int
    batch: int
    batch_rule: int
    random_order: bool
    epochs: int
    stop: bool
    ties: int


class Orders(NamedTuple):
    """In which order patterns and replicas are visited; an epoch shuffles the orders of the one before."""

    patterns: np.ndarray
    """int64[y, M]."""
    replicas: np.ndarray
    """int64[y]."""


class History(NamedTuple):
    """What is recorded after every epoch; row 0 is the initial state, the last column the centre."""

    errors: np.ndarray
    """int64[epochs + 1, y + 1]."""
    distances: np.ndarray
    """float64[epochs + 1, y]: Hamming distance to the centre / (K N)."""
    best: np.ndarray
    """int8[K, width]: weights of the network with fewest errors so far."""
    best_place: np.ndarray
    """int64[3]: its errors, epoch and column."""


@kernel
def pack_weights(weights, bits):
    """Pack the signs of int8[K, width] into uint64[K, width / 64], eight weights an operation."""
    for unit in range(bits.shape[0]):
        bytes_of_unit = weights[unit].view(np.uint64)
        for word in range(bits.shape[1]):
            packed = np.uint64(0)
            for part in range(8):
                negative = (bytes_of_unit[8 * word + part] >> np.uint64(7)) & np.uint64(0x0101010101010101)
                packed |= ((negative * np.uint64(0x0102040810204080)) >> np.uint64(56)) << np.uint64(8 * part)
            bits[unit, word] = packed


@kernel(forceinline=True)
def votes_of(bits, replica, examples, pattern, stabilities):
    """Fill the stabilities N - 2 x disagreements of a replica's units on a pattern; return their votes' sum."""
    votes = 0
    for unit in range(bits.shape[1]):
        disagreements = 0
        for word in range(bits.shape[2]):
            disagreements += popcount(bits[replica, unit, word] ^ examples.bits[pattern, word])
        stabilities[unit] = examples.n - 2 * disagreements
        votes += 1 if stabilities[unit] > 0 else -1
    return votes


@kernel
def add_disagreements(disagreements, weights, patterns):
    """Add, for every pattern, the inputs at which 64 of its signs and a word of weights differ (vectorised)."""
    for pattern in range(patterns.size):
        disagreements[pattern] += popcount(weights ^ patterns[pattern])


@kernel
def add_wrong_units(wrong, disagreements, half):
    """Add, for every pattern, whether a unit is wrong: it disagrees with more than half of the inputs."""
    for pattern in range(wrong.size):
        wrong[pattern] += disagreements[pattern] > half


@kernel
def count_errors(examples, bits, replica):
    """Return the number of patterns that a replica gets wrong."""
    wrong = np.zeros(examples.bits.shape[0], dtype=np.int64)
    disagreements = np.empty(wrong.size, dtype=np.int64)
    for unit in range(bits.shape[1]):
        disagreements[:] = 0
        for word in range(bits.shape[2]):
            add_disagreements(disagreements, bits[replica, unit, word], examples.words[word])
        add_wrong_units(wrong, disagreements, examples.n // 2)
    return np.count_nonzero(wrong > bits.shape[1] // 2)


@kernel
def select_units(stabilities, votes, selected):
    """Fill `selected` with the (1 - votes) / 2 wrong units closest to being right; return how many they are."""
    wanted = (1 - votes) // 2
    for rank in range(wanted):
        best = -1
        for unit in range(stabilities.size):
            if stabilities[unit] < 0 and (best < 0 or stabilities[unit] > stabilities[best]):
                best = unit
        selected[rank] = best
        stabilities[best] = 1
    return wanted


@kernel
def add_signs(totals, signs):
    """Add a row of signs to a row of integers (apart, so that the compiler vectorises it)."""
    for site in range(signs.size):
        totals[site] += signs[site]


@kernel
def accumulate_batch(examples, batch, bits, replica, gradient):
    """Add up the patterns of a batch that the replica gets wrong, on the units to be corrected."""
    gradient[:] = 0
    signs = examples.signs
    hidden = bits.shape[1]
    stabilities = np.empty(hidden, dtype=np.int64)
    selected = np.empty(hidden, dtype=np.int64)
    for pattern in batch:
        votes = votes_of(bits, replica, examples, pattern, stabilities)
        if votes < 0:
            for rank in range(select_units(stabilities, votes, selected)):
                add_signs(gradient[selected[rank]], signs[pattern])


@kernel(forceinline=True)
def sign_of(field, weight, ties):
    """Return the sign of an accumulator: at 0 it is -1, or that of the weight; in the padding it is 0."""
    tied = weight if ties == KEEP else np.int8(-abs(weight))
    return np.int8(1) if field > TIE else (np.int8(-1) if field < -TIE else tied)


@kernel
def attraction_of(settings, coupling, replicas):
    """Return lambda f(gamma S), by S + y with S the sum of the replicas' weights (float64[2 y + 1]), and lambda c."""
    pull = np.empty(2 * replicas + 1)
    for index in range(pull.size):
        total = index - replicas
        if settings.centre == HARD:
            pull[index] = max(-1.0, min(1.0, coupling * total))
        elif settings.centre == CONTINUOUS:
            pull[index] = total / replicas
        else:
            pull[index] = np.tanh(coupling * total)
    shrink = np.tanh(coupling * replicas) if settings.centre == CORRECTED else 1.0
    return settings.attraction * pull, settings.attraction * shrink


@kernel
def learn(fields, weights, gradient, settings):
    """Move the accumulators of one unit by the gradient, and J = sign(H)."""
    for site in range(fields.size):
        fields[site] += settings.learning_rate * gradient[site]
    for site in range(fields.size):
        weights[site] = sign_of(fields[site], weights[site], settings.ties)


@kernel
def kick_traced(fields, weights, sums, old, kick, ties):
    """Attract one unit of a replica to the traced centre; `old` are its weights before the batch."""
    pull, shrink = kick
    replicas = np.int32(pull.size // 2)
    for site in range(fields.size):
        fields[site] += pull[np.uint32(sums[site] + replicas)] - shrink * weights[site]
    for site in range(fields.size):
        weights[site] = sign_of(fields[site], weights[site], ties)
    for site in range(fields.size):
        sums[site] += weights[site] - old[site]


@kernel
def kick_explicit(fields, weights, centre_fields, centre_weights, settings):
    """Attract one unit of a replica and the explicit centre to each other."""
    for site in range(fields.size):
        move = settings.attraction * 0.5 * (centre_weights[site] - weights[site])
        fields[site] += move
        centre_fields[site] -= move
    for site in range(fields.size):
        weights[site] = sign_of(fields[site], weights[site], settings.ties)
        centre_weights[site] = sign_of(centre_fields[site], centre_weights[site], settings.ties)


@kernel
def visit(examples, network, replica, batch, settings, kick):
    """Train a replica on a batch and attract it to its centre."""
    all_fields, all_weights, bits, sums, gradient = network
    accumulate_batch(examples, batch, bits, replica, gradient)
    centre = all_fields.shape[0] - 1
    old = all_weights[replica].copy()
    for unit in range(gradient.shape[0]):
        fields = all_fields[replica, unit]
        weights = all_weights[replica, unit]
        learn(fields, weights, gradient[unit], settings)
        if settings.attraction == 0.0:
            continue
        if settings.centre == EXPLICIT:
            kick_explicit(fields, weights, all_fields[centre, unit], all_weights[centre, unit], settings)
        else:
            kick_traced(fields, weights, sums[unit], old[unit], kick, settings.ties)
    pack_weights(all_weights[replica], bits[replica])


@kernel
def set_majority(network):
    """Set the centre's weights to the majority of the replicas; the first one decides a tie."""
    weights = network.weights
    replicas = weights.shape[0] - 1
    totals = np.empty(weights.shape[2], dtype=np.int32)
    for unit in range(weights.shape[1]):
        totals[:] = 0
        for replica in range(replicas):
            add_signs(totals, weights[replica, unit])
        for site in range(totals.size):
            weights[replicas, unit, site] = np.sign(2 * totals[site] + weights[0, unit, site])


@kernel
def hamming_distance(bits, left, right):
    """Return the number of weights that differ between two replicas."""
    different = 0
    for unit in range(bits.shape[1]):
        for word in range(bits.shape[2]):
            different += popcount(bits[left, unit, word] ^ bits[right, unit, word])
    return different


@kernel
def record(examples, network, history, epoch, explicit):
    """Write errors and distances of an epoch; keep the weights of the best network so far."""
    centre = network.fields.shape[0] - 1
    if not explicit:
        set_majority(network)
    pack_weights(network.weights[centre], network.bits[centre])
    for column in range(centre + 1):
        if column == 1 and centre == 1 and not explicit:
            errors = history.errors[epoch, 0]
        else:
            errors = count_errors(examples, network.bits, column)
        history.errors[epoch, column] = errors
        if errors < history.best_place[0]:
            history.best_place[0] = errors
            history.best_place[1] = epoch
            history.best_place[2] = column
            history.best[:] = network.weights[column]
        if column < centre:
            different = hamming_distance(network.bits, column, centre)
            history.distances[epoch, column] = different / (network.gradient.shape[0] * examples.n)


@kernel
def draw_batch(patterns, start, stop, settings, stream, batch):
    """Return the patterns of the next mini-batch of a replica."""
    if settings.batch_rule != RANDOM:
        return patterns[start:stop]
    for place in range(stop - start):
        batch[place] = next_below(stream, patterns.size)
    return batch[: stop - start]


@kernel
def run_epochs(examples, network, settings, history, orders, stream, epoch, until):
    """Go on from `epoch` to `until`, or until a network has no error; return the number of epochs run."""
    replicas = network.fields.shape[0] - 1
    patterns = orders.patterns
    drawn = np.empty(settings.batch, dtype=np.int64)
    explicit = settings.centre == EXPLICIT
    if epoch == 0:
        record(examples, network, history, 0, explicit)
    while epoch < until and not (settings.stop and history.best_place[0] == 0):
        kick = attraction_of(settings, settings.coupling + epoch * settings.coupling_step, replicas)
        if settings.batch_rule == PERMUTATION:
            for replica in range(replicas):
                shuffle(stream, patterns[replica])
        elif settings.batch_rule == SHARED:
            shuffle(stream, patterns[0])
            patterns[1:] = patterns[0]
        for start in range(0, patterns.shape[1], settings.batch):
            stop = min(start + settings.batch, patterns.shape[1])
            if settings.random_order:
                shuffle(stream, orders.replicas)
            for replica in orders.replicas:
                batch = draw_batch(patterns[replica], start, stop, settings, stream, drawn)
                visit(examples, network, replica, batch, settings, kick)
        epoch += 1
        record(examples, network, history, epoch, explicit)
    return epoch
