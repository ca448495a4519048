"""Compiled state of networks of binary threshold units: energy changes by population counts.

Labels are absorbed in the inputs, so every target is +1. The stability Delta_k = W_k . xi of hidden unit k
is odd; its counter x_k = (Delta_k - 1) / 2 moves by -a, a = xi_i W_ki, when weight (k, i) flips. The unit
is right where x_k >= 0; the cost of making it right is c_k = max(0, -x_k) flips. With n = (K + 1) / 2, the
energies of a pattern are

- step: 1 if fewer than n units are right;
- linear: the number of flips that make it right, the sum of the n smallest c_k (K = 1: (1 - Delta)/2 if
  Delta < 0).

A pattern changes either energy by at most 1, so a flip needs two masks a unit: ``rising`` (patterns whose
energy rises by 1 if x_k falls) and ``falling`` (whose energy falls by 1 if x_k rises): dE = #(rising and a
= +1) - #(falling and a = -1).
"""

from typing import NamedTuple

import numpy as np

from thermobatch.foundation.compilation import kernel
from thermobatch.networks.binary import register_binary_state
from thermobatch.networks.bit_planes import ONES, pack, popcount, to_planes
from thermobatch.networks.energies import pattern_energies


class ThresholdState(NamedTuple):
    """State of y replicas of a network of K units with N inputs and M patterns (W = ceil(M / 64) words)."""

    spins: np.ndarray
    """int8[y, K N]: weights, unit by unit (+-1; for `networks.level_replicas` odd levels)."""
    energies: np.ndarray
    """int64[y]."""
    columns: np.ndarray
    """uint64[N, W]: bit set where xi_i = +1 (labels absorbed)."""
    counters: np.ndarray
    """uint64[y, K, W, P]: bit planes of x_k."""
    masks: np.ndarray
    """uint64[2, y, K, W]: rising and falling."""
    last_word: np.uint64
    """Bit set for every pattern of the last word (clear in its padding)."""
    linear: bool
    """True: linear energy; False: step energy."""


