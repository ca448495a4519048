"""Law tests shared by the Langevin tests."""

import numpy as np
from scipy import stats

FALSE_ALARM = 1e-6
"""Probability that a law test fails although the law is right, for a seed drawn at random."""


def differs(values, expected):
    """Whether means over runs (axis 0) differ from what is expected, anywhere, by more than the false-alarm rate."""
    values = np.asarray(values).reshape(len(values), -1)
    expected = np.asarray(expected).reshape(-1)
    errors = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    seen = errors > 0
    distance = np.abs(values.mean(axis=0) - expected)[seen] / errors[seen]
    return distance.max() > stats.t.isf(FALSE_ALARM / (2 * seen.sum()), len(values) - 1)


def shares(found, law):
    """Shares of each run in the cells that hold more than 1e-3 of a law, and the law there."""
    kept = law.probability.values > 1e-3
    counts = found.histogram.values[:, kept]
    return counts / (found.histogram.sum("bin") + found.outside).values[:, None], law.probability.values[kept]
