"""Jobs: every experiment gives the same numbers however it is cut, and files are checked before they are used."""

import json
from contextlib import nullcontext

import pytest
import xarray as xr
from fixed_blocks import fix_blocks

from thermobatch.langevin.dynamics import langevin
from thermobatch.langevin.studies.stationary_law.experiment import RegressionCovariance
from thermobatch.pipeline.command_line import main
from thermobatch.pipeline.configuration import Configuration, ResolvedExperiment
from thermobatch.pipeline.errors import DamagedFileError
from thermobatch.pipeline.jobs import (
    aggregate,
    aggregate_files,
    draw_instances,
    read_instances,
    simulate,
    warm_up,
)
from thermobatch.pipeline.netcdf import write_dataset
from thermobatch.pipeline.workflow import Workflow, ensemble_slug, instances_per_file, packed
from thermobatch.study.experiment import experiments, instance_kinds

CONFIGURATION = Configuration.read("config.yaml")


def probed(name: str, seeds: int = 3) -> ResolvedExperiment:
    """A configured experiment, every kind of point once, made short."""
    resolved = CONFIGURATION.experiment(name, "smoke")
    kinds = {json.dumps(point.structure(), default=str): slug for slug, point in resolved.points.items()}
    changed = CHANGED.get(name, {})
    points = {slug: resolved.points[slug].probed().model_copy(update=changed) for slug in kinds.values()}
    return ResolvedExperiment(name, "smoke", points, dict.fromkeys(points, seeds), 11)


FEWEST_REPORTS = 3
CHANGED = {
    "coloring_recovery_growth": {"stop_overlap": 0.12}
}  # else no probe arrives, and its seeds are the same
COSTLY = ("coloring_reconstruction", "perceptron_entropies")  # however short their runs are made
QUICK = [name for name in CONFIGURATION.experiments if name not in COSTLY]


def check(resolved: ResolvedExperiment, monkeypatch) -> xr.Dataset:
    """Run an experiment: its dataset says what it is, its seeds differ, its progress is told and reaches the end.

    In blocks of one step even a probe is long enough to tell how far it is, some times a seed.
    """
    chunks = {}
    with monkeypatch.context() as patched:
        fix_blocks(patched, 1)
        patched.setattr(langevin, "BLOCK", 32)
        for slug, point in resolved.points.items():
            told, seeds = [], range(resolved.seeds[slug])
            chunks[slug] = [
                simulate(resolved.name, point, slug, seeds, resolved.root_seed, progress=told.append)
            ]
            assert told == sorted(told) and told[-1] == pytest.approx(1)
            assert len({fraction for fraction in told if 0 < fraction < 0.5}) >= FEWEST_REPORTS, slug
    dataset = aggregate(resolved, chunks)
    for variable in dataset.data_vars.values():
        assert variable.attrs.get("long_name") and variable.attrs.get("units"), variable.name
    assert {"source", "fidelity", "parameters", "sources_hash"} <= set(dataset.attrs)
    assert json.loads(dataset.attrs["parameters"])["experiment"] == resolved.name
    differing = [
        v
        for v in dataset.data_vars.values()
        if "seed" in v.dims and not v.variable.isel(seed=0).equals(v.variable.isel(seed=1))
    ]
    assert bool(differing) != experiments()[resolved.name].deterministic
    return dataset


@pytest.mark.parametrize("name", QUICK)
def test_datasets_are_described_and_do_not_depend_on_chunks_or_on_where_instances_come_from(
    name, tmp_path, monkeypatch
):
    resolved = probed(name)
    whole = check(resolved, monkeypatch)
    pieces = {}
    for slug, point in resolved.points.items():
        files = None
        if (ensemble := point.instance()) is not None:
            path = tmp_path / f"{ensemble_slug(ensemble)}.nc"
            draw_instances(ensemble, resolved.root_seed, range(3), path)
            files = dict.fromkeys(range(3), path)
        parts = [simulate(name, point, slug, block, resolved.root_seed, files) for block in ([2], [0, 1])]
        pieces[slug] = parts
    xr.testing.assert_identical(aggregate(resolved, pieces), whole)
    assert whole.sizes["seed"] == 3 and list(whole.point.values) == list(resolved.points)


@pytest.mark.slow
@pytest.mark.parametrize("name", COSTLY)
def test_datasets_of_costly_experiments_are_described(name, monkeypatch):
    """In pieces: test_workflow_again.py."""
    check(probed(name, seeds=2), monkeypatch)


@pytest.mark.parametrize("name", list(experiments()))
def test_every_experiment_is_described(name):
    kind = experiments()[name]
    assert kind.title and kind.fidelity and kind.source and kind.__doc__
    assert name in CONFIGURATION.experiments, "an experiment without a stanza in config.yaml is dead code"
    for field, information in kind.model_fields.items():
        assert information.description, f"{name}.{field} has no description"


