"""Covariance spectra: the law of the eigenvalues of the inputs' covariance, as a few levels.

A spectrum of K levels says that a fraction ``p_k`` of the directions has variance ``sigma_k``: inputs are
``x ~ N(0, Sigma / d)`` with these eigenvalues. One level at 1 is the identity covariance.
"""

from dataclasses import dataclass

import numpy as np

from thermobatch.foundation.arguments import checked_integer, checked_real, real_numbers


@dataclass(frozen=True)
class Spectrum:
    """Levels of a covariance.

    Parameters
    ----------
    eigenvalues : sequence of float
        Variance sigma_k of each level; positive.
    fractions : sequence of float
        Fraction p_k of the directions in each level; positive, sum 1.

    Raises
    ------
    ValueError
        If the covariance is not positive or the fractions are not a probability law.
    """

    eigenvalues: tuple[float, ...]
    fractions: tuple[float, ...]

    def __post_init__(self):
        values = real_numbers("eigenvalues", self.eigenvalues).astype(float)
        fractions = real_numbers("fractions", self.fractions).astype(float)
        if values.ndim != 1 or values.size == 0 or not (np.isfinite(values).all() and (values > 0.0).all()):
            raise ValueError(
                f"eigenvalues = {self.eigenvalues!r}: must be one or more numbers above 0 (a covariance is positive)"
            )
        if (
            fractions.shape != values.shape
            or not (fractions > 0.0).all()
            or abs(fractions.sum() - 1.0) > 1e-9
        ):
            raise ValueError(
                f"fractions = {self.fractions!r}: must be {values.size} positive numbers of sum 1, one an eigenvalue"
            )
        order = np.argsort(values, kind="stable")
        object.__setattr__(self, "eigenvalues", tuple(float(v) for v in values[order]))
        object.__setattr__(self, "fractions", tuple(float(p) for p in fractions[order] / fractions.sum()))

    @property
    def levels(self) -> int:
        """Number of levels K."""
        return len(self.eigenvalues)

    def counts(self, dimension: int) -> np.ndarray:
        """Split `dimension` directions among the levels, int64[K]: nearest integers of sum `dimension`, none empty."""
        ideal = np.asarray(self.fractions) * dimension
        counts = np.floor(ideal).astype(np.int64)
        by_remainder = np.argsort(counts - ideal, kind="stable")
        counts[by_remainder[: dimension - counts.sum()]] += 1
        if (counts == 0).any():
            raise ValueError(f"d = {dimension}: too small for a covariance with fractions {self.fractions}")
        return counts


IDENTITY = Spectrum((1.0,), (1.0,))


def two_level_spectrum(ratio: float, fraction: float = 0.5) -> Spectrum:
    """Return two levels of mean 1: a fraction of the directions has a larger (or smaller) variance than the others.

    Parameters
    ----------
    ratio : float
        Variance of these directions over that of the others; positive.
    fraction : float
        Their share, in (0, 1).

    Returns
    -------
    Spectrum
        Accepted as `spectrum` by :func:`thermobatch.dmft` and :func:`thermobatch.glm_sgd`.

    Raises
    ------
    ValueError
        If an argument is out of range.
    """
    checked_real("ratio", ratio, 0.0, open_low=True)
    checked_real("fraction", fraction, 0.0, 1.0, open_low=True, open_high=True)
    low = 1.0 / (1.0 - fraction + fraction * ratio)
    return Spectrum((low, ratio * low), (1.0 - fraction, fraction))


def power_law_spectrum(exponent: float, levels: int = 8, smallest: float = 1e-2) -> Spectrum:
    """Return a power law of mean 1 as equal-weight levels: ``sigma(u) ~ (smallest + u)^-exponent``, u in (0, 1).

    Level k carries the average of sigma over the k-th of `levels` equal intervals of u, so the trace is exact.

    Parameters
    ----------
    exponent : float
        Of the power law; 0 is the identity.
    levels : int
        Number of levels; the cost of the theory grows with it.
    smallest : float
        Offset that keeps the largest eigenvalue finite; positive.

    Returns
    -------
    Spectrum
        Accepted as `spectrum` by :func:`thermobatch.dmft` and :func:`thermobatch.glm_sgd`.

    Raises
    ------
    ValueError
        If an argument is out of range.
    """
    checked_real("exponent", exponent)
    checked_integer("levels", levels, 1)
    checked_real("smallest", smallest, 0.0, open_low=True)
    edges = smallest + np.linspace(0.0, 1.0, levels + 1)
    primitive = np.log(edges) if exponent == 1.0 else edges ** (1.0 - exponent) / (1.0 - exponent)
    values = np.diff(primitive)
    return Spectrum(tuple(values / values.mean()), tuple(np.full(levels, 1.0 / levels)))
