"""The Gaussian variables of a population of paths, with exact sample moments.

Every path carries, for each covariance level, its projection h0_k on the teacher, its initial field and one white
noise number a step. As many rows of n numbers are made orthonormal over the population (mean 0, variance 1, no
correlation), so every mean of a quadratic form of Gaussians is exact at any population size: what remains is the error
of the nonlinear and of the batch averages.
"""

from dataclasses import dataclass

import numpy as np

from thermobatch.mean_field.theory.dmft_basis import orthonormalize


@dataclass(frozen=True)
class Population:
    """Gaussian variables of n paths; each row has mean 0 and variance 1 over the paths and is orthogonal to the others.

    Parameters
    ----------
    teacher : ndarray, float64[K, n]
        Projection of the sample on the teacher, for each covariance level, in units of its deviation.
    start : ndarray, float64[K, n]
        Initial field, for each level, in units of its deviation.
    white : ndarray, float64[channels, K, T, n]
        White noise of each channel (one, or two for replicas), level and step.
    """

    teacher: np.ndarray
    start: np.ndarray
    white: np.ndarray

    @property
    def paths(self) -> int:
        """Number of paths n."""
        return self.teacher.shape[1]


def gaussian_rows(steps: int, levels: int, channels: int) -> int:
    """Return the number of rows a population needs, the constant row included."""
    return 1 + levels * (2 + channels * steps)


def draw_population(
    rng: np.random.Generator, paths: int, steps: int, levels: int = 1, channels: int = 1
) -> Population:
    """Draw a population.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the numbers.
    paths, steps, levels, channels : int
        n, T, K and the number of noise channels.

    Raises
    ------
    ValueError
        If there are too few paths for the exact moments (needs 4 times the number of rows).
    """
    count = gaussian_rows(steps, levels, channels)
    if paths < 4 * count:
        raise ValueError(
            f"paths = {paths}: must be at least {4 * count} for steps = {steps}, {levels} covariance level(s) and "
            f"{channels} replica(s)"
        )
    rows = np.empty((count, paths))
    rows[0] = 1.0
    rng.standard_normal(out=rows[1:])
    orthonormalize(rows)
    teacher, start, white = rows[1 : 1 + levels], rows[1 + levels : 1 + 2 * levels], rows[1 + 2 * levels :]
    return Population(teacher, start, white.reshape(channels, levels, steps, paths))