def test_instances_are_shared_and_checked(tmp_path):
    kind = instance_kinds()["coloring"]
    ensemble = kind(graph="planted", n=100, q=5, mean_degree=4.0)
    draw_instances(ensemble, 1, range(4), tmp_path / "a.nc")
    [graph] = read_instances(ensemble, 1, tmp_path / "a.nc", [2])
    assert graph.n == 100 and graph.planted is not None
    for other, root in ((ensemble, 2), (ensemble.model_copy(update={"n": 200}), 1)):
        with pytest.raises(DamagedFileError, match="other instances"):
            list(read_instances(other, root, tmp_path / "a.nc", [2]))


def test_instance_files_never_change_when_seeds_are_added():
    ensemble = CONFIGURATION.experiment("coloring_relaxation", "standard").points
    ensemble = next(iter(ensemble.values())).instance()
    size = instances_per_file(ensemble)
    assert size & (size - 1) == 0 and size * ensemble.size_bytes() <= 32e6
    workflow = Workflow(CONFIGURATION)
    slug = next(iter(CONFIGURATION.experiment("coloring_relaxation", "standard").points))
    few = workflow.instance_files("standard", "coloring_relaxation", slug, 0, 0)
    many = workflow.instance_files("standard", "coloring_relaxation", slug, 0, 50)
    assert many[: len(few)] == few


def test_a_chunk_of_other_parameters_is_refused(tmp_path):
    resolved = probed("coloring_temperature", seeds=1)
    slug, point = next(iter(resolved.points.items()))
    resolved = ResolvedExperiment(resolved.name, "smoke", {slug: point}, {slug: 1}, resolved.root_seed)
    path = tmp_path / "chunk.nc"
    write_dataset(simulate(resolved.name, point.model_copy(update={"sweeps": 300}), slug, [0], 11), path)
    with pytest.raises(DamagedFileError, match=r"chunk\.nc: made with other parameters.*--force"):
        aggregate_files(resolved.to_json(), [str(path)], str(tmp_path / "dataset.nc"))
    assert not (tmp_path / "dataset.nc").exists()
    write_dataset(simulate(resolved.name, point, slug, [0], 11), path)
    aggregate_files(resolved.to_json(), [str(path)], str(tmp_path / "dataset.nc"))


def test_chunks_cover_every_seed_once_whatever_their_length():
    for seconds in (0.001, 1.0, 45.0, 1e6):
        workflow = Workflow(_with_chunks(seconds))
        for name in CONFIGURATION.experiments:
            covered = {}
            for chunk in workflow.chunks("standard", name):
                covered.setdefault(chunk.point, []).extend(range(chunk.first, chunk.last + 1))
            resolved = CONFIGURATION.experiment(name, "standard")
            assert covered == {slug: list(range(seeds)) for slug, seeds in resolved.seeds.items()}


def _with_chunks(seconds: float) -> Configuration:
    return Configuration.read("config.yaml", chunk_seconds=seconds)


def test_a_probe_that_fails_is_said_and_stops_neither_the_warm_up_nor_the_job(tmp_path, monkeypatch, capsys):
    def diverge(*_):
        raise FloatingPointError("too\nlarge")

    kind = RegressionCovariance
    point = kind(samples=60, scales=[0.5, 1.0], label_noise=1.0, steps=300, batch=2, learning_rate=0.3)
    with monkeypatch.context() as patch:
        patch.setenv("THERMOBATCH_CACHE", str(tmp_path))
        patch.setattr("thermobatch.pipeline.jobs.compile_once", lambda what: nullcontext(True))
        patch.setattr(kind, "run", diverge)
        [line] = warm_up("regression_covariance", [point, point])
        assert "failed, its jobs compile themselves: FloatingPointError: too large" in line
        command = ["warm-up", "regression_covariance", "--scale", "smoke"]
        assert main([*command, "--configuration", packed(CONFIGURATION.data)]) == 0
    said = capsys.readouterr().err.splitlines()
    assert said[0] == f"thermobatch: {line}" and said[-1].startswith("compiled in ")
    monkeypatch.setattr(kind, "structure", diverge)  # the job itself runs, whatever its probe is
    job = ["simulate", "regression_covariance", "--point", "all", "--parameters", point.model_dump_json()]
    job += ["--seed", "1", "--first", "0", "--last", "0", "--output", str(tmp_path / "a.nc")]
    assert main(job) == 0 and (tmp_path / "a.nc").exists()
    assert line in capsys.readouterr().err
