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


def test_a_failed_installation_is_ours_and_never_taken_for_a_finished_one(tmp_path, monkeypatch):
    maker = environment_maker()
    wanted = maker.wanted_record()
    venv = tmp_path / "venv"
    program(venv / "bin" / "python", f'exec "{sys.executable}" "$@"')
    (venv / maker.RECORD).write_text(json.dumps(wanted))
    assert maker.missing_steps(venv, wanted, False) == []
    monkeypatch.setattr(maker.shutil, "which", lambda name: str(program(tmp_path / "uv", "exit 3")))
    with pytest.raises(SystemExit, match="failed: "):
        maker.make(venv, ["lock", "package"], wanted)
    assert maker.missing_steps(venv, wanted, False) == ["create", "lock", "package"]
    assert maker.obstacle(venv) is None


def test_a_link_is_followed_and_only_what_is_ours_is_cleared(tmp_path, monkeypatch):
    maker = environment_maker()
    venv, disk, outside = tmp_path / ".venv", tmp_path / "other disk", tmp_path / "outside"
    monkeypatch.setattr(maker, "PROJECT", tmp_path / "checkout")
    assert maker.obstacle(venv) is None, "nothing is there"
    venv.symlink_to(disk)
    assert maker.obstacle(venv) is None, "nor behind a link"
    disk.mkdir()
    assert maker.obstacle(venv) is None, "it is empty"
    program(outside / "file", "")
    program(disk / "lib" / "old", "")
    (disk / "lib64").symlink_to(outside)
    assert "did not make" in maker.obstacle(venv) and "did not make" in maker.obstacle(disk)
    assert maker.obstacle(outside / "file") == "it is not a folder"
    for record in ("{", "{}", json.dumps({"project": str(maker.PROJECT)}), '{"project": "/moved/away"}'):
        (disk / maker.RECORD).write_text(record)
        assert maker.obstacle(venv) is None
    (disk / maker.RECORD).write_text(json.dumps({"project": str(tmp_path)}))
    assert maker.obstacle(venv) == f"it is the environment of {tmp_path}"
    commands = []
    monkeypatch.setattr(maker, "_run", commands.append)
    record = {"project": str(maker.PROJECT), "lock": "x"}
    maker.make(venv, ["create"], record)
    assert venv.is_symlink() and os.listdir(disk) == [maker.RECORD] and (outside / "file").exists()
    assert json.loads((disk / maker.RECORD).read_text()) == record
    assert commands[0][1:3] == ["-m", "venv"] and commands[0][-1] == disk and "--clear" not in commands[0]


def test_an_environment_of_the_user_stops_make_with_one_line(tmp_path):
    program(tmp_path / "mine" / "pyvenv.cfg", "")
    command = [sys.executable, ROOT / "tools" / "make_environment.py", tmp_path / "mine"]
    answer = subprocess.run(command, capture_output=True, text=True)
    assert answer.returncode == 1 and answer.stdout == "" and len(answer.stderr.splitlines()) == 1
    assert "mine is left as it is: it holds something that make did not make" in answer.stderr
    assert "Move it away or remove it" in answer.stderr and os.listdir(tmp_path / "mine") == ["pyvenv.cfg"]


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


