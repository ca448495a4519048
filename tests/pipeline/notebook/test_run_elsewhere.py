"""Runs away from the checkout and results away from their run: what is found, what is asked for, what is refused."""

import json
import re
import shutil

import pytest
import xarray as xr
import yaml
from workflow_runs import copy_project, snakemake

from thermobatch.pipeline import jobs
from thermobatch.pipeline.command_line import main
from thermobatch.pipeline.configuration import Configuration
from thermobatch.pipeline.errors import DamagedFileError
from thermobatch.pipeline.jobs import read_expected
from thermobatch.pipeline.netcdf import write_dataset
from thermobatch.pipeline.registration import LOCK
from thermobatch.pipeline.sources import closure_hash
from thermobatch.pipeline.workflow import Workflow, packed, unpacked
from thermobatch.study.claim import claims
from thermobatch.study.discovery import experiment_module

NAME = "regression_covariance"
PARAMETERS = {"samples": 100, "scales": [0.5, 1.0], "label_noise": 1.0, "steps": 500, "batch": 2}
SMALL = {
    "scale": "smoke",
    "seed": 3,
    "experiments": {
        NAME: {
            "parameters": PARAMETERS | {"learning_rate": 0.05},
            "seeds": 2,
            "scales": {"paper": {"seeds": 9}},
        }
    },
    "figures": {"L1": {"notebook": "L1_stationary_law", "datasets": [NAME]}},
}


@pytest.mark.pipeline
def test_the_command_line_and_a_file_reach_every_job_of_a_run_in_another_folder(tmp_path):
    project = copy_project(tmp_path / "project")
    (project / "config.yaml").write_text(yaml.safe_dump(SMALL))
    here = tmp_path / "here"
    here.mkdir()
    (here / "mine.yaml").write_text(f"experiments: {{{NAME}: {{seeds: 4, parameters: {{batch: 5}}}}}}")
    run = ["-n", "-p", "-s", "../project/Snakefile", "--cores", "1", "--configfile", "mine.yaml"]
    run += ["--default-resources", "tmpdir='/tmp'", "--config", "seed=9", "--", "L1"]
    said = snakemake(here, *run).stdout
    assert f"note: mine.yaml: experiments.{NAME}.seeds = 4 has no effect at paper scale" in said
    blocks = [block for block in re.split(r"\n(?=(?:local)?rule )", said) if "    jobid:" in block]
    rules = {re.match(r"(?:\[.*\]\n)?(?:local)?rule (\w+)", job)[1]: job for job in blocks}
    assert set(rules) == {"warm_up", "simulate", "aggregate", "figure", "L1"}
    for rule in set(rules) - {"L1"}:
        for resource in ("mem_mb", "disk_mb", "runtime"):
            assert re.search(rf"resources: .*\b{resource}=\d", rules[rule]), (rule, resource)
    assert (
        '"batch": 5' in rules["simulate"]
        and "--seed 9" in rules["simulate"]
        and "seeds=0-3" in rules["simulate"]
    )
    assert str(project / "workflow/notebooks/L1_stationary_law.ipynb") in rules["figure"]
    (given,) = re.findall(r"warm-up .* --configuration (\S+)", rules["warm_up"])
    configuration = Configuration(unpacked(given))
    assert configuration.seed == 9 and configuration.experiment(NAME).points["all"].batch == 5
    assert not (here / "results").exists()


@pytest.mark.pipeline
def test_results_copied_with_their_dates_rerun_nothing(finished, tmp_path):
    """What docs/cluster.md says to keep when scratch is purged, beside a fresh checkout, without .snakemake."""
    copy = copy_project(tmp_path / "copy")
    shutil.copytree(finished / "figures", copy / "figures")
    shutil.copytree(finished / "results/smoke/datasets", copy / "results/smoke/datasets")
    shutil.copy2(finished / "results/smoke/claims.json", copy / "results/smoke/claims.json")
    said = snakemake(copy, "-n", "--cores", "1", "--config", "scale=smoke", "--", "all", "E1").stdout
    assert "Nothing to be done" in said, said


