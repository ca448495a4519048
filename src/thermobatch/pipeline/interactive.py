"""Experiments at hand: what notebooks and people call."""

import hashlib
import os
import sys
import time
from pathlib import Path

import xarray as xr
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from thermobatch.foundation.compilation import PACKAGE
from thermobatch.pipeline.configuration import Configuration, ResolvedExperiment
from thermobatch.pipeline.console.run_progress import RunLines, seconds_left
from thermobatch.pipeline.errors import ConfigurationError, DamagedFileError
from thermobatch.pipeline.jobs import reference_seconds, run_here, same_numbers
from thermobatch.pipeline.netcdf import read_dataset, write_dataset
from thermobatch.pipeline.plan import readable_seconds
from thermobatch.pipeline.workflow import DATASET

ADHOC = "results/adhoc/{experiment}-{key}.nc"
LONGEST_UNASKED = 600.0
"""Seconds of one core, by the cost model, that nobody has to ask for."""


def experiment(
    name: str,
    dataset: str | os.PathLike | None = None,
    scale: str = "smoke",
    *,
    long: bool = False,
    **parameters,
) -> xr.Dataset:
    """Return the dataset of an experiment, made by the workflow, kept from before, or computed now.

    Parameters
    ----------
    name
        An experiment of the nearest `config.yaml` (in this folder or above, else that of the checkout the package
        is installed from), such as ``"coloring_relaxation"``.
    dataset
        A NetCDF file of the workflow. Without changed `parameters` it is read and returned.
    scale
        ``"smoke"``, ``"standard"`` or ``"paper"``.
    long
        Compute it here even if that is predicted to take more than ten minutes on one core (the workflow uses all
        of them, and goes on where it was stopped). What the workflow has made is read in any case.
    **parameters
        Parameters to change, also `seeds` and `scan`; None means unchanged. A scanned parameter that is set here
        leaves the scan.

    Returns
    -------
    xarray.Dataset
        Dimensions `point`, `seed` and those of the experiment; bit-identical to the workflow's for equal
        parameters. All of it is in memory and no file stays open. A computed dataset is kept under ``results/adhoc``.

    Raises
    ------
    ConfigurationError
        If a name or a parameter is wrong, or the run is long and `long` is not True.
    DamagedFileError
        If `dataset` cannot be read.
    """
    changed = {key: value for key, value in parameters.items() if value is not None}
    if dataset is not None and not changed:
        return read_dataset(dataset)
    configuration, root = _project()
    resolved = Configuration.read(configuration).with_overrides(name, scale, changed)
    key = hashlib.sha256(resolved.to_json().encode()).hexdigest()[:12]
    kept = root / ADHOC.format(experiment=name, key=key)
    for path in (dataset, root / DATASET.format(scale=scale, experiment=name), kept):
        found = _read_if_same(path, resolved)
        if found is not None:
            return found
    if not long:
        _refuse_long(resolved)
    made = _run_with_progress(resolved)
    write_dataset(made, kept)
    return read_dataset(kept)


def _project() -> tuple[Path, Path]:
    """The nearest config.yaml and the folder that results go to: the one that holds it, never another checkout."""
    here, checkout = Path.cwd(), PACKAGE.parent.parent
    for folder in (here, *here.parents):
        if (folder / "config.yaml").is_file():
            return folder / "config.yaml", folder
    if all((checkout / name).is_file() for name in ("config.yaml", "Snakefile")):
        return checkout / "config.yaml", here
    raise ConfigurationError([f"no config.yaml in {here} or above; run inside a checkout of thermobatch"])


def _read_if_same(path, resolved: ResolvedExperiment) -> xr.Dataset | None:
    if path is None or not Path(path).is_file():
        return None
    try:
        found = read_dataset(path)
    except DamagedFileError:
        return None
    return found if same_numbers(found, resolved) else None


def _refuse_long(resolved: ResolvedExperiment) -> None:
    """Raise ConfigurationError, with what to do, for a run that nobody would wait for unasked."""
    seconds = sum(reference_seconds(resolved).values())
    if seconds <= LONGEST_UNASKED:
        return
    made = DATASET.format(scale=resolved.scale, experiment=resolved.name)
    raise ConfigurationError(
        [
            f"{resolved.name} at {resolved.scale} scale is predicted to take {readable_seconds(seconds)} on one core; "
            f"use all cores instead: set changed parameters in config.yaml and run\n    snakemake --cores all {made}\n"
            "(the next call reads it), or pass long=True to run it here; "
            f"more than {readable_seconds(LONGEST_UNASKED)} must be asked for"
        ]
    )


def _run_with_progress(resolved: ResolvedExperiment) -> xr.Dataset:
    """Run it under a bar on a terminal, else (pipes, notebooks, papermill) with a line now and then."""
    name = f"{resolved.name} ({resolved.scale})"
    if not sys.stderr.isatty():
        return run_here(resolved, RunLines(name))
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[left]}"),
    )
    started = time.monotonic()
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(name, total=1.0, left="")

        def show(fraction: float) -> None:
            left = seconds_left(time.monotonic() - started, fraction) if fraction > 0 else 0.0
            bar.update(task, completed=fraction, left=f"{readable_seconds(left)} left" if left else "")

        return run_here(resolved, show)
