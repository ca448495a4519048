"""Measure this machine against the cost models, and check what they predict by running a slice of every experiment.

A slice is some seeds of some points, spread over the scan, at their full size. Where one seed would take too long
its run is made shorter (fewer sweeps, steps or epochs), so that what a step costs is still that of the full size.
"""

import contextlib
import multiprocessing
import os
import resource
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

from pydantic import ValidationError

from thermobatch.pipeline.configuration import Configuration, ResolvedExperiment
from thermobatch.pipeline.jobs import simulate, warm_up
from thermobatch.study.experiment import Experiment, experiment_class

DURATIONS = ("sweeps", "steps", "solved_steps", "burn_in", "epochs", "generations", "runs", "waiting_time")
SHORTER = 0.7
SHORTEST = 1e-6
MOST_POINTS = 3
CALIBRATION_RUNS = 3


class Piece(NamedTuple):
    """Some seeds of one point of a slice, and what they take by the cost model (reference seconds)."""

    slug: str
    point: Experiment
    seeds: int
    seconds: float


@dataclass(frozen=True)
class Measured:
    """One experiment's slice: seconds of processor time predicted and measured, peak MB, and its share of the whole."""

    experiment: str
    share: float
    predicted: float
    measured: float
    memory_mb: float

    @property
    def ratio(self) -> float:
        """Measured over predicted seconds."""
        return self.measured / self.predicted


def machine_factor(configuration: Configuration, scale: str, processes: int = 1) -> float:
    """Return how much slower than the cost models this machine is with so many processes at once.

    The median over experiments of short runs: one experiment's, of tenths of a second, may be far off.
    """
    tasks = []
    for name in configuration.experiments:
        points = configuration.experiment(name, scale).points.values()
        tasks.append((name, calibrating(points).model_dump_json()))
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        return statistics.median(pool.map(_calibration, tasks))


def _calibration(task: tuple[str, str]) -> float:
    """Return measured over predicted seconds of one experiment's calibration (median over short runs)."""
    name, text = task
    short = experiment_class(name).model_validate_json(text)
    warm_up(name, [short])
    seconds = [_processor_seconds(name, short, "calibration", index, 0) for index in range(CALIBRATION_RUNS)]
    return statistics.median(seconds) / short.cost().seconds


def start_seconds(configuration: Configuration, scale: str, processes: int = 1) -> float:
    """Return the processor time of a job that has next to nothing to do, with so many processes at once.

    A job starts the interpreter, imports the package, loads its kernels, and writes and checks a file.
    """
    name = next(iter(configuration.experiments))
    point = next(iter(configuration.experiment(name, scale).points.values())).probed()
    warm_up(name, [point])
    command = [sys.executable, "-P", "-X", "utf8", "-m", "thermobatch", "simulate", name, "--point", "start"]
    command += ["--parameters", point.model_dump_json(), "--seed", "0", "--first", "0", "--last", "0"]
    with tempfile.TemporaryDirectory() as folder:
        jobs = [
            subprocess.Popen([*command, "--output", f"{folder}/{number}.nc"], stderr=subprocess.DEVNULL)
            for number in range(processes)
        ]
        ends = [os.wait4(job.pid, 0) for job in jobs]
    if any(status for _, status, _ in ends):
        raise RuntimeError(f"a job cannot run here; try it alone: {shlex.join(command)} --output a.nc")
    return statistics.median(usage.ru_utime + usage.ru_stime for _, _, usage in ends)


def calibrating(points: Iterable[Experiment]) -> Experiment:
    """Return the calibration of the first point that it fits."""
    points = list(points)
    for point in points:
        with contextlib.suppress(ValidationError):
            return point.calibrated()
    return points[0].calibrated()


def _processor_seconds(name: str, point: Experiment, slug: str, index: int, root: int) -> float:
    started = time.process_time()
    simulate(name, point, slug, [index], root)
    return time.process_time() - started


def pieces(resolved: ResolvedExperiment, seconds: float) -> list[Piece]:
    """Return a slice of an experiment that takes about `seconds` on the reference machine."""
    slugs = list(resolved.points)
    step = max(1, -(-len(slugs) // MOST_POINTS))
    chosen = slugs[step // 2 :: step] or slugs[:1]
    found = []
    for slug in chosen:
        budget = seconds / len(chosen)
        point = shortened(resolved.points[slug], budget)
        cost = point.cost().seconds
        seeds = max(1, min(resolved.seeds[slug], int(budget / cost)))
        found.append(Piece(slug, point, seeds, seeds * cost))
    return found


def shortened(point: Experiment, seconds: float) -> Experiment:
    """Return `point`, or one of the same size with a shorter run, whose seed takes at most `seconds` if that can be.

    If no shorter run comes near, it is the point with which machines are calibrated, if that fits.
    """
    shorter, share = point, 1.0
    while shorter.cost().seconds > seconds and share > SHORTEST:
        share *= SHORTER
        shorter = next(_shorter(point, share), shorter)
    if shorter.cost().seconds <= 3 * seconds:
        return shorter
    with contextlib.suppress(ValidationError):
        return min(shorter, point.calibrated(), key=lambda choice: choice.cost().seconds)
    return shorter


def _shorter(point: Experiment, share: float) -> Iterator[Experiment]:
    """The point with `share` of its duration, and fewer of its own times where they do not fit."""
    plain = point.model_dump()
    durations = {name: plain[name] for name in DURATIONS if isinstance(plain.get(name), int)}
    changes = {name: 4 * round(max(1, share * value / 4)) for name, value in durations.items() if value > 4}
    lists = {name: value for name, value in point.calibration.items() if isinstance(value, list)}
    first = {name: plain[name][:1] for name in lists}
    for more in ({}, lists, first):
        try:
            yield type(point).model_validate(plain | changes | more)
        except ValidationError:
            continue


def measure(configuration: Configuration, scale: str, seconds: float) -> Iterator[Measured]:
    """Run a slice of about `seconds` of every experiment, each in a process of its own, and yield what they took."""
    factor = machine_factor(configuration, scale)
    context = multiprocessing.get_context("spawn")
    for name in configuration.experiments:
        resolved = configuration.experiment(name, scale)
        chosen = pieces(resolved, seconds)
        tasks = [(piece.slug, piece.point.model_dump_json(), piece.seeds) for piece in chosen]
        with ProcessPoolExecutor(1, mp_context=context) as process:
            measured, memory = process.submit(_run, name, tasks, resolved.root_seed).result()
        reference = sum(piece.seconds for piece in chosen)
        whole = sum(resolved.seeds[slug] * point.cost().seconds for slug, point in resolved.points.items())
        yield Measured(name, reference / whole, factor * reference, measured, memory)


def _run(name: str, tasks: list[tuple[str, str, int]], root: int) -> tuple[float, float]:
    """Run a slice; return the seconds of processor time and the peak memory in MB."""
    kind = experiment_class(name)
    points = [(slug, kind.model_validate_json(text), seeds) for slug, text, seeds in tasks]
    warm_up(name, [point for _, point, _ in points])
    measured = sum(
        _processor_seconds(name, point, slug, index, root)
        for slug, point, seeds in points
        for index in range(seeds)
    )
    return measured, peak_megabytes()


def available_cores() -> int:
    """Return how many cores this process may use; where the system does not tell (macOS), how many there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def peak_megabytes() -> float:
    """Return the most memory this process has had so far, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
