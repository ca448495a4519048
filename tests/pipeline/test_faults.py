"""Faults that hit one job: a full disk, a read-only folder, damaged files, a kill while a file is written."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from thermobatch.foundation.files import write_text
from thermobatch.pipeline.command_line import main
from thermobatch.pipeline.configuration import Configuration
from thermobatch.pipeline.jobs import aggregate_files, draw_instances, simulate
from thermobatch.pipeline.netcdf import DamagedFileError, read_dataset, write_dataset
from thermobatch.pipeline.registration import LOCK
from thermobatch.pipeline.workflow import blocks_of_seeds, packed

CONFIGURATION = Configuration.read("config.yaml")
EXPERIMENT, SEED = "coloring_temperature", 5
DRAW = ["instances", "coloring", "--seed", "1", "--first", "0", "--last", "3"]
DRAW += ["--ensemble", '{"graph": "random", "n": 20000, "q": 5, "mean_degree": 10.0}']


def in_a_process(arguments: list[str], prefix: tuple[str, ...] = ()) -> subprocess.CompletedProcess:
    command = [*prefix, sys.executable, "-m", "thermobatch", *arguments]
    return subprocess.run(command, text=True, capture_output=True, timeout=60)


def can_mount() -> bool:
    """Say whether this process may mount, in a name space of its own."""
    if shutil.which("unshare") is None:
        return False
    command = ["unshare", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"]
    return subprocess.run(command, capture_output=True).returncode == 0


def in_little_room(folder: Path, kilobytes: int, mounted: bool) -> tuple[str, ...]:
    """Return the beginning of a command for which `folder` is a small disk (or, without mounting, files stay small)."""
    if not mounted:
        return ("sh", "-c", f'ulimit -f {2 * kilobytes}; exec "$@"', "sh")
    script = f'mount -t tmpfs -o size={kilobytes}k none "$0" && "$@"; s=$?; ls -A "$0"; exit $s'
    return ("unshare", "--map-root-user", "--mount", "sh", "-c", script, str(folder))


@pytest.mark.parametrize("mounted", [True, False] if can_mount() else [False])
def test_a_full_disk_is_said_in_one_line_and_leaves_nothing(tmp_path, mounted):
    arguments = [*DRAW, "--output", str(tmp_path / "a.nc")]
    done = in_a_process(arguments, in_little_room(tmp_path, 300, mounted))
    assert done.returncode == 2 and done.stdout == "", done
    [line] = done.stderr.splitlines()
    assert line.startswith(f"thermobatch: {tmp_path}: ") and "run the same command again" in line
    assert ("the disk is full: free some space" if mounted else "raise the limit") in line
    assert os.listdir(tmp_path) == []
    enough = in_a_process(arguments, in_little_room(tmp_path, 30_000, mounted))
    assert enough.returncode == 0, enough.stderr


def test_a_folder_that_cannot_be_written_is_said_in_one_line(tmp_path):
    folder = tmp_path / "results"
    folder.mkdir()
    folder.chmod(0o555)
    mortal = () if os.geteuid() else ("setpriv", "--bounding-set=-dac_override")
    try:
        done = in_a_process([*DRAW, "--output", str(folder / "sub" / "a.nc")], mortal)
    finally:
        folder.chmod(0o755)
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert str(folder) in line and "chmod -R u+w" in line
    assert os.listdir(folder) == []


WRITER = """
import sys, numpy as np, xarray as xr
from thermobatch.pipeline.netcdf import write_dataset
dataset = xr.Dataset({"noise": ("x", np.random.default_rng(0).random(2_000_000))})
while True:
    write_dataset(dataset, sys.argv[1])
"""


def test_a_writer_that_is_killed_leaves_the_old_file_and_the_next_one_tidies_up(tmp_path):
    path = tmp_path / "a.nc"
    write_dataset(xr.Dataset({"noise": ("x", np.zeros(10))}), path)
    old = path.read_bytes()
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)])
    try:
        deadline = time.monotonic() + 60
        while not any(part.stat().st_size > 100_000 for part in tmp_path.glob(".a.nc.*.part")):
            assert time.monotonic() < deadline and writer.poll() is None
        writer.send_signal(signal.SIGKILL)
    finally:
        writer.kill()
        writer.wait()
    assert path.read_bytes() == old and len(os.listdir(tmp_path)) == 2, (
        "killed in the middle of its first file"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("thermobatch.foundation.files._runs", lambda process: True)
        write_text(path, "while another process that runs writes")
    assert len(os.listdir(tmp_path)) == 2
    write_dataset(xr.Dataset({"noise": ("x", np.ones(10))}), path)
    assert os.listdir(tmp_path) == ["a.nc"] and float(read_dataset(path).noise.sum()) == 10


@pytest.mark.slow
def test_a_job_that_is_told_to_stop_says_so_and_leaves_nothing(tmp_path):
    point = CONFIGURATION.experiment("regression_law", "paper").points["all"]
    arguments = ["simulate", "regression_law", "--point", "all", "--parameters", point.model_dump_json()]
    arguments += ["--seed", "1", "--first", "0", "--last", "9", "--output", str(tmp_path / "a.nc")]
    job = subprocess.Popen(
        [sys.executable, "-m", "thermobatch", *arguments], stderr=subprocess.PIPE, text=True
    )
    try:
        line = job.stderr.readline()
        assert "left" in line, line  # under way
        job.terminate()
        _, said = job.communicate(timeout=30)
    finally:
        job.kill()
    assert job.returncode == 143 and "stopped by SIGTERM" in said and "run the same command again" in said
    assert os.listdir(tmp_path) == []


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def empty(path: Path) -> None:
    os.truncate(path, 0)


def flip(path: Path) -> None:
    """Change one bit in the middle."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x10
    path.write_bytes(content)


