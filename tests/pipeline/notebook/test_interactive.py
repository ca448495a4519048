"""Experiments at hand: long ones must be asked for, and all say how far they are."""

import inspect
import shutil
import sys

import pytest

from thermobatch.pipeline import interactive
from thermobatch.pipeline.configuration import Configuration
from thermobatch.pipeline.console.run_progress import RunLines
from thermobatch.pipeline.errors import ConfigurationError
from thermobatch.pipeline.jobs import reference_seconds, run_here
from thermobatch.study.experiment import experiments

CONFIGURATION = Configuration.read("config.yaml")
SHORT = {"n": 500, "sweeps": 20, "temperature": "drift", "seeds": 1}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A checkout as far as `tb.experiment` looks at it."""
    shutil.copy("config.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_long_run_is_refused_with_its_time_and_the_command(project):
    with pytest.raises(ConfigurationError) as refused:
        interactive.experiment("coloring_relaxation", scale="paper")
    message = str(refused.value)
    assert (
        "coloring_relaxation at paper scale is predicted to take" in message and " h on one core" in message
    )
    assert "snakemake --cores all results/paper/datasets/coloring_relaxation.nc" in message
    assert "long=True" in message and not (project / "results").exists()


def test_a_long_run_runs_when_asked_for(project, monkeypatch):
    monkeypatch.setattr(interactive, "LONGEST_UNASKED", 1e-6)
    with pytest.raises(ConfigurationError, match="long=True"):
        interactive.experiment("coloring_relaxation", **SHORT)
    made = interactive.experiment("coloring_relaxation", long=True, **SHORT)
    assert interactive.experiment("coloring_relaxation", **SHORT).identical(made), (
        "what is there is read, however long"
    )


def test_no_parameter_of_an_experiment_has_the_name_of_an_argument():
    taken = set(inspect.signature(interactive.experiment).parameters)
    for name, kind in experiments().items():
        assert not taken & set(kind.model_fields), name


def test_progress_is_weighted_by_the_cost_of_the_points():
    changes = {"scan": {"batch_fraction": [0.8], "sweeps": [10, 2000]}, **SHORT, "seeds": 2}
    del changes["sweeps"]
    resolved = CONFIGURATION.with_overrides("coloring_relaxation", "smoke", changes)
    first, second = reference_seconds(resolved).values()
    assert first < 0.5 * second
    seen = []
    run_here(resolved, seen.append)
    assert seen == sorted(seen) and seen[-1] == pytest.approx(1)
    assert any(fraction == pytest.approx(first / (first + second)) for fraction in seen)


def test_without_a_terminal_there_are_lines_now_and_then(project, capsys, monkeypatch):
    assert not sys.stderr.isatty()
    interactive.experiment("coloring_relaxation", **SHORT)
    said = capsys.readouterr().err.splitlines()
    assert said[-1].startswith("coloring_relaxation (smoke): 100% done after") and "\r" not in "".join(said)


def test_lines_come_after_a_second_then_every_ten_then_more_rarely(capsys):
    now = [0.0]
    lines = RunLines("a run", clock=lambda: now[0])
    for second in range(10_001):
        now[0] = float(second)
        lines(second / 10_000)
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "a run:   0% done after 2 s, 9998 s left" and said[-1].endswith("10000 s, 0 s left")
    assert 40 < sum(int(line.split()[-5]) <= 500 for line in said) < 54 and len(said) < 250
