"""Exact dynamics of SGD with the square loss on teacher-student data, for d -> infinity and a finite step.

In the eigenbasis of ``X^T X`` (eigenvalue x of law rho, :mod:`thermobatch.mean_field.theory.marchenko_pastur`) the
noiseless weights are ``w^t = A_t(x) w* + B_t(x) r0``. For plain SGD, with y = x + lambda, ``B_t = (1 - eta y)^t`` and
``A_t = (x / y) (1 - B_t) + m0 B_t``; with momentum both follow a two-term recursion. Then

    m = <A>,   C(t, t') = <A A' + q0 B B'>,   psi0 = <x ((A - 1)^2 + q0 B^2)> / alpha,   loss = psi / 2.

Independent batches add at each step s a noise of covariance ``eta^2 ((1-b)/b) psi_s X^T X``, hence, G_k being the
response to an impulse (``(1 - eta y)^k`` for plain SGD),

    psi_t = psi0_t + eta^2 ((1-b)/b) sum_{s<t} <x^2 G_{t-1-s}^2> psi_s / alpha,
    C(t, t') += eta^2 ((1-b)/b) sum_s psi_s <x G_{t-1-s} G_{t'-1-s}>,

while m does not depend on b. Teacher and start are isotropic with respect to the covariance.
"""

import numpy as np
import scipy
import xarray as xr

from thermobatch.foundation.docstrings import described_like
from thermobatch.mean_field.observables import observables_dataset, test_error
from thermobatch.mean_field.settings import SGDSettings
from thermobatch.mean_field.spectra import IDENTITY, Spectrum
from thermobatch.mean_field.theory.marchenko_pastur import SpectralLaw, marchenko_pastur


@described_like(SGDSettings)
def square_loss_dynamics(
    *,
    alpha: float,
    learning_rate: float,
    steps: int,
    ridge: float = 0.0,
    batch_fraction: float = 1.0,
    momentum: float = 0.0,
    nesterov: bool = False,
    m0: float = 0.0,
    q0: float = 1.0,
    spectrum: Spectrum = IDENTITY,
) -> xr.Dataset:
    """Solve exactly the square loss on teacher-student data (independent batches, no constraint).

    Parameters
    ----------
    alpha : float
        Samples per dimension.
    learning_rate, steps, ridge, batch_fraction, momentum, nesterov, m0, q0
        As in :class:`thermobatch.mean_field.settings.SGDSettings`.
    spectrum : Spectrum
        Levels of the input covariance.

    Returns
    -------
    xarray.Dataset
        magnetization, loss, replica_distance (time), correlation, response, integrated_response, replica_overlap
        (time, time2), float64; test_error (time) for the identity covariance. Time 0 is before any step.

    Raises
    ------
    ValueError
        If a parameter is out of range or the step is unstable (the bound is given).
    """
    settings = SGDSettings(
        learning_rate,
        steps,
        ridge,
        batch_fraction,
        momentum=momentum,
        nesterov=nesterov,
        m0=m0,
        q0=q0,
        replicas=2,
    )
    law = marchenko_pastur(alpha, spectrum)
    check_stable_step(alpha, settings, spectrum, law)
    x, weights = law.nodes, law.weights
    teacher = _modes(settings, x, m0, m0, drive=settings.learning_rate * x)
    start = _modes(settings, x, 1.0, 1.0)
    impulse = _modes(settings, x, 1.0, 0.0)

    noiseless = (teacher * weights) @ teacher.T + q0 * (start * weights) @ start.T
    psi = _residual(teacher, start, q0, law, alpha)
    ahead = [
        _at_lookahead(modes, settings, first)
        for modes, first in ((teacher, m0), (start, 1.0), (impulse, 0.0))
    ]
    psi_ahead = _residual(ahead[0], ahead[1], q0, law, alpha)
    strength = learning_rate**2 * (1.0 - batch_fraction) / batch_fraction
    memory_ahead = law.average(x**2 * ahead[2] ** 2) / alpha
    memory = law.average(x**2 * impulse**2) / alpha
    spread = (impulse * (weights * x)) @ impulse.T
    susceptibility = law.average(impulse)
    noise = np.zeros_like(noiseless)
    for s in range(steps):  # the noise of step s
        psi_ahead[s + 1 :] += strength * psi_ahead[s] * memory_ahead[: steps - s]
        psi[s + 1 :] += strength * psi_ahead[s] * memory[: steps - s]
        noise[s + 1 :, s + 1 :] += strength * psi_ahead[s] * spread[: steps - s, : steps - s]

    response = _causal(susceptibility)
    integrated = _causal(learning_rate * np.concatenate(([0.0], np.cumsum(susceptibility[:-1]))))
    correlation, magnetization = noiseless + noise, law.average(teacher)
    two_times = ("time", "time2")
    variables = {
        "magnetization": (("time",), magnetization),
        "loss": (("time",), psi / 2.0),
        "correlation": (two_times, correlation),
        "response": (two_times, response),
        "integrated_response": (two_times, integrated),
        "replica_overlap": (two_times, noiseless),
        "replica_distance": (("time",), np.diagonal(noise).copy()),
    }
    if spectrum == IDENTITY:
        error = test_error("teacher", magnetization, np.diagonal(correlation), 1.0)
        variables["test_error"] = (("time",), error)
    parameters = settings.described() | {"alpha": alpha, "loss": "square", "data": "teacher"}
    return observables_dataset(
        variables, learning_rate, {"method": "exact", "parameters": parameters, "covariance": spectrum}
    )


