"""SGD on a generalised linear model at finite dimension: what the mean-field theory describes for d -> infinity.

Same arguments, conventions and Dataset layout as :func:`thermobatch.mean_field.theory.dmft.dmft`, with one more
dimension, ``seed``.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr

from thermobatch.foundation.arguments import checked_integer, checked_real, described
from thermobatch.foundation.docstrings import described_like
from thermobatch.foundation.row_sums import combine_selected, project
from thermobatch.foundation.streams import Seed, child_seed, seed_sequence
from thermobatch.mean_field.losses import Loss, get_loss
from thermobatch.mean_field.observables import observables_dataset, test_error
from thermobatch.mean_field.samples import GLMSamples, gaussian_mixture, start_weights, teacher_student
from thermobatch.mean_field.settings import DATA, SGDSettings
from thermobatch.mean_field.spectra import IDENTITY, Spectrum

GIB = 2**30


@dataclass(frozen=True)
class Probe:
    """A small random force switched on at the waiting time, to measure the integrated response.

    Parameters
    ----------
    waiting_time : int
        Step from which the force acts.
    strength : float
        Size of each component of the force, +- strength.
    """

    waiting_time: int
    strength: float


@described_like(SGDSettings)
def glm_sgd(
    loss: str | Loss = "square",
    *,
    learning_rate: float,
    steps: int,
    alpha: float | None = None,
    ridge: float = 0.0,
    batch_fraction: float = 1.0,
    persistence: float | None = None,
    momentum: float = 0.0,
    nesterov: bool = False,
    constraint: str = "none",
    replicas: int = 1,
    m0: float = 0.0,
    q0: float = 1.0,
    data: str | GLMSamples = "teacher",
    variance: float = 1.0,
    margin: float | None = None,
    spectrum: Spectrum = IDENTITY,
    d: int = 1000,
    seeds: int = 8,
    waiting_time: int | None = None,
    probe_strength: float = 1e-3,
    fields: bool = False,
    max_memory: float = 4.0,
    seed: Seed = 0,
    progress: Callable[[int], object] | None = None,
) -> xr.Dataset:
    """Simulate SGD on a generalised linear model with independent data, starts and batches for every seed.

    Parameters
    ----------
    loss : str or Loss
        "square", "logistic", "squared_hinge", "tanh", or a :class:`thermobatch.mean_field.losses.Loss`.
    learning_rate, steps
        As in :class:`SGDSettings`.
    alpha : float
        Samples per dimension (not with samples of your own).
    ridge, batch_fraction, persistence, momentum, nesterov, constraint, replicas, m0, q0
        As in :class:`SGDSettings`.
    data : {"teacher", "mixture"} or GLMSamples
        Model to draw, or samples of your own (:func:`thermobatch.mean_field.samples.own_samples`), the same for every
        seed.
    variance : float
        Delta, variance within the clusters (mixture).
    margin : float, optional
        Margin of the squared hinge, default 1.
    spectrum : Spectrum
        Levels of the covariance of the inputs.
    d : int
        Dimension.
    seeds : int
        Number of independent runs.
    waiting_time : int, optional
        Also follow a copy of the first replica, with the same batches, under a constant random force switched on at
        this step: gives ``integrated_response`` (seed, time).
    probe_strength : float
        Components of that force; small, for a linear response.
    fields : bool
        Also return the last fields and the targets of the samples.
    max_memory : float
        GiB; a larger plan is refused before anything is drawn.
    seed : int or numpy.random.SeedSequence
        Seed; the result is a function of it.
    progress : callable, optional
        Called with the steps done, of one replica and seed after the other.

    Returns
    -------
    xarray.Dataset
        float64. ``magnetization`` (if there is a teacher), ``loss``, ``test_error`` (for the drawn models) (seed,
        time); ``correlation`` (seed, time, time2); with two replicas ``replica_distance`` (seed, time) and
        ``replica_overlap`` (seed, time, time2); with `fields` ``final_field``, ``final_target`` (seed, sample). Time 0
        is before any step.

    Raises
    ------
    ValueError
        If an argument is out of range, targets of own samples are no labels +-1 and the loss classifies, a batch
        would hold less than one sample on average, the weights diverge, or the memory would exceed `max_memory`.
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
    seeds = checked_integer("seeds", seeds, 1)
    probe = _checked_probe(waiting_time, probe_strength, steps)
    if isinstance(data, GLMSamples) and data.data == "own":
        loss.check_targets(data.targets)
    draw = _sampler(data, alpha, variance, spectrum, d, settings, seeds, max_memory)
    runs = []
    for index in range(seeds):

        def report(done: int, before=index * settings.replicas * settings.steps) -> None:
            if progress is not None:
                progress(before + done)

        samples = draw(child_seed(seed, index, 0))
        runs.append(run_sgd(samples, loss, settings, child_seed(seed, index, 1), probe, fields, report))
    variables = {
        name: (("seed", *dims), np.stack([run[name][1] for run in runs]))
        for name, (dims, _) in runs[0].items()
    }
    own = isinstance(data, GLMSamples)
    origin = {"data": data.data} if own else {"alpha": alpha, "data": data, "variance": variance}
    attributes = {
        "method": "simulation",
        "parameters": settings.described() | origin | {"loss": loss.name, "margin": margin},
        "covariance": spectrum,
        "dimension": data.dimension if own else d,
        "seed": seed_sequence(seed),
    }
    if probe is not None:
        attributes |= {"waiting_time": waiting_time, "probe_strength": probe_strength}
    dataset = observables_dataset(variables, learning_rate, attributes)
    return dataset.assign_coords(
        seed=("seed", np.arange(seeds), {"long_name": "independent run", "units": "1"})
    )


