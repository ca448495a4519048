"""Effective temperature T(B) of the SGD-like chain of the colouring problem (half-edge mini-batches).

A proposal at a vertex with n_old neighbours of its colour and n_new of the proposed one is accepted when the
mini-batch, which holds each half-edge with probability B, does not see the energy rise:
a_B(n_old, n_new) = P[Bin(n_new, B) <= Bin(n_old, B)]. The chain breaks detailed balance, so its temperature
depends on how it is read. Every definition here is a condition on T in the law P_T(n_old, n_new) of the
paramagnet *at that same T* (:func:`~thermobatch.coloring.theory.equilibrium.neighbour_count_law`). With
d = n_new - n_old:

``drift``
    the mean energy change vanishes, sum P_T a_B d = 0 (the best closed form, within 1% of measured energies);
``detailed_balance_1``
    w(1)/w(-1) = exp(-1/T), where w(d) = sum_{b-a=d} P_T a_B / sum_{b-a=d} P_T is the mean acceptance at d;
``detailed_balance``
    the slope through the origin of -ln[w(d)/w(-d)] against d = 1..8, least squares weighted by the accepted
    uphill flow sum_{b-a=d} P_T a_B, equals 1/T;
``limit``
    T = -1/ln(1 - B), what all of them tend to for B -> 1, whatever the graph.

Source: Angelini, Cavaliere, Marino, Ricci-Tersenghi, Scientific Reports 14, 11638 (2024), for averaged
detailed balance and matched energies; the zero-drift condition and the self-consistent law are ours.
"""

from collections.abc import Callable

import numpy as np
import scipy
from numpy.typing import ArrayLike

from thermobatch.coloring.theory.equilibrium import (
    check_model,
    inverse_temperature,
    neighbour_count_law,
    paramagnetic_specific_heat,
    paramagnetic_temperature,
    poisson_max_count,
)
from thermobatch.coloring.theory.temperature_error import TemperatureWithError, relative_error
from thermobatch.coloring.theory.tree_population import degree_law
from thermobatch.foundation.arguments import real_numbers
from thermobatch.foundation.streams import Seed

METHODS = ("drift", "detailed_balance", "detailed_balance_1", "limit")
PHASES = ("paramagnet", "planted")
LARGEST_CHANGE = 8  # energy changes of the detailed-balance fit: d = 1..8
LAW_TAIL = 1e-18  # mass missing from the law, far below the accepted flows that decide T down to T = 0.03
LARGEST_LOGARITHM = 53 * float(np.log(2.0))  # -ln(1 - B) of the largest double below 1

PLANTED_POPULATION = 2000  # statistical error of T(B) in the planted state: about 0.001

Residual = Callable[[np.ndarray, np.ndarray, float], float]


class _Model:
    """Law of the neighbour counts as a function of 1/T, all temperatures with the same table size."""

    def __init__(self, mean_degree: float, q: int, phase: str, seed: Seed) -> None:
        if phase not in PHASES:
            raise ValueError(f"phase = {phase!r}: must be one of {', '.join(PHASES)}")
        check_model(mean_degree, q)
        self.mean_degree, self.q, self.phase, self.seed = float(mean_degree), q, phase, seed
        self.tolerance = 1e-13
        if phase == "planted":
            self.tolerance = 1e-8  # each law costs a tenth of a second
            self.max_count = len(degree_law(self.mean_degree)) - 1
        else:  # counts are largest at T = 0, where their mean is c/(q - 1)
            self.max_count = max(poisson_max_count(mean_degree / (q - 1), LAW_TAIL), 2 * LARGEST_CHANGE)

    def law(self, beta: float) -> np.ndarray:
        temperature = 1 / beta if beta else np.inf
        model = {"mean_degree": self.mean_degree, "q": self.q}
        if self.phase == "paramagnet":
            return neighbour_count_law(temperature, **model, max_count=self.max_count).probability
        from thermobatch.coloring.theory.planted_state import MELTED, planted_state  # kernels load when used

        state = planted_state(temperature, **model, population=PLANTED_POPULATION, seed=self.seed)
        if state.overlap < MELTED:
            raise ValueError(
                f"phase = 'planted': the planted state of q = {self.q} colours at mean degree "
                f"{self.mean_degree:g} melts below T = {temperature:.3g}; lower T or take a larger batch"
            )
        return state.probability


