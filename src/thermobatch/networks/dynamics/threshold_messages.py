"""Belief propagation messages of one hidden unit: sign(W . xi) with binary W, by the central limit theorem.

Symbols of the kernels (Baldassi et al., PNAS 113, E7655 (2016), supporting text): all messages are fields,
that is atanh of magnetisations. For one pattern xi and one unit, m is the total field of a weight, u the
message of this unit to it, h = m - u its cavity field, ht = tanh h; mu = sum xi ht and s2 = sum (1 - ht^2)
are the mean and the variance of W . xi. H is the field that the rest of the graph puts on the unit's output
(infinite: the output must be +1). The message to a weight is

    u = (1/2) log [(1 + tanh H erf m+) / (1 + tanh H erf m-)],
    m+- = (mu - xi ht +- xi) / sqrt(2 (s2 - 1 + ht^2)).

Fast path. u depends on the weight only through a = xi ht in [-1, 1]: u = xi P(a) with

    P(a) = (1/2) [F(mu - a + 1) - F(mu - a - 1)] at variance s2 - 1 + a^2,
    F = log(1 + tanh H erf(. / sqrt(2 variance))).

P is evaluated exactly at 8 or 12 Chebyshev nodes and interpolated for all N weights by a polynomial that the
compiler vectorises. The fast path is taken only where s2 >= SMALLEST_VARIANCE and the last two Chebyshev
coefficients are below TAIL; then |fast - exact| <= INTERPOLATION_ERROR. Elsewhere
:mod:`thermobatch.networks.dynamics.saturated_messages` interpolates in another variable, and the exact formula is the
rest.
"""

import math
from typing import NamedTuple

import numpy as np

from thermobatch.foundation.compilation import kernel

INTERPOLATION_ERROR = 1e-7
"""Bound on the absolute error of a message of the fast path (tested on adversarial rows)."""

LARGEST_MESSAGE = 1e6
"""Fields are cut here, so that sums of opposite messages keep their precision (a pattern that frozen weights
violate would send fields of 1e300)."""

SMALLEST_VARIANCE = 8.0
LARGE_VARIANCE = 100.0
TAIL = 5e-8
NODES = 12
FEW_NODES = 8

_LOG_2 = math.log(2.0)
_TWO_LOG2_E = 2.0 / _LOG_2
_HALF_LOG_PI = 0.5 * math.log(math.pi)
_ROUNDING = 1.5 * 2.0**52
_T2, _T3, _T4, _T5, _T6, _T7, _T8, _T9, _T10, _T11, _T12 = (1.0 / math.factorial(k) for k in range(2, 13))


