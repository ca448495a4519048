"""The work of the workflow's jobs: draw instances, simulate a chunk of seeds, aggregate chunks into a dataset."""

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path

import numpy as np
import xarray as xr

from thermobatch import __version__
from thermobatch.foundation.compilation import compile_once
from thermobatch.pipeline.configuration import ResolvedExperiment
from thermobatch.pipeline.errors import DamagedFileError
from thermobatch.pipeline.netcdf import opened, read_dataset, rebuild, write_dataset, write_groups
from thermobatch.pipeline.seeds import instance_seed, run_seed
from thermobatch.pipeline.sources import closure_hash
from thermobatch.pipeline.workflow import unpacked
from thermobatch.study.discovery import experiment_module
from thermobatch.study.experiment import Experiment, Instance, Progress


def draw_instances(ensemble: Instance, root: int, indices: Iterable[int], output: Path) -> None:
    """Draw instances and write them to one file, a group each."""
    described = _describe(ensemble, root)
    drawn = {}
    for index in indices:
        dataset = ensemble.to_dataset(ensemble.make(instance_seed(root, ensemble, index)))
        drawn[f"instance={index}"] = dataset.assign_attrs(ensemble=described)
    write_groups(drawn, output)


def read_instances(ensemble: Instance, root: int, path: Path, indices: Iterable[int]) -> Iterator:
    """Read instances back from a file of `draw_instances`, checking that they are those asked for."""
    with opened(path) as read:
        for index in indices:
            dataset = read(f"instance={index}")
            if dataset.attrs.get("ensemble") != _describe(ensemble, root):
                raise DamagedFileError(f"{path}: holds other instances than asked for. {rebuild(path)}")
            yield ensemble.from_dataset(dataset)


def _describe(ensemble: Instance, root: int) -> str:
    return json.dumps(
        {"kind": ensemble.kind, "seed": root, **ensemble.model_dump(mode="json")}, sort_keys=True
    )


def simulate(
    name: str,
    point: Experiment,
    slug: str,
    indices: Sequence[int],
    root: int,
    instance_files: Mapping[int, Path] | None = None,
    progress: Progress | None = None,
) -> xr.Dataset:
    """Run some seeds of one point; instances are drawn here unless `instance_files` names each seed's file.

    Returns
    -------
    xarray.Dataset
        The runs along the dimension `seed`.
    """
    runs = []
    instances = _instances(point.instance(), indices, root, instance_files)
    for done, (index, instance) in enumerate(zip(indices, instances, strict=True)):

        def report(fraction: float, done=done) -> None:
            if progress is not None:
                progress((done + min(max(fraction, 0.0), 1.0)) / len(indices))

        runs.append(point.run(instance, run_seed(root, name, slug, index), report))
        report(1.0)
    stacked = _concat(runs, "seed", "exact")
    numbers = xr.Variable("seed", np.asarray(indices, dtype=np.int64), {"long_name": "seed number"})
    stacked = stacked.assign_coords(seed=numbers)
    stacked.attrs = {"identity": identity(name, point, slug, root)}
    return stacked


def _instances(
    ensemble: Instance | None, indices: Sequence[int], root: int, files: Mapping[int, Path] | None
) -> Iterator:
    """Yield the seeds' instances: None without an ensemble, drawn without files, else read."""
    if ensemble is None:
        yield from (None for _ in indices)
    elif files is None:
        yield from (ensemble.make(instance_seed(root, ensemble, index)) for index in indices)
    else:
        for path, together in itertools.groupby(indices, key=lambda index: files[index]):
            yield from read_instances(ensemble, root, path, together)


def identity(name: str, point: Experiment, slug: str, root: int) -> str:
    """Return everything that decides the numbers of a point's runs, as text."""
    parts = {
        "experiment": name,
        "point": slug,
        "parameters": point.model_dump(mode="json"),
        "seed": root,
        "sources": closure_hash(experiment_module(name)),
    }
    return json.dumps(parts, sort_keys=True)


def aggregate_files(resolved_json: str, chunk_files: Iterable[str], output: str | Path) -> None:
    """Read the chunks of an experiment and write its dataset."""
    resolved = ResolvedExperiment.from_json(resolved_json)
    chunks: dict[str, list[xr.Dataset]] = {slug: [] for slug in resolved.points}
    for path in chunk_files:
        chunk = read_dataset(path)
        slug = json.loads(chunk.attrs.get("identity", "{}")).get("point")
        expected = slug in chunks and identity(resolved.name, resolved.points[slug], slug, resolved.root_seed)
        if chunk.attrs.get("identity") != expected:
            raise DamagedFileError(f"{path}: made with other parameters or sources. {rebuild(path)}")
        chunks[slug].append(chunk)
    write_dataset(aggregate(resolved, chunks), output)


def aggregate(resolved: ResolvedExperiment, chunks: Mapping[str, list[xr.Dataset]]) -> xr.Dataset:
    """Join the chunks of all points of an experiment into its dataset.

    Parameters
    ----------
    resolved
        The experiment.
    chunks
        For each point's name, its chunks; seeds beyond those asked for are left out.

    Returns
    -------
    xarray.Dataset
        Dimensions `point` (in the order of the scan), `seed` and those of the runs. Grids that differ between
        points are joined: what a point did not record is NaN. Every scalar parameter is a coordinate of `point`.
    """
    points = [
        _concat(chunks[slug], "seed", "exact").sortby("seed").isel(seed=slice(resolved.seeds[slug]))
        for slug in resolved.points
    ]
    joined = _concat(points, "point", "outer").assign_coords(_point_coordinates(resolved.points))
    kind = type(next(iter(resolved.points.values())))
    joined.attrs = {
        "title": kind.title,
        "experiment": resolved.name,
        "scale": resolved.scale,
        "parameters": json.dumps(resolved.resolved(), sort_keys=True),
        "source": kind.source,
        "fidelity": kind.fidelity,
        "thermobatch_version": __version__,
        "sources_hash": closure_hash(experiment_module(resolved.name)),
        "numpy_version": metadata.version("numpy"),
        "numba_version": metadata.version("numba"),
    }
    return joined


