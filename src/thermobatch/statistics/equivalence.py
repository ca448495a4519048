"""Equivalence within a margin stated beforehand, and the verdict of a claim.

Equivalence is shown by an interval inside the margin (two one-sided tests), never by a large p-value of a
difference test. Tests at level `alpha` go with intervals of confidence 1 - 2 alpha: at the usual alpha = 0.05
the 90% interval must lie inside the margin.

Source: D. J. Schuirmann, J. Pharmacokinet. Biopharm. 15, 657 (1987); R. L. Berger, Technometrics 24, 295
(1982) for the intersection of tests.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr, stdtrit

from thermobatch.foundation.streams import Seed
from thermobatch.statistics.intervals import Interval, instances, mean_and_error, simultaneous_factor
from thermobatch.statistics.resampling import is_settled

Verdict = Literal["reproduced", "not_reproduced", "inconclusive"]
Margin = float | tuple[float, float]
MOST = 16
"""How many times more bootstrap samples are drawn at most, until their error cannot turn a verdict."""


@dataclass(frozen=True)
class Equivalence:
    """Outcome of an equivalence test.

    Attributes
    ----------
    estimate, lower, upper : float
        Estimate and its interval, in the units of the data (or a ratio); of a largest value over points, the interval
        of the point where it is reached.
    margin : (float, float)
        Lowest and highest value that count as equivalent.
    confidence : float
        Two-sided confidence of the interval, 1 - 2 alpha.
    verdict : {"reproduced", "not_reproduced", "inconclusive"}
        See :func:`verdict`.
    p_value : float
        Level of the test at which equivalence would just be shown (small: equivalent); NaN where not
        computed.
    method : str
        One sentence for the claims table. Of a largest value it names the bounds.
    bounds : (float, float), optional
        Of a largest value over points: bounds on it wherever it is reached. These decide.
    point : int, optional
        Where the largest value is reached.
    """

    estimate: float
    lower: float
    upper: float
    margin: tuple[float, float]
    confidence: float
    verdict: Verdict
    p_value: float
    method: str
    bounds: tuple[float, float] | None = None
    point: int | None = None


def verdict(interval: Interval | tuple[float, float], margin: Margin) -> Verdict:
    """Return what an interval says about a margin.

    Parameters
    ----------
    interval : Interval or (lower, upper)
        Confidence interval; infinite ends are allowed.
    margin : float or (low, high)
        A single number m means (-m, m).

    Returns
    -------
    {"reproduced", "not_reproduced", "inconclusive"}
        The interval is inside the margin, outside of it, or across one of its ends. NaN ends are
        inconclusive. An infinite end of the margin is no bound: an interval without end is inside there.

    Raises
    ------
    ValueError
        When the margin is empty or the interval reversed.
    """
    low, high = margin_bounds(margin)
    lower, upper = (interval.lower, interval.upper) if isinstance(interval, Interval) else interval
    if lower > upper:
        raise ValueError(f"interval = ({lower}, {upper}): the lower end must not exceed the upper one")
    if (
        (low < lower or low == -np.inf)
        and (upper < high or high == np.inf)
        and not np.isnan([lower, upper]).any()
    ):
        return "reproduced"
    if upper < low or lower > high:
        return "not_reproduced"
    return "inconclusive"


def paired_equivalence(differences: ArrayLike, margin: Margin, *, alpha: float = 0.05) -> Equivalence:
    """Test whether a mean paired difference lies inside a margin: two one-sided t tests over instances.

    Parameters
    ----------
    differences : array_like, shape (instances,)
        One difference per instance (the two dynamics on the same instance); at least two.
    margin : float or (low, high)
        In the units of the differences.
    alpha : float
        Level of each one-sided test, in (0, 0.5).

    Raises
    ------
    ValueError
        With fewer than two instances, a wrong shape or an argument out of range.
    """
    data = _one_dimensional(differences, "differences")
    low, high = margin_bounds(margin)
    _check_alpha(alpha)
    from scipy.stats import ttest_1samp  # the rest of this module stays light without scipy.stats

    return _two_one_sided(
        lambda shift, side: ttest_1samp(data, shift, alternative=side),
        float(data.mean()),
        np.ptp(data) > 0,
        (low, high),
        alpha,
        "paired differences, two one-sided t tests",
    )


def ratio_equivalence(
    first: ArrayLike,
    second: ArrayLike,
    margin: tuple[float, float] = (0.8, 1.25),
    *,
    paired: bool = True,
    alpha: float = 0.05,
) -> Equivalence:
    """Test whether the ratio of geometric means of two positive quantities lies inside a margin.

    Two one-sided t tests on logarithms: paired by instance, or Welch's for independent samples.

    Parameters
    ----------
    first, second : array_like, shape (instances,)
        Positive values; the ratio is first / second. Of equal length when `paired`.
    margin : (low, high)
        Ratios, low < 1 < high.
    paired : bool
        Whether entry i of both belongs to the same instance.
    alpha : float
        Level of each one-sided test, in (0, 0.5).

    Raises
    ------
    ValueError
        With fewer than two instances, values that are not positive or arguments out of range.
    """
    low, high = margin_bounds(margin)
    if not 0 < low < 1 < high:
        raise ValueError(f"margin = {margin!r}: must be ratios (low, high) with 0 < low < 1 < high")
    _check_alpha(alpha)
    logs = []
    for name, values in (("first", first), ("second", second)):
        data = _one_dimensional(values, name)
        if not np.all(data > 0):
            raise ValueError(f"{name}: holds {data.min():g}; ratios need positive values")
        logs.append(np.log(data))
    if paired:
        if len(logs[0]) != len(logs[1]):
            raise ValueError(
                f"first and second have {len(logs[0])} and {len(logs[1])} instances: pairs are needed"
            )
        tested = paired_equivalence(logs[0] - logs[1], (np.log(low), np.log(high)), alpha=alpha)
        method = "ratio of geometric means, two one-sided t tests on paired logarithms"
    else:
        from scipy.stats import ttest_ind

        method = "ratio of geometric means, two one-sided Welch tests on logarithms"
        tested = _two_one_sided(
            lambda shift, side: ttest_ind(logs[0] - shift, logs[1], equal_var=False, alternative=side),
            float(logs[0].mean() - logs[1].mean()),
            any(np.ptp(values) > 0 for values in logs),
            (np.log(low), np.log(high)),
            alpha,
            method,
        )
    return Equivalence(
        *(float(np.exp(value)) for value in (tested.estimate, tested.lower, tested.upper)),
        margin=(low, high),
        confidence=tested.confidence,
        verdict=tested.verdict,
        p_value=tested.p_value,
        method=method,
    )


def curve_equivalence(
    differences: ArrayLike, margin: float, *, seed: Seed, alpha: float = 0.05, resamples: int = 2000
) -> Equivalence:
    """Test whether two curves agree at every point: is the largest mean difference below a margin?

    The upper bound is max over points of |mean| + t s.e., with Student's one-sided t: the intersection of the
    pointwise tests, of level `alpha` however many and however correlated the points are. The lower bound is
    the largest |mean| - k s.e. with the simultaneous factor k of
    :func:`thermobatch.statistics.intervals.simultaneous_band`, so "not_reproduced" is as safe. These bounds may be
    reached at different points; the interval is that of the one point where |mean| is largest.

    Parameters
    ----------
    differences : array_like, shape (instances, points)
        Differences of the two curves on the same instance (relative ones for a relative margin); at least
        three instances.
    margin : float
        Largest |difference| that counts as equivalent, > 0.
    seed : int or SeedSequence
        For the bootstrap of the lower bound.
    alpha : float
        Level of the test, in (0, 0.5).
    resamples : int
        Number of bootstrap samples to begin with; where their own error could turn the verdict, up to 16 times as many.

    Returns
    -------
    Equivalence
        `estimate` is the observed largest |mean difference|, biased upwards by noise, (`lower`, `upper`) the t
        interval of its point; `bounds` decide; `margin` is (0, margin).

    Raises
    ------
    ValueError
        With fewer than three instances, a wrong shape or arguments out of range.
    """
    data = instances(differences, minimum=3, name="differences")
    if data.ndim != 2:
        raise ValueError(f"differences of shape {data.shape}: must be (instances, points)")
    if not margin > 0:
        raise ValueError(f"margin = {margin!r}: must be positive")
    _check_alpha(alpha)
    mean, error = mean_and_error(data)
    t = stdtrit(len(data) - 1, 1 - alpha)
    size, steady = np.abs(mean), []
    upper = float(np.max(size + t * error))

    def settled(factor: float, noise: float) -> bool:
        at = int(np.argmax(size - factor * error))
        steady[:] = [upper < margin or is_settled(size[at] - factor * error[at], noise * error[at], margin)]
        return steady[0]

    factor = simultaneous_factor(
        data, seed=seed, confidence=1 - alpha, resamples=resamples, most=MOST * resamples, settled=settled
    )
    bounds = max(float(np.max(size - factor * error)), 0.0), upper
    said = "reproduced" if upper < margin else "not_reproduced" if bounds[0] > margin else "inconclusive"
    unsettled = " (NOT SETTLED by the bootstrap, hence inconclusive)" if steady == [False] else ""
    point = int(np.argmax(size))
    with np.errstate(divide="ignore", invalid="ignore"):
        score = np.where(
            error > 0, (margin - np.abs(mean)) / error, np.where(np.abs(mean) < margin, np.inf, -np.inf)
        )
    return Equivalence(
        estimate=float(size[point]),
        lower=float(size[point] - t * error[point]),
        upper=float(size[point] + t * error[point]),
        margin=(0.0, float(margin)),
        confidence=1 - 2 * alpha,
        verdict="inconclusive" if unsettled else said,
        p_value=float(1 - stdtr(len(data) - 1, score.min())),
        method="largest difference of the curves, intersection of one-sided t tests at every point, "
        + bound_words(size.size, bounds)
        + unsettled,
        bounds=bounds,
        point=point,
    )


def curve_difference(
    differences: ArrayLike, margin: float, *, seed: Seed, alpha: float = 0.05, resamples: int = 2000
) -> Equivalence:
    """Test whether two curves differ by more than a margin at some point at least: the opposite question.

    Estimate and interval are those of :func:`curve_equivalence`; "reproduced" means that the lower bound of the
    largest |mean difference|, simultaneous over the points, is above the margin, "not_reproduced" that all are
    below it.

    Parameters
    ----------
    differences, margin, seed, alpha, resamples
        As in :func:`curve_equivalence`.

    Raises
    ------
    ValueError
        As :func:`curve_equivalence`.
    """
    found = curve_equivalence(differences, margin, seed=seed, alpha=alpha, resamples=resamples)
    opposite = {"reproduced": "not_reproduced", "not_reproduced": "reproduced"}
    return replace(
        found,
        margin=(float(margin), np.inf),
        verdict=opposite.get(found.verdict, "inconclusive"),
        p_value=np.nan,
        method=f"largest difference of the curves, {found.method[found.method.index('interval of') :]}",
    )


def bound_words(points: int, bounds: tuple[float, float]) -> str:
    """Return how a method names the interval of one point and the bounds over all of them, which decide."""
    low, high = bounds
    many = f"{points} points" if points > 1 else "1 point"
    return f"interval of that point; simultaneous bounds over {many}: {low:.3g} to {high:.3g}"


def margin_bounds(margin: Margin) -> tuple[float, float]:
    """Return a margin as (low, high); a single number m means (-m, m)."""
    low, high = margin if isinstance(margin, tuple | list) else (-margin, margin)
    if not low < high:
        raise ValueError(f"margin = {margin!r}: must be a positive number or (low, high) with low < high")
    return float(low), float(high)


def _two_one_sided(
    test: Callable, estimate: float, spread: bool, margin: tuple[float, float], alpha: float, method: str
) -> Equivalence:
    """Two one-sided t tests and their interval: ``test(shift, alternative)`` is scipy's test of mean - shift = 0.

    Without `spread`, where a t test is undefined, the estimate is taken as exact.
    """
    lower = upper = estimate
    p_value = 0.0 if margin[0] < estimate < margin[1] else 1.0
    if spread:
        lower, upper = map(float, test(0.0, "two-sided").confidence_interval(1 - 2 * alpha))
        p_value = float(max(test(margin[0], "greater").pvalue, test(margin[1], "less").pvalue))
    return Equivalence(
        estimate=estimate,
        lower=lower,
        upper=upper,
        margin=margin,
        confidence=1 - 2 * alpha,
        verdict=verdict((lower, upper), margin),
        p_value=p_value,
        method=method,
    )


def _one_dimensional(values: ArrayLike, name: str) -> np.ndarray:
    data = instances(values, minimum=2, name=name)
    if data.ndim != 1:
        raise ValueError(f"{name} of shape {data.shape}: must be one value per instance")
    return data


def _check_alpha(alpha: float) -> None:
    if not 0 < alpha < 0.5:
        raise ValueError(f"alpha = {alpha!r}: must be in (0, 0.5)")
