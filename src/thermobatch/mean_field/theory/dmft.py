"""Dynamical mean-field theory of SGD: learning curves and two-time functions for d -> infinity at a finite step.

Setting: C. Gerbelot, E. Troiani, F. Mignacco, F. Krzakala, L. Zdeborova, arXiv:2210.06591; mixture and replicas after
F. Mignacco, P. Urbani, J. Stat. Mech. 2022, arXiv:2112.10852, whose exact parameters are not known to us. The equations
are in :mod:`thermobatch.mean_field.theory.dmft_solver`: causal, marched once, without a fixed-point iteration.
"""

from collections.abc import Callable

import numpy as np
import xarray as xr

from thermobatch.foundation.arguments import checked_integer, checked_real
from thermobatch.foundation.docstrings import described_like
from thermobatch.foundation.streams import Seed, child_seed, seed_sequence
from thermobatch.mean_field.losses import Loss, get_loss
from thermobatch.mean_field.observables import observables_dataset, test_error
from thermobatch.mean_field.settings import SGDSettings
from thermobatch.mean_field.spectra import IDENTITY, Spectrum
from thermobatch.mean_field.theory.dmft_population import draw_population, gaussian_rows
from thermobatch.mean_field.theory.dmft_response import sign_period
from thermobatch.mean_field.theory.dmft_solver import GaussianModel, PathSolution, PathSolver
from thermobatch.mean_field.theory.square_loss import check_stable_step

GIB = 2**30


