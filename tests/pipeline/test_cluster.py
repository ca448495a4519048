"""What clusters need: profiles that agree, a page whose commands exist, and a Slurm test that says it is skipped."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent.parent


def profile(name: str) -> dict:
    return yaml.safe_load((ROOT / f"profiles/{name}/config.yaml").read_text())


def test_the_profile_of_slurm_says_all_that_the_default_says():
    default, slurm = profile("default"), profile("slurm")
    assert default.pop("resources") == {"compiling": 1}, "a matter of cores, which a queue has enough of"
    assert {key: slurm.get(key) for key in default} == default
    assert slurm["executor"] == "slurm" and slurm["retries"] >= 2 and slurm["slurm-no-requeue"] is True
    assert set(slurm["default-resources"]) >= {"mem_mb", "runtime", "tasks"}


def test_the_commands_of_the_page_exist():
    page = (ROOT / "docs/cluster.md").read_text()
    for target in re.findall(r"`make ([a-z-]+)`", page):
        assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE), target
    commands = re.findall(r"^thermobatch (\w+) (.*?)(?: *#.*)?$", page, re.MULTILINE)
    assert len(commands) >= 2
    known = subprocess.run(
        [sys.executable, "-m", "thermobatch", "plan", "--help"], capture_output=True, text=True, check=True
    ).stdout
    for command, options in commands:
        assert command == "plan"
        assert all(option in known for option in re.findall(r"--\w+", options)), options


@pytest.mark.parametrize("wrong", ["0", "-3", "many"])
def test_a_plan_for_no_cores_is_refused(wrong):
    command = [sys.executable, "-m", "thermobatch", "plan", "--cores", wrong]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 2 and "--cores" in done.stderr and "Traceback" not in done.stderr


def test_without_apt_the_test_of_slurm_says_that_it_tests_nothing(tmp_path):
    done = subprocess.run(
        [sys.executable, ROOT / "tools/test_slurm.py"],
        env={**os.environ, "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and "SKIPPED, NOTHING WAS TESTED" in done.stdout
