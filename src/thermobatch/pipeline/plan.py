"""Predict what the experiments cost before anything runs."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from thermobatch.experiments.experiment import Experiment
from thermobatch.pipeline.configuration import Configuration
from thermobatch.pipeline.jobs import simulate, warm_up
from thermobatch.pipeline.workflow import Workflow

CALIBRATION_RUNS = 3


@dataclass(frozen=True)
class Prediction:
    """What one experiment needs: CPU seconds, wall seconds on `cores`, MB per job, MB on disk, jobs, seconds a job."""

    experiment: str
    jobs: int
    cpu_seconds: float
    wall_seconds: float
    memory_mb: int
    disk_mb: float


def predict(configuration: Configuration, scale: str, cores: int) -> list[Prediction]:
    """Predict every experiment at one scale on this machine, after a calibration of a few seconds."""
    workflow, start = Workflow(configuration), start_seconds()
    predictions = []
    for name in configuration.experiments:
        resolved = configuration.experiment(name, scale)
        chunks = list(workflow.chunks(scale, name))
        speed = machine_factor(name, list(resolved.points.values()))
        seconds = [
            start + speed * resolved.points[chunk.point].cost().seconds * (chunk.last - chunk.first + 1)
            for chunk in chunks
        ]
        disk = sum(resolved.seeds[slug] * point.cost().disk_bytes for slug, point in resolved.points.items())
        memory = max(workflow.simulate_memory(scale, name, slug) for slug in resolved.points)
        predictions.append(
            Prediction(name, len(chunks), sum(seconds), _wall(seconds, cores), memory, 2 * disk / 1e6)
        )
    return predictions


def start_seconds() -> float:
    """Measure how long a job takes to start (imports)."""
    command = [
        sys.executable,
        "-c",
        "import thermobatch.pipeline.jobs, thermobatch.experiments.coloring_relaxation",
    ]
    started = time.perf_counter()
    subprocess.run(command, check=True)
    return time.perf_counter() - started


def machine_factor(name: str, points: list[Experiment]) -> float:
    """Return how much slower than the cost model this machine runs an experiment (median over short runs)."""
    warm_up(name, points)
    short, ratios = points[0].calibrated(), []
    for index in range(CALIBRATION_RUNS):
        started = time.process_time()
        simulate(name, short, "calibration", [index], 0)
        ratios.append((time.process_time() - started) / short.cost().seconds)
    return sorted(ratios)[len(ratios) // 2]


def _wall(seconds: list[float], cores: int) -> float:
    """Length of a schedule that gives each job, longest first, to the core that is free first."""
    free = [0.0] * cores
    for duration in sorted(seconds, reverse=True):
        earliest = min(range(cores), key=free.__getitem__)
        free[earliest] += duration
    return max(free)


def print_plan(configuration: Configuration, scale: str, cores: int | None) -> None:
    """Print the prediction as a table."""
    cores = cores or len(os.sched_getaffinity(0))
    table = Table(title=f"{scale} scale on {cores} cores, calibrated on this machine")
    columns = ("experiment", "jobs", "CPU time", "wall time", "memory a job", "disk")
    for column in columns:
        table.add_column(column, justify="left" if column == "experiment" else "right")
    predictions = predict(configuration, scale, cores)
    for row in predictions:
        table.add_row(*_cells(row))
    total = Prediction(
        "total",
        sum(row.jobs for row in predictions),
        sum(row.cpu_seconds for row in predictions),
        sum(row.wall_seconds for row in predictions),
        max((row.memory_mb for row in predictions), default=0),
        sum(row.disk_mb for row in predictions),
    )
    table.add_section()
    table.add_row(*_cells(total))
    Console().print(table)


def _cells(row: Prediction) -> tuple[str, ...]:
    times = (readable_seconds(row.cpu_seconds), readable_seconds(row.wall_seconds))
    return (row.experiment, str(row.jobs), *times, f"{row.memory_mb} MB", f"{row.disk_mb:.1f} MB")


def readable_seconds(seconds: float) -> str:
    """Return a duration for people."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
