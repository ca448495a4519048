"""Acceptance probabilities of a colour change, as tables of integer thresholds.

A proposal takes a vertex from a colour that n_old of its neighbours have to one that n_new have: dE = n_new - n_old.
A move of probability p is made when a 63-bit random integer is below round(p 2^63), so p = 0 never and p = 1 always
happens, and every other p is realised to within 2^-53.
"""

from typing import NamedTuple

import numpy as np

from thermobatch.foundation.arguments import checked_integer, checked_real

LARGEST_TABLE_DEGREE = 1023
"""Above this degree the table of the SGD-like chain, (degree + 1)^2 entries, would outgrow its use (8 MiB)."""


class Acceptance(NamedTuple):
    """Thresholds of a chain: ``thresholds[origin + stride * n_old + n_new]`` (uint64) is round(p 2^63)."""

    thresholds: np.ndarray
    stride: int
    origin: int


NO_ACCEPTANCE = Acceptance(np.empty(0, np.uint64), 0, 0)


def metropolis_acceptance(temperature: float, max_degree: int) -> Acceptance:
    """Return the Metropolis rule min(1, exp(-dE/T)) for degrees up to `max_degree`; T = 0 accepts iff dE <= 0.

    A vector indexed by dE = n_new - n_old, from -max_degree to max_degree.
    """
    temperature = checked_real("temperature", temperature, 0)
    change = np.arange(-max_degree, max_degree + 1)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        uphill = np.exp(-change / temperature)
    return Acceptance(probability_thresholds(np.where(change <= 0, 1.0, uphill)), -1, max_degree)


def half_edge_acceptance(batch_fraction: float, max_degree: int) -> Acceptance:
    """Return the SGD-like rule a_B(n_old, n_new) for fresh flags on the half-edges, degrees up to `max_degree`."""
    table = half_edge_probability(batch_fraction, max_degree)
    return Acceptance(probability_thresholds(table.ravel()), max_degree + 1, 0)


def half_edge_probability(batch_fraction: float, max_degree: int) -> np.ndarray:
    """Return a_B(n_old, n_new) = P[Bin(n_new, B) <= Bin(n_old, B)], float64[max_degree + 1, max_degree + 1].

    Parameters
    ----------
    batch_fraction : float
        B in (0, 1]: the probability of each half-edge to be in the mini-batch.
    max_degree : int
        Largest n_old and n_new, at most 1023.

    Raises
    ------
    ValueError
        If an argument is out of range.
    """
    fraction = checked_real("batch_fraction", batch_fraction, 0, 1, open_low=True)
    checked_integer("max_degree", max_degree, 0, LARGEST_TABLE_DEGREE)
    binomial = np.zeros((max_degree + 1, max_degree + 1))
    binomial[0, 0] = 1.0
    for n in range(max_degree):
        binomial[n + 1] = (1 - fraction) * binomial[n]
        binomial[n + 1, 1:] += fraction * binomial[n, :-1]
    accepted = binomial @ np.minimum(binomial.cumsum(axis=1), 1.0).T
    accepted[:, 0] = 1.0
    return np.minimum(accepted, 1.0)


def probability_thresholds(probability: np.ndarray) -> np.ndarray:
    """Return round(p 2^63) as uint64 for every probability."""
    return np.round(np.asarray(probability, np.float64) * 2.0**63).astype(np.uint64)
