"""Predict what the experiments cost before anything runs: processor time, wall time, memory and disk."""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from rich import box
from rich.console import Console
from rich.table import Table

from thermobatch.pipeline.configuration import Configuration
from thermobatch.pipeline.measure import Measured, available_cores, machine_factor, measure, start_seconds
from thermobatch.pipeline.workflow import Workflow, instances_per_file

REFERENCE_START_SECONDS = 1.3
COMPRESSION = 0.4
FILE_BYTES = 60e3


@dataclass(frozen=True)
class Prediction:
    """What one experiment (or all instances) needs: the seconds of each job, MB a job asks for, MB on disk."""

    name: str
    seconds: tuple[float, ...]
    memory_mb: int
    disk_mb: float

    @property
    def cpu_seconds(self) -> float:
        """Processor time of all jobs."""
        return sum(self.seconds)

    def wall_seconds(self, cores: int) -> float:
        """Time by the clock on so many cores, given to nothing else."""
        return scheduled(self.seconds, cores)


def predict(configuration: Configuration, scale: str, calibrate: bool = True) -> list[Prediction]:
    """Predict instances and every experiment at one scale on this machine, after a calibration of some seconds.

    The calibration keeps all cores busy, as the workflow does: they slow each other down. Without it the prediction is
    the cost models', for the reference machine.
    """
    workflow, speed, start = Workflow(configuration), 1.0, REFERENCE_START_SECONDS
    if calibrate:
        cores = available_cores()
        speed = machine_factor(configuration, scale, cores)
        start = start_seconds(configuration, scale, cores)
    predictions = [_instances(workflow, scale, start)]
    for name in configuration.experiments:
        resolved, costs = configuration.experiment(name, scale), workflow.costs(scale, name)
        chunks = list(workflow.chunks(scale, name))
        seconds = [
            start + speed * costs[chunk.point].seconds * (chunk.last - chunk.first + 1) for chunk in chunks
        ]
        memory = max(workflow.simulate_memory(scale, name, slug) for slug in resolved.points)
        data = sum(resolved.seeds[slug] * cost.disk_bytes for slug, cost in costs.items())
        disk = 2 * data + FILE_BYTES * (len(chunks) + 1)  # the chunks, and the dataset they make
        predictions.append(Prediction(name, tuple(seconds), memory, disk / 1e6))
    return predictions


def _instances(workflow: Workflow, scale: str, start: float) -> Prediction:
    """What is drawn once and kept; the time to draw is in the cost of each seed that reads it."""
    files = workflow.instance_counts(scale)
    ensembles = {slug: workflow.ensemble(scale, slug) for slug in files}
    memory = max((workflow.instances_memory(scale, slug) for slug in files), default=0)
    disk = sum(
        files[slug] * instances_per_file(ensemble) * ensemble.size_bytes()
        for slug, ensemble in ensembles.items()
    )
    return Prediction("instances", (start,) * sum(files.values()), memory, COMPRESSION * disk / 1e6)


def scheduled(seconds: Iterable[float], cores: int) -> float:
    """Length of a schedule that gives each job, longest first, to the core that is free first."""
    free = [0.0] * cores
    for duration in sorted(seconds, reverse=True):
        heapq.heappush(free, heapq.heappop(free) + duration)
    return max(free)


def total(predictions: list[Prediction]) -> Prediction:
    """All jobs together: side by side, so the time by the clock is less than the sum of the experiments'."""
    seconds = tuple(second for row in predictions for second in row.seconds)
    memory = max((row.memory_mb for row in predictions), default=0)
    return Prediction("total", seconds, memory, sum(row.disk_mb for row in predictions))


def plan_rows(predictions: list[Prediction], cores: int, nodes: int | None) -> list[tuple[str, ...]]:
    """Return the table as text: a header, a row an experiment, and the total."""
    header = ["experiment", "jobs", "CPU time", "longest job", f"wall, {cores} cores"]
    widths = [cores]
    if nodes is not None:
        widths.append(nodes * cores)
        header.append(f"wall, {nodes} nodes of {cores}")
    rows = [(*header, "memory a job", "disk")]
    for row in [*predictions, total(predictions)]:
        times = [row.cpu_seconds, max(row.seconds, default=0.0), *map(row.wall_seconds, widths)]
        cells = [row.name, str(len(row.seconds)), *map(readable_seconds, times)]
        rows.append((*cells, f"{row.memory_mb} MB", readable_megabytes(row.disk_mb)))
    return rows


def measure_rows(measured: Iterable[Measured], memory: dict[str, int]) -> Iterable[tuple[str, ...]]:
    """Yield the comparison of slices as text: a header and a row an experiment."""
    yield "experiment", "slice", "predicted", "measured", "ratio", "peak memory", "asked for"
    for row in measured:
        times = f"{row.predicted:.1f} s", f"{row.measured:.1f} s", f"{row.ratio:.2f}"
        sizes = f"{row.memory_mb:.0f} MB", f"{memory[row.experiment]} MB"
        yield row.experiment, f"{row.share:.2g}", *times, *sizes


def print_plan(
    configuration: Configuration,
    scale: str,
    cores: int | None = None,
    nodes: int | None = None,
    slice_seconds: float | None = None,
    markdown: bool = False,
    calibrate: bool = True,
) -> None:
    """Print the prediction as a table; or, with `slice_seconds`, slices of all experiments against theirs."""
    cores = cores or available_cores()
    if slice_seconds is None:
        machine = "calibrated on this machine" if calibrate else "on the reference machine"
        title = f"{scale} scale, {machine}"
        rows = plan_rows(predict(configuration, scale, calibrate), cores, nodes)
    else:
        title = f"slices of {scale} scale: processor time and memory, predicted and measured"
        rows = list(measure_rows(measure(configuration, scale, slice_seconds), _memory(configuration, scale)))
    if markdown:
        print_markdown(title, rows)
        return
    table = Table(title=title, box=box.SIMPLE, padding=(0, 1, 0, 0), pad_edge=False)
    for index, column in enumerate(rows[0]):
        table.add_column(column, justify="right" if index else "left", no_wrap=not index)
    for row in rows[1:]:
        if row[0] == "total":
            table.add_section()
        table.add_row(*row)
    Console().print(table)


def _memory(configuration: Configuration, scale: str) -> dict[str, int]:
    workflow = Workflow(configuration)
    return {
        name: max(
            workflow.simulate_memory(scale, name, slug)
            for slug in configuration.experiment(name, scale).points
        )
        for name in configuration.experiments
    }


def print_markdown(title: str, rows: list[tuple[str, ...]]) -> None:
    """Print a table as docs/cluster.md holds it, with the date."""
    console = Console(soft_wrap=True, highlight=False, markup=False)
    console.print(f"{title[0].upper()}{title[1:]}, {date.today().isoformat()}:\n")
    rule = ("---", *("---:",) * (len(rows[0]) - 1))
    for row in (rows[0], rule, *rows[1:]):
        console.print(f"| {' | '.join(row)} |")


def readable_megabytes(size: float) -> str:
    """Return a size for people."""
    return f"{size:.1f} MB" if size < 100 else f"{size / 1000:.1f} GB"


def readable_seconds(seconds: float) -> str:
    """Return a duration for people."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
