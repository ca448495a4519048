"""The workflow as users run it: smoke scale from a bare copy of the project, faults and reruns included."""

import inspect
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from snakemake.scheduling.job_scheduler import JobScheduler
from workflow_runs import PROJECT, copy_project, digests, snakemake

from thermobatch.pipeline.command_line import main
from thermobatch.study.claim import VERDICTS

AGAIN = "figures/smoke/D6.pdf"
"""What Snakemake makes a second time, cut otherwise; test_workflow_again.py makes everything anew without Snakemake."""

pytestmark = pytest.mark.pipeline


@pytest.fixture
def workspace(finished, tmp_path) -> Path:
    """A copy of the finished workflow that a test may spoil."""
    folder = tmp_path / "project"
    shutil.copytree(finished, folder)
    return folder


def test_everything_asked_for_is_there(finished):
    figures = {path.stem for path in (finished / "figures/smoke").glob("*.pdf")}
    assert figures == {"E1", "E2"} | figures
    for figure in figures:
        for kind in ("pdf", "svg", "png", "md"):
            assert (finished / f"figures/smoke/{figure}.{kind}").stat().st_size > 200
        assert (finished / f"results/smoke/notebooks/{figure}.html").stat().st_size > 10_000
    rows = json.loads((finished / "results/smoke/claims.json").read_text())
    keys = {"id", "source", "protocol", "statement", "estimate", "interval", "margin", "method", "verdict"}
    keys |= {"options", "registered"}
    assert rows and all(set(row) == keys for row in rows)
    assert {row["verdict"] for row in rows} <= set(VERDICTS) - {"not_decided"}
    assert not list(finished.rglob("*.part"))


def test_the_screen_shows_little_and_the_last_lines_say_what_was_made(finished):
    lines = (finished.parent / "finished").read_text().splitlines()
    assert len(lines) < 300 and not any("rule simulate" in line for line in lines), "\n".join(lines)
    done, figures, claims = lines[-3:]
    assert done.startswith("thermobatch: done in ")
    assert figures == f"  figures   {len(list((finished / 'figures/smoke').glob('*.pdf')))} in figures/smoke/"
    rows = json.loads((finished / "results/smoke/claims.json").read_text())
    assert sum(map(int, re.findall(r"\d+", claims.split(";")[0]))) == len(rows), claims
    assert claims.endswith("; see: thermobatch claims --scale smoke")


def test_one_core_and_other_chunks_give_the_same_bytes(finished, tmp_path):
    other = copy_project(tmp_path / "one")
    snakemake(other, "--cores", "1", "--config", "scale=smoke", "chunk_seconds=0.1", "--", AGAIN)
    chunks = [
        {str(file.relative_to(folder)) for file in folder.glob("results/smoke/chunks/**/*.nc")}
        for folder in (finished, other)
    ]
    assert len(chunks[1] - chunks[0]) > 3, "the second run was not cut into other chunks"
    again, first = digests(other), digests(finished)
    assert len(again) == 5 and again == {file: first[file] for file in again}


def test_snakemake_still_has_the_limit_that_the_snakefile_switches_off():
    """If this fails with a newer Snakemake, look whether `onstart` of the Snakefile is still needed, and how."""
    limit = "if self.job_rate_limiter is not None:\n"
    assert limit in inspect.getsource(JobScheduler.schedule)
    assert "workflow.scheduler.job_rate_limiter = None" in (PROJECT / "Snakefile").read_text()


def test_nothing_reruns_when_nothing_changed_or_a_file_was_touched(workspace):
    for file in (workspace / "config.yaml", *workspace.glob("results/smoke/chunks/**/*.nc")):
        file.touch()
    said = snakemake(workspace, "-n", "--cores", "2", "--config", "scale=smoke").stdout
    assert "simulate" not in said, said


def test_only_a_new_point_is_simulated(workspace):
    configuration = yaml.safe_load((workspace / "config.yaml").read_text())
    scan = configuration["experiments"]["coloring_relaxation"]["scales"]["smoke"]["scan"][0]
    assert 0.65 not in scan["batch_fraction"]
    scan["batch_fraction"].append(0.65)
    (workspace / "config.yaml").write_text(yaml.safe_dump(configuration))
    said = snakemake(workspace, "-n", "--cores", "2", "results/smoke/datasets/coloring_relaxation.nc").stdout
    planned = [line for line in said.splitlines() if "seeds=" in line and "output:" in line]
    assert planned and all("batch_fraction=0.65" in line for line in planned), said


@pytest.mark.parametrize(
    "mistakes",
    [
        [
            ("mean_degree: 19\n", "mean_degre: 19\n", ["mean_degre", "did you mean 'mean_degree'"]),
            ("n: 100000", "n: many", ["n = 'many'", "integer"]),
            ("[0.6, 0.7, 0.8, 0.85]", "[1.7]", ["batch_fraction = 1.7", "less than 1"]),
        ],
        [("scale: standard", "scale: tiny", ["scale", "smoke", "paper"])],
    ],
)
def test_nothing_runs_on_a_bad_configuration(tmp_path, mistakes):
    folder = copy_project(tmp_path / "project")
    text = (folder / "config.yaml").read_text()
    for old, new, _ in mistakes:
        assert old in text
        text = text.replace(old, new)
    (folder / "config.yaml").write_text(text)
    done = snakemake(folder, "--cores", "1", check=False)
    assert done.returncode != 0 and "Traceback" not in done.stdout
    for _, _, words in mistakes:
        assert any(all(word in line for word in words) for line in done.stdout.splitlines()), done.stdout
    assert not (folder / "results").exists() and not (folder / "figures").exists()


def test_a_notebook_runs_by_hand_with_a_changed_parameter(tmp_path):
    folder = copy_project(tmp_path / "project")
    command = ["papermill", "workflow/notebooks/E1_relaxation.ipynb", "out.ipynb"]
    options = [
        "-p",
        "mean_degree",
        "17",
        "-p",
        "n",
        "2000",
        "-p",
        "sweeps",
        "40",
        "-p",
        "temperature",
        "drift",
    ]
    subprocess.run([sys.executable, "-m", *command, *options], cwd=folder, check=True, capture_output=True)
    kept = list((folder / "results/adhoc").glob("coloring_relaxation-*.nc"))
    assert len(kept) == 1
    assert "c = 17" in (folder / "out.ipynb").read_text()


def test_the_command_line_answers(finished, monkeypatch, capsys):
    monkeypatch.chdir(finished)

    def thermobatch(*arguments: str) -> str:
        assert main(arguments) == 0
        return capsys.readouterr().out

    command = [sys.executable, "-m", "thermobatch", "validate"]
    assert (
        "config.yaml is valid" in subprocess.run(command, check=True, text=True, capture_output=True).stdout
    )
    assert "coloring_relaxation" in thermobatch("info")
    assert "E1.same_relaxation" in thermobatch("claims", "--scale", "smoke")
    assert "all there" in thermobatch("missing", "--scale", "smoke")
    plan = thermobatch("plan", "--scale", "smoke", "--cores", "32", "--reference")
    assert "coloring_temperature" in plan and "total" in plan
