"""Total variation between measured histograms and a law, with what sampling alone would give.

TV = (1/2) sum_b |p_b - pi_b|. Its plug-in estimate from a histogram is biased upwards, since noise of either
sign adds to it. Here the unit of replication is the run, and two estimates bracket the truth:

*plug-in*
    from the pooled histogram: its mean is above TV, because the absolute value is convex;
*cross-fitted*
    the runs of one half are weighed with the signs of p_b - pi_b that the other half shows, and the two ways
    are averaged. Given any signs, the mean of (1/2) sum_b sign_b (p_b - pi_b) is at most TV, and it is zero
    when p = pi.

The interval runs from the cross-fitted estimate minus its error to the plug-in estimate plus its error.
"""

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike
from scipy import stats

from thermobatch.foundation.arguments import checked_array, checked_real, real_numbers

FEWEST_RUNS = 4


def total_variation(
    counts: ArrayLike, probabilities: ArrayLike, *, outside: ArrayLike | None = None, confidence: float = 0.95
) -> xr.Dataset:
    """Return the total variation between the law of independent runs and given probabilities.

    Parameters
    ----------
    counts : int[runs, ...]
        Histograms of at least 4 independent stationary runs of equal length.
    probabilities : float64[...]
        pi of the same cells, >= 0, with sum 1.
    outside : int[runs], optional
        Counts outside all cells, where pi has nothing; zero by default.
    confidence : float
        Of the interval, in (0, 1); with Student's t, since errors come from the spread of few runs.

    Returns
    -------
    xarray.Dataset
        Scalars ``plug_in``, ``cross_fitted``, their standard errors ``plug_in_error`` and
        ``cross_fitted_error``, ``floor``, the plug-in value that sampling alone would give if the law were
        pi, and ``lower``, ``upper``, an interval that holds TV with at least about `confidence`.

    Raises
    ------
    ValueError
        When shapes differ, there are fewer than 4 runs or a run has no counts.
    """
    level = checked_real("confidence", confidence, 0.0, 1.0, open_low=True, open_high=True)
    measured, law = _shares(counts, probabilities, outside)
    runs = len(measured)
    pooled = measured.mean(axis=0)
    plug_in = 0.5 * np.abs(pooled - law).sum()
    without = (runs * pooled - measured) / (runs - 1)  # mean of the other runs
    plug_in_without = 0.5 * np.abs(without - law).sum(axis=1)
    plug_in_error = np.sqrt((runs - 1) / runs * ((plug_in_without - plug_in_without.mean()) ** 2).sum())
    halves = (measured[::2], measured[1::2])
    (one, one_error), (two, two_error) = _crossed(*halves, law), _crossed(*halves[::-1], law)
    crossed, crossed_error = (
        0.5 * (one + two),
        0.5 * (one_error + two_error),
    )  # errors add: the two are dependent
    cell_errors = measured.std(axis=0, ddof=1) / np.sqrt(runs)
    tail = 0.5 + 0.5 * level
    lower = crossed - stats.t.ppf(tail, runs // 2 - 1) * crossed_error
    upper = plug_in + stats.t.ppf(tail, runs - 1) * plug_in_error
    found = {
        "plug_in": (plug_in, "total variation of the pooled histogram"),
        "plug_in_error": (plug_in_error, "standard error of plug_in (jackknife over runs)"),
        "cross_fitted": (crossed, "total variation with signs from other runs"),
        "cross_fitted_error": (crossed_error, "standard error of cross_fitted"),
        "floor": (0.5 * np.sqrt(2.0 / np.pi) * cell_errors.sum(), "plug_in expected from sampling alone"),
        "lower": (max(0.0, lower), "lower end of the interval"),
        "upper": (min(1.0, upper), "upper end of the interval"),
    }
    return xr.Dataset(
        {
            name: ((), float(value), {"long_name": words, "units": "1"})
            for name, (value, words) in found.items()
        },
        attrs={"runs": runs, "confidence": level},
    )


def _crossed(guides: np.ndarray, tested: np.ndarray, law: np.ndarray) -> tuple[float, float]:
    """Mean over the tested runs, and its error, of half the deviations with the signs the guides show."""
    values = 0.5 * (tested - law) @ np.sign(guides.mean(axis=0) - law)
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))


def _shares(
    counts: ArrayLike, probabilities: ArrayLike, outside: ArrayLike | None
) -> tuple[np.ndarray, np.ndarray]:
    """Each run's share of every cell, the outside being one more, and the law of the same cells."""
    law = real_numbers("probabilities", probabilities).astype(np.float64)
    if not (np.isfinite(law).all() and (law >= 0.0).all() and abs(law.sum() - 1.0) < 1e-6):
        raise ValueError(f"probabilities: have sum {law.sum():g}, must be >= 0 with sum 1")
    given = real_numbers("counts", counts)
    if given.ndim == 0 or given.shape[1:] != law.shape:
        raise ValueError(f"counts has shape {given.shape}: must be (runs, {', '.join(map(str, law.shape))})")
    runs = len(given)
    if runs < FEWEST_RUNS:
        raise ValueError(
            f"counts: has {runs} runs, must have at least {FEWEST_RUNS} to know the sampling error"
        )
    beyond = np.zeros(runs) if outside is None else checked_array("outside", outside, (runs,))
    cells = np.column_stack([checked_array("counts", given.reshape(runs, -1), (runs, law.size)), beyond])
    if (cells < 0).any() or (cells.sum(axis=1) == 0).any():
        raise ValueError("counts: must be >= 0, with a positive sum in every run")
    return cells / cells.sum(axis=1, keepdims=True), np.append(law.reshape(-1), 0.0)
