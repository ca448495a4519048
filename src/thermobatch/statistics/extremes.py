"""Whether the largest of several means is below a margin, so that a statement holds at every one of them.

Source: R. L. Berger, Technometrics 24, 295 (1982) for the intersection of tests; the lower bound is Bonferroni's.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from thermobatch.statistics.equivalence import Equivalence
from thermobatch.statistics.intervals import instances, mean_and_error
from thermobatch.statistics.worst import worst_point


def largest_mean(values: ArrayLike, margin: float, *, alpha: float = 0.05) -> Equivalence:
    """Test whether all of several means lie below a margin.

    The upper bound is the largest pointwise one-sided t bound: the intersection of the tests at every point, of level
    `alpha` however many and however correlated they are. The lower bound holds at all points together (each of level
    alpha over their number), so "not_reproduced" is as safe.

    Parameters
    ----------
    values : array_like, shape (instances, points)
        At least two instances; a statement that "x exceeds m" is tested on -x against -m.
    margin : float
        What the means should be below.
    alpha : float
        Level of the test, in (0, 0.5).

    Returns
    -------
    Equivalence
        `estimate` is the largest mean (biased upwards by noise), with its own interval; `bounds` decide; `margin` is
        (-inf, margin).

    Raises
    ------
    ValueError
        With fewer than two instances, a wrong shape, non-finite values or a level out of range.
    """
    data = instances(values, minimum=2)
    if data.ndim != 2 or data.shape[1] < 1:
        raise ValueError(f"values of shape {data.shape}: must be (instances, points)")
    if not 0.0 < alpha < 0.5:
        raise ValueError(f"alpha = {alpha!r}: must be in (0, 0.5)")
    mean, error = mean_and_error(data)
    freedom = len(data) - 1
    reach = stdtrit(freedom, 1 - alpha) * error
    safe = stdtrit(freedom, 1 - alpha / data.shape[1]) * error
    worst = worst_point(mean, mean - reach, mean + reach, margin, simultaneous=(mean - safe, mean + safe))
    return Equivalence(
        estimate=worst.estimate,
        lower=worst.lower,
        upper=worst.upper,
        margin=(-np.inf, float(margin)),
        confidence=1 - 2 * alpha,
        verdict=worst.verdict,
        p_value=np.nan,
        method=f"largest of several means, intersection of one-sided t tests, {worst.words}",
        bounds=worst.bounds,
        point=worst.index,
    )
