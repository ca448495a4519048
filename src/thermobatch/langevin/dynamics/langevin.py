"""Gradient descent, mini-batch SGD and overdamped Langevin dynamics of a loss landscape.

One step n of each, with learning rate eta_n::

    gradient descent    w <- w - eta_n grad L(w)
    SGD                 w <- w - (eta_n / B_n) sum of grad l_mu(w) over a mini-batch of B_n samples
    Langevin            w <- w - eta_n grad L(w) + sqrt(2 eta_n T_n) N(0, I)

Where the gradients of single samples scatter with covariance sigma^2 I around grad L, SGD is the Langevin
equation at T = eta sigma^2 / (2B) up to the law of its noise (the classical argument; science note 4). The
learning rate, temperature and batch are numbers or schedules (:mod:`thermobatch.foundation.schedules`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from thermobatch.foundation.arguments import checked_array, checked_choice, checked_integer, real_numbers
from thermobatch.foundation.blocks import Blocks
from thermobatch.foundation.docstrings import described_like
from thermobatch.foundation.record_times import checked_record
from thermobatch.foundation.schedules import Schedule, schedule
from thermobatch.foundation.streams import Seed, child_seed, random_stream, seed_sequence
from thermobatch.langevin.dynamics import kernels
from thermobatch.langevin.dynamics.measurements import (
    checked_edges,
    measured_dataset,
    new_observers,
)
from thermobatch.langevin.landscapes import AdditiveSamples, Landscape

BLOCK = 1024  # steps whose path is kept; even, so that no normal variate of a pair is dropped inside a run
STRETCH = 64  # blocks whose schedules are evaluated at once, at most
SAMPLING = {
    "with_replacement": kernels.WITH_REPLACEMENT,
    "without_replacement": kernels.WITHOUT_REPLACEMENT,
    "reshuffling": kernels.RESHUFFLING,
}
SCHEDULED = {
    "learning_rate": {"long_name": "learning rate of the next step", "units": "1"},
    "temperature": {"long_name": "temperature of the next step", "units": "units of L"},
    "batch": {"long_name": "samples in the next mini-batch", "units": "1"},
}


@dataclass(frozen=True)
class _Program:
    """The schedules of one simulation; a batch or temperature of None is not used."""

    learning_rate: Schedule
    temperature: Schedule | None = None
    batch: Schedule | None = None
    sample_count: int = 0

    def values(self, steps: np.ndarray) -> dict[str, np.ndarray]:
        """The checked values at `steps` of every schedule in use."""
        rates = self.learning_rate.at(steps)
        _refuse("learning_rate", rates, steps, ~(np.isfinite(rates) & (rates > 0.0)), "a finite number > 0")
        found = {"learning_rate": rates}
        if self.temperature is not None:
            heat = found["temperature"] = self.temperature.at(steps)
            _refuse("temperature", heat, steps, ~(np.isfinite(heat) & (heat >= 0.0)), "a finite number >= 0")
        if self.batch is not None:
            sizes = found["batch"] = self.batch.at(steps)
            wrong = ~((sizes >= 1) & (sizes <= self.sample_count) & (sizes == np.rint(sizes)))
            _refuse("batch", sizes, steps, wrong, f"an integer in 1..{self.sample_count} (the samples)")
        return found

    def clock(self, steps: np.ndarray) -> kernels.Clock:
        """The values at `steps` as kernels take them."""
        found = self.values(steps)
        rates = np.ascontiguousarray(found["learning_rate"], dtype=np.float64)
        amplitudes = np.sqrt(2.0 * rates * found.get("temperature", 0.0))
        return kernels.Clock(rates, amplitudes, np.ascontiguousarray(found.get("batch", ()), dtype=np.int64))


class _Request(NamedTuple):
    """What a simulation is asked to do and to measure (the common arguments of the public functions)."""

    steps: int
    seed: Seed | Sequence[Seed]
    runs: int | None
    start: ArrayLike | None
    record: Sequence[int] | None
    burn_in: int
    edges: ArrayLike | Sequence[ArrayLike] | None
    moments: bool
    progress: Callable[[int], object] | None


def langevin(
    landscape: Landscape,
    temperature: float | Schedule,
    steps: int,
    seed: Seed | Sequence[Seed],
    *,
    learning_rate: float | Schedule = 0.01,
    runs: int | None = None,
    start: ArrayLike | None = None,
    record: Sequence[int] | None = None,
    burn_in: int = 0,
    edges: ArrayLike | Sequence[ArrayLike] | None = None,
    moments: bool = False,
    progress: Callable[[int], object] | None = None,
) -> xr.Dataset:
    """Run overdamped Langevin dynamics, w <- w - eta grad L(w) + sqrt(2 eta T) N(0, I).

    For small eta its stationary law is Boltzmann's, exp(-L / T). With a decreasing temperature it is
    simulated annealing.

    Parameters
    ----------
    landscape : Landscape
        From :mod:`thermobatch.langevin.landscapes`, or the user's own (:mod:`thermobatch.langevin.own_landscape`).
    temperature : float or schedule
        T >= 0, in units of L. Schedules are objects or plain data (:mod:`thermobatch.foundation.schedules`).
    steps : int
        Number of moves, >= 1.
    seed : int, SeedSequence or a sequence with one of these for each run
        The same seed gives the same numbers; run r depends on `seed` and r only.
    learning_rate : float or schedule
        eta > 0: the time of one step.
    runs : int, optional
        Independent runs, >= 1; by default one, or as many as there are seeds.
    start : float64[d] or float64[runs, d], optional
        Positions at time 0; by default uniform in the landscape's start box, and the same for every dynamics.
    record : sequence of int, optional
        Increasing times in 0..steps to record at (0 is always added); by default 20 a decade.
    burn_in : int
        `edges` and `moments` count the positions at times burn_in + 1..steps, every step.
    edges : float64[bins + 1], or two such arrays in two dimensions, optional
        Equally spaced edges of the cells of a histogram of positions.
    moments : bool
        Whether to measure the mean, and the second moment about the minimum (about the origin if it is not known).
    progress : callable, optional
        Called with the number of steps that all runs have done, at least every 65536 steps, and in long runs about
        twice a second.

    Returns
    -------
    xarray.Dataset
        - ``position(time, run, component)``, ``energy(time, run)`` and the values of the schedules at the recorded
          times, in steps; time 0 is before any move;
        - where the landscape has a basin of the global minimum: ``in_basin(time, run)`` and ``first_hit(run)``, the
          first time in it, NaN if it was not entered;
        - with `edges`: ``histogram(run, bin)``, or ``(run, bin_0, bin_1)``, and ``outside(run)``, counts;
        - with `moments`: ``mean(run, component)``, ``second_moment(run, component, other_component)`` and the
          ``center(component)`` it is about.

    Raises
    ------
    ValueError
        When an argument or the value of a schedule is not allowed, or a run leaves every bound (the learning
        rate is too large).
    """
    program = _Program(schedule(learning_rate, "learning_rate"), schedule(temperature, "temperature"))
    request = _Request(steps, seed, runs, start, record, burn_in, edges, moments, progress)
    return _simulate(
        landscape,
        kernels.Thermal(_checked_landscape(landscape).potential),
        program,
        request,
        {"dynamics": "langevin"},
    )


@described_like(langevin)
def gradient_descent(
    landscape: Landscape,
    steps: int,
    seed: Seed | Sequence[Seed],
    *,
    learning_rate: float | Schedule = 0.01,
    runs: int | None = None,
    start: ArrayLike | None = None,
    record: Sequence[int] | None = None,
    burn_in: int = 0,
    edges: ArrayLike | Sequence[ArrayLike] | None = None,
    moments: bool = False,
    progress: Callable[[int], object] | None = None,
) -> xr.Dataset:
    """Run gradient descent, w <- w - eta grad L(w); only the starts are random.

    Parameters
    ----------
    landscape, steps, seed, learning_rate, runs, start, record, burn_in, edges, moments, progress
        As in :func:`langevin`.

    Returns
    -------
    xarray.Dataset
        As that of :func:`langevin`, without ``temperature(time)``.

    Raises
    ------
    ValueError
        As :func:`langevin`.
    """
    program = _Program(schedule(learning_rate, "learning_rate"))
    request = _Request(steps, seed, runs, start, record, burn_in, edges, moments, progress)
    motion = kernels.Thermal(_checked_landscape(landscape).potential)
    return _simulate(landscape, motion, program, request, {"dynamics": "gradient_descent"})


@described_like(langevin)
def stochastic_gradient_descent(
    landscape: Landscape,
    batch: int | Schedule,
    steps: int,
    seed: Seed | Sequence[Seed],
    *,
    sampling: str = "with_replacement",
    learning_rate: float | Schedule = 0.01,
    runs: int | None = None,
    start: ArrayLike | None = None,
    record: Sequence[int] | None = None,
    burn_in: int = 0,
    edges: ArrayLike | Sequence[ArrayLike] | None = None,
    moments: bool = False,
    progress: Callable[[int], object] | None = None,
) -> xr.Dataset:
    """Run mini-batch SGD on a landscape's samples, w <- w - (eta / B) sum over the batch of grad l_mu(w).

    Parameters
    ----------
    landscape : Landscape
        With samples: a regression, or any landscape after ``with_samples``.
    batch : int or schedule
        B in 1..N, the number of samples of each mini-batch.
    steps, seed
        As in :func:`langevin`.
    sampling : {"with_replacement", "without_replacement", "reshuffling"}
        The B samples are independent; or they are a uniform subset, drawn anew at every step; or they are the
        next B of a random order of all samples, drawn anew when fewer than B are left (those are skipped).
        Reshuffling is what most programs do. Its successive noises are anticorrelated: no theory of this
        package covers it.
    learning_rate, runs, start, record, burn_in, edges, moments, progress
        As in :func:`langevin`.

    Returns
    -------
    xarray.Dataset
        As that of :func:`langevin`, with ``batch(time)``.

    Raises
    ------
    ValueError
        As :func:`langevin`, and when the landscape has no samples.
    """
    if _checked_landscape(landscape).samples is None:
        raise ValueError(
            f"landscape = {landscape.name}: has no samples to draw (give it some with with_samples)"
        )
    code = SAMPLING[checked_choice("sampling", sampling, tuple(SAMPLING))]
    if isinstance(landscape.samples, AdditiveSamples):
        motion = kernels.AdditiveBatch(landscape.potential, landscape.samples.offsets, code)
    else:
        motion = kernels.RegressionBatch(landscape.samples.inputs, landscape.samples.labels, code)
    rate = schedule(learning_rate, "learning_rate")
    program = _Program(rate, batch=schedule(batch, "batch"), sample_count=landscape.sample_count)
    request = _Request(steps, seed, runs, start, record, burn_in, edges, moments, progress)
    words = {"dynamics": "stochastic_gradient_descent", "sampling": sampling}
    return _simulate(landscape, motion, program, request, words)


def _checked_landscape(landscape: Landscape) -> Landscape:
    """Return a landscape; ValueError for anything else."""
    if not isinstance(landscape, Landscape):
        raise ValueError(f"landscape = {landscape!r}: must be a Landscape, such as double_well()")
    return landscape


def _simulate(landscape: Landscape, motion, program: _Program, request: _Request, words: dict) -> xr.Dataset:
    """Run all runs and return what was measured."""
    steps = checked_integer("steps", request.steps, 1)
    burn_in = checked_integer("burn_in", request.burn_in, 0, steps - 1)
    program.values(np.array([0, steps - 1]))  # most mistakes show at the ends: refuse them before running
    times = checked_record(request.record, steps)
    edges = checked_edges(request.edges, landscape.dimension)
    seeds = _seeds(request.seed, request.runs)
    streams = np.array([random_stream(seed) for seed in seeds])
    positions = _starts(landscape, request.start, streams)
    _refuse_undefined(landscape, positions)
    observers = new_observers(landscape, positions, times, burn_in, edges, request.moments)
    count = 0 if program.batch is None else program.sample_count
    walkers = kernels.Walker(
        stream=streams,
        order=np.tile(np.arange(count, dtype=np.int32), (len(streams), 1)),
        cursor=np.zeros(len(streams), np.int64),
    )
    scratch = kernels.Scratch(
        path=np.empty((BLOCK + 1, landscape.dimension)),
        kicks=np.empty((BLOCK, landscape.dimension)),
        slope=np.empty(landscape.dimension),
        chosen=np.empty(count, np.int64),
    )
    begin = 0
    for until in Blocks(most=STRETCH).ends(0, -(-steps // BLOCK)):
        end = min(until * BLOCK, steps)
        clock = program.clock(np.arange(begin, end))
        kernels.run_stretch(motion, clock, walkers, positions, scratch, begin, observers)
        _refuse_divergence(positions, end, clock.rates[-1])
        _refuse_undefined(landscape, positions)
        if request.progress is not None:
            request.progress(end)
        begin = end
    _refuse_undefined(landscape, observers.recorded)
    scheduled = program.values(np.minimum(times, steps - 1))
    return (
        measured_dataset(landscape, observers, edges, steps)
        .assign({name: ("time", values, SCHEDULED[name]) for name, values in scheduled.items()})
        .assign_attrs(words | {"first_seed": f"{seeds[0].entropy} {list(seeds[0].spawn_key)}"})
    )


def _refuse(name: str, values: np.ndarray, steps: np.ndarray, wrong: np.ndarray, allowed: str) -> None:
    """Raise ValueError for the first wrong value of a schedule."""
    if np.any(wrong):
        first = int(np.argmax(wrong))
        raise ValueError(f"{name} = {values[first]:g} at step {steps[first]}: must be {allowed}")


def _refuse_divergence(positions: np.ndarray, time: int, rate: float) -> None:
    """Raise ValueError when a run has left every bound."""
    lost = ~np.isfinite(positions).all(axis=1)
    if lost.any():
        run = int(np.argmax(lost))
        raise ValueError(
            f"learning_rate = {rate:g}: too large for this landscape, run {run} had diverged by step {time}"
        )


def _refuse_undefined(landscape: Landscape, positions: np.ndarray) -> None:
    """Raise ValueError when functions of the user's own fail at one of `positions`, float64[..., d]."""
    for function in landscape.checked:
        function.refuse_failures(positions.reshape(-1, landscape.dimension))


def _seeds(seed: Seed | Sequence[Seed], runs: int | None) -> list[np.random.SeedSequence]:
    """One seed a run."""
    many = isinstance(seed, Sequence)
    count = checked_integer("runs", runs if runs is not None else len(seed) if many else 1, 1)
    if many and len(seed) != count:
        raise ValueError(f"seed: has {len(seed)} seeds for {count} runs, must be one seed or one a run")
    return [seed_sequence(one) for one in seed] if many else [child_seed(seed, run) for run in range(count)]


def _starts(landscape: Landscape, start: ArrayLike | None, streams: np.ndarray) -> np.ndarray:
    """Positions at time 0, float64[runs, d]."""
    shape = (len(streams), landscape.dimension)
    if start is None:
        positions = np.empty(shape)
        kernels.uniform_starts(streams, *landscape.start, positions)
        return positions
    wanted = shape if real_numbers("start", start).ndim == 2 else shape[1:]
    return np.broadcast_to(checked_array("start", start, wanted), shape).copy()