def _checked_probe(waiting_time: int | None, strength: float, steps: int) -> Probe | None:
    """Return the probe, or None."""
    if waiting_time is None:
        return None
    waiting_time = checked_integer("waiting_time", waiting_time, 0, steps - 1)
    return Probe(waiting_time, checked_real("probe_strength", strength, 0.0, open_low=True))


def _sampler(
    data: str | GLMSamples,
    alpha: float | None,
    variance: float,
    spectrum: Spectrum,
    d: int,
    settings: SGDSettings,
    seeds: int,
    max_memory: float,
) -> Callable[[Seed], GLMSamples]:
    """Return a function that draws the samples from a seed; refuse a plan that is too large before drawing."""
    if isinstance(data, GLMSamples):
        if alpha is not None:
            raise ValueError(f"alpha = {alpha!r}: not with samples of your own")
        _refuse_size(data.samples, data.dimension, settings, seeds, max_memory)
        return lambda _: data
    if not isinstance(data, str) or data not in DATA:
        raise ValueError(
            f"data {described(data)}: must be one of {', '.join(DATA)}, or GLMSamples (own_samples(inputs, targets))"
        )
    alpha, d = checked_real("alpha", alpha, 0.0, open_low=True), checked_integer("d", d, 2)
    _refuse_size(round(alpha * d), d, settings, seeds, max_memory)
    if data == "teacher":
        if variance != 1.0:
            raise ValueError(f"variance = {variance!r}: is for data = 'mixture'; use spectrum for a teacher")
        return lambda child: teacher_student(d, alpha, spectrum, child)
    return lambda child: gaussian_mixture(d, alpha, variance, spectrum, child)


def _refuse_size(samples: int, d: int, settings: SGDSettings, seeds: int, max_memory: float) -> None:
    """Raise a ValueError when inputs, histories and two-time functions do not fit, or most batches would be empty."""
    checked_real("max_memory", max_memory, 0.0, open_low=True)
    if 0.0 < settings.batch_fraction * samples < 1.0 - 1e-9:
        raise ValueError(
            f"batch_fraction = {settings.batch_fraction!r}: most batches of {samples} samples would be empty: must be "
            f"at least 1/{samples}"
        )
    times = settings.steps + 1
    doubles = samples * (d + 10) + settings.replicas * (times * d + 2 * seeds * times**2)
    if 8 * doubles > max_memory * GIB:
        raise ValueError(
            f"d = {d}: {samples} samples, steps = {settings.steps}, seeds = {seeds} need {8 * doubles / GIB:.3g} GiB, "
            f"above max_memory = {max_memory:g} GiB; give a smaller d, fewer steps or seeds, or a larger max_memory"
        )


def run_sgd(
    samples: GLMSamples,
    loss: Loss,
    settings: SGDSettings,
    seed: Seed,
    probe: Probe | None = None,
    fields: bool = False,
    progress: Callable[[int], object] | None = None,
) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
    """Run SGD once on given samples.

    Parameters
    ----------
    samples : GLMSamples
        Inputs and targets.
    loss : Loss
        Loss of a sample.
    settings : SGDSettings
        Parameters.
    seed : int or numpy.random.SeedSequence
        Seed of the start, the batches (one stream a replica) and the probe.
    probe : Probe, optional
        Force on a copy of the first replica.
    fields : bool
        Return the last fields.
    progress : callable, optional
        Called with the steps done, of one replica after the other.

    Returns
    -------
    dict
        name -> (dims, values), as in :func:`glm_sgd` without the seed.
    """
    start = start_weights(samples, settings.m0, settings.q0, np.random.default_rng(child_seed(seed, 0)))
    move = Step(samples, loss, settings, float(np.sum(start**2)))
    weights = np.empty((settings.replicas, settings.steps + 1, samples.dimension))
    weights[:, 0] = start
    losses = np.empty((settings.replicas, settings.steps + 1))
    response = np.zeros(settings.steps + 1)
    for replica, path in enumerate(weights):
        rng = np.random.default_rng(child_seed(seed, 2 + replica))
        probed = _ProbedCopy(probe, np.random.default_rng(child_seed(seed, 1)), move, path) if probe else None
        for t, drawn in enumerate(_batches(settings, samples.samples, rng)):
            path[t + 1], losses[replica, t] = move(path[t], path[max(t - 1, 0)], drawn)
            if probed is not None and replica == 0:
                response[t + 1] = probed.follow(t, drawn)
            if progress is not None:
                progress(replica * settings.steps + t + 1)
        last = move.fields(path[-1])
        losses[replica, -1] = loss.terms(last, samples.targets)[0].mean()
        if replica == 0:
            final_field = last
    variables = _measured(samples, weights, losses)
    if probe is not None:
        variables["integrated_response"] = (("time",), response)
    if fields:
        variables |= {
            "final_field": (("sample",), final_field),
            "final_target": (("sample",), samples.targets),
        }
    return variables


