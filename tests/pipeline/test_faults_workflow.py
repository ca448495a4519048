"""Faults that hit the workflow, on a small configuration: nothing is lost, nothing differs, and the advice works."""

import hashlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import xarray as xr
import yaml
from workflow_runs import SNAKEMAKE, copy_project, snakemake

from thermobatch.pipeline.netcdf import read_dataset

pytestmark = pytest.mark.pipeline

PACKAGE = Path(__file__).parent.parent.parent / "src/thermobatch"
DATASETS = (
    "results/smoke/datasets/coloring_temperature.nc",
    "results/smoke/datasets/regression_covariance.nc",
)
CLAIMS = "results/smoke/claims.json"
CONFIGURATION = {
    "scale": "smoke",
    "seed": 7,
    "chunk_seconds": 0.1,
    "experiments": {
        "coloring_temperature": {
            "parameters": {"graph": "random", "n": 20000, "q": 5, "mean_degree": 19, "sweeps": 60}
            | {"matching": "equilibrium"},
            "scan": {"batch_fraction": [0.4, 0.6]},
            "seeds": 3,
        },
        "regression_covariance": {
            "parameters": {"samples": 100, "scales": [0.5, 1.0], "label_noise": 1.0, "steps": 20000}
            | {"batch": 2, "learning_rate": 0.05},
            "seeds": 2,
        },
    },
    "claims": {
        "E2.drift_temperature": {
            "dataset": "coloring_temperature",
            "margin": 0.01,
            "lowest": 0.2,
            "highest": 0.9,
        }
    },
}
TARGETS = [*DATASETS, CLAIMS]


def new_project(folder: Path) -> Path:
    copy_project(folder)
    (folder / "config.yaml").write_text(yaml.safe_dump(CONFIGURATION))
    return folder


def digests(folder: Path) -> dict[str, str]:
    files = [*folder.glob("results/smoke/datasets/*.nc"), *folder.glob(CLAIMS)]
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    folder = new_project(tmp_path_factory.mktemp("faults") / "project")
    snakemake(folder, "--cores", "2", *TARGETS)
    assert len(digests(folder)) == 3
    return folder


@pytest.fixture
def workspace(finished, tmp_path) -> Path:
    folder = tmp_path / "project"
    shutil.copytree(finished, folder)
    return folder


def chunks(folder: Path, experiment: str = "*") -> list[Path]:
    return sorted(folder.glob(f"results/smoke/chunks/{experiment}/*/*.nc"))


def planned(folder: Path, *options: str) -> list[str]:
    """The chunks, instances and later files that a run would make now (of a job with several, the first)."""
    said = snakemake(folder, "-n", "--cores", "1", *options, *TARGETS).stdout
    outputs = [line.split("output: ")[1] for line in said.splitlines() if line.startswith("    output: ")]
    return sorted(paths.split(", ")[0].removeprefix("results/smoke/") for paths in outputs)


def change_configuration(folder: Path, change) -> None:
    content = yaml.safe_load((folder / "config.yaml").read_text())
    change(content)
    (folder / "config.yaml").write_text(yaml.safe_dump(content))


# --- changes: exactly what must be made again ------------------------------------------------------------------------


def test_touched_files_and_a_clock_that_jumped_rerun_nothing(workspace):
    files = [path for path in workspace.rglob("results/**/*") if path.is_file()]
    assert len(files) > 8
    now = time.time()
    for index, file in enumerate(sorted(files) + [workspace / "config.yaml"]):
        then = now + (-400, 0, 400)[index % 3] * 86400
        os.utime(file, (then, then))
    assert planned(workspace) == []


def test_other_lengths_of_jobs_rerun_nothing(workspace):
    for seconds in (0.01, 1000):
        change_configuration(workspace, lambda c, s=seconds: c.update(chunk_seconds=s))
        assert planned(workspace) == []