DAMAGE = {"truncated": truncate, "empty": empty, "flipped": flip}


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A very short point with its instances, a chunk and the dataset, in files named as the workflow does."""
    folder = tmp_path_factory.mktemp("small")
    slug, point = next(iter(CONFIGURATION.experiment(EXPERIMENT, "smoke").points.items()))
    point = point.probed()
    draw_instances(point.instance(), SEED, range(2), folder / "instances=0-1.nc")
    files = dict.fromkeys(range(2), folder / "instances=0-1.nc")
    write_dataset(simulate(EXPERIMENT, point, slug, range(2), SEED, files), folder / "seeds=0-1.nc")
    resolved = CONFIGURATION.with_overrides(EXPERIMENT, "smoke", {**point.model_dump(), "seeds": 2})
    resolved = type(resolved)(EXPERIMENT, "smoke", {slug: point}, {slug: 2}, SEED)
    aggregate_files(resolved.to_json(), [str(folder / "seeds=0-1.nc")], str(folder / f"{EXPERIMENT}.nc"))
    return folder, slug, point, resolved


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("kind", ["instances", "chunk", "dataset"])
def test_a_damaged_file_stops_what_needs_it_with_its_name_and_the_command(
    small, kind, damage, tmp_path, capsys
):
    whole, slug, point, resolved = small
    for file in whole.iterdir():
        shutil.copy(file, tmp_path)
    names = {"instances": "instances=0-1.nc", "chunk": "seeds=0-1.nc", "dataset": f"{EXPERIMENT}.nc"}
    path, output = tmp_path / names[kind], tmp_path / "output.nc"
    DAMAGE[damage](path)
    if kind == "chunk":
        with pytest.raises(DamagedFileError) as stopped:
            aggregate_files(resolved.to_json(), [str(path)], str(output))
        [line] = str(stopped.value).splitlines()
    else:
        arguments = {
            "instances": ["simulate", EXPERIMENT, "--point", slug, "--parameters", point.model_dump_json()]
            + ["--seed", str(SEED), "--first", "0", "--last", "1", "--instances", str(path)],
            "dataset": [
                "decide",
                "--datasets",
                str(path),
                "--expected",
                packed({}),
                "--lock",
                LOCK,
                "--claims",
            ]
            + [json.dumps({"E2.drift_temperature": {"datasets": [EXPERIMENT], "options": {}}})],
        }[kind]
        if kind == "dataset":  # costs its claims only, and says so
            assert main([*arguments, "--output", str(output)]) == 1
            [row] = json.loads(output.read_text())
            assert row["verdict"] == "not_decided" and str(path) in row["method"]
            output.unlink()
        else:
            with pytest.raises(SystemExit) as stopped:
                main([*arguments, "--output", str(output)])
            assert stopped.value.code == 2
        [line] = capsys.readouterr().err.splitlines()
    assert str(path) in line and f"Rebuild it with: snakemake --cores 1 --force {path}" in line
    assert not output.exists()


def test_seeds_are_cut_into_blocks_that_keep_what_exists():
    assert list(blocks_of_seeds(10, 4)) == [(0, 3), (4, 7), (8, 9)]
    assert list(blocks_of_seeds(10, 4, [(0, 2), (5, 8)])) == [(0, 2), (3, 4), (5, 8), (9, 9)]
    assert list(blocks_of_seeds(3, 2, [(0, 7)])) == [(0, 7)], "fewer seeds: nothing to run"
    assert list(blocks_of_seeds(4, 2, [(1, 2), (0, 1), (0, 0)])) == [(0, 1), (2, 3)]


def test_the_blocks_stay_the_same_while_the_missing_ones_are_made():
    random = np.random.default_rng(1)
    for _ in range(300):
        seeds, size = int(random.integers(1, 12)), int(random.integers(1, 6))
        first = random.integers(0, 12, 4)
        existing = [
            (int(f), int(f + length)) for f, length in zip(first, random.integers(0, 4, 4), strict=True)
        ]
        chosen = list(blocks_of_seeds(seeds, size, existing))
        assert [s for a, b in chosen for s in range(a, b + 1)][:seeds] == list(range(seeds))
        assert chosen[-1][0] < seeds
        made = random.permutation([block for block in chosen if block not in existing]).tolist()
        for count in range(len(made) + 1):
            assert list(blocks_of_seeds(seeds, size, existing + made[:count])) == chosen
