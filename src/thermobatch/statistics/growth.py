"""How a cost grows with size: power law, exponential or in between, from costs some of which are censored.

The logarithm of the cost of a run at size N is normal, with median and scatter

    log median(N) = a + b x_s(u),    x_s(u) = (u^s - 1) / s,    log scatter(N) = c + d log u,    u = N / N0,

N0 being the geometric mean of the sizes. The shape s interpolates (Box and Cox): s = 0 is the power law N^b,
s = 1 the exponential exp(b N / N0), s between 0 and 1 a stretched exponential, faster than any power. A run
stopped at its cap, unsolved, is censored: it enters the likelihood with the probability of a cost above its
cap, never as an arrival and never as missing. Where attempts of growing length are made until one succeeds, the
cost is a staircase: what it takes lies between what failed and what sufficed, and the run enters with the
probability of that interval.

Laws of equal numbers of parameters are compared by Akaike's information criterion; the uncertainty of the
difference is that of resampling the runs of every size.

Sources: G. E. P. Box, D. R. Cox, J. R. Stat. Soc. B 26, 211 (1964); H. Akaike, IEEE Trans. Autom. Control
19, 716 (1974).
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import approx_fprime, minimize
from scipy.special import log_ndtr

from thermobatch.foundation.arguments import real_numbers
from thermobatch.foundation.streams import Seed
from thermobatch.statistics.censored import censored_sample
from thermobatch.statistics.intervals import Interval, check_confidence
from thermobatch.statistics.resampling import (
    MINIMUM_RESAMPLED,
    check_resamples,
    generator,
    percentile_bounds,
)

POWER, EXPONENTIAL = 0.0, 1.0
SHAPES = (-2.0, 3.0)
"""Range of a fitted shape; an estimate at one of its ends says no more than 'beyond'."""
LOG_SCATTERS = (np.log(1e-4), np.log(1e4))
SCATTER_EXPONENTS = (-5.0, 5.0)
MINIMUM_SIZES = 3
FAR, LARGEST_EXPONENT, LARGEST_RATIO = 1e30, 30.0, 500.0
LOG_SQRT_2PI = 0.5 * np.log(2 * np.pi)


@dataclass(frozen=True)
class Growth:
    """A fitted law of growth.

    Attributes
    ----------
    shape : float
        s: 0 is a power law, 1 an exponential.
    level, rate : float
        a and b: log of the median cost at N0, and its slope there; the exponent of a power law is b, an
        exponential grows by exp(b / N0) per unit of size.
    scatter, scatter_exponent : float
        Standard deviation of log cost at N0, and d.
    reference : float
        N0.
    log_likelihood, aic : float
        Of the log costs, and 2 x (number of parameters) - 2 x log-likelihood.
    """

    shape: float
    level: float
    rate: float
    scatter: float
    scatter_exponent: float
    reference: float
    log_likelihood: float
    aic: float

    def median(self, sizes: ArrayLike) -> np.ndarray:
        """Return the median cost at some sizes."""
        u = np.asarray(sizes, dtype=float) / self.reference
        return np.exp(self.level + self.rate * stretched(u, self.shape)[0])


@dataclass(frozen=True)
class GrowthComparison:
    """Power law against exponential, and the shape in between that fits best.

    Attributes
    ----------
    power, exponential, fitted : Growth
        The three laws; the shape of the last is free.
    difference : Interval
        AIC of the power law minus AIC of the exponential (positive: the exponential is better).
    shape : Interval
        Fitted s, percentile bootstrap. Above 0: faster than any power.
    exponent : Interval
        Exponent of the power law, percentile bootstrap.
    censored : float
        Share of the runs that are censored.
    draws : float64[resamples, 3]
        Bootstrap samples of difference, shape and exponent.
    """

    power: Growth
    exponential: Growth
    fitted: Growth
    difference: Interval
    shape: Interval
    exponent: Interval
    censored: float
    draws: np.ndarray = field(compare=False, repr=False)


class Costs(NamedTuple):
    """Checked runs, float64[runs]: log u, the log cost lies in [lower, upper] (equal: known), multiplicities."""

    log_size: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    weights: np.ndarray
    reference: float


def fit_growth(
    sizes: ArrayLike,
    costs: ArrayLike,
    observed: ArrayLike,
    failed: ArrayLike | None = None,
    *,
    shape: float | None = None,
) -> Growth:
    """Return the law of growth of maximum likelihood.

    Parameters
    ----------
    sizes : array_like, shape (runs,)
        Size of every run, > 0; at least three different sizes at which a run arrived.
    costs : array_like, shape (runs,)
        Cost of every run, > 0; of a censored run what it had spent when it was stopped.
    observed : array_like of bool, shape (runs,)
        False where the run was censored.
    failed : array_like, shape (runs,), or None
        Cost known not to have sufficed, in 0..cost: the cost it takes lies between. None: costs are exact.
    shape : float or None
        s, fixed (0: power law, 1: exponential); None fits it.

    Returns
    -------
    Growth

    Raises
    ------
    ValueError
        For unequal shapes, values out of range, or fewer than three sizes.
    """
    return _fit(checked_costs(sizes, costs, observed, failed), shape, None)


def compare_growth(
    sizes: ArrayLike,
    costs: ArrayLike,
    observed: ArrayLike,
    failed: ArrayLike | None = None,
    *,
    seed: Seed,
    confidence: float = 0.95,
    resamples: int = 200,
) -> GrowthComparison:
    """Compare the power law and the exponential, and fit the shape in between, with bootstrap intervals.

    Parameters
    ----------
    sizes, costs, observed, failed
        As in :func:`fit_growth`; at least five runs of every size.
    seed : int or SeedSequence
        Same seed, same intervals.
    confidence, resamples
        Two-sided confidence; number of bootstrap samples, each of which resamples the runs of every size.

    Returns
    -------
    GrowthComparison

    Raises
    ------
    ValueError
        As :func:`fit_growth`, or with fewer than five runs of a size.
    """
    runs = checked_costs(sizes, costs, observed, failed)
    check_confidence(confidence)
    check_resamples(resamples)
    places = _places(runs)
    kinds = (POWER, EXPONENTIAL, None)
    laws = [_fit(runs, shape, None) for shape in kinds]
    guides = [_guide(runs, law, shape) for law, shape in zip(laws, kinds, strict=True)]
    random = generator(seed)
    draws = np.empty((resamples, 3))
    for row in draws:
        resampled = _resampled(runs, places, random)
        drawn = [_fit(resampled, shape, guide) for shape, guide in zip(kinds, guides, strict=True)]
        row[:] = drawn[0].aic - drawn[1].aic, drawn[2].shape, drawn[0].rate
    estimates = (laws[0].aic - laws[1].aic, laws[2].shape, laws[0].rate)
    difference, shape, exponent = (
        Interval(float(estimate), *percentile_bounds(column, column, confidence), confidence)
        for estimate, column in zip(estimates, draws.T, strict=True)
    )
    censored = float(np.mean(np.isinf(runs.upper)))
    return GrowthComparison(*laws, difference, shape, exponent, censored, draws)


def exponent_draws(
    sizes: ArrayLike,
    costs: ArrayLike,
    observed: ArrayLike,
    failed: ArrayLike | None = None,
    *,
    seed: Seed,
    resamples: int = 200,
) -> np.ndarray:
    """Return bootstrap samples of the exponent of the power law, without a fit of the other laws.

    Parameters
    ----------
    sizes, costs, observed, failed, seed, resamples
        As in :func:`compare_growth`.

    Returns
    -------
    float64[resamples]

    Raises
    ------
    ValueError
        As :func:`compare_growth`.
    """
    runs = checked_costs(sizes, costs, observed, failed)
    check_resamples(resamples)
    places = _places(runs)
    guide = _guide(runs, _fit(runs, POWER, None), POWER)
    random = generator(seed)
    return np.array([_fit(_resampled(runs, places, random), POWER, guide).rate for _ in range(resamples)])


def _places(runs: Costs) -> list[np.ndarray]:
    """Return where the runs of every size are; refuse too few of one."""
    places = [np.flatnonzero(runs.log_size == value) for value in np.unique(runs.log_size)]
    if min(map(len, places)) < MINIMUM_RESAMPLED:
        raise ValueError(
            f"sizes: {min(map(len, places))} runs of one size; at least {MINIMUM_RESAMPLED} are needed"
        )
    return places


def _resampled(runs: Costs, places: list[np.ndarray], random: np.random.Generator) -> Costs:
    """Return the runs with multiplicities: those of every size resampled among themselves."""
    weights = np.zeros_like(runs.log_size)
    for place in places:
        weights[place] = random.multinomial(len(place), np.full(len(place), 1 / len(place)))
    return runs._replace(weights=weights)


def stretched(u: np.ndarray, shape: float) -> tuple[np.ndarray, np.ndarray]:
    """Return x_s(u) = (u^s - 1) / s and its derivative by s; log u and log(u)^2 / 2 at s = 0."""
    log_u = np.log(u)
    if abs(shape) < 1e-5:  # the next terms of the series are below rounding
        return log_u + 0.5 * shape * log_u**2, 0.5 * log_u**2 + shape * log_u**3 / 3
    power = u**shape
    return (power - 1) / shape, (power * (shape * log_u - 1) + 1) / shape**2


def checked_costs(
    sizes: ArrayLike, costs: ArrayLike, observed: ArrayLike, failed: ArrayLike | None = None
) -> Costs:
    """Return the runs in logarithms, each once, after checking them."""
    spent, arrived = censored_sample(costs, observed)
    size = real_numbers("sizes", sizes).astype(float)
    if size.shape != spent.shape:
        raise ValueError(f"sizes of shape {size.shape} and costs of shape {spent.shape}: one of each per run")
    if not np.all(np.isfinite(size) & (size > 0)):
        raise ValueError(f"sizes = {size[~(np.isfinite(size) & (size > 0))][0]}: must be finite and > 0")
    if not np.all(spent > 0):
        raise ValueError(f"costs = {spent[spent <= 0][0]}: must be > 0 (their logarithm is fitted)")
    known = np.unique(size[arrived])
    if len(known) < MINIMUM_SIZES:
        raise ValueError(f"sizes: runs arrived at {len(known)} of them; at least {MINIMUM_SIZES} are needed")
    reference = float(np.exp(np.mean(np.log(np.unique(size)))))
    lower = upper = np.log(spent)
    if failed is not None:
        lost = real_numbers("failed", failed).astype(float)
        if lost.shape != spent.shape or not np.all((lost >= 0) & ((lost < spent) | ~arrived)):
            raise ValueError("failed: must be one number per run, at least 0 and below its cost")
        with np.errstate(divide="ignore"):
            lower = np.where(arrived, np.log(lost), lower)
    upper = np.where(arrived, upper, np.inf)
    return Costs(np.log(size / reference), lower, upper, np.ones_like(spent), reference)


class Guide(NamedTuple):
    """Parameters near a maximum, and the root of the inverse curvature there: steps of about equal effect."""

    parameters: np.ndarray
    root: np.ndarray


def _guide(runs: Costs, law: Growth, shape: float | None) -> Guide | None:
    """Return where a refit of resampled runs starts; None where the likelihood has no curvature in some direction."""
    free = [law.shape] if shape is None else []
    centre = np.array([law.level, law.rate, np.log(law.scatter), law.scatter_exponent, *free])
    curvature = approx_fprime(centre, lambda p: _loss(p, runs, shape)[1], 1e-6)
    values, vectors = np.linalg.eigh(0.5 * (curvature + curvature.T))
    if values.min() <= 1e-9 * values.max():
        return None
    return Guide(centre, vectors / np.sqrt(values))


def _fit(runs: Costs, shape: float | None, guide: Guide | None) -> Growth:
    """Maximise the likelihood, near a guide or from least squares at s = 0."""
    bounds = np.array([(-np.inf, np.inf), (-np.inf, np.inf), LOG_SCATTERS, SCATTER_EXPONENTS, SHAPES])
    bounds = bounds if shape is None else bounds[:-1]
    if guide is not None:
        near = minimize(
            lambda step: _moved(step, guide, runs, shape),
            np.zeros(len(guide.parameters)),
            jac=True,
            method="L-BFGS-B",
            options={"ftol": 1e-10, "gtol": 1e-5},
        )
        parameters = guide.parameters + guide.root @ near.x
        if near.success and np.all((parameters > bounds[:, 0]) & (parameters < bounds[:, 1])):
            return _law(parameters, float(near.fun), runs, shape)
    spent = np.where(np.isfinite(runs.upper), runs.upper, runs.lower)
    slope, level = np.polyfit(runs.log_size, spent, 1)
    spread = np.std(spent - level - slope * runs.log_size)
    guess = [level, slope, np.log(max(spread, 1e-3)), 0.0, *([0.5] if shape is None else [])]
    found = minimize(
        _loss, guess, args=(runs, shape), jac=True, method="L-BFGS-B", bounds=bounds,
        options={"maxiter": 500, "ftol": 1e-12, "gtol": 1e-8},
    )  # fmt: skip
    return _law(found.x, float(found.fun), runs, shape)


def _moved(step: np.ndarray, guide: Guide, runs: Costs, shape: float | None) -> tuple[float, np.ndarray]:
    """Return the loss and its gradient at a step from the guide."""
    loss, gradient = _loss(guide.parameters + guide.root @ step, runs, shape)
    return loss, gradient @ guide.root


def _law(parameters: np.ndarray, loss: float, runs: Costs, shape: float | None) -> Growth:
    """Return the law of these parameters."""
    level, rate, log_scatter, exponent = (float(value) for value in parameters[:4])
    likelihood = -loss * float(runs.weights.sum())
    return Growth(
        shape=float(parameters[4]) if shape is None else shape,
        level=level,
        rate=rate,
        scatter=float(np.exp(log_scatter)),
        scatter_exponent=exponent,
        reference=runs.reference,
        log_likelihood=likelihood,
        aic=2 * len(parameters) - 2 * likelihood,
    )


def _loss(parameters: np.ndarray, runs: Costs, shape: float | None) -> tuple[float, np.ndarray]:
    """Return minus the mean log-likelihood and its gradient."""
    level, rate, log_scatter, exponent = parameters[:4]
    x, by_shape = stretched(np.exp(runs.log_size), parameters[4] if shape is None else shape)
    # a step that goes astray meets large numbers here, not infinite ones (an open end stays infinite)
    scatter = np.exp(np.clip(log_scatter + exponent * runs.log_size, -LARGEST_EXPONENT, LARGEST_EXPONENT))
    middle = np.clip(level + rate * x, -FAR, FAR)
    low, high = (runs.lower - middle) / scatter, (runs.upper - middle) / scatter
    exact = runs.lower == runs.upper
    likelihood = np.where(exact, -0.5 * high**2 - LOG_SQRT_2PI - np.log(scatter), log_mass(low, high))
    # ratios of densities at the ends to the mass between; an exact cost has its own derivatives
    below, above = (
        np.exp(np.minimum(-0.5 * end**2 - LOG_SQRT_2PI - np.where(exact, 0.0, likelihood), LARGEST_RATIO))
        for end in (low, high)
    )
    turn = above * np.where(above > 0, high, 0.0) - below * np.where(below > 0, low, 0.0)
    by_mean = np.where(exact, high, below - above) / scatter * runs.weights
    by_scatter = np.where(exact, high**2 - 1, -turn) * runs.weights
    gradient = [
        by_mean.sum(),
        by_mean @ x,
        by_scatter.sum(),
        by_scatter @ runs.log_size,
    ]
    if shape is None:
        gradient.append(rate * (by_mean @ by_shape))
    total = runs.weights.sum()
    return -float(runs.weights @ likelihood) / total, -np.array(gradient) / total


def log_mass(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return the logarithm of the standard normal probability between `low` and `high`, precise in both tails."""
    upside = low > 0  # there differences of upper tails lose no digits
    larger = log_ndtr(np.where(upside, -low, high))
    smaller = log_ndtr(np.where(upside, -high, low))
    with np.errstate(divide="ignore", invalid="ignore"):
        return larger + np.log1p(-np.exp(np.where(low < high, smaller - larger, -1.0)))