def same_numbers(dataset: xr.Dataset, resolved: ResolvedExperiment) -> bool:
    """Say whether a dataset holds the numbers the present sources give for `resolved`."""
    sources = closure_hash(experiment_module(resolved.name))
    parameters = json.dumps(resolved.resolved(), sort_keys=True)
    return dataset.attrs.get("parameters") == parameters and dataset.attrs.get("sources_hash") == sources


def read_expected(paths: Iterable[Path], packed_expected: str) -> dict[str, xr.Dataset]:
    """Read datasets by the names of their experiments, refusing those made with other parameters or sources.

    Raises
    ------
    DamagedFileError
        If a dataset was made with other parameters than expected (copied from elsewhere, say), which the message tells
        apart, or by other sources than this version's.
    """
    expected, found = unpacked(packed_expected), {}
    for path in paths:
        dataset = read_dataset(path)
        made, wanted = json.loads(dataset.attrs.get("parameters", "{}")), expected[path.stem]
        if made != wanted:
            told = "; ".join(itertools.islice(_differences(made, wanted), 3))
            raise DamagedFileError(
                f"{path}: not made with this configuration: {told}. {rebuild(path)} (or use the configuration it was "
                f"made with: see {path.with_suffix('.yaml')})"
            )
        if dataset.attrs.get("sources_hash") != closure_hash(experiment_module(path.stem)):
            version = dataset.attrs.get("thermobatch_version", "unknown")
            raise DamagedFileError(
                f"{path}: made by other sources of experiment {path.stem} than these (version {version} there, "
                f"{__version__} here): its numbers may differ. {rebuild(path)}"
            )
        found[path.stem] = dataset
    return found


def _differences(made, wanted, where: str = "") -> Iterator[str]:
    """Where two resolved experiments differ, one text a place."""
    if isinstance(made, dict) and isinstance(wanted, dict):
        for key in [*wanted, *(key for key in made if key not in wanted)]:
            yield from _differences(made.get(key), wanted.get(key), f"{where}.{key}".lstrip("."))
    elif made != wanted:
        yield f"{where} is {_shown(made)} there and {_shown(wanted)} in the configuration"


def _shown(value) -> str:
    return "missing" if value is None else "given" if isinstance(value, dict) else json.dumps(value)


def _concat(datasets: list[xr.Dataset], dim: str, join: str) -> xr.Dataset:
    """Stack every data variable along a new or known dimension; coordinates are aligned, not stacked."""
    return xr.concat(
        datasets,
        dim=dim,
        data_vars="all",
        coords="minimal",
        compat="override",
        join=join,
        combine_attrs="override",
    )


def _point_coordinates(points: dict[str, Experiment]) -> dict:
    """The points' names and every scalar parameter, with its title as the long name."""
    coordinates = {"point": ("point", list(points), {"long_name": "point of the scan"})}
    kind = type(next(iter(points.values())))
    for field, information in kind.model_fields.items():
        values = [getattr(point, field) for point in points.values()]
        if any(value is None for value in values) and all(isinstance(v, float | int | None) for v in values):
            values = [np.nan if value is None else value for value in values]
        if all(isinstance(value, int | float | str | bool) for value in values):
            label = information.description or field.replace("_", " ")
            coordinates[field] = ("point", np.asarray(values), {"long_name": label})
    return coordinates


def run_here(resolved: ResolvedExperiment, progress: Progress | None = None) -> xr.Dataset:
    """Run a whole resolved experiment in this process and return its dataset (the same numbers as the workflow's)."""
    seconds = reference_seconds(resolved)
    total = sum(seconds.values())
    chunks, done = {}, 0.0
    for slug, point in resolved.points.items():
        share = seconds[slug] / total

        def report(fraction: float, done=done, share=share) -> None:
            if progress is not None:
                progress(done + share * fraction)

        chunks[slug] = [
            simulate(
                resolved.name, point, slug, range(resolved.seeds[slug]), resolved.root_seed, None, report
            )
        ]
        done += share
    return aggregate(resolved, chunks)


def reference_seconds(resolved: ResolvedExperiment) -> dict[str, float]:
    """Return what all seeds of each point take on one core of the reference machine, by the cost models."""
    return {slug: resolved.seeds[slug] * point.cost().seconds for slug, point in resolved.points.items()}


def warm_up(name: str, points: Iterable[Experiment]) -> list[str]:
    """Compile what the points of an experiment need, once per machine.

    That is done by very short runs, the probes. One that fails stops nothing: it may diverge where the real run does
    not, and the real run compiles what it needs anyway.

    Returns
    -------
    list of str
        A line for each probe that failed, with the reason.
    """
    failures, seen = [], set()
    for point in points:
        try:
            structure = _text(point.structure())
            if structure in seen:
                continue
            seen.add(structure)
            with compile_once(f"{name} {structure}") as needed:
                if needed:
                    simulate(name, point.probed(), "warm-up", [0], 0)
        except Exception as error:  # whatever it is, the run itself decides
            failures.append(
                f"warm-up of {name} failed, its jobs compile themselves: "
                f"{type(error).__name__}: {' '.join(str(error).split())}"
            )
    return list(dict.fromkeys(failures))


def _text(plain: dict) -> str:
    return json.dumps(plain, sort_keys=True, default=str)