def _modes(settings: SGDSettings, x: np.ndarray, first: float, before: float, drive=0.0) -> np.ndarray:
    """March one amplitude of the eigenmodes: [steps + 1, nodes]."""
    (now, previous), (ahead, behind) = settings.propagator, settings.lookahead
    pull = settings.learning_rate * x
    modes = np.empty((settings.steps + 1, x.size))
    modes[0] = first
    older = np.full(x.size, before)
    for t in range(settings.steps):
        modes[t + 1] = (now - pull * ahead) * modes[t] + (previous - pull * behind) * older + drive
        older = modes[t]
    return modes


def _at_lookahead(modes: np.ndarray, settings: SGDSettings, before: float) -> np.ndarray:
    """Return the amplitudes at the point where the gradient is taken."""
    ahead, behind = settings.lookahead
    older = np.concatenate((np.full((1, modes.shape[1]), before), modes[:-1]))
    return ahead * modes + behind * older


def _residual(
    teacher: np.ndarray, start: np.ndarray, q0: float, law: SpectralLaw, alpha: float
) -> np.ndarray:
    """Return psi, the mean square of h - h0 over the training samples, without batch noise."""
    return law.average(law.nodes * ((teacher - 1.0) ** 2 + q0 * start**2)) / alpha


def _causal(function: np.ndarray) -> np.ndarray:
    """Return the matrix function[t - t'] for t >= t', 0 above the diagonal."""
    lag = np.subtract.outer(np.arange(function.size), np.arange(function.size))
    return np.where(lag >= 0, function[np.maximum(lag, 0)], 0.0)


