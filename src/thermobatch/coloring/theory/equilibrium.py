"""Equilibrium of the colouring model in its paramagnetic phase: closed forms.

Symbols of the paper: c = `mean_degree`, T = `temperature`, e = `energy` (monochromatic edges per vertex, so
T has the units of the energy of one edge), and x = exp(-1/T), the Boltzmann weight of one monochromatic edge.
The planted and the random graph share these formulas as long as the paramagnet is stable.

Source: M. C. Angelini, A. G. Cavaliere, R. Marino, F. Ricci-Tersenghi, Scientific Reports 14, 11638 (2024),
doi:10.1038/s41598-024-62625-8, and the cavity method for the Potts antiferromagnet on sparse random graphs.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln, pdtrc, xlogy

from thermobatch.foundation.arguments import real_numbers


class NeighbourCountLaw(NamedTuple):
    """Joint law of the numbers of neighbours that have the current and the proposed colour.

    Attributes
    ----------
    probability : float64[n_old, n_new]
        P_T(n_old, n_new) for counts 0..max_count; the missing mass is not redistributed.
    tail_bound : float
        Upper bound on the missing mass (union bound over the two counts).
    """

    probability: np.ndarray
    tail_bound: float


def paramagnetic_energy(temperature: ArrayLike, *, mean_degree: ArrayLike, q: int = 5) -> np.ndarray | float:
    """Return the energy per vertex of the paramagnet, e = (c/2) x / (q - 1 + x).

    Parameters
    ----------
    temperature : array_like
        T >= 0; zero and infinity are allowed and give 0 and c / (2q).
    mean_degree : array_like
        Mean degree c > 0 of the graph; broadcast against `temperature`.
    q : int
        Number of colours, at least 2.

    Returns
    -------
    float or float64 array
        Monochromatic edges per vertex (float when both inputs are scalars).

    Raises
    ------
    ValueError
        When an argument is out of its range.
    """
    check_model(mean_degree, q)
    x = boltzmann_weight(temperature)
    return _plain(0.5 * np.asarray(mean_degree, dtype=float) * x / (q - 1 + x))


def paramagnetic_temperature(energy: ArrayLike, *, mean_degree: ArrayLike, q: int = 5) -> np.ndarray | float:
    """Return the temperature whose paramagnet has the given energy: x = e(q - 1)/(c/2 - e), T = -1/ln x.

    Parameters
    ----------
    energy : array_like
        Energy per vertex, 0 <= e <= c/(2q); the ends give T = 0 and T = infinity.
    mean_degree, q
        As in :func:`paramagnetic_energy`.

    Raises
    ------
    ValueError
        When an energy is negative or above c/(2q), the energy of random colours.
    """
    check_model(mean_degree, q)
    e, c = np.broadcast_arrays(
        real_numbers("energy", energy).astype(float), np.asarray(mean_degree, dtype=float)
    )
    highest = c / (2 * q)
    wrong = ~((e >= 0) & (e <= highest * (1 + 1e-12)))
    if wrong.any():
        raise ValueError(
            f"energy = {e[wrong][0]:.6g}: must be in [0, c/(2q)] = [0, {highest[wrong][0]:.6g}], "
            f"the paramagnetic energies of q = {q} colours at mean degree {c[wrong][0]:.6g}"
        )
    x = e * (q - 1) / (c / 2 - e)
    deficit = (
        q * np.maximum(highest - e, 0.0) / (c / 2 - e)
    )  # 1 - x, every digit of it near infinite temperature
    with np.errstate(divide="ignore"):
        log_weight = np.where(x > 0.5, np.log1p(-np.where(x > 0.5, deficit, 0.0)), np.log(x))
        return _plain(1.0 / np.abs(log_weight))


def paramagnetic_specific_heat(
    temperature: ArrayLike, *, mean_degree: ArrayLike, q: int = 5
) -> np.ndarray | float:
    """Return de/dT of the paramagnet per vertex, (c/2) (q-1) x / ((q-1+x) T)^2 (0 at T = 0 and at infinity).

    Parameters are those of :func:`paramagnetic_energy`.
    """
    check_model(mean_degree, q)
    x = boltzmann_weight(temperature)
    beta = inverse_temperature(temperature)
    weight = np.where(np.isinf(beta), 0.0, x * np.where(np.isinf(beta), 0.0, beta) ** 2)
    return _plain(0.5 * np.asarray(mean_degree, dtype=float) * (q - 1) * weight / (q - 1 + x) ** 2)


def neighbour_count_law(
    temperature: float,
    *,
    mean_degree: float,
    q: int = 5,
    max_count: int | None = None,
    tail: float = 1e-15,
) -> NeighbourCountLaw:
    """Return the Poisson law P_T(n_old, n_new) of a proposal in the paramagnet.

    The counts are independent: n_old ~ Poisson(lambda x) and n_new ~ Poisson(lambda), lambda = c/(q - 1 + x).

    Parameters
    ----------
    temperature : float
        T >= 0 (infinity allowed).
    mean_degree, q
        As in :func:`paramagnetic_energy`, scalars.
    max_count : int, optional
        Largest count of the table. By default the smallest whose missing mass is below `tail`.
    tail : float
        Mass that may be missing, used when `max_count` is not given.

    Returns
    -------
    NeighbourCountLaw
        The table and an upper bound on the mass that it misses.

    Raises
    ------
    ValueError
        When an argument is out of its range.
    """
    check_model(mean_degree, q)
    x = float(boltzmann_weight(temperature))
    new_mean = float(mean_degree) / (q - 1 + x)
    if max_count is None:
        max_count = poisson_max_count(new_mean, 0.5 * tail)
    elif max_count < 0:
        raise ValueError(f"max_count = {max_count}: must be a non-negative integer")
    counts = np.arange(max_count + 1)
    probability = np.outer(_poisson(counts, new_mean * x), _poisson(counts, new_mean))
    return NeighbourCountLaw(probability, float(pdtrc(max_count, new_mean * x) + pdtrc(max_count, new_mean)))


def metropolis_acceptance_rate(temperature: float, *, mean_degree: float, q: int = 5) -> float:
    """Return the fraction of proposals that Metropolis accepts in the paramagnet: E[min(1, exp(-dE/T))].

    Parameters
    ----------
    temperature : float
        T > 0.
    mean_degree : float
        Mean degree c.
    q : int
        Number of colours.
    """
    probability = neighbour_count_law(temperature, mean_degree=mean_degree, q=q).probability
    counts = np.arange(len(probability))
    change = np.maximum(counts[None, :] - counts[:, None], 0)
    return float(np.sum(probability * np.exp(-change / temperature)))


def poisson_max_count(mean: float, tail: float) -> int:
    """Return the smallest count k with P[Poisson(mean) > k] <= `tail`."""
    if not 0 < tail < 1:
        raise ValueError(f"tail = {tail!r}: must be in (0, 1)")
    high = 1
    while pdtrc(high, mean) > tail:
        high *= 2
    return int(np.argmax(pdtrc(np.arange(high + 1), mean) <= tail))


def edge_correlation(temperature: ArrayLike, *, q: int = 5) -> np.ndarray | float:
    """Return theta(T) = (1 - x)/(q - 1 + x), minus the second eigenvalue of the edge's transfer matrix."""
    check_model(1.0, q)
    x = boltzmann_weight(temperature)
    return _plain((1 - x) / (q - 1 + x))