def _interpolation(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return Chebyshev nodes, values -> coefficients of powers, values -> last two Chebyshev coefficients."""
    angles = np.pi * (np.arange(count) + 0.5) / count
    to_chebyshev = 2.0 / count * np.cos(np.outer(np.arange(count), angles))
    to_chebyshev[0] *= 0.5
    to_powers = np.zeros((count, count))
    for degree in range(count):
        powers = np.polynomial.chebyshev.cheb2poly([0.0] * degree + [1.0])
        to_powers[: powers.size] += np.outer(powers, to_chebyshev[degree])
    return np.cos(angles), to_powers, to_chebyshev[-2:]


MANY_POINTS, MANY_POWERS, MANY_TAIL = _interpolation(NODES)
FEW_POINTS, FEW_POWERS, FEW_TAIL = _interpolation(FEW_NODES)


class Mixture(NamedTuple):
    """What the messages of a row need of H: 1 + tanh H erf z = rest + weight erfc(-side z)."""

    side: float
    rest: float
    weight: float
    log_rest: float


# --- scalar functions --------------------------------------------------------------------------


@kernel
def log_two_cosh(field):
    """log(2 cosh(field)) without overflow."""
    size = abs(field)
    return size + np.log1p(np.exp(-2.0 * size))


@kernel
def log_erfc(x):
    """log erfc(x), by its asymptotic series where erfc underflows."""
    if x < 25.0:
        return math.log(math.erfc(x))
    inverse = 0.5 / (x * x)
    series = inverse * (-1.0 + inverse * (3.0 + inverse * (-15.0 + inverse * 105.0)))
    return -x * x - math.log(x) - _HALF_LOG_PI + np.log1p(series)


@kernel
def coupled(field, gamma):
    """atanh(tanh(field) tanh(gamma)): what a field becomes across a coupling gamma, which may be infinite."""
    if np.isinf(gamma):
        return field
    return 0.5 * (log_two_cosh(field + gamma) - log_two_cosh(field - gamma))


@kernel
def output_mixture(field):
    """Precompute what depends on H alone (1 - tanh |H| is small and must keep its relative precision)."""
    size = abs(field)
    decay = np.exp(-2.0 * size)
    rest = 2.0 * decay / (1.0 + decay)
    return Mixture(1.0 if field >= 0.0 else -1.0, rest, 1.0 - rest, _LOG_2 - 2.0 * size - np.log1p(decay))


@kernel
def log_satisfied(z, mixture):
    """F = log(1 + tanh H erf z), also where both terms of the sum underflow."""
    x = -mixture.side * z
    if x < 25.0:
        return math.log(mixture.rest + mixture.weight * math.erfc(x))
    if mixture.rest > 1e-250 or mixture.weight == 0.0:
        return math.log(mixture.rest)
    first, second = mixture.log_rest, math.log(mixture.weight) + log_erfc(x)
    return max(first, second) + np.log1p(np.exp(-abs(first - second)))


@kernel
def cut(field):
    """Keep a field within +-LARGEST_MESSAGE; not a number stays so."""
    if field > LARGEST_MESSAGE:
        return LARGEST_MESSAGE
    return -LARGEST_MESSAGE if field < -LARGEST_MESSAGE else field


@kernel(error_model="numpy")
def up_message(mu, s2):
    """U = atanh erf(mu / sqrt(2 s2)): the message of the unit to its output."""
    z = mu / np.sqrt(2.0 * s2)
    return cut(0.5 * (log_erfc(-z) - log_erfc(z)))


@kernel(error_model="numpy")
def down_message(mean, variance, mixture):
    """P: the message to a weight with xi = +1, from the cavity mean and variance of the sum of the others."""
    scale = 1.0 / np.sqrt(2.0 * variance)
    field = log_satisfied((mean + 1.0) * scale, mixture) - log_satisfied((mean - 1.0) * scale, mixture)
    return cut(0.5 * field)


# --- rows: all the weights of one unit for one pattern -----------------------------------------


@kernel(inline="always")
def decay(h):
    """exp(-2 |h|) to the last bits, not below 1e-301; written out so that loops over it are vectorised.

    Rounding to a power of two, then the Taylor series of degree 12.
    """
    scaled = -abs(h) * _TWO_LOG2_E
    scaled = scaled if scaled > -1000.0 else -1000.0
    shifted = scaled + _ROUNDING
    r = (scaled - (shifted - _ROUNDING)) * _LOG_2
    high = _T8 + r * (_T9 + r * (_T10 + r * (_T11 + r * _T12)))
    series = 1.0 + r * (
        1.0 + r * (_T2 + r * (_T3 + r * (_T4 + r * (_T5 + r * (_T6 + r * (_T7 + r * high))))))
    )
    power = np.int64((np.float64(shifted).view(np.int64) << 52) + 0x3FF0000000000000)
    return series * power.view(np.float64)


@kernel(error_model="numpy")
def cavity(total, message, inputs, a, spread):
    """Fill a = xi tanh h and spread = 1 / cosh^2 h for h = total - message."""
    for i in range(a.size):
        h = total[i] - message[i]
        e = decay(h)
        inverse = 1.0 / (1.0 + e)
        size = (1.0 - e) * inverse
        a[i] = (size if h > 0.0 else -size) * inputs[i]
        spread[i] = 4.0 * e * inverse * inverse


@kernel(error_model="numpy")
def magnetisation_change(old, new, scratch):
    """Return the largest change of tanh of a row of fields."""
    largest = 0.0
    for i in range(old.size):
        first, second = decay(old[i]), decay(new[i])
        before = (1.0 - first) / (1.0 + first)
        after = (1.0 - second) / (1.0 + second)
        scratch[i] = abs((after if new[i] > 0.0 else -after) - (before if old[i] > 0.0 else -before))
    for i in range(old.size):
        largest = max(largest, scratch[i])
    return largest


@kernel
def lane_sum(values):
    """Sum in eight lanes: vectorised, and in the same order on every machine."""
    s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = 0.0
    whole = values.size // 8 * 8
    for i in range(0, whole, 8):
        s0 += values[i]
        s1 += values[i + 1]
        s2 += values[i + 2]
        s3 += values[i + 3]
        s4 += values[i + 4]
        s5 += values[i + 5]
        s6 += values[i + 6]
        s7 += values[i + 7]
    total = ((s0 + s4) + (s2 + s6)) + ((s1 + s5) + (s3 + s7))
    for i in range(whole, values.size):
        total += values[i]
    return total


@kernel
def interpolate(mu, s2, mixture, coefficients):
    """Fill the coefficients of powers of P(a); return whether they are accurate enough to be used."""
    if not s2 >= SMALLEST_VARIANCE:
        return False
    for degree in range(coefficients.size):
        coefficients[degree] = 0.0
    if s2 >= LARGE_VARIANCE:
        return _fit(mu, s2, mixture, (FEW_POINTS, FEW_POWERS, FEW_TAIL), coefficients)
    return _fit(mu, s2, mixture, (MANY_POINTS, MANY_POWERS, MANY_TAIL), coefficients)


@kernel
def _fit(mu, s2, mixture, rule, coefficients):
    """Interpolate P at the points of a rule; return whether the last two Chebyshev coefficients are small."""
    points, powers, tail = rule
    last, before = 0.0, 0.0
    for j in range(points.size):
        a = points[j]
        value = down_message(mu - a, s2 - 1.0 + a * a, mixture)
        for degree in range(points.size):
            coefficients[degree] += powers[degree, j] * value
        before += tail[0, j] * value
        last += tail[1, j] * value
    return abs(before) + abs(last) < TAIL


@kernel(error_model="numpy")
def fast_row(total, message, inputs, a, coefficients, keep):
    """Update the messages of a row by the polynomial, and the total fields; return the largest change.

    keep is the weight of the new message (1 - damping). Bits of non-negative floats are ordered as integers.
    """
    c0, c1, c2, c3 = coefficients[0], coefficients[1], coefficients[2], coefficients[3]
    c4, c5, c6, c7 = coefficients[4], coefficients[5], coefficients[6], coefficients[7]
    c8, c9, c10, c11 = coefficients[8], coefficients[9], coefficients[10], coefficients[11]
    largest = np.int64(0)
    for i in range(a.size):
        x = a[i]
        high = c6 + x * (c7 + x * (c8 + x * (c9 + x * (c10 + x * c11))))
        value = c0 + x * (c1 + x * (c2 + x * (c3 + x * (c4 + x * (c5 + x * high)))))
        change = keep * (value * inputs[i] - message[i])
        message[i] += change
        total[i] += change
        bits = np.float64(abs(change)).view(np.int64)
        largest = bits if bits > largest else largest
    return np.int64(largest).view(np.float64)


@kernel
def cavity_variance(spread, s2, i):
    """Variance of the sum of all but weight i; summed again where weight i has nearly all of it."""
    variance = s2 - spread[i]
    if variance < 1e-3 * s2:
        return lane_sum(spread[:i]) + lane_sum(spread[i + 1 :])
    return variance


@kernel
def exact_row(total, message, inputs, rows, moments, mixture, keep):
    """Update the messages of a row by the exact formula, and the total fields; return the largest change.

    rows = (a, spread), moments = (mu, s2).
    """
    a, spread = rows
    mu, s2 = moments
    largest = 0.0
    for i in range(a.size):
        value = down_message(mu - a[i], cavity_variance(spread, s2, i), mixture)
        change = keep * (value * inputs[i] - message[i])
        message[i] += change
        total[i] += change
        largest = max(largest, abs(change))
    return largest
