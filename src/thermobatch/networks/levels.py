"""Weights of several bits: L levels, the odd numbers -(L - 1), ..., -1, 1, ..., L - 1; L = 2^p levels are p bits.

Two levels are the binary weights +-1. Of Baldassi et al., PNAS 113, E7655 (2016), doi:10.1073/pnas.1608103113, only the
sentence of the abstract is known that the number of precision bits of the weights matters little: the levels are ours.
"""

import numpy as np

from thermobatch.foundation.arguments import checked_integer, real_numbers

MOST_LEVELS = 64
"""Twice the largest weight fits in int8."""


def checked_levels(levels) -> int:
    """Return an even number of levels in 2..64; refuse anything else."""
    number = checked_integer("levels", levels, 2, MOST_LEVELS)
    if number % 2:
        raise ValueError(
            f"levels = {levels!r}: must be even, 2^p for weights of p bits (no sum of odd weights may be zero)"
        )
    return number


def level_values(levels: int) -> np.ndarray:
    """Return the levels in increasing order: int64[levels]."""
    return np.arange(1 - levels, levels, 2)


def mean_square(levels: int) -> float:
    """Return the mean square of a uniformly drawn level, (L^2 - 1) / 3: 1, 5, 21 for 1, 2, 3 bits."""
    return (levels**2 - 1) / 3


def random_levels(generator: np.random.Generator, shape: tuple[int, ...], levels: int) -> np.ndarray:
    """Draw independent, uniform levels, int8; two levels are the fair signs of `patterns.random_signs`, bit for bit."""
    return (2 * generator.integers(0, levels, size=shape, dtype=np.int8) - (levels - 1)).astype(np.int8)


def on_levels(name: str, values, dimensions: int, levels: int) -> np.ndarray:
    """Return a C-ordered int8 copy of `values`; refuse a wrong number of axes or an entry that is no level."""
    allowed = f"odd integers from {1 - levels} to {levels - 1}"
    array = real_numbers(name, values, f"an array of {allowed}")
    if array.ndim != dimensions:
        raise ValueError(f"{name} has shape {array.shape}: must have {dimensions} dimension(s)")
    wrong = ~np.isin(array, level_values(levels))
    if wrong.any():
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise ValueError(
            f"{name}{list(place)} = {array[place]}: every entry must be one of the {levels} levels, {allowed}"
        )
    return array.astype(np.int8, order="C", copy=True)


def normalised_distance(first: np.ndarray, second: np.ndarray, levels: int) -> np.ndarray:
    """Return sum_i ((W_i - V_i) / (2 (L - 1)))^2 / N along the last axis: Hamming / N for two levels, 1 at most."""
    difference = np.asarray(first, dtype=float) - second
    return np.mean((difference / (2 * (levels - 1))) ** 2, axis=-1)


def refuse_levels(instance, solver: str) -> None:
    """Refuse an instance whose weights have more than two levels, for a solver of binary weights."""
    levels = getattr(instance, "levels", 2)
    if levels > 2:
        raise ValueError(
            f"instance has levels = {levels}: must be 2 for {solver}, which knows weights +-1 only "
            "(simulated_annealing takes more levels)"
        )
