"""Reconstruction on the tree: the dynamical temperature T_d(c) of colouring, and the threshold of annealing.

A colouring is broadcast down a Poisson tree of mean degree c at temperature T. Below T_d(c) its far
generations still tell the colour of the root: the order parameter m = (q <eta(true colour)> - 1)/(q - 1) of
full information stays above zero, and Monte Carlo dynamics of the graph model fall out of equilibrium.

T_d is the maximum of the curve T(m) of fixed points (:mod:`thermobatch.coloring.theory.held_order` says how it is
followed). Where the maximum is at m = 0 the transition is continuous, and T_d is the Kesten-Stigum
temperature, c theta(T)^2 = 1, which bounds T_d from below in any case. The same is done in c at fixed T, and
along the line T = T_sp(c).

The control variable is u = x = exp(-1/T). Curves are smooth down to T = 0, and are continued to negative u as
T = 0 with a mean degree raised so that c theta(u)^2 stays the same function of u: a maximum at u < 0 means
that there is no transition at any temperature.

Source: M. Mezard, A. Montanari, J. Stat. Phys. 124, 1317 (2006); L. Zdeborova, F. Krzakala, Phys. Rev. E 76,
031131 (2007).
"""

from typing import NamedTuple

import numpy as np

from thermobatch.coloring.theory.equilibrium import boltzmann_weight, check_model
from thermobatch.coloring.theory.held_order import Effort, Path, Progress, turning_point
from thermobatch.coloring.theory.tree_population import Broadcast, TreePopulation, broadcast_at
from thermobatch.foundation.streams import Seed

CONTINUOUS_BELOW = 0.15  # a maximum at smaller m cannot be told from one at m = 0


class Transition(NamedTuple):
    """Location of the reconstruction transition.

    Attributes
    ----------
    estimate, lower, upper : float
        Location with its confidence interval over populations (a temperature, or a mean degree). NaN when
        there is no transition.
    order_parameter : float
        m at the transition: its jump; 0 when it is continuous.
    kind : {"discontinuous", "continuous", "none"}
        A continuous transition is at the Kesten-Stigum point, known exactly: the interval then only says how
        far above it the curve may reach.
    confidence : float
        Two-sided, of (lower, upper).
    """

    estimate: float
    lower: float
    upper: float
    order_parameter: float
    kind: str
    confidence: float


