"""The set-up finds a usable Python, never takes a half-made environment for a good one, cleans what it says."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
VERSION = "{}.{}".format(*sys.version_info)


def environment_maker():
    """The module tools/make_environment.py."""
    specification = importlib.util.spec_from_file_location(
        "make_environment", ROOT / "tools" / "make_environment.py"
    )
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def program(path: Path, text: str) -> Path:
    """An executable shell script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def find_python(path: list[Path], *arguments: str) -> subprocess.CompletedProcess:
    """Run the script on a machine that has only the directories `path`."""
    variables = {"PATH": ":".join(map(str, path)), "HOME": "/nowhere"}
    command = ["/bin/sh", str(ROOT / "tools" / "find_python.sh"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=variables)


# --- a Python --------------------------------------------------------------------------------------------------------


@pytest.fixture
def machine(tmp_path):
    """Directories with a broken shim, a Python that is too old and, later on PATH and behind a space, a good one."""
    old = 'echo "3.10 pip /old/python3"'
    program(tmp_path / "shims" / "python3.13", "echo 'command not found' >&2; exit 127")
    program(tmp_path / "old" / "python3", old)
    program(tmp_path / "good one" / "python3", f'exec "{sys.executable}" "$@"')
    return [tmp_path / "shims", tmp_path / "old", tmp_path / "good one"]


def test_python_is_really_run(machine):
    answer = find_python(machine)
    assert answer.returncode == 0, answer.stderr
    version, path = answer.stdout.rstrip("\n").split(" ", 1)
    assert version == VERSION
    assert subprocess.run([path, "--version"], capture_output=True, text=True).stdout.startswith(
        f"Python {VERSION}"
    )
    assert not Path(path).is_relative_to(sys.prefix) or sys.prefix == sys.base_prefix


def test_no_python_is_one_clear_error(machine):
    answer = find_python(machine[:2])
    assert answer.returncode == 1 and answer.stdout == ""
    assert "thermobatch needs CPython 3.11, 3.12 or 3.13" in answer.stderr
    assert "python3.13 does not run" in answer.stderr and "old/python3 is Python 3.10" in answer.stderr


def test_named_python_is_checked(machine):
    assert find_python(machine, "python3.13").returncode == 1
    old = find_python(machine, str(machine[1] / "python3"))
    assert old.returncode == 1 and "is Python 3.10; thermobatch needs" in old.stderr
    good = find_python(machine, str(machine[2] / "python3"))
    assert good.returncode == 0 and good.stdout.startswith(VERSION)


def test_python_without_pip_or_of_another_kind_is_refused(tmp_path):
    program(tmp_path / "bare" / "python3", 'echo "3.12 bare /x"')
    program(tmp_path / "pypy" / "python3", 'echo "3.11 PyPy /x"')
    assert "neither pip nor ensurepip" in find_python([tmp_path / "bare"]).stderr
    assert "is PyPy, not CPython" in find_python([tmp_path / "pypy"]).stderr
    program(tmp_path / "bare" / "uv", "")
    assert find_python([tmp_path / "bare"]).stdout == "3.12 /x\n"


# --- an environment --------------------------------------------------------------------------------------------------


def test_good_environment_is_left_alone_and_others_are_not(tmp_path):
    maker = environment_maker()
    wanted = maker.wanted_record()
    everything = ["create", "lock", "package"]

    def steps(record: str | None, keep_python: bool = False) -> list[str]:
        if record is not None:
            (tmp_path / maker.RECORD).write_text(record)
        return maker.missing_steps(tmp_path, wanted, keep_python)

    assert steps(None) == everything
    assert steps(json.dumps(wanted)) == everything, "a record without a Python that runs"
    program(tmp_path / "bin" / "python", f'exec "{sys.executable}" "$@"')
    assert steps(json.dumps(wanted)) == []
    assert steps('{"lock": ') == everything
    assert steps(json.dumps(wanted | {"lock": "older"})) == everything
    assert steps(json.dumps(wanted | {"project": "elsewhere"})) == everything
    assert steps(json.dumps(wanted | {"package": "older"})) == ["package"]
    assert steps(json.dumps(wanted | {"python": "3.9"})) == everything
    assert steps(json.dumps(wanted | {"python": "3.9"}), keep_python=True) == []
    program(tmp_path / "bin" / "python", "exit 1")
    assert steps(json.dumps(wanted)) == everything


def test_failed_installation_leaves_no_record(tmp_path, monkeypatch):
    maker = environment_maker()
    (tmp_path / maker.RECORD).write_text(json.dumps(maker.wanted_record()))
    monkeypatch.setattr(maker.shutil, "which", lambda name: str(program(tmp_path / "uv", "exit 3")))
    with pytest.raises(SystemExit, match="failed: "):
        maker.make(tmp_path, ["lock", "package"], maker.wanted_record())
    assert not (tmp_path / maker.RECORD).exists()


# --- the other Pythons and CI ------------------------------------------------------------------------------


@pytest.mark.parametrize(("verdict", "status"), [("exit 0", 0), ("exit 1", 1)])
def test_other_pythons_are_named_and_their_failures_count(tmp_path, verdict, status):
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "test_other_pythons.sh", tmp_path / "tools")
    program(tmp_path / "tools" / "find_python.sh", f'echo "3.11 main"; echo "3.12 {tmp_path}/my python"')
    program(tmp_path / ".venv" / "bin" / "python", "echo 3.11")
    program(tmp_path / "my python", "exit 0")  # makes the environment
    program(tmp_path / ".venv-3.12" / "bin" / "python", f'echo "$@"; {verdict}')
    command = ["/bin/sh", "tools/test_other_pythons.sh", "2"]
    answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert answer.returncode == status
    assert "-m pytest -n 1 -m not slow and not pipeline" in answer.stdout
    assert "Python 3.11: left to make test" in answer.stdout
    assert f"Python 3.12: {'FAILED' if status else 'passed the unit tests'}" in answer.stdout
    assert "Python 3.13: NOT FOUND" in answer.stdout


