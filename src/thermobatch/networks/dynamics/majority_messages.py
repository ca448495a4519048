"""Messages of the output node of a committee: at least half of K binary units must be up, exactly.

The number of units that are up is convolved over the units one by one (K is small). With #up counted over the
other K - 1 units and z = (K - 1) / 2, the field on a unit is u = (1/2) log [1 + P(#up = z) / P(#up > z)].
"""

import numpy as np

from thermobatch.foundation.compilation import kernel

SMALLEST = 1e-280


@kernel
def majority_field(up, left_out, law):
    """Return the field of the output node on unit `left_out`, given the fields `up` of the units.

    law is scratch, float64[K + 1].
    """
    half = (up.size - 1) // 2
    _convolve(up, left_out, law)
    beyond = 0.0
    for number in range(half + 1, up.size):
        beyond += law[number]
    if beyond > SMALLEST:
        return 0.5 * np.log1p(law[half] / beyond)
    _log_convolve(up, left_out, law)
    ratio = law[half] - _log_sum(law, half + 1, up.size)
    return 0.5 * (max(ratio, 0.0) + np.log1p(np.exp(-abs(ratio))))


@kernel
def log_majority(up, law):
    """Return the log probability that the output is +1 when unit k is up with odds exp(2 up[k])."""
    half = (up.size - 1) // 2
    _log_convolve(up, -1, law)
    log_norm = 0.0
    for k in range(up.size):
        log_norm += np.log1p(np.exp(-2.0 * abs(up[k])))
    return _log_sum(law, half + 1, up.size + 1) - log_norm


@kernel
def _convolve(up, left_out, law):
    """Law of the number of units up, each scaled by its likeliest state (only ratios matter)."""
    for number in range(law.size):
        law[number] = 0.0
    law[0] = 1.0
    count = 0
    for k in range(up.size):
        if k == left_out:
            continue
        above = np.exp(min(0.0, 2.0 * up[k]))
        below = np.exp(min(0.0, -2.0 * up[k]))
        count += 1
        for number in range(count, 0, -1):
            law[number] = law[number] * below + law[number - 1] * above
        law[0] *= below


@kernel
def _log_convolve(up, left_out, law):
    """The same law in logarithms, for fields so strong that it underflows."""
    for number in range(law.size):
        law[number] = -np.inf
    law[0] = 0.0
    count = 0
    for k in range(up.size):
        if k == left_out:
            continue
        above = min(0.0, 2.0 * up[k])
        below = min(0.0, -2.0 * up[k])
        count += 1
        for number in range(count, 0, -1):
            law[number] = _log_add(law[number] + below, law[number - 1] + above)
        law[0] += below


@kernel
def _log_add(first, second):
    """log(exp(first) + exp(second)), either possibly zero."""
    largest = max(first, second)
    return largest if largest == -np.inf else largest + np.log1p(np.exp(min(first, second) - largest))


@kernel
def _log_sum(logs, start, stop):
    """log of the sum of the exponentials of logs[start:stop]."""
    total = -np.inf
    for number in range(start, stop):
        total = _log_add(total, logs[number])
    return total