def reconstruction_order(
    mean_degree: float,
    q: int,
    temperature: float,
    *,
    population: int = 10_000,
    iterations: int = 200,
    seed: Seed,
) -> np.ndarray:
    """Return the order parameter of full information, generation by generation.

    Parameters
    ----------
    mean_degree : float
        Mean number of children c > 0.
    q : int
        Number of colours, at least 2.
    temperature : float
        T >= 0 of the broadcast and of the reconstruction.
    population, iterations : int
        Number of messages and of generations, at least 1.
    seed : int or SeedSequence
        Same seed, same trace.

    Returns
    -------
    float64[iterations + 1]
        m from 1 (the colours themselves are seen); it tends to 0 above T_d, to a positive value below. Its
        statistical error is about 1/sqrt(population).

    Raises
    ------
    ValueError
        When an argument is out of its range.
    """
    check_model(mean_degree, q)
    for name, value in (("population", population), ("iterations", iterations)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
            raise ValueError(f"{name} = {value!r}: must be a positive integer")
    broadcast = broadcast_at(float(mean_degree), float(boltzmann_weight(temperature)), q)
    messages = TreePopulation(q, population, seed)
    return np.array([messages.order] + [messages.update(broadcast) for _ in range(iterations)])


def dynamical_temperature(
    mean_degree: float,
    q: int = 5,
    *,
    seed: Seed,
    population: int = 5000,
    replicas: int = 5,
    iterations: int = 40,
    confidence: float = 0.95,
    progress: Progress | None = None,
) -> Transition:
    """Return the dynamical temperature T_d(c), where reconstruction on the tree becomes possible.

    Parameters
    ----------
    mean_degree : float
        Mean degree c > 0.
    q : int
        Number of colours, at least 2.
    seed : int or SeedSequence
        Same seed, same numbers.
    population, replicas, iterations : int
        Messages per population (at least 500), independent populations (at least 2), generations that count
        at each order held (at least 5). The interval shrinks as 1/sqrt(population * replicas * iterations).
    confidence : float
        Two-sided confidence of the interval, in (0, 1).
    progress : callable, optional
        Called with the share of the work that is done, from time to time.

    Returns
    -------
    Transition
        In temperature; NaN with kind "none" when c is below the dynamical connectivity. When T = 0 is within
        the interval, `lower` is 0.

    Raises
    ------
    ValueError
        When an argument is out of its range.
    """
    check_model(mean_degree, q)
    c = float(mean_degree)
    root = np.sqrt(c)
    found = _transition(
        lambda u: _continued(c, u, q),
        q,
        Effort(population, replicas, iterations),
        seed,
        confidence,
        stigum=(root - (q - 1)) / (root + 1),
        progress=progress,
    )
    if found.estimate <= 0:
        nothing = float("nan")
        return Transition(nothing, nothing, nothing, nothing, "none", confidence)
    ends = (float(-1 / np.log(u)) if u > 0 else 0.0 for u in (found.estimate, found.lower, found.upper))
    return Transition(*ends, *found[3:])


def dynamical_connectivity(
    q: int = 5,
    temperature: float = 0.0,
    *,
    seed: Seed,
    population: int = 5000,
    replicas: int = 5,
    iterations: int = 40,
    confidence: float = 0.95,
    progress: Progress | None = None,
) -> Transition:
    """Return the mean degree c_d(T) above which reconstruction on the tree is possible at temperature T.

    Parameters
    ----------
    q, temperature
        Number of colours; T >= 0, finite.
    seed, population, replicas, iterations, confidence, progress
        As in :func:`dynamical_temperature`.

    Returns
    -------
    Transition
        In mean degree. At T = 0: 12.84 for q = 5; continuous at 4 for q = 3.

    Raises
    ------
    ValueError
        When an argument is out of its range.
    """
    check_model(1.0, q)
    x = float(boltzmann_weight(temperature))
    if x == 1.0:
        raise ValueError(
            f"temperature = {temperature!r}: must be finite, edges carry no information otherwise"
        )

    def degree(u: float) -> float:
        return ((q - 1 + x) / (1 - x)) ** 2 * _gain(u, q)

    effort = Effort(population, replicas, iterations)
    found = _transition(
        lambda u: broadcast_at(degree(u), x, q), q, effort, seed, confidence, stigum=0.0, progress=progress
    )
    ends = (degree(u) for u in (found.estimate, found.upper, found.lower))
    return Transition(*ends, *found[3:])


def annealing_threshold(
    q: int = 5,
    *,
    seed: Seed,
    population: int = 5000,
    replicas: int = 5,
    iterations: int = 40,
    confidence: float = 0.95,
    progress: Progress | None = None,
) -> Transition:
    """Return the mean degree where T_sp(c) = T_d(c), above which annealing recovers a planted colouring.

    Above it the paramagnet becomes unstable towards the planted colouring before it turns glassy. The
    crossing is found directly, as the transition along the line T = T_sp(c), where c = (q - 1)/theta(T).

    Parameters
    ----------
    q : int
        Number of colours, at least 2. For q <= 3 the threshold is (q - 1)^2, where both temperatures vanish.
    seed, population, replicas, iterations, confidence, progress
        As in :func:`dynamical_temperature`.

    Returns
    -------
    Transition
        In mean degree.

    Raises
    ------
    ValueError
        When an argument is out of its range.

    Notes
    -----
    The argument is that of M. C. Angelini, F. Ricci-Tersenghi, arXiv:2206.04760.
    """
    check_model(1.0, q)

    def degree(u: float) -> float:
        return (q - 1) * (q - 1 + u) / (1 - u)

    found = _transition(
        lambda u: _continued(degree(max(u, 0.0)), u, q),
        q,
        Effort(population, replicas, iterations),
        seed,
        confidence,
        stigum=0.0,
        progress=progress,
    )
    ends = (degree(u) for u in (found.estimate, found.lower, found.upper))
    return Transition(*ends, *found[3:])


def _continued(mean_degree: float, u: float, q: int) -> Broadcast:
    """Temperature x = u, or T = 0 with a raised mean degree for negative u."""
    return broadcast_at(mean_degree * _gain(min(u, 0.0), q), max(u, 0.0), q)


def _gain(u: float, q: int) -> float:
    """theta(u)^2 / theta(0)^2: the mean degree that keeps c theta^2 when the temperature is held."""
    return ((1 - u) * (q - 1) / (q - 1 + u)) ** 2


def _transition(
    path: Path,
    q: int,
    effort: Effort,
    seed: Seed,
    confidence: float,
    stigum: float,
    progress: Progress | None,
) -> Transition:
    """Turning point of `path` in u; the Kesten-Stigum point is a lower bound that it may reach."""
    found = turning_point(path, q, effort, seed, confidence, progress)
    if found is None and stigum >= 0:
        raise RuntimeError(
            f"population = {effort.population}: too small to follow the order parameter; raise it"
        )
    if found is None or found.order < CONTINUOUS_BELOW or found.upper < stigum:
        upper = stigum if found is None else max(stigum, found.upper)
        return Transition(stigum, stigum, upper, 0.0, "continuous", confidence)
    estimate, lower, upper = (max(u, stigum) for u in (found.estimate, found.lower, found.upper))
    return Transition(estimate, lower, upper, found.order, "discontinuous", confidence)