def _impulse_squares(
    settings: SGDSettings, x: np.ndarray, learning_rate: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return sum_k G_k^2 at w and at the look-ahead point (stationary variance of an AR(2) process), per node."""
    ahead, behind = settings.lookahead
    y = x + settings.ridge
    first = 1.0 + settings.momentum - learning_rate * y * ahead
    second = -settings.momentum - learning_rate * y * behind
    with np.errstate(divide="ignore", invalid="ignore"):
        at_weights = (1.0 - second) / ((1.0 + second) * ((1.0 - second) ** 2 - first**2))
        next_to_it = at_weights * first / (1.0 - second)
        at_lookahead = (ahead**2 + behind**2) * at_weights + 2.0 * ahead * behind * next_to_it
    return at_weights, at_lookahead


def _noise_gain(settings: SGDSettings, alpha: float, law: SpectralLaw, learning_rate: float) -> float:
    """Return the part of psi that comes back through the batch noise; stationary below 1."""
    b = settings.batch_fraction
    if b == 1.0:
        return 0.0
    used = law.nodes > 0.0  # the null space of the data feels no noise
    squares = _impulse_squares(settings, law.nodes[used], learning_rate)[1]
    return (
        learning_rate**2 * (1.0 - b) / b * float((law.nodes[used] ** 2 * squares) @ law.weights[used]) / alpha
    )


@described_like(square_loss_dynamics)
def largest_stable_step(
    alpha: float,
    ridge: float = 0.0,
    batch_fraction: float = 1.0,
    momentum: float = 0.0,
    nesterov: bool = False,
    spectrum: Spectrum = IDENTITY,
) -> float:
    """Return the learning rate above which the square loss diverges (in mean square, independent batches).

    Full batch: eta (lambda + x_max) < 2 (1 + beta), or 2 (1 + beta) / (1 + 2 beta) with Nesterov's momentum.

    Parameters
    ----------
    alpha, ridge, batch_fraction, momentum, nesterov, spectrum
        As in :func:`square_loss_dynamics`.

    Returns
    -------
    float
        The bound on eta.
    """
    settings = SGDSettings(1.0, 1, ridge, batch_fraction, momentum=momentum, nesterov=nesterov)
    return _largest_stable_step(alpha, settings, marchenko_pastur(alpha, spectrum))


def _largest_stable_step(alpha: float, settings: SGDSettings, law: SpectralLaw) -> float:
    beta = settings.momentum
    bound = 2.0 * (1.0 + beta) / (1.0 + 2.0 * beta * settings.nesterov) / (law.largest + settings.ridge)
    inside = bound * (1.0 - 1e-12)
    if _noise_gain(settings, alpha, law, inside) <= 1.0:
        return bound
    return scipy.optimize.brentq(
        lambda step: _noise_gain(settings, alpha, law, step) - 1.0, 1e-12 * bound, inside
    )


def check_stable_step(
    alpha: float, settings: SGDSettings, spectrum: Spectrum, law: SpectralLaw | None = None
) -> None:
    """Raise a ValueError with the bound if the square loss would diverge at this learning rate."""
    bound = _largest_stable_step(alpha, settings, law or marchenko_pastur(alpha, spectrum))
    if settings.learning_rate >= bound:
        raise ValueError(
            f"learning_rate = {settings.learning_rate!r}: the square loss is unstable: must be below {bound:.6g} at "
            f"alpha = {alpha}, ridge = {settings.ridge}, batch_fraction = {settings.batch_fraction}"
        )


@described_like(square_loss_dynamics)
def square_loss_stationary(
    *,
    alpha: float,
    learning_rate: float,
    ridge: float,
    batch_fraction: float,
    momentum: float = 0.0,
    nesterov: bool = False,
    spectrum: Spectrum = IDENTITY,
) -> dict[str, float]:
    """Return the exact stationary noise of the square loss on teacher-student data.

    For plain SGD, with y = x + lambda and ``sigma^2 = psi (1-b)/b``: ``psi = psi_full / (1 - gain)``,
    ``variance = eta sigma^2 <x / (y (2 - eta y))>``, ``susceptibility = <1/y>``; temperature is their ratio.

    Parameters
    ----------
    alpha, learning_rate
        As in :func:`square_loss_dynamics`.
    ridge : float
        lambda > 0, coefficient of |w|^2 / 2.
    batch_fraction, momentum, nesterov, spectrum
        As in :func:`square_loss_dynamics`.

    Returns
    -------
    dict
        loss (psi / 2), variance (of each weight; equals the replica distance), susceptibility, temperature.

    Raises
    ------
    ValueError
        If ridge = 0 (with alpha < 1 there is no stationary response) or the step is unstable.
    """
    if not ridge > 0.0:
        raise ValueError(f"ridge = {ridge!r}: must be positive for a stationary state")
    settings = SGDSettings(learning_rate, 1, ridge, batch_fraction, momentum=momentum, nesterov=nesterov)
    law = marchenko_pastur(alpha, spectrum)
    check_stable_step(alpha, settings, spectrum, law)
    x, y = law.nodes, law.nodes + ridge
    noiseless = law.average(x * (ridge / y) ** 2) / alpha
    psi_ahead = noiseless / (1.0 - _noise_gain(settings, alpha, law, learning_rate))
    noise = learning_rate**2 * (1.0 - batch_fraction) / batch_fraction * psi_ahead
    squares = _impulse_squares(settings, x, learning_rate)[0]
    variance = noise * law.average(x * squares)
    psi = noiseless + noise * law.average(x**2 * squares) / alpha
    susceptibility = float(
        law.average(1.0 / y)
    )  # eta sum_k G_k: momentum multiplies force and friction alike
    return {
        "loss": float(psi / 2.0),
        "variance": float(variance),
        "susceptibility": susceptibility,
        "temperature": float(variance / susceptibility),
    }
