"""Free entropies of the binary perceptron, term by term from the formulas, with Gauss-Hermite averages."""

import math

import numpy as np

ROOTS, WEIGHTS = np.polynomial.hermite_e.hermegauss(150)
INSIDE = abs(ROOTS) < 8.0  # beyond, the tails underflow and the weights are below 1e-15
ROOTS, WEIGHTS = ROOTS[INSIDE], WEIGHTS[INSIDE] / WEIGHTS.sum()
tail = np.vectorize(lambda x: 0.5 * math.erfc(x / math.sqrt(2.0)))


def two_cosh(x):
    return 2.0 * np.cosh(x)


def replica_symmetric(alpha, q, qh):
    k = np.sqrt(q / (1 - q))
    spins = WEIGHTS @ np.log(two_cosh(np.sqrt(qh) * ROOTS))
    return -qh * (1 - q) / 2 + spins + alpha * (WEIGHTS @ np.log(tail(-k * ROOTS)))


def franz_parisi(alpha, p, q0, q0h, q, qh, t, th, ph):
    z, w = ROOTS[:, None], ROOTS[None, :]
    h0 = np.sqrt(q0h) * z
    spins = 0.0
    for v in (1, -1):
        field = th * z / np.sqrt(q0h) + np.sqrt(qh - th**2 / q0h) * w + (ph - th) * v
        spins = spins + np.exp(v * h0) / two_cosh(h0) * np.log(two_cosh(field))
    a, v = np.sqrt(q0 / (1 - q0)), q - t**2 / q0
    rho = (p - t) / np.sqrt((1 - q0) * v)
    reference = tail(-(a * z + rho * w) / np.sqrt(1 - rho**2)) / tail(-a * z)
    patterns = reference * np.log(tail(-(t * z / np.sqrt(q0) + np.sqrt(v) * w) / np.sqrt(1 - q)))
    conjugates = -qh * (1 - q) / 2 - ph * p + th * t
    return conjugates + WEIGHTS @ spins @ WEIGHTS + alpha * (WEIGHTS @ patterns @ WEIGHTS)


def robust_ensemble(alpha, gamma, y, q1, q0, q1h, q0h):
    z0, z1 = ROOTS[:, None], ROOTS[None, :]
    field = np.sqrt(q0h) * z0 + np.sqrt(q1h - q0h) * z1
    spins = np.log((two_cosh(field + gamma) ** y + two_cosh(field - gamma) ** y) @ WEIGHTS)
    stable = tail(-(np.sqrt(q0) * z0 + np.sqrt(q1 - q0) * z1) / np.sqrt(1 - q1)) ** y
    patterns = np.log(stable @ WEIGHTS)
    conjugates = -q1h * (1 - q1) / 2 - y / 2 * (q1h * q1 - q0h * q0)
    return conjugates + (WEIGHTS @ spins + alpha * (WEIGHTS @ patterns)) / y


def robust_ensemble_limit(alpha, gamma, q, gap, qh, gaph):
    """y -> infinity: the maxima over zeta on a grid, sharpened by a parabola."""
    half, panels = np.polynomial.legendre.leggauss(60)
    z = np.concatenate([4 * (half + 1), -4 * (half + 1)])  # two half lines: the centre's sign flips at 0
    weights = np.tile(panels, 2) * np.exp(-z * z / 2)
    weights /= weights.sum()
    zeta = np.linspace(-10, 10, 1001)
    field = np.sqrt(qh) * z[:, None] + np.sqrt(gaph) * zeta
    spins = np.log(two_cosh(np.maximum(abs(field + gamma), abs(field - gamma))))
    patterns = log_tail((np.sqrt(q) * z[:, None] + np.sqrt(gap) * zeta) / np.sqrt(1 - q))
    conjugates = -qh * (1 - q) / 2 - (gaph * q + qh * gap) / 2
    return (
        conjugates
        + weights @ largest(spins - zeta**2 / 2)
        + alpha * (weights @ largest(patterns - zeta**2 / 2))
    )


def largest(table):
    """Maximum along the rows of a smooth function on a grid."""
    rows, best = np.arange(len(table)), np.clip(table.argmax(axis=1), 1, table.shape[1] - 2)
    left, middle, right = table[rows, best - 1], table[rows, best], table[rows, best + 1]
    return middle + (right - left) ** 2 / (8 * (2 * middle - left - right))


@np.vectorize
def log_tail(x):
    """log Phi(x); far in the tail by the first terms of the asymptotic series."""
    if x > -30:
        return math.log(0.5 * math.erfc(-x / math.sqrt(2)))
    return -x * x / 2 - math.log(-x * math.sqrt(2 * math.pi)) + math.log1p(-1 / x**2 + 3 / x**4)


def level_symmetric(alpha, levels, square, q, square_conjugate, qh):
    """Replica symmetric free entropy of weights on several levels, Q = `square` and its conjugate free."""
    weights = np.arange(1 - levels, levels, 2)
    exponents = (square_conjugate - qh) / 2 * weights**2 + np.sqrt(qh) * np.outer(ROOTS, weights)
    spins = np.log(np.exp(exponents).sum(axis=1))
    k = np.sqrt(q / (square - q))
    conjugates = -square_conjugate * square / 2 + qh * q / 2
    return conjugates + WEIGHTS @ spins + alpha * (WEIGHTS @ np.log(tail(-k * ROOTS)))
