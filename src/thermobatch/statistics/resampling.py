"""Bootstrap samples: reproducible resampling of instances, and intervals from the draws."""

import numpy as np

from thermobatch.foundation.streams import Seed, seed_sequence

SETTLED = 0.1
"""The largest Monte-Carlo error of a bound, as a share of its distance to the margin."""
ONE_SIGMA = 0.6826894921370859
MINIMUM_RESAMPLED = 5  # fewer instances give at most 126 different bootstrap samples


def generator(seed: Seed) -> np.random.Generator:
    """Return numpy's default generator for an explicit seed (never for None)."""
    return np.random.default_rng(seed_sequence(seed))


def resampling_weights(count: int, resamples: int, random: np.random.Generator) -> np.ndarray:
    """Return how often each instance occurs in each bootstrap sample: float64[resamples, count]."""
    check_resamples(resamples)
    return random.multinomial(count, np.full(count, 1 / count), size=resamples).astype(float)


def check_resamples(resamples: int) -> None:
    """Reject numbers of bootstrap samples too small for a 95% interval."""
    if isinstance(resamples, bool) or not isinstance(resamples, int | np.integer) or resamples < 100:
        raise ValueError(f"resamples = {resamples!r}: must be an integer, at least 100")


def percentile_bounds(
    lower_draws: np.ndarray, upper_draws: np.ndarray, confidence: float
) -> tuple[float, float]:
    """Return the percentile interval of bootstrap draws, which may be infinite.

    Undecided draws (infinity over infinity) enter as 0 in `lower_draws` and infinity in `upper_draws`.
    """
    tail = (1 - confidence) / 2
    return (
        float(np.quantile(lower_draws, tail, method="inverted_cdf")),
        float(np.quantile(upper_draws, 1 - tail, method="higher")),
    )


def is_settled(bound: float, error: float, end: float) -> bool:
    """Say whether the Monte-Carlo error of a bound is small against its distance to an end of the margin."""
    return error == 0 or error < SETTLED * abs(bound - end)


def quantile_error(draws: np.ndarray, probability: float) -> float:
    """Return the Monte-Carlo error of a quantile: half the 68% interval of :func:`scipy.stats.quantile_test`."""
    from scipy.stats import quantile_test  # the rest of this module stays light without scipy.stats

    found = quantile_test(np.nan_to_num(draws, posinf=np.finfo(float).max), p=probability)
    low, high = found.confidence_interval(ONE_SIGMA)
    if np.isnan(low) or np.isnan(high):
        return np.inf
    return float(high - low) / 2
