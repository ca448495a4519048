"""The mini-batch that recovers a planted colouring best, predicted for large graphs.

The SGD-like chain at mini-batch fraction B behaves like Metropolis at T(B), so the window of good temperatures is
a window of B. It has two ends: above T_sp(c) the paramagnet is metastable and large graphs stay in it; below T_d(c)
it is glassy and the chain gets lost. Where T_sp < T_d there is no window, and annealing-like algorithms fail at any B.

Source: M. C. Angelini, F. Ricci-Tersenghi, arXiv:2206.04760, for the window of temperatures; the point of it that is
recommended, and its translation by the zero-drift T(B), are ours.
"""

from typing import NamedTuple

import numpy as np

from thermobatch.coloring.theory.effective_temperature import batch_fraction_for_temperature
from thermobatch.coloring.theory.equilibrium import check_model, planted_spinodal
from thermobatch.coloring.theory.reconstruction import Transition, dynamical_temperature
from thermobatch.coloring.theory.temperature_error import relative_error
from thermobatch.foundation.streams import Seed


class OptimalBatch(NamedTuple):
    """The window of mini-batch fractions that recover large graphs, and the temperatures it comes from.

    Attributes
    ----------
    batch_fraction : float
        The recommended B, the small end of the window: B(T_sp).
    largest : float
        The other end of the window, B(T_d).
    spinodal : float
        T_sp(c).
    dynamical : Transition
        T_d(c) with its confidence interval.
    relative_error : float or None
        The largest relative error of the closed form T(B) that was measured at the two ends
        (:mod:`thermobatch.coloring.theory.temperature_error`): chains at these B are hotter than the two
        temperatures by up to this share. None where it was not measured.
    """

    batch_fraction: float
    largest: float
    spinodal: float
    dynamical: Transition
    relative_error: float | None = None


def optimal_batch_fraction(
    mean_degree: float, q: int = 5, *, population: int = 3000, seed: Seed = 0
) -> OptimalBatch:
    """Return the mini-batch fraction at which SGD-like dynamics recovers a planted colouring best, with its window.

    The window is [B(T_sp), B(T_d)]. Its small end is recommended: moves are fastest at the highest temperature that
    still destabilises the paramagnet, while times grow steeply towards T_d.

    Parameters
    ----------
    mean_degree : float
        Mean degree c of the planted graph.
    q : int
        Number of colours, at least 2.
    population : int
        Messages of the population dynamics that locates T_d, at least 500; takes seconds.
    seed : int or SeedSequence
        Of the population dynamics; B(T_sp) does not depend on it.

    Returns
    -------
    OptimalBatch

    Raises
    ------
    ValueError
        When an argument is out of its range, or when T_sp(c) does not exceed T_d(c) by more than the error of T_d:
        then no mini-batch is predicted to work.
    RuntimeError
        When the population is too small to follow the transition (seen at 1000 for q <= 3, where it is continuous).

    Notes
    -----
    The prediction is for N to infinity. Small graphs nucleate above T_sp, so that their best B is somewhat smaller;
    `docs/coloring.md` says by how much. The ends of the window are as exact as T(B): `relative_error` of the result.

    Examples
    --------
    >>> round(optimal_batch_fraction(20.0, 5).batch_fraction, 3)
    0.9
    """
    check_model(mean_degree, q)
    degree = float(mean_degree)
    if degree <= (q - 1) ** 2:
        raise ValueError(
            f"mean_degree = {mean_degree!r}: must be > (q-1)^2 = {(q - 1) ** 2} for q = {q}; below it the paramagnet "
            "hides the planted colouring at every temperature, so no mini-batch recovers it"
        )
    spinodal = planted_spinodal(degree, q)
    dynamical = dynamical_temperature(degree, q, seed=seed, population=population)
    if spinodal <= dynamical.upper:
        raise ValueError(
            f"mean_degree = {mean_degree!r}: too small for q = {q}; T_sp = {spinodal:.3f} must exceed T_d = "
            f"{dynamical.estimate:.3f} (at most {dynamical.upper:.3f}), or the chain turns glassy before it finds the "
            "planted colouring and no mini-batch is predicted to recover it"
        )
    ends = [
        batch_fraction_for_temperature(temperature, mean_degree=degree, q=q)
        for temperature in (spinodal, dynamical.estimate)
    ]
    error = float(np.max(relative_error(ends, mean_degree=degree, q=q)))
    return OptimalBatch(*ends, spinodal, dynamical, None if np.isnan(error) else error)