def test_a_new_seed_runs_alone_and_a_seed_less_runs_nothing(workspace, finished):
    stanza = "coloring_temperature"
    change_configuration(workspace, lambda c: c["experiments"][stanza].update(seeds=4))
    points = [f"chunks/{stanza}/batch_fraction={b}" for b in (0.4, 0.6)]
    after = ["claims.json", f"datasets/{stanza}.nc"]
    assert planned(workspace) == sorted([*(f"{point}/seeds=3-3.nc" for point in points), *after])
    change_configuration(workspace, lambda c: c["experiments"][stanza].update(seeds=2))
    assert planned(workspace) == after
    snakemake(workspace, "--cores", "1", DATASETS[0])
    fewer, whole = read_dataset(workspace / DATASETS[0]), read_dataset(finished / DATASETS[0])
    xr.testing.assert_equal(fewer, whole.isel(seed=slice(2)))


def test_a_new_point_runs_alone_and_a_changed_parameter_runs_its_points(workspace):
    scan = CONFIGURATION["experiments"]["coloring_temperature"]["scan"]["batch_fraction"]
    stanza = "coloring_temperature"
    change_configuration(
        workspace, lambda c: c["experiments"][stanza]["scan"].update(batch_fraction=[*scan, 0.8])
    )
    again = planned(workspace)
    assert [path for path in again if "batch_fraction=0.8" not in path] == [
        "claims.json",
        f"datasets/{stanza}.nc",
    ]
    assert len(again) > 2
    change_configuration(
        workspace, lambda c: c["experiments"]["regression_covariance"]["parameters"].update(steps=30000)
    )
    more = set(planned(workspace)) - set(again)
    assert more == {
        "datasets/regression_covariance.nc",
        *(
            f"{p.relative_to(workspace / 'results/smoke')}"
            for p in chunks(workspace, "regression_covariance")
        ),
    }