@pytest.mark.parametrize("failing", [None, "env", "test", "test-pythons", "test-slurm"])
def test_ci_passes_only_when_all_that_make_tests_does(tmp_path, failing):
    program(tmp_path / "bin" / "make", f'echo "make $1"; [ "$1" != "{failing}" ] || exit 2')
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci")
    variables = os.environ | {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    answer = subprocess.run([tmp_path / ".ci" / "run"], env=variables, capture_output=True, text=True)
    assert answer.returncode == (2 if failing else 0)
    assert ("CI passed after 0 min" in answer.stdout) == (failing is None)


# --- make ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def checkout(tmp_path):
    """A directory with a space in its name, the Makefile, outputs of several scales and an environment."""
    place = tmp_path / "my thermobatch"
    place.mkdir()
    shutil.copy(ROOT / "Makefile", place)
    for name in ("smoke", "standard", "paper", "adhoc"):
        for output in ("results", "figures", "logs"):
            program(place / output / name / "file", "")
    for name in (
        ".venv/lib/__pycache__/a.pyc",
        "src/__pycache__/a.pyc",
        ".pytest_cache/a",
        ".snakemake/a",
        "notes.txt",
    ):
        program(place / name, "")
    return place


def run_make(place: Path, *arguments: str) -> str:
    variables = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    command = ["make", "--no-print-directory", *arguments]
    return subprocess.run(
        command, cwd=place, env=variables, capture_output=True, text=True, check=True
    ).stdout


def remaining(place: Path) -> set[str]:
    return {file.relative_to(place).as_posix() for file in place.rglob("*") if file.is_file()} - {"Makefile"}


def test_clean_keeps_long_runs_and_environments(checkout):
    kept = {
        f"{output}/{name}/file" for output in ("results", "figures", "logs") for name in ("paper", "adhoc")
    }
    others = {".venv/lib/__pycache__/a.pyc", "notes.txt"}
    assert "results/paper" in run_make(checkout, "clean")
    assert remaining(checkout) == kept | others | {".snakemake/a"}
    run_make(checkout, "clean", "CLEAN=paper adhoc")
    assert remaining(checkout) == others
    run_make(checkout, "distclean")
    assert remaining(checkout) == {"notes.txt"}


def test_help_names_every_target(checkout):
    targets = set((ROOT / "Makefile").read_text().split(".PHONY: ")[1].split("\n")[0].split())
    assert {line.split()[1] for line in run_make(checkout).splitlines() if "  make " in line} == targets
    assert {"env", "figures", "smoke", "report", "test", "bench", "clean", "help"} <= targets


def test_scale_and_cores_reach_snakemake(checkout):
    commands = run_make(checkout, "--dry-run", "figures", "SCALE=paper", "CORES=7")
    assert "-m snakemake --cores 7 --config scale=paper" in commands
    assert f'PATH="{checkout}/.venv/bin:$PATH"' in commands
    assert "--config scale=smoke" in run_make(checkout, "--dry-run", "smoke", "SCALE=paper")