def half_edge_acceptance(batch_fraction: float, max_count: int) -> np.ndarray:
    """Return the acceptance table a_B(n_old, n_new) = P[Bin(n_new, B) <= Bin(n_old, B)].

    Parameters
    ----------
    batch_fraction : float
        B in (0, 1], the probability of each half-edge to be in the mini-batch.
    max_count : int
        Largest count of the table, >= 0.

    Returns
    -------
    float64[n_old, n_new]
        For counts 0..max_count. Sums of positive terms: the relative error is below max_count * 1e-15.

    Raises
    ------
    ValueError
        When B is outside (0, 1] or `max_count` is not a non-negative integer.
    """
    _check_batch_fraction(batch_fraction)
    if isinstance(max_count, bool) or not isinstance(max_count, int | np.integer) or max_count < 0:
        raise ValueError(f"max_count = {max_count!r}: must be a non-negative integer")
    binomial = np.zeros((max_count + 1, max_count + 1))
    binomial[0, 0] = 1.0
    for n in range(max_count):  # one more half-edge: Pascal's rule
        binomial[n + 1] = (1 - batch_fraction) * binomial[n]
        binomial[n + 1, 1:] += batch_fraction * binomial[n, :-1]
    return np.minimum(binomial @ np.cumsum(binomial, axis=1).T, 1.0)


def effective_temperature(
    batch_fraction: ArrayLike,
    *,
    mean_degree: float,
    q: int = 5,
    method: str = "drift",
    phase: str = "paramagnet",
    seed: Seed = 0,
    with_error: bool = False,
) -> np.ndarray | float | TemperatureWithError:
    """Return the temperature T(B) of the SGD-like chain with half-edge mini-batches.

    Parameters
    ----------
    batch_fraction : array_like
        B in (0, 1]; B = 1 is zero temperature.
    mean_degree : float
        Mean degree c > 0 of the graph.
    q : int
        Number of colours, at least 2.
    method : {"drift", "detailed_balance", "detailed_balance_1", "limit"}
        How the temperature is read, see the module's description. ``limit`` ignores the graph.
    phase : {"paramagnet", "planted"}
        State in which it is read. The planted state's law comes from belief propagation on a population
        (:func:`thermobatch.coloring.theory.planted_state.planted_state`), with a statistical error of about 0.001 in
        T.
    seed : int or SeedSequence
        Of that population; the paramagnet needs none.
    with_error : bool
        Whether to return how far the zero-drift form may be off, too: within 1% where the chain equilibrates, by up to
        some per cent at large B (:mod:`thermobatch.coloring.theory.temperature_error`).

    Returns
    -------
    float or float64 array, or TemperatureWithError
        T(B), in units of the energy of one edge; the shape of `batch_fraction`. With `with_error` the pair of T(B) and
        the measured error in the same units, NaN where it was not measured (other methods and phases, q other than 5,
        mean degrees or B outside the measured range).

    Raises
    ------
    ValueError
        When an argument is out of its range or names no method or phase, or the planted state has melted at
        the temperature of this batch.
    """
    model = _Model(mean_degree, q, phase, seed)
    _check_method(method)
    _check_batch_fraction(batch_fraction)
    fractions = np.asarray(batch_fraction, dtype=float)
    temperatures = [_temperature(float(b), model, method) for b in fractions.ravel()]
    found = temperatures[0] if fractions.ndim == 0 else np.reshape(temperatures, fractions.shape)
    if not with_error:
        return found
    known = method == "drift" and phase == "paramagnet"
    relative = relative_error(fractions, mean_degree=model.mean_degree, q=q) if known else np.nan
    return TemperatureWithError(found, found * relative)


def batch_fraction_for_temperature(
    temperature: ArrayLike,
    *,
    mean_degree: float,
    q: int = 5,
    method: str = "drift",
    phase: str = "paramagnet",
    seed: Seed = 0,
) -> np.ndarray | float:
    """Return the mini-batch fraction B with T(B) = `temperature` (inverse of :func:`effective_temperature`).

    Parameters
    ----------
    temperature : array_like
        T >= 0, finite; T = 0 gives B = 1.
    mean_degree, q, method, phase, seed
        As in :func:`effective_temperature`.

    Raises
    ------
    ValueError
        When an argument is out of its range (an infinite temperature would need B = 0).
    """
    model = _Model(mean_degree, q, phase, seed)
    _check_method(method)
    betas = np.asarray(inverse_temperature(temperature))
    if not np.all(betas > 0):
        raise ValueError("temperature = inf: must be finite (it would need an empty mini-batch)")
    fractions = [_batch_fraction(float(beta), model, method) for beta in betas.ravel()]
    return fractions[0] if betas.ndim == 0 else np.reshape(fractions, betas.shape)


def matched_temperature(energy: ArrayLike, *, mean_degree: ArrayLike, q: int = 5) -> np.ndarray | float:
    """Return the temperature whose paramagnetic energy equals a measured stationary energy.

    Meaningful only where the chain equilibrates (for q = 5, c = 19: T above about 0.65).

    Parameters
    ----------
    energy : array_like
        Monochromatic edges per vertex, in [0, c/(2q)].
    mean_degree, q
        As in :func:`thermobatch.coloring.theory.equilibrium.paramagnetic_temperature`.

    Raises
    ------
    ValueError
        When an energy is negative or above that of random colours.
    """
    return paramagnetic_temperature(energy, mean_degree=mean_degree, q=q)