@pytest.fixture
def ci(tmp_path):
    """Run CI in a checkout with a `make` that may fail at a target, a script of `make figures`, and shrunken times."""
    for file in (".ci/run", "tools/boxed_figures.py"):
        (tmp_path / file).parent.mkdir()
        shutil.copy(ROOT / file, tmp_path / file)

    def run(failing: str = "", figures: str = "", missing: int = 0, **seconds: float):
        made = f'[ "$1" = figures ] || exit 0\n{figures}'
        program(tmp_path / "bin" / "make", f'echo "make $1"; [ "$1" != "{failing}" ] || exit 2\n{made}')
        check = f'[ "$1" != -m ] || {{ echo "$@"; exit {missing}; }}'
        program(tmp_path / ".venv" / "bin" / "python", f'{check}\nexec "{sys.executable}" "$@"')
        variables = os.environ | {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
        variables |= {f"CI_{name}": str(value) for name, value in seconds.items()}
        return subprocess.run(
            [tmp_path / ".ci/run"], env=variables, capture_output=True, text=True, timeout=120
        )

    return run


STEPS = ["env", "style", "test-slurm", "test-pythons", "test", "figures"]


@pytest.mark.parametrize("failing", ["", *STEPS])
def test_ci_passes_only_when_all_that_make_does_passes(ci, failing):
    answer = ci(failing)
    assert answer.returncode == (2 if failing else 0), answer
    assert ("CI passed after 0 min" in answer.stdout) == (not failing)
    called = [line.removeprefix("make ") for line in answer.stdout.splitlines() if line.startswith("make ")]
    assert called == STEPS[: STEPS.index(failing or "figures") + 1]


def test_ci_fails_when_a_figure_or_a_verdict_is_missing(ci):
    answer = ci(missing=1)
    assert answer.returncode == 1 and "CI FAILED (status 1)" in answer.stdout
    assert "-m thermobatch missing --scale standard" in answer.stdout


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are found in /proc")
def test_what_does_not_fit_into_the_box_is_stopped_and_said_and_fails_nothing(ci, tmp_path):
    """One process ends some time after Ctrl-C; another, in a session of its own, must be killed."""
    tool = tmp_path / "tools" / "boxed_figures.py"
    for patience, less in (("60.0", "2.0"), ("10.0", "0.1")):
        assert patience in tool.read_text()
        tool.write_text(tool.read_text().replace(patience, less))
    apart = f"import os, time; os.setsid(); open({str(tmp_path / 'apart')!r}, 'w'); time.sleep(100)"
    gentle = f'trap "touch {tmp_path}/gentle; exit 130" INT'
    script = f'{gentle}\n{sys.executable} -S -c "{apart}" &\nwhile :; do sleep 0.1; done'
    answer = ci(figures=script, BOX_SECONDS=3)
    assert answer.returncode == 0 and "OUT OF TIME: `make figures` WAS STOPPED" in answer.stdout, answer
    assert (tmp_path / "apart").exists() and (tmp_path / "gentle").exists()


def test_a_run_that_hangs_in_the_box_fails(ci, tmp_path):
    tool = tmp_path / "tools" / "boxed_figures.py"
    tool.write_text(tool.read_text().replace("SILENCE = 600.0", "SILENCE = 1.0"))
    answer = ci(figures="sleep 100", BOX_SECONDS=3)
    assert answer.returncode == 1 and "nothing was written for 0 minutes: the run hangs" in answer.stdout


def test_a_job_that_failed_in_the_box_counts_and_the_box_is_what_is_left(ci, tmp_path):
    log = tmp_path / ".snakemake/log/a.log"
    log.parent.mkdir(parents=True)
    answer = ci(figures=f'echo "Error in rule simulate:" > "{log}"; sleep 100', SECONDS=128, BOX_SECONDS=90)
    assert answer.returncode == 1 and "FAILED before the time ran out:\n  Error in rule" in answer.stdout


# --- make ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def checkout(tmp_path):
    """A directory with an odd name, the Makefile, outputs of several scales and an environment."""
    place = tmp_path / """my $HOME "thermo" it's `echo a` #batch"""
    place.mkdir()
    shutil.copy(ROOT / "Makefile", place)
    for name in ("smoke", "standard", "paper", "adhoc"):
        for output in ("results", "figures", "logs"):
            program(place / output / name / "file", "")
    for name in (
        ".venv/lib/__pycache__/a.pyc",
        ".venv/thermobatch-environment.json",
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
    others = {".venv/lib/__pycache__/a.pyc", ".venv/thermobatch-environment.json", "notes.txt"}
    assert "results/paper" in run_make(checkout, "clean")
    assert remaining(checkout) == kept | others | {".snakemake/a"}
    run_make(checkout, "clean", "CLEAN=paper adhoc")
    assert remaining(checkout) == others
    program(checkout / ".venv-3.12" / "of the user", "")
    (checkout / ".venv").rename(checkout.parent / "other disk")
    (checkout / ".venv").symlink_to(checkout.parent / "other disk")
    record = checkout / ".venv/thermobatch-environment.json"
    for others in ("", "{}", json.dumps({"project": f"{checkout.resolve()}/other"}, indent=1)):
        record.write_text(others)
        assert "not of this checkout: .venv" in run_make(checkout, "distclean") and record.exists()
    record.write_text(json.dumps({"project": str(checkout.resolve())}, indent=1))
    assert "Kept, because make did not make it: .venv-3.12" in run_make(checkout, "distclean")
    assert remaining(checkout) == {".venv-3.12/of the user", "notes.txt"}
    assert (checkout / ".venv").is_symlink() and not list((checkout.parent / "other disk").iterdir())


def test_help_names_every_target(checkout):
    targets = set((ROOT / "Makefile").read_text().split(".PHONY: ")[1].split("\n")[0].split())
    assert {line.split()[1] for line in run_make(checkout).splitlines() if "  make " in line} == targets
    assert {"env", "figures", "smoke", "report", "test", "bench", "clean", "help"} <= targets


def test_scale_and_cores_reach_snakemake(checkout):
    commands = run_make(checkout, "--dry-run", "figures", "SCALE=paper", "CORES=7")
    assert "-m snakemake --cores 7 --config scale=paper" in commands
    assert "--config scale=smoke" in run_make(checkout, "--dry-run", "smoke", "SCALE=paper")


def test_the_name_of_the_checkout_may_hold_anything(checkout):
    program(checkout / "tools" / "find_python.sh", "echo 3.12 /usr/bin/true")
    program(checkout / ".venv" / "bin" / "python", """printf '%s\\n' "$0" "${PATH%%:*}" "$@" """)
    called = [
        ".venv/bin/python",
        f"{checkout}/.venv/bin",
        "-P",
        "-m",
        "snakemake",
        "--cores",
        "3",
        "--config",
    ]
    for place, elsewhere in ((checkout, []), (checkout.parent, ["-C", checkout.name])):
        said = run_make(place, *elsewhere, "smoke", "CORES=3").splitlines()
        assert said[1:] == [*called, "scale=smoke"], "after the command itself"