def threshold_state(inputs: np.ndarray, spins: np.ndarray, energy: str, top: int = 1) -> ThresholdState:
    """Return the state of y networks of weights `spins` (int8[y, K, N]) on `inputs` (int8[M, N], labels absorbed).

    `top` is the largest weight: 1, or that of weights of several levels, odd numbers of which one moves by 2 at a time.
    """
    replicas, hidden, n = spins.shape
    fields = np.einsum("ykn,mn->ymk", spins.astype(np.float64), inputs.astype(np.float64), optimize=True)
    fields = fields.astype(np.int64)
    columns = pack(inputs.T)
    planes = int(np.ceil(np.log2((top * n + 1) / 2))) + 1
    counters = to_planes((np.swapaxes(fields, 1, 2) - 1) // 2, planes)
    state = ThresholdState(
        spins=spins.reshape(replicas, hidden * n).astype(np.int8),
        energies=pattern_energies(fields, energy).sum(axis=-1),
        columns=columns,
        counters=np.ascontiguousarray(np.swapaxes(counters, 2, 3)),
        masks=np.zeros((2, replicas, hidden, columns.shape[1]), dtype=np.uint64),
        last_word=pack(np.ones(inputs.shape[0]))[-1],
        linear=energy == "linear",
    )
    for replica in range(replicas):
        refresh_masks(state, replica)
    return state


@kernel
def step_counters(counters, replica, unit, columns, site, inverted):
    """Move the counters of a unit by -1 where the bit of the column (inverted if asked) is set, by +1 elsewhere."""
    for word in range(columns.shape[1]):
        down = columns[site, word] ^ inverted
        toggle = ONES
        for plane in range(counters.shape[3]):
            new = counters[replica, unit, word, plane] ^ toggle
            toggle &= ~(down ^ new)
            counters[replica, unit, word, plane] = new


@kernel(forceinline=True)
def set_masks(masks, last_word, place, rising, falling):
    """Store the masks of one word of a unit, place = (replica, unit, word), without the padding of the last word."""
    replica, unit, word = place
    kept = last_word if word == masks.shape[3] - 1 else ONES
    masks[0, replica, unit, word] = rising & kept
    masks[1, replica, unit, word] = falling & kept


@kernel(forceinline=True)
def flip_single_unit(state, replica, site, inverted):
    """Move the counters and refresh the masks of a network of one unit in one pass (such a unit always decides)."""
    counters = state.counters
    planes = counters.shape[3]
    for word in range(state.columns.shape[1]):
        down = state.columns[site, word] ^ inverted
        toggle = ONES
        any_bit = np.uint64(0)
        every_bit = ONES
        for plane in range(planes):
            new = counters[replica, 0, word, plane] ^ toggle
            toggle &= ~(down ^ new)
            counters[replica, 0, word, plane] = new
            any_bit |= new
            every_bit &= new
        negative = counters[replica, 0, word, planes - 1]
        rising = negative | ~any_bit if state.linear else ~any_bit
        falling = negative if state.linear else every_bit
        set_masks(state.masks, state.last_word, (replica, 0, word), rising, falling)


@kernel
def is_zero(counters):
    """Return the bits whose counter is 0."""
    any_bit = np.uint64(0)
    for plane in range(counters.size):
        any_bit |= counters[plane]
    return ~any_bit


@kernel
def is_minus_one(counters):
    """Return the bits whose counter is -1."""
    every_bit = ONES
    for plane in range(counters.size):
        every_bit &= counters[plane]
    return every_bit


@kernel
def compare(left, right):
    """Return the bits where the left counter is (greater than, equal to) the right one."""
    top = left.size - 1
    greater = ~left[top] & right[top]
    equal = ~(left[top] ^ right[top])
    for plane in range(top - 1, -1, -1):
        greater |= equal & left[plane] & ~right[plane]
        equal &= ~(left[plane] ^ right[plane])
    return greater, equal


@kernel
def count_up(at_least, bits):
    """Add bits to thermometer counts: at_least[m] holds the patterns counted m times or more (at_least[0]: all)."""
    for level in range(at_least.size - 1, 0, -1):
        at_least[level] |= at_least[level - 1] & bits


@kernel
def linear_masks(state, replica, unit, word):
    """Return (rising, falling) of one unit for the linear energy; they compare the costs of the other units.

    c_k + 1 replaces c_k in the sum of the n smallest if fewer than n others have c_j <= c_k; where x_k <= 0
    this reads x_j >= x_k. Likewise c_k - 1 lowers the sum if fewer than n others have c_j < c_k, that is
    x_j > x_k.
    """
    own = state.counters[replica, unit, word]
    hidden = state.counters.shape[1]
    negative = own[own.size - 1]
    not_positive = negative | is_zero(own)
    needed = (hidden + 1) // 2
    as_large = np.zeros(needed + 1, dtype=np.uint64)
    larger = np.zeros(needed + 1, dtype=np.uint64)
    as_large[0] = ONES
    larger[0] = ONES
    for other in range(hidden):
        if other != unit:
            greater, equal = compare(state.counters[replica, other, word], own)
            count_up(as_large, greater | equal)
            count_up(larger, greater)
    return not_positive & ~as_large[needed], negative & ~larger[needed]


@kernel
def step_masks(state, replica, unit, word):
    """Return (rising, falling) of one unit for the step energy; the unit must be decisive and at its threshold."""
    own = state.counters[replica, unit, word]
    hidden = state.counters.shape[1]
    top = own.size - 1
    needed = (hidden + 1) // 2
    right = np.zeros(needed + 2, dtype=np.uint64)
    right[0] = ONES
    for other in range(hidden):
        count_up(right, ~state.counters[replica, other, word, top])
    barely_right = right[needed] & ~right[needed + 1]
    barely_wrong = right[needed - 1] & ~right[needed]
    return is_zero(own) & barely_right, is_minus_one(own) & barely_wrong


@kernel
def refresh_masks(state, replica):
    """Recompute the masks of all units of a replica from its counters."""
    for unit in range(state.counters.shape[1]):
        for word in range(state.columns.shape[1]):
            if state.linear:
                rising, falling = linear_masks(state, replica, unit, word)
            else:
                rising, falling = step_masks(state, replica, unit, word)
            set_masks(state.masks, state.last_word, (replica, unit, word), rising, falling)


def threshold_energy_change(state, replica, variable):
    """Return dE of flipping weight (k, i), variable = k N + i: #(rising, a = +1) - #(falling, a = -1)."""
    n = state.columns.shape[0]
    unit = np.int64(np.uint64(variable) // np.uint64(n))
    site = variable - unit * n
    inverted = np.uint64(0) if state.spins[replica, variable] > 0 else ONES
    change = 0
    for word in range(state.columns.shape[1]):
        plus = state.columns[site, word] ^ inverted
        change += popcount(state.masks[0, replica, unit, word] & plus)
        change -= popcount(state.masks[1, replica, unit, word] & ~plus)
    return change


def threshold_flip(state, replica, variable, change):
    """Flip weight (k, i), variable = k N + i, and bring counters, masks and energy up to date."""
    n = state.columns.shape[0]
    unit = variable // n
    inverted = np.uint64(0) if state.spins[replica, variable] > 0 else ONES
    state.spins[replica, variable] = -state.spins[replica, variable]
    state.energies[replica] += change
    if state.counters.shape[1] == 1:
        flip_single_unit(state, replica, variable, inverted)
    else:
        step_counters(state.counters, replica, unit, state.columns, variable - unit * n, inverted)
        refresh_masks(state, replica)


register_binary_state(ThresholdState, threshold_energy_change, threshold_flip)
