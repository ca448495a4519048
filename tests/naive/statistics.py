"""Statistics from their definitions, with loops."""

import numpy as np


def survival(times, observed, at):
    """Kaplan-Meier: product over the distinct arrival times up to `at` of the share that does not arrive."""
    product = 1.0
    for t in sorted({t for t, arrived in zip(times, observed, strict=True) if arrived and t <= at}):
        at_risk = sum(other >= t for other in times)
        arrivals = sum(bool(arrived) and other == t for other, arrived in zip(times, observed, strict=True))
        product *= 1 - arrivals / at_risk
    return product


def median(times, observed):
    """Earliest time with survival <= 1/2."""
    for t in sorted(times):
        if survival(times, observed, t) <= 0.5 + 1e-12:
            return t
    return np.inf


def autocorrelation(series, lag):
    centred = np.asarray(series) - np.mean(series)
    return sum(a * b for a, b in zip(centred, centred[lag:], strict=False)) / sum(a * a for a in centred)


def parabola_minimum(x, y):
    c, b, _ = np.polyfit(x, y, 2)
    return -b / (2 * c)
