"""Law tests shared by the colouring tests: each returns a p-value, small when the law is not the stated one."""

import numpy as np
import scipy.stats

from thermobatch.coloring.graph import ColoringGraph

FALSE_ALARM = 1e-6
"""Probability that a law test fails although the law is right, for a seed drawn at random."""


def copies_of(edges, n, q, copies):
    """A graph of disjoint copies of a small one: a run on it is `copies` independent runs on the small graph."""
    shifts = n * np.arange(copies)[:, None, None]
    return ColoringGraph.from_edges((np.asarray(edges)[None] + shifts).reshape(-1, 2), n * copies, q)


def multinomial_p_value(numbers, law):
    """P-value of observed state numbers against a law on states (chi-square; rare states are pooled)."""
    law = np.asarray(law)
    counts = np.bincount(numbers, minlength=law.size)
    expected = law * counts.sum()
    if counts[law < 1e-12].any():
        return 0.0
    order = np.argsort(expected)[::-1]
    common = order[expected[order] >= 10]
    rest = order[expected[order] >= 0][common.size :]
    observed, predicted = counts[common], expected[common]
    if expected[rest].sum() >= 10:
        observed, predicted = (
            np.append(observed, counts[rest].sum()),
            np.append(predicted, expected[rest].sum()),
        )
    return scipy.stats.chisquare(observed, predicted * observed.sum() / predicted.sum()).pvalue


def mean_curves_p_value(runs, mean, sem, n_runs):
    """P-value of runs (runs x times) against a published mean curve, its standard error and number of runs.

    Welch's t at every time; times are correlated, so the smallest p-value is multiplied by their number (Bonferroni,
    valid under any dependence).
    """
    error = runs.std(axis=0, ddof=1) / np.sqrt(len(runs))
    spread = np.hypot(error, sem)
    freedom = spread**4 / (error**4 / (len(runs) - 1) + np.asarray(sem) ** 4 / (n_runs - 1))
    p_values = 2 * scipy.stats.t.sf(abs(runs.mean(axis=0) - mean) / spread, freedom)
    return min(1.0, len(p_values) * p_values.min())
