"""Experiments at hand: what notebooks and people call."""

import hashlib
import os
from pathlib import Path

import xarray as xr
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from thermobatch.pipeline.configuration import Configuration, ResolvedExperiment
from thermobatch.pipeline.errors import ConfigurationError, DamagedFileError
from thermobatch.pipeline.jobs import run_here, same_numbers
from thermobatch.pipeline.netcdf import read_dataset, write_dataset
from thermobatch.pipeline.workflow import DATASET

ADHOC = "results/adhoc/{experiment}-{key}.nc"


def experiment(
    name: str, dataset: str | os.PathLike | None = None, scale: str = "smoke", **parameters
) -> xr.Dataset:
    """Return the dataset of an experiment, made by the workflow, kept from before, or computed now.

    Parameters
    ----------
    name
        An experiment of the nearest `config.yaml` (in this folder or above), such as ``"coloring_relaxation"``.
    dataset
        A NetCDF file of the workflow. Without changed `parameters` it is read and returned.
    scale
        ``"smoke"``, ``"standard"`` or ``"paper"``.
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
        If a name or a parameter is wrong.
    DamagedFileError
        If `dataset` cannot be read.
    """
    changed = {key: value for key, value in parameters.items() if value is not None}
    if dataset is not None and not changed:
        return read_dataset(dataset)
    root = _project()
    resolved = Configuration.read(root / "config.yaml").with_overrides(name, scale, changed)
    key = hashlib.sha256(resolved.to_json().encode()).hexdigest()[:12]
    kept = root / ADHOC.format(experiment=name, key=key)
    for path in (dataset, root / DATASET.format(scale=scale, experiment=name), kept):
        found = _read_if_same(path, resolved)
        if found is not None:
            return found
    made = _run_with_progress(resolved)
    write_dataset(made, kept)
    return read_dataset(kept)


def _project() -> Path:
    """The nearest folder that holds a config.yaml."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "config.yaml").is_file():
            return folder
    raise ConfigurationError([f"no config.yaml in {here} or above; run inside a checkout of thermobatch"])


def _read_if_same(path, resolved: ResolvedExperiment) -> xr.Dataset | None:
    if path is None or not Path(path).is_file():
        return None
    try:
        found = read_dataset(path)
    except DamagedFileError:
        return None
    return found if same_numbers(found, resolved) else None


def _run_with_progress(resolved: ResolvedExperiment) -> xr.Dataset:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(f"{resolved.name} ({resolved.scale})", total=1.0)
        return run_here(resolved, lambda fraction: bar.update(task, completed=fraction))
