"""Outcomes of claims about a largest difference over points: that point's own interval, and the bound that decides."""

from collections.abc import Sequence

import numpy as np
from scipy.special import stdtrit

from thermobatch.statistics.equivalence import Equivalence, curve_difference, curve_equivalence
from thermobatch.statistics.intervals import mean_interval
from thermobatch.statistics.worst import worst_point
from thermobatch.study.claim import Outcome

CONFIDENCE = 0.9  # two one-sided tests of 5%


def all_within(
    differences: np.ndarray, margin: float, labels: Sequence[str], where: str, *, seed: int
) -> Outcome:
    """Decide whether the mean difference is below the margin at every point.

    Parameters
    ----------
    differences : float64[instances, points]
        Paired differences, a row an instance; at least three.
    margin : float
        Largest |mean| that counts as equal.
    labels : strings
        What to call the points.
    where : str
        What was compared, for a reader of the table.
    seed : int
        Of the bootstrap behind the lower bound.
    """
    return _outcome(curve_equivalence(differences, margin, seed=seed), differences, margin, labels, where)


def some_beyond(
    differences: np.ndarray, margin: float, labels: Sequence[str], where: str, *, seed: int
) -> Outcome:
    """Decide whether the mean difference exceeds the margin at some point; arguments as in :func:`all_within`."""
    return _outcome(curve_difference(differences, margin, seed=seed), differences, margin, labels, where)


def all_above(values: np.ndarray, margin: float, labels: Sequence[str], where: str) -> Outcome:
    """Decide whether the mean is above the margin at every point: intersection of one-sided t tests.

    "Not reproduced" needs some point below the margin by a bound that is simultaneous (Bonferroni) over the points.
    """
    found = mean_interval(values, confidence=CONFIDENCE)
    error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    safe = stdtrit(len(values) - 1, 1 - (1 - CONFIDENCE) / 2 / values.shape[1]) * error
    together = found.estimate - safe, found.estimate + safe
    worst = worst_point(
        found.estimate, found.lower, found.upper, margin, simultaneous=together, smallest=True
    )
    method = f"smallest mean, {labels[worst.index]}; t {worst.words} (decide), {CONFIDENCE:.0%}; {where}"
    return Outcome(worst.estimate, (worst.lower, worst.upper), margin, method, worst.verdict)


def _outcome(
    tested: Equivalence, differences: np.ndarray, margin: float, labels: Sequence[str], where: str
) -> Outcome:
    """The point of the largest |mean| and its own interval, its sign in words; the bounds over all points decide."""
    signed = float(differences[:, tested.point].mean())
    words = tested.method[tested.method.index("interval of") :]
    place = f"{labels[tested.point]} (mean {signed:+.3g})"
    method = f"largest |mean|, {place}; t {words} (decide), {CONFIDENCE:.0%}; {where}"
    return Outcome(tested.estimate, (tested.lower, tested.upper), margin, method, tested.verdict)