@described_like(SGDSettings)
def dmft(
    loss: str | Loss = "square",
    *,
    alpha: float,
    learning_rate: float,
    steps: int,
    ridge: float = 0.0,
    batch_fraction: float = 1.0,
    persistence: float | None = None,
    momentum: float = 0.0,
    nesterov: bool = False,
    constraint: str = "none",
    replicas: int = 1,
    m0: float = 0.0,
    q0: float = 1.0,
    data: str = "teacher",
    variance: float = 1.0,
    margin: float | None = None,
    spectrum: Spectrum = IDENTITY,
    paths: int = 20_000,
    populations: int = 1,
    exact_response: bool = False,
    fields: bool = False,
    max_memory: float = 4.0,
    seed: Seed = 0,
    progress: Callable[[int], object] | None = None,
) -> xr.Dataset:
    """Solve the mean-field equations of SGD on Gaussian data.

    Model: alpha d samples with inputs of covariance Sigma / d, cost ``sum_mu l(w.x_mu, target_mu) + ridge |w|^2 / 2``;
    one step subtracts learning_rate times the gradient, in which a sample counts 1/b if it is in the batch, else 0.

    Parameters
    ----------
    loss : str or Loss
        "square", "logistic", "squared_hinge", "tanh", or a :class:`thermobatch.mean_field.losses.Loss`
        (:func:`thermobatch.mean_field.losses.custom_loss` makes one from your functions).
    alpha : float
        Samples per dimension.
    learning_rate, steps
        As in :class:`SGDSettings`.
    ridge, batch_fraction, persistence, momentum, nesterov, constraint, replicas, m0, q0
        As in :class:`SGDSettings`.
    data : {"teacher", "mixture"}
        A teacher of norm sqrt(d) (the target is its field h0, or its sign for the margin losses), or two Gaussian
        clusters at +-w*/d with labels +-1.
    variance : float
        Delta, variance within the clusters (mixture).
    margin : float, optional
        Margin of the squared hinge, default 1.
    spectrum : Spectrum
        Levels of the covariance; teacher and start are isotropic. Any loss and any data; the cost grows with the
        levels.
    paths : int
        Size n of a population; rounded up to a multiple of the power of two that is at least `steps`
        (the attribute ``paths`` is the number used). Errors fall as n^-1/2.
    populations : int
        Independent populations. The result is their mean; with two or more, ``<name>_error`` is the standard error of
        each variable.
    exact_response : bool
        Follow all response functions (n T^3 / 6 multiplications more, n T^2 / 2 numbers) instead of Hutchinson's
        estimator. For checks, and for long runs at zero loss (ridge = 0), where the estimator's noise in the memory
        kernel adds up: there a few populations of 2000 paths with the exact response are better than one of 65 000
        without.
    fields : bool
        Also return the last fields and the targets of the paths (all populations one after the other).
    max_memory : float
        GiB; a larger plan is refused before anything is allocated.
    seed : int or numpy.random.SeedSequence
        Seed; the result is a function of it.
    progress : callable, optional
        Called with the steps done, of one population after the other.

    Returns
    -------
    xarray.Dataset
        float64. ``magnetization``, ``loss``, ``test_error`` (time); ``correlation``, ``response``,
        ``integrated_response`` (time, time2); with two replicas ``replica_distance`` (time) and ``replica_overlap``
        (time, time2); with `fields` ``final_field``, ``final_target`` (path). Time 0 is before any step.

    Raises
    ------
    ValueError
        If an argument is out of range, the step is unstable, or the memory would exceed `max_memory`.

    Notes
    -----
    The square loss with full batches and the identity covariance is exact to rounding at any population size.
    """
    loss = get_loss(loss, margin)
    settings = SGDSettings(
        learning_rate,
        steps,
        ridge,
        batch_fraction,
        persistence,
        momentum,
        nesterov,
        constraint,
        replicas,
        m0,
        q0,
    )
    model = GaussianModel(alpha, data, variance, spectrum)
    if loss.name == "square" and data == "teacher" and constraint == "none" and persistence is None:
        check_stable_step(alpha, settings, spectrum)
    period = sign_period(steps)
    paths = -(-checked_integer("paths", paths, 1) // period) * period
    populations = checked_integer("populations", populations, 1)
    _refuse_large(steps, paths, max_memory, spectrum.levels, replicas, exact_response, populations)

    def solve(index: int) -> dict:  # one population; its histories are freed before the next
        rng = np.random.default_rng(child_seed(seed, index))
        population = draw_population(rng, paths, steps, spectrum.levels, replicas)
        solver = PathSolver(model, loss, settings, population, rng, exact_response)
        solution = solver.run(
            None if progress is None else lambda done: progress(index * settings.steps + done)
        )
        return _variables(solution, model, settings, fields)

    solutions = [solve(index) for index in range(populations)]
    origin = {"alpha": alpha, "data": data, "variance": variance, "loss": loss.name, "margin": margin}
    attributes = {
        "method": "dynamical mean-field theory",
        "response_method": "all response functions" if exact_response else "Hutchinson's estimator",
        "parameters": settings.described() | origin,
        "covariance": spectrum,
        "paths": paths,
        "populations": populations,
        "seed": seed_sequence(seed),
    }
    return observables_dataset(_averaged(solutions), learning_rate, attributes)


def dmft_memory(
    steps: int,
    paths: int,
    levels: int = 1,
    replicas: int = 1,
    exact_response: bool = False,
    populations: int = 1,
) -> int:
    """Return the bytes a calculation needs: one population's histories, and every population's two-time functions.

    Parameters
    ----------
    steps, paths, levels, replicas : int
        T, n, covariance levels and replicas.
    exact_response : bool
        Whether all response functions are followed.
    populations : int
        Number of populations, done one after the other.
    """
    probe_rows = steps * (steps + 1) // 2 if exact_response else steps
    histories = replicas * (levels * (steps + 1) + steps + levels * probe_rows)
    per_path = gaussian_rows(steps, levels, replicas) + histories + 40 * replicas
    two_times = (4 * levels * replicas + 8 + 4 * populations) * (steps + 1) ** 2
    return 8 * (paths * per_path + two_times)


def _refuse_large(steps: int, paths: int, max_memory: float, *plan) -> None:
    """Raise a ValueError when the plan (further arguments of `dmft_memory`) does not fit."""
    checked_real("max_memory", max_memory, 0.0, open_low=True)
    needed = dmft_memory(steps, paths, *plan)
    if needed > max_memory * GIB:
        fitting = int(paths * max_memory * GIB / needed)
        raise ValueError(
            f"steps = {steps}: with paths = {paths} needs {needed / GIB:.3g} GiB, above max_memory = {max_memory:g} "
            f"GiB; about {fitting} paths fit (use populations for more), or give fewer steps or a larger max_memory"
        )


def _variables(solution: PathSolution, model: GaussianModel, settings: SGDSettings, fields: bool) -> dict:
    """Turn one population's solution into named variables."""
    sigma, fraction = model.sigma, model.fraction
    by_channel = solution.correlation
    single = by_channel.mean(axis=0)  # w1.w1 = (C_+ + C_-) / 2, [K, T + 1, T + 1]
    response = np.einsum("k,kts->ts", fraction, solution.response)
    # chi(t, t') = eta sum_{s = t'+1..t} R_w(t, s)
    from_end = np.cumsum(response[:, ::-1], axis=1)[:, ::-1]
    integrated = settings.learning_rate * np.concatenate(
        (from_end[:, 1:], np.zeros((len(response), 1))), axis=1
    )
    weight = fraction * sigma if model.data == "teacher" else fraction
    field_variance = np.einsum("k,ktt->t", sigma, single)
    two_times = ("time", "time2")
    variables = {
        "magnetization": (("time",), solution.magnetization @ fraction),
        "loss": (("time",), solution.loss),
        "correlation": (two_times, single.sum(axis=0)),
        "response": (two_times, response),
        "integrated_response": (two_times, integrated),
        "test_error": (
            ("time",),
            test_error(model.data, solution.magnetization @ weight, field_variance, np.sum(fraction * sigma)),
        ),
    }
    if settings.replicas == 2:
        difference = by_channel[1].sum(axis=0)
        variables["replica_overlap"] = (two_times, (by_channel[0].sum(axis=0) - difference) / 2.0)
        variables["replica_distance"] = (("time",), np.diagonal(difference).copy())
    if fields:
        variables["final_field"] = (("path",), solution.final_field)
        variables["final_target"] = (("path",), solution.target)
    return variables


def _averaged(solutions: list[dict]) -> dict:
    """Average the populations, with standard errors; put the paths of all populations one after the other."""
    count = len(solutions)
    result = {}
    for name, (dims, first) in solutions[0].items():
        values = [variables[name][1] for variables in solutions]
        if "path" in dims:
            result[name] = (dims, np.concatenate(values))
            continue
        mean = sum(values) / count if count > 1 else first
        result[name] = (dims, mean)
        if count > 1:
            spread = sum((value - mean) ** 2 for value in values) / (count - 1)
            result[f"{name}_error"] = (dims, np.sqrt(spread / count))
    return result
