"""Messages of a hidden unit whose weights are nearly all frozen, where the variance s2 of its sum is small.

There P(a) of :mod:`thermobatch.networks.dynamics.threshold_messages` is not a low polynomial over [-1, 1], but nearly
all the weights have a close to +1 or to -1. With w = 1 - a^2 the message is P(+-sqrt(1 - w)), which is
interpolated at 8 Chebyshev nodes on 0 <= w <= min(s2 / 20, 0.2), one polynomial for each sign; as the w sum
to s2, only a few tens of weights lie outside and get the exact formula. The error is bounded as in the fast
path, relative to the largest message where that exceeds one.
"""

import numpy as np

from thermobatch.foundation.compilation import kernel
from thermobatch.networks.dynamics.threshold_messages import (
    FEW_POINTS,
    FEW_POWERS,
    FEW_TAIL,
    TAIL,
    cavity_variance,
    down_message,
)

_SHARE = 0.05
_WIDEST = 0.2
"""Largest w that is interpolated, so that sqrt(1 - w) stays smooth."""


@kernel
def interpolate_frozen(mu, s2, mixture, frozen):
    """Fill frozen[0] (a > 0) and frozen[1] (a < 0) with coefficients; return whether they may be used."""
    accurate = s2 > 0.0
    for side in range(2):
        accurate = accurate and _fit_frozen(mu, s2, mixture, 1.0 - 2.0 * side, frozen[side])
    return accurate


@kernel
def _widest(s2):
    """Largest w of the interpolation."""
    return min(_SHARE * s2, _WIDEST)


@kernel
def _fit_frozen(mu, s2, mixture, sign, coefficients):
    """Interpolate in w = widest (x + 1) / 2; return whether the last two Chebyshev coefficients are small."""
    last, before, largest = 0.0, 0.0, 1.0
    for degree in range(coefficients.size):
        coefficients[degree] = 0.0
    for j in range(FEW_POINTS.size):
        w = 0.5 * _widest(s2) * (FEW_POINTS[j] + 1.0)
        value = down_message(mu - sign * np.sqrt(1.0 - w), s2 - w, mixture)
        for degree in range(FEW_POINTS.size):
            coefficients[degree] += FEW_POWERS[degree, j] * value
        before += FEW_TAIL[0, j] * value
        last += FEW_TAIL[1, j] * value
        largest = max(largest, abs(value))
    return abs(before) + abs(last) < TAIL * largest


@kernel(error_model="numpy")
def frozen_row(total, message, inputs, rows, moments, mixture, frozen, keep):
    """Update the messages of a row and the total fields; return the largest change.

    rows = (a, spread) of :func:`thermobatch.networks.dynamics.threshold_messages.cavity`, moments = (mu, s2).
    """
    a, spread = rows
    mu, s2 = moments
    scale = 2.0 / _widest(s2)
    largest = 0.0
    for i in range(a.size):
        x = spread[i] * scale - 1.0
        if x <= 1.0:
            c = frozen[0] if a[i] > 0.0 else frozen[1]
            high = c[4] + x * (c[5] + x * (c[6] + x * c[7]))
            value = c[0] + x * (c[1] + x * (c[2] + x * (c[3] + x * high)))
        else:
            value = down_message(mu - a[i], cavity_variance(spread, s2, i), mixture)
        change = keep * (value * inputs[i] - message[i])
        message[i] += change
        total[i] += change
        largest = max(largest, abs(change))
    return largest