def test_kernels_are_compiled_for_the_runs_configuration_wherever_it_runs(tmp_path, monkeypatch):
    compiled = {}
    monkeypatch.setattr(jobs, "warm_up", lambda name, points: compiled.update({name: list(points)}) or [])
    monkeypatch.chdir(tmp_path)
    assert main(["warm-up", NAME, "--scale", "smoke", "--configuration", packed(SMALL)]) == 0
    assert compiled == {NAME: list(Configuration(SMALL).experiment(NAME).points.values())}


def test_the_notebook_is_found_beside_the_snakefile(tmp_path, monkeypatch):
    configuration, name = Configuration(SMALL), "workflow/notebooks/L1_stationary_law.ipynb"
    monkeypatch.chdir(tmp_path)
    assert Workflow(configuration, tmp_path).notebook("L1") == Workflow(configuration).notebook("L1") == name
    assert Workflow(configuration, tmp_path / "x/../y").notebook("L1") == str(tmp_path / "y" / name)


# --- datasets of another configuration -------------------------------------------------------------------------------


def test_datasets_of_another_configuration_are_refused_in_one_line(tmp_path):
    workflow = Workflow(Configuration(SMALL))
    made = Configuration(SMALL).with_overrides(NAME, "smoke", {"batch": 5, "seeds": 7}).resolved()
    path = tmp_path / f"{NAME}.nc"

    def write(resolved: dict, sources: str = closure_hash(experiment_module(NAME))) -> None:
        attributes = {"parameters": json.dumps(resolved, sort_keys=True), "sources_hash": sources}
        write_dataset(xr.Dataset({"x": 1.0}, attrs=attributes), path)

    write(workflow.configuration.experiment(NAME).resolved())
    assert list(read_expected([path], workflow.expected("smoke", [NAME]))) == [NAME]
    write(workflow.configuration.experiment(NAME).resolved(), "those of an older version")
    with pytest.raises(DamagedFileError, match="made by other sources of experiment .* Rebuild it with"):
        read_expected([path], workflow.expected("smoke", [NAME]))
    write(made)
    with pytest.raises(DamagedFileError) as error:
        read_expected([path], workflow.expected("smoke", [NAME]))
    said = str(error.value)
    assert said.startswith(f"{path}: not made with this configuration: ") and "\n" not in said
    assert "seeds.all is 7 there and 2 in the configuration" in said
    assert "points.all.batch is 5 there and 2 in the configuration" in said
    assert f"Rebuild it with: snakemake --cores 1 --force {path}" in said


def test_every_job_that_reads_datasets_compares_them(tmp_path, capsys):
    """The figure and the claims, as their commands: nothing is drawn or decided from a foreign dataset."""
    expected = Workflow(Configuration(SMALL)).expected("smoke", [NAME])
    path = tmp_path / f"{NAME}.nc"
    write_dataset(xr.Dataset({"x": 1.0}, attrs={"parameters": "{}"}), path)
    common = ["--datasets", str(path), "--expected", expected, "--output", str(tmp_path / "out.pdf")]
    notebook = ["--notebook", "no.ipynb", "--executed", str(tmp_path / "executed.ipynb")]
    with pytest.raises(SystemExit) as ended:
        main(["figure", "L1", "--scale", "smoke", *notebook, *common])
    assert ended.value.code == 2 and "not made with this configuration" in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    name = next(name for name in claims() if name.startswith("L1."))
    stanza = json.dumps({name: {"datasets": [NAME], "options": {}}})
    assert main(["decide", "--claims", stanza, "--lock", LOCK, *common]) == 1
    assert "not made with this configuration" in capsys.readouterr().err
    [row] = json.loads((tmp_path / "out.pdf").read_text())
    assert row["verdict"] == "not_decided" and "not made with this configuration" in row["method"]


@pytest.mark.pipeline
def test_what_a_dataset_was_made_with_lies_beside_it(finished):
    configuration = Configuration.read("config.yaml")
    for name in configuration.experiments:
        resolved = yaml.safe_load((finished / f"results/smoke/datasets/{name}.yaml").read_text())
        assert resolved == {"scale": "smoke", **configuration.experiment(name, "smoke").resolved()}
