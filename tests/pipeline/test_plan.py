"""The plan: what it answers, slices that really are slices, and the paper scale's graph of jobs."""

import contextlib
import dataclasses
import math
import resource
import subprocess
import sys

import pytest
from pydantic import ValidationError
from workflow_runs import SNAKEMAKE, copy_project

from thermobatch.pipeline import measure, plan
from thermobatch.pipeline.configuration import Configuration
from thermobatch.pipeline.workflow import MOST_CHUNKS, Workflow, path_name

CONFIGURATION = Configuration.read("config.yaml")
MOST_JOBS = 5000


def test_jobs_are_scheduled_longest_first():
    assert plan.scheduled([3, 3, 2, 2, 2], 2) == 7
    assert plan.scheduled([5, 1, 1], 8) == 5
    assert plan.scheduled([], 4) == 0


def test_the_table_answers_for_cores_and_nodes():
    rows = [plan.Prediction("a", (7200.0,) * 64, 500, 30.0), plan.Prediction("b", (60.0,), 900, 2000.0)]
    header, first, second, whole = plan.plan_rows(rows, cores=32, nodes=20)
    assert header[4:6] == ("wall, 32 cores", "wall, 20 nodes of 32")
    assert first == ("a", "64", "128.0 h", "2.0 h", "4.0 h", "2.0 h", "500 MB", "30.0 MB")
    assert whole == ("total", "65", "128.0 h", "2.0 h", "4.0 h", "2.0 h", "900 MB", "2.0 GB")
    assert plan.plan_rows(rows, 32, None)[0][4:6] == ("wall, 32 cores", "memory a job")


def test_markdown_is_a_table_with_the_date(capsys):
    plan.print_markdown("paper scale", [("experiment", "jobs"), ("a", "3")])
    title, empty, *table = capsys.readouterr().out.splitlines()
    assert title.startswith("Paper scale, 20") and empty == ""
    assert table == ["| experiment | jobs |", "| --- | ---: |", "| a | 3 |"]


def calibration_of(point):
    with contextlib.suppress(ValidationError):
        return point.calibrated()


@pytest.mark.parametrize("scale", ["smoke", "standard", "paper"])
@pytest.mark.parametrize("name", CONFIGURATION.experiments)
def test_slices_are_the_experiment_at_its_size_or_shorter(name, scale):
    resolved = CONFIGURATION.experiment(name, scale)
    seconds = 3.0
    found = measure.pieces(resolved, seconds)
    assert 1 <= len(found) <= measure.MOST_POINTS
    for piece in found:
        whole = resolved.points[piece.slug]
        assert 1 <= piece.seeds <= resolved.seeds[piece.slug]
        assert piece.seconds == pytest.approx(piece.seeds * piece.point.cost().seconds)
        if piece.point not in (whole, calibration_of(whole)):
            changed = {f for f, value in piece.point.model_dump().items() if getattr(whole, f) != value}
            lists = {f for f, value in whole.calibration.items() if isinstance(value, list)}
            assert changed <= {*measure.DURATIONS, *lists}, "only the length of the run is changed"
            assert piece.point.cost().seconds <= 3 * seconds


def test_a_long_run_is_cut_to_what_is_asked_for():
    point = CONFIGURATION.experiment("coloring_aging", "paper").points.values()
    for whole in point:
        short = measure.shortened(whole, 12.0)
        assert short.n == whole.n and short.sweeps < whole.sweeps and short.cost().seconds <= 12.0
        assert measure.shortened(short, 12.0) == short


def test_a_slice_is_run_and_a_wrong_cost_shows():
    """The ratio is that of measured to predicted: a model that promises a third shows as about three times."""
    resolved = CONFIGURATION.experiment("regression_law", "smoke")
    tasks = [(p.slug, p.point.model_dump_json(), p.seeds) for p in measure.pieces(resolved, 0.3)]
    calibration = ("regression_law", measure.calibrating(resolved.points.values()).model_dump_json())
    predicted = sum(piece.seconds for piece in measure.pieces(resolved, 0.3))
    rows = []
    # A machine that others use may lose a factor of ten for seconds: the nearest of five counts.
    for _ in range(5):
        seconds, memory = measure._run("regression_law", tasks, resolved.root_seed)
        assert 50 < memory < 4000
        factor = measure._calibration(calibration)
        rows.append(measure.Measured("regression_law", 0.1, factor * predicted, seconds, memory))
    row = min(rows, key=lambda row: abs(math.log(row.ratio)))
    assert 0.3 < row.ratio < 3
    lie = dataclasses.replace(row, predicted=row.predicted / 3)
    assert lie.ratio == pytest.approx(3 * row.ratio)
    _, said = plan.measure_rows([row], {"regression_law": 400})
    assert said[0] == "regression_law" and said[-1] == "400 MB"


@pytest.mark.slow
def test_calibrations_fit_every_experiment_and_jobs_take_time_to_start():
    for name in CONFIGURATION.experiments:
        points = CONFIGURATION.experiment(name, "paper").points.values()
        assert measure.calibrating(points).cost().seconds < 5
    assert 0.3 < measure.start_seconds(CONFIGURATION, "smoke", 2) < 30


def test_jobs_of_the_paper_scale_are_long_rather_than_many():
    workflow = Workflow(CONFIGURATION)
    count = sum(len(list(workflow.chunks("paper", name))) for name in CONFIGURATION.experiments)
    assert count <= MOST_CHUNKS < MOST_JOBS
    assert workflow.chunk_seconds("smoke") == CONFIGURATION.chunk_seconds < workflow.chunk_seconds("paper")


def test_no_wildcard_holds_a_comma():
    """Snakemake hands wildcards to the nodes of a cluster as a list with commas between."""
    workflow = Workflow(CONFIGURATION)
    for name in CONFIGURATION.experiments:
        slugs = list(CONFIGURATION.experiment(name, "paper").points)
        assert [workflow.slug("paper", name, path_name(slug)) for slug in slugs] == slugs
        assert not any("," in file for file in workflow.chunk_files("paper", name))
    assert not any("," in name for name in workflow.instance_counts("paper"))


@pytest.mark.slow
@pytest.mark.pipeline
def test_the_graph_of_jobs_of_the_paper_scale_is_built_in_a_minute_and_a_gigabyte(tmp_path):
    folder = copy_project(tmp_path / "project")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [*SNAKEMAKE, "-n", "--quiet", "rules", "--cores", "32", "--config", "scale=paper"]
    script = "import resource, subprocess, sys; done = subprocess.run(sys.argv[1:]); "
    script += (
        "print('peak', resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(done.returncode)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *command], cwd=folder, text=True, capture_output=True, check=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    said = done.stdout.splitlines() + done.stderr.splitlines()
    jobs = next(int(line.split()[1]) for line in said if line.startswith("total "))
    peak = next(int(line.split()[1]) for line in said if line.startswith("peak ")) * 1024
    print(f"{jobs} jobs, {seconds:.0f} s of processor time, {peak / 1e6:.0f} MB")
    assert jobs < MOST_JOBS and seconds < 60 and peak < 1e9
