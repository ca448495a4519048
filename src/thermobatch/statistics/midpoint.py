"""Where a share rises through one half: the midpoint of a logistic curve through successes at several places.

The share of successes at x is 1/(1 + exp(-(x - x_50)/w)). The likelihood is maximised over a grid of midpoints and
widths: shares that jump from none to all have no finite maximum in w, so that w is bounded from below, and midpoints
between the two places are then equally likely: their middle is taken. What the runs leave open is drawn from Jeffreys'
posterior of every share, which, unlike a bootstrap, also varies where all runs, or none, succeed.

Source: L. D. Brown, T. T. Cai, A. DasGupta, Stat. Sci. 16, 101 (2001) for Jeffreys' intervals of a share.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import log_expit

from thermobatch.foundation.arguments import real_numbers
from thermobatch.foundation.streams import Seed
from thermobatch.statistics.resampling import generator

STEPS = 400
"""Of the grid of midpoints; a step is a fraction 1/200 of the range of x or less."""
WIDTHS = np.geomspace(0.02, 1.0, 24)
"""Widths w of the grid, relative to the range of x."""


def midpoint(x: ArrayLike, successes: ArrayLike, trials: ArrayLike) -> float:
    """Return the x at which half of the trials succeed, by maximum likelihood.

    Parameters
    ----------
    x : array_like, shape (places,)
        Increasing places, at least two.
    successes, trials : array_like, shape (places,)
        Number of successes and of trials at every place; trials at least 1.

    Returns
    -------
    float
        Between half a range below the first and half a range above the last place: an end of that says only that the
        midpoint lies outside of what was tried.

    Raises
    ------
    ValueError
        For values out of range.
    """
    x, successes, trials = _checked(x, successes, trials)
    return float(_maxima(x, successes[None], trials)[0])


def midpoint_draws(
    x: ArrayLike, successes: ArrayLike, trials: ArrayLike, *, count: int = 2000, seed: Seed = 0
) -> np.ndarray:
    """Return midpoints for shares drawn from Jeffreys' posterior, float64[count]; arguments as in :func:`midpoint`."""
    x, successes, trials = _checked(x, successes, trials)
    shares = generator(seed).beta(successes + 0.5, trials - successes + 0.5, (count, x.size))
    return _maxima(x, shares * trials, trials)


def _checked(x, successes, trials) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x, successes, trials = (
        real_numbers(name, values, "numbers").astype(float)
        for name, values in (("x", x), ("successes", successes), ("trials", trials))
    )
    if x.ndim != 1 or x.size < 2 or not (np.diff(x) > 0).all():
        raise ValueError(f"x = {x}: must be increasing, at least two places")
    if successes.shape != x.shape or trials.shape != x.shape:
        raise ValueError(
            f"successes and trials of shapes {successes.shape}, {trials.shape}: must be one per place"
        )
    if (trials < 1).any() or (successes < 0).any() or (successes > trials).any():
        raise ValueError("successes: must lie between 0 and trials, and trials must be at least 1")
    return x, successes, trials


def _maxima(x: np.ndarray, successes: np.ndarray, trials: np.ndarray) -> np.ndarray:
    """Return the midpoint of largest likelihood for every row of successes, float64[rows, places]."""
    reach = np.ptp(x)
    middles = np.linspace(x[0] - reach / 2, x[-1] + reach / 2, STEPS + 1)
    best = np.full((len(successes), middles.size), -np.inf)
    for width in WIDTHS * reach:
        scaled = (x[:, None] - middles) / width
        likelihood = successes @ log_expit(scaled) + (trials - successes) @ log_expit(-scaled)
        np.maximum(best, likelihood, out=best)
    likely = best >= best.max(axis=1, keepdims=True) - 1e-6
    return (likely * middles).sum(axis=1) / likely.sum(axis=1)