def planted_spinodal(mean_degree: ArrayLike, q: int = 5) -> np.ndarray | float:
    """Return T_sp(c), below which the paramagnet is unstable towards the planted colouring.

    Solves c theta(T)/(q - 1) = 1: T_sp = 1 / ln[(c + q - 1)/(c - (q - 1)^2)].

    Raises
    ------
    ValueError
        Unless c > (q - 1)^2: for fewer edges the paramagnet is stable at every temperature.
    """
    c = _above_threshold(mean_degree, q)
    return _plain(1.0 / np.log((c + q - 1) / (c - (q - 1) ** 2)))


def spin_glass_temperature(mean_degree: ArrayLike, q: int = 5) -> np.ndarray | float:
    """Return the Kesten-Stigum temperature, below which the paramagnet of the random graph is a spin glass.

    Solves c theta(T)^2 = 1: T = 1 / ln[(sqrt(c) + 1)/(sqrt(c) - (q - 1))].

    Raises
    ------
    ValueError
        Unless c > (q - 1)^2: for fewer edges c theta^2 < 1 at every temperature.
    """
    root = np.sqrt(_above_threshold(mean_degree, q))
    return _plain(1.0 / np.log((root + 1) / (root - (q - 1))))


def inverse_temperature(temperature: ArrayLike) -> np.ndarray:
    """Return 1/T (infinite at T = 0); reject negative temperatures and NaN."""
    t = real_numbers("temperature", temperature).astype(float)
    if not np.all(t >= 0):
        raise ValueError(f"temperature = {t[~(t >= 0)].flat[0]!s}: must be >= 0")
    with np.errstate(divide="ignore"):
        return 1.0 / np.abs(t)


def boltzmann_weight(temperature: ArrayLike) -> np.ndarray:
    """Return x = exp(-1/T), 0 at T = 0 and 1 at infinity; reject negative temperatures and NaN."""
    return np.exp(-inverse_temperature(temperature))


def check_model(mean_degree: ArrayLike, q: int) -> None:
    """Reject a mean degree that is not positive and finite and a q that is not an integer >= 2."""
    if isinstance(q, bool) or not isinstance(q, int | np.integer) or q < 2:
        raise ValueError(f"q = {q!r}: must be an integer >= 2")
    c = real_numbers("mean_degree", mean_degree).astype(float)
    wrong = ~((c > 0) & np.isfinite(c))
    if wrong.any():
        raise ValueError(f"mean_degree = {c[wrong].flat[0]!s}: must be positive and finite")


def _above_threshold(mean_degree: ArrayLike, q: int) -> np.ndarray:
    """Both instabilities reach T = 0 at the same mean degree, (q - 1)^2."""
    check_model(mean_degree, q)
    c = np.asarray(mean_degree, dtype=float)
    wrong = c <= (q - 1) ** 2
    if wrong.any():
        raise ValueError(
            f"mean_degree = {c[wrong].flat[0]!s}: must be > (q-1)^2 = {(q - 1) ** 2} for q = {q}; "
            "below it the paramagnet is stable at every temperature"
        )
    return c


def _poisson(counts: np.ndarray, mean: float) -> np.ndarray:
    """Poisson probabilities; written out because importing scipy.stats costs a second."""
    return np.exp(xlogy(counts, mean) - mean - gammaln(counts + 1.0))


def _plain(value: np.ndarray) -> np.ndarray | float:
    """Scalars in, scalars out."""
    return float(value) if np.ndim(value) == 0 else value