def matched_temperature_error(
    energy: ArrayLike, energy_error: ArrayLike, *, mean_degree: ArrayLike, q: int = 5
) -> np.ndarray | float:
    """Return the standard error of :func:`matched_temperature`, `energy_error` / (de/dT) (first order).

    Raises
    ------
    ValueError
        When an energy is out of range or an error is negative.
    """
    errors = real_numbers("energy_error", energy_error).astype(float)
    if not np.all(errors >= 0):
        raise ValueError(f"energy_error = {errors[~(errors >= 0)].flat[0]!s}: must be >= 0")
    temperature = matched_temperature(energy, mean_degree=mean_degree, q=q)
    slope = paramagnetic_specific_heat(temperature, mean_degree=mean_degree, q=q)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = errors / np.asarray(slope)
    return float(error) if error.ndim == 0 else error


def _temperature(batch_fraction: float, model: _Model, method: str) -> float:
    """Solve for 1/T: it stays finite for B -> 0 and grows only like -ln(1 - B)."""
    if batch_fraction == 1.0:
        return 0.0
    highest = -float(np.log1p(-batch_fraction))
    if method == "limit":
        return 1.0 / highest
    acceptance = half_edge_acceptance(batch_fraction, model.max_count)

    def residual(beta: float) -> float:
        return _RESIDUALS[method](model.law(beta), acceptance, beta)

    while residual(highest) > 0:
        highest *= 2
    lowest = 0.0
    if model.phase == "planted":  # from low temperatures up, to stay on this side of the melting
        lowest = 0.8 * highest
        while residual(lowest) < 0:
            lowest, highest = 0.8 * lowest, lowest
    return 1.0 / scipy.optimize.brentq(residual, lowest, highest, xtol=1e-15, rtol=model.tolerance)


def _batch_fraction(beta: float, model: _Model, method: str) -> float:
    """Solve for g = -ln(1 - B), which is 1/T in the limit of large batches and small for small ones."""
    if np.isinf(beta):
        return 1.0
    if method == "limit":
        return -float(np.expm1(-beta))
    probability = model.law(beta)

    def residual(logarithm: float) -> float:
        acceptance = half_edge_acceptance(-float(np.expm1(-logarithm)), model.max_count)
        return _RESIDUALS[method](probability, acceptance, beta)

    low = high = min(beta, LARGEST_LOGARITHM)
    while residual(low) > 0:
        low /= 2
    while residual(high) < 0:
        if high == LARGEST_LOGARITHM:
            return 1.0
        high = min(2 * high, LARGEST_LOGARITHM)
    return -float(np.expm1(-scipy.optimize.brentq(residual, low, high, xtol=1e-15, rtol=1e-13)))


def _drift(probability: np.ndarray, acceptance: np.ndarray, beta: float) -> float:
    """Minus the mean energy change: like the other residuals it falls with 1/T and rises with B."""
    counts = np.arange(len(probability))
    return float(-np.sum(probability * acceptance * (counts[None, :] - counts[:, None])))


def _first_balance(probability: np.ndarray, acceptance: np.ndarray, beta: float) -> float:
    """Inverse temperature read at d = 1, less that of the law."""
    up, down, _ = _mean_acceptances(probability, acceptance, 1)
    return float(np.log(down[0] / up[0]) - beta)


def _fitted_balance(probability: np.ndarray, acceptance: np.ndarray, beta: float) -> float:
    """Inverse temperature of the weighted fit over d, less that of the law."""
    up, down, uphill_flow = _mean_acceptances(probability, acceptance, LARGEST_CHANGE)
    d = np.arange(1, LARGEST_CHANGE + 1)
    return float(np.sum(uphill_flow * d * np.log(down / up)) / np.sum(uphill_flow * d * d) - beta)


def _mean_acceptances(
    probability: np.ndarray, acceptance: np.ndarray, largest: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return w(d), w(-d) and the accepted flow at d, for d = 1..largest."""
    flow = probability * acceptance
    steps = range(1, largest + 1)
    uphill_flow = np.array([np.trace(flow, d) for d in steps])
    up = uphill_flow / np.array([np.trace(probability, d) for d in steps])
    down = np.array([np.trace(flow, -d) / np.trace(probability, -d) for d in steps])
    return up, down, uphill_flow


_RESIDUALS: dict[str, Residual] = {
    "drift": _drift,
    "detailed_balance": _fitted_balance,
    "detailed_balance_1": _first_balance,
}


def _check_batch_fraction(batch_fraction: ArrayLike) -> None:
    fractions = real_numbers("batch_fraction", batch_fraction).astype(float)
    wrong = ~((fractions > 0) & (fractions <= 1))
    if wrong.any():
        raise ValueError(f"batch_fraction = {fractions[wrong].flat[0]!s}: must be in (0, 1]")


def _check_method(method: str) -> None:
    if method not in METHODS:
        raise ValueError(f"method = {method!r}: must be one of {', '.join(METHODS)}")