def _batches(settings: SGDSettings, samples: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield s = sigma / b of every sample, for every step."""
    chain = settings.batches
    batch = np.ones(samples, dtype=bool) if chain.full else chain.start(rng, samples)
    for t in range(settings.steps):
        if t > 0 and not chain.full:
            batch = chain.advance(rng, batch)
        yield batch / chain.batch_fraction


class Step:
    """One step of SGD on given samples.

    Parameters
    ----------
    samples : GLMSamples
        Inputs and targets.
    loss : Loss
        Loss of a sample.
    settings : SGDSettings
        Parameters.
    norm_square : float
        |w|^2 at the start, restored after the step by the spherical constraint.
    """

    def __init__(self, samples: GLMSamples, loss: Loss, settings: SGDSettings, norm_square: float):
        self.samples, self.loss, self.settings, self.norm_square = samples, loss, settings, norm_square

    def fields(self, weights: np.ndarray) -> np.ndarray:
        """Return h = X w, float64[n]."""
        fields = np.empty(self.samples.samples)
        project(weights, self.samples.inputs, fields)
        return fields * weights.size

    def __call__(
        self, now: np.ndarray, before: np.ndarray, drawn: np.ndarray, force: np.ndarray | float = 0.0
    ) -> tuple[np.ndarray, float]:
        """Return w^{t+1} and the training loss at w^t, given w^t, w^{t-1}, s^t and a force besides the gradient's."""
        settings, samples = self.settings, self.samples
        (keep, keep_before), (ahead, behind) = settings.propagator, settings.lookahead
        values, slopes, _ = self.loss.terms(self.fields(now), samples.targets)
        if settings.nesterov:
            slopes = self.loss.terms(self.fields(ahead * now + behind * before), samples.targets)[1]
        forces = drawn * slopes
        active = np.flatnonzero(forces)
        pull = np.empty(samples.dimension)
        combine_selected(active, forces[active], samples.inputs, pull)
        moved = keep * now - settings.learning_rate * (pull - force)
        if keep_before != 0.0:
            moved += keep_before * before
        square = np.sum(moved**2)
        if not square < 1e12 * (self.norm_square + samples.dimension):
            rate = settings.learning_rate
            raise ValueError(f"learning_rate = {rate!r}: the weights diverge: must be smaller")
        if settings.spherical:
            moved *= np.sqrt(self.norm_square / square)
        return moved, values.mean()


class _ProbedCopy:
    """A copy of a run under a small constant random force, with the same batches."""

    def __init__(self, probe: Probe, rng: np.random.Generator, move: Step, path: np.ndarray):
        self.probe, self.move, self.path = probe, move, path
        self.signs = rng.choice([-1.0, 1.0], path.shape[1])

    def follow(self, t: int, drawn: np.ndarray) -> float:
        """Move to t + 1 after the run itself; return the integrated response there."""
        if t < self.probe.waiting_time:
            return 0.0
        if t == self.probe.waiting_time:
            self.now, self.before = self.path[t], self.path[max(t - 1, 0)]
        moved, _ = self.move(self.now, self.before, drawn, self.probe.strength * self.signs)
        self.now, self.before = moved, self.now
        return float(np.mean(self.signs * (moved - self.path[t + 1]))) / self.probe.strength


def _measured(samples: GLMSamples, weights: np.ndarray, losses: np.ndarray) -> dict:
    """Turn the weights' history, [replicas, T + 1, d], into variables; one-time ones are means over replicas."""
    d = samples.dimension
    two_times = ("time", "time2")
    products = [np.einsum("ti,si->ts", path, path) / d for path in weights]
    variables = {
        "loss": (("time",), losses.mean(axis=0)),
        "correlation": (two_times, sum(products) / len(products)),
    }
    if samples.teacher is not None:
        overlaps = np.einsum("rti,i->rt", weights, samples.teacher) / d
        variables["magnetization"] = (("time",), overlaps.mean(axis=0))
    if samples.input_variance is not None:
        scale = samples.input_variance if samples.data == "teacher" else np.ones(d)
        overlaps = np.einsum("rti,i->rt", weights, scale * samples.teacher) / d
        variances = np.einsum("rti,rti,i->rt", weights, weights, samples.input_variance) / d
        teacher_variance = np.sum(samples.input_variance * samples.teacher**2) / d
        error = test_error(samples.data, overlaps, variances, teacher_variance)
        variables["test_error"] = (("time",), error.mean(axis=0))
    if len(weights) == 2:
        cross = np.einsum("ti,si->ts", weights[0], weights[1]) / d
        variables["replica_overlap"] = (two_times, cross)
        variables["replica_distance"] = (
            ("time",),
            np.sum((weights[0] - weights[1]) ** 2, axis=1) / (2.0 * d),
        )
    return variables