def test_an_edited_kernel_reruns_what_uses_it_and_never_runs_stale(workspace, monkeypatch):
    sources = workspace / "sources"
    shutil.copytree(PACKAGE, sources / "thermobatch", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setenv("PYTHONPATH", str(sources))
    assert planned(workspace) == [], "the same sources at another place"
    kernel = sources / "thermobatch/langevin/dynamics/kernels.py"
    kernel.write_text(kernel.read_text() + "\n# edited\n")
    again = planned(workspace)
    assert "datasets/regression_covariance.nc" in again
    assert not any("coloring" in path for path in again), again
    figures = sources / "thermobatch/study/style.py"
    figures.write_text(figures.read_text() + "\n# edited\n")
    assert planned(workspace) == again


def test_compiled_kernels_that_vanish_or_are_damaged_change_no_number(tmp_path, monkeypatch):
    """There is no cache at first; then half of it vanishes, and half of the rest is damaged."""
    sources, cache = tmp_path / "sources", tmp_path / "cache"
    (sources / "thermobatch").parent.mkdir()
    shutil.copytree(PACKAGE, sources / "thermobatch", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setenv("PYTHONPATH", str(sources))
    monkeypatch.setenv("THERMOBATCH_CACHE", str(cache))
    job = [sys.executable, "-m", "thermobatch", "simulate", "regression_covariance", "--point", "all"]
    job += ["--seed", "1", "--first", "0", "--last", "0", "--parameters"]
    job += [
        '{"samples": 50, "scales": [0.5, 1.0], "label_noise": 1.0, "steps": 500, "batch": 2, "learning_rate": 0.1}'
    ]

    def made(name: str) -> bytes:
        done = subprocess.run([*job, "--output", str(tmp_path / name)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return (tmp_path / name).read_bytes()

    cold, warm = made("cold.nc"), made("warm.nc")
    kernels = sorted(cache.rglob("*.nb[ic]"))
    assert cold == warm and len(kernels) > 2
    for file in kernels[::2]:
        file.unlink()
    for file in kernels[1::4]:
        os.truncate(file, file.stat().st_size // 2)
    assert made("half.nc") == cold


# --- a job that fails costs what needs it ----------------------------------------------------------------------------


def test_a_failed_experiment_costs_its_figure_and_its_claims_and_no_other(finished, workspace):
    """It fails twice, beside its dataset of other parameters; then the first configuration comes back."""
    experiment = Path(DATASETS[1]).stem

    def change(content) -> None:
        figures = {"E2": ("E2_temperature", Path(DATASETS[0]).stem), "L1": ("L1_stationary_law", experiment)}
        content["figures"] = {
            name: {"notebook": notebook, "datasets": [dataset]}
            for name, (notebook, dataset) in figures.items()
        }
        content["claims"]["L1.exact_covariance"] = {"dataset": experiment, "margin": 0.03}
        # Allowed, and still too fast for the data set that the first seed draws.
        content["experiments"][experiment]["parameters"].update(samples=4, learning_rate=0.5)

    def verdicts() -> dict[str, dict]:
        return {row["id"]: row for row in json.loads((workspace / CLAIMS).read_text())}

    change_configuration(workspace, change)
    for _ in range(2):
        failed = snakemake(workspace, "--cores", "2", check=False)
        assert failed.returncode != 0 and "the variance diverges" in failed.stdout, failed.stdout
        assert "could not be decided" not in failed.stdout
        assert {path.name for path in workspace.glob("figures/smoke/*.pdf")} == {"E2.pdf"}
        first, second = verdicts().values()
        assert [first] == json.loads((finished / CLAIMS).read_text())
        assert second["id"] == "L1.exact_covariance" and second["verdict"] == "not_decided"
        assert second["method"] == f"not decided: dataset {DATASETS[1]} was not made"
    shutil.copy(finished / "config.yaml", workspace)
    snakemake(workspace, "--cores", "1", CLAIMS)  # its dataset has not changed since it was last whole
    assert (workspace / CLAIMS).read_bytes() == (finished / CLAIMS).read_bytes()


# --- kills, locks and permissions ------------------------------------------------------------------------------------


def start(folder: Path, *arguments: str) -> subprocess.Popen:
    return subprocess.Popen(
        [*SNAKEMAKE, "--cores", "1", *arguments],
        cwd=folder,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "200"},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def simulating(run: subprocess.Popen) -> list[psutil.Process]:
    """The processes of the run that simulate (not the shells around them)."""
    found = []
    for process in psutil.Process(run.pid).children(recursive=True):
        try:
            command = process.cmdline()
        except psutil.NoSuchProcess:
            continue
        if {"-m", "thermobatch", "simulate"} <= set(command):
            found.append(process)
    return found


def wait_for(condition, run: subprocess.Popen):
    """Wait until `condition()` says something; a run that ends before is a failure."""
    deadline = time.monotonic() + 120
    while not (answer := condition()):
        assert time.monotonic() < deadline and run.poll() is None, "it ended too early"
        time.sleep(0.02)
    return answer


def test_killed_runs_and_jobs_are_taken_up_with_the_documented_commands(finished, tmp_path):
    """A job is killed, a second run is started meanwhile, then everything is killed at once as by a power failure."""
    folder = new_project(tmp_path / "project")
    run = start(folder, *TARGETS)
    try:
        job = wait_for(lambda: simulating(run), run)[0]
        job.kill()
        os.killpg(run.pid, signal.SIGSTOP)  # or it might be over before the second has begun
        second = snakemake(folder, "--cores", "1", *TARGETS, check=False)
        os.killpg(run.pid, signal.SIGCONT)
        assert second.returncode != 0 and "cannot be locked" in second.stdout and "--unlock" in second.stdout
        wait_for(lambda: chunks(folder) and simulating(run), run)
    finally:
        os.killpg(run.pid, signal.SIGKILL)
        run.communicate()
    kept = {path: path.stat().st_mtime_ns for path in chunks(folder)}
    locked = snakemake(folder, "--cores", "1", *TARGETS, check=False)
    assert locked.returncode != 0 and "--unlock" in locked.stdout
    snakemake(folder, "--unlock")
    snakemake(folder, "--cores", "2", "--rerun-incomplete", *TARGETS)
    assert digests(folder) == digests(finished)
    again = [path for path in kept if path.stat().st_mtime_ns != kept[path]]
    assert len(again) <= 1, (
        "finished chunks are kept, but for one that Snakemake could not note down any more"
    )
    assert not list(folder.rglob("*.part"))


def test_a_killed_job_is_named_and_the_same_command_goes_on(workspace, finished):
    """A job killed while it runs: the others finish, the run fails, and the same command makes what is missing."""
    for path in [*chunks(workspace, "coloring_temperature"), workspace / DATASETS[0]]:
        path.unlink()
    run = start(workspace, *TARGETS)
    try:
        victim = wait_for(lambda: simulating(run), run)[0]
        output = victim.cmdline()[-1]
        victim.kill()
        said, _ = run.communicate(timeout=120)
    finally:
        run.kill()
    assert run.returncode != 0 and "Error in rule simulate" not in said, said
    chunk = Path(output)
    what = f"coloring_temperature {chunk.parent.name}, seeds {chunk.stem.removeprefix('seeds=').replace('-', ' to ')}"
    ending = said[said.index("thermobatch: 1 job failed") :]
    assert f"failed    {what}: killed (SIGKILL)" in ending and "missing   claims" in ending, said
    assert f"go on     snakemake --cores 1 {' '.join(TARGETS)}" in ending
    rest = [path for path in chunks(finished, "coloring_temperature")]
    assert len(chunks(workspace, "coloring_temperature")) == len(rest) - 1
    snakemake(workspace, "--cores", "1", *TARGETS)
    assert digests(workspace) == digests(finished)


def test_read_only_results_are_named_and_nothing_is_lost(workspace, finished):
    for path in [*chunks(workspace, "regression_covariance"), workspace / DATASETS[1]]:
        path.unlink()
    folders = [path for path in (workspace / "results").rglob("*") if path.is_dir()]
    mortal = [] if os.geteuid() else ["setpriv", "--bounding-set=-dac_override"]
    for folder in folders:
        folder.chmod(0o555)
    try:
        command = [*mortal, *SNAKEMAKE, "--cores", "1", *TARGETS]
        failed = subprocess.run(
            command, cwd=workspace, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120
        )
    finally:
        for folder in folders:
            folder.chmod(0o755)
    assert failed.returncode != 0
    said = re.search(r"(?i)permission denied: ('results/smoke/|make the folder writable)", failed.stdout)
    assert said, failed.stdout
    snakemake(workspace, "--cores", "1", *TARGETS)
    assert digests(workspace) == digests(finished)


# --- damaged files: the command that the message gives ---------------------------------------------------------------


def decay(file: Path) -> None:
    """Lose half of a file without a trace in its date."""
    dates = file.stat()
    os.truncate(file, dates.st_size // 2)
    os.utime(file, ns=(dates.st_atime_ns, dates.st_mtime_ns))


def test_damaged_files_are_rebuilt_by_the_command_and_nothing_else_runs(workspace, finished):
    instances = next(workspace.glob("results/smoke/instances/**/*.nc"))
    whole = instances.read_bytes()
    decay(instances)
    chunk, other, *_ = chunks(workspace, "coloring_temperature")
    dataset = workspace / DATASETS[0]
    for path in (chunk, dataset):
        path.unlink()
    failed = snakemake(workspace, "--cores", "1", *TARGETS, check=False)
    rebuild(workspace, instances, failed.stdout)
    assert instances.read_bytes() == whole
    again = [path for path in planned(workspace) if path.startswith("chunks/")]
    assert again == [str(chunk.relative_to(workspace / "results/smoke"))]
    content = other.read_bytes()
    other.write_bytes(content[: len(content) // 2] + bytes(len(content) - len(content) // 2))
    failed = snakemake(workspace, "--cores", "1", *TARGETS, check=False)
    log = (workspace / "logs/smoke/aggregate/coloring_temperature.log").read_text()
    assert log.startswith("thermobatch: ") and "Traceback" not in log, log
    rebuild(workspace, other, failed.stdout)
    assert other.read_bytes() == content
    snakemake(workspace, "--cores", "1", *TARGETS)
    assert digests(workspace) == digests(finished)
    decay(dataset)
    failed = snakemake(workspace, "--cores", "1", "--force", CLAIMS, check=False)
    rebuild(workspace, dataset, failed.stdout)
    snakemake(workspace, "--cores", "1", *TARGETS)
    assert digests(workspace) == digests(finished)


def rebuild(folder: Path, damaged: Path, said: str) -> None:
    """Run the command that the message about a damaged file gives."""
    name = str(damaged.relative_to(folder))
    lines = [line for line in said.splitlines() if "Rebuild it with: " in line and name in line]
    assert lines, said
    snakemake(folder, *shlex.split(lines[0].split("Rebuild it with: snakemake ")[1]))
