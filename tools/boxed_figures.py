"""Run `make figures` for at most so long, and check that it made everything.

Usage: python tools/boxed_figures.py SECONDS

Passes when every figure was made and every claim decided, and, saying so loudly, when the time ran out before any job
had failed: then the machine was too slow to tell. A run that had written nothing for long by then hangs, and fails. The
run is stopped gently, and nothing of it is left running.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
MARK = "THERMOBATCH_BOX"
SILENCE = 600.0
"""Seconds without a new file or line of a log after which a run counts as hanging; a job reports every ten."""
PATIENCE = {signal.SIGINT: 60.0, signal.SIGTERM: 10.0, signal.SIGKILL: 5.0}


def failed_jobs(since: float) -> list[str]:
    """Return the errors in the logs that Snakemake has begun since then (dates of files lag the clock a little)."""
    logs = [log for log in PROJECT.glob(".snakemake/log/*.log") if log.stat().st_mtime > since - 1]
    lines = [line for log in logs for line in log.read_text(encoding="utf-8", errors="replace").splitlines()]
    return [line.strip() for line in lines if line.startswith(("Error in", "RuleException", "WorkflowError"))]


def last_sign_of_life(began: float) -> float:
    """Return when a run last wrote something into results, figures or logs (or when it began)."""
    folders = [PROJECT / name for name in ("results", "figures", "logs", ".snakemake/log")]
    files = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
    return max([began, *(file.stat().st_mtime for file in files)])


def marked(mark: str) -> list[int]:
    """Return the living processes that inherited our mark, in whatever session (kernels have their own)."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            alive = (folder / "stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] != "Z"
            if alive and f"{MARK}={mark}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return found


def stop(run: subprocess.Popen, mark: str) -> list[int]:
    """End a run and all it started: first as by Ctrl-C, then less gently. Return what is still alive."""
    for number, patience in PATIENCE.items():
        with contextlib.suppress(ProcessLookupError):
            os.killpg(run.pid, number)
        if number == signal.SIGKILL:
            for process in marked(mark):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, number)
        end = time.monotonic() + patience
        while time.monotonic() < end:
            if run.poll() is not None and not marked(mark):
                return []
            time.sleep(0.1)
    return marked(mark)


def main(seconds: float) -> int:
    """Run, stop, check; return the exit status."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("boxed_figures: told to stop"))
    began, mark = time.time(), str(os.getpid())
    environment = {**os.environ, MARK: mark}
    run = subprocess.Popen(["make", "figures"], cwd=PROJECT, env=environment, start_new_session=True)
    failures = []
    try:
        status = run.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        failures, status = failed_jobs(began), None  # before the jobs that are stopped count as failed
        if time.time() - last_sign_of_life(began) > SILENCE:
            failures.append(f"nothing was written for {SILENCE / 60:.0f} minutes: the run hangs")
    finally:
        left = stop(run, mark)
    if left:
        print(f"boxed_figures: FAILED: still running: {' '.join(map(str, left))}")
        return 1
    if failures:
        print("boxed_figures: FAILED before the time ran out:", *failures, sep="\n  ")
        return 1
    if status is None:
        box = f"{seconds / 60:.1f} MINUTES"
        print(f"{'*' * 100}\nOUT OF TIME: `make figures` WAS STOPPED AFTER {box} AND NOT CHECKED TO ITS END.")
        print(f"No job had failed until then, so this does not count as a failure.\n{'*' * 100}")
        return 0
    if status:
        print(f"boxed_figures: FAILED: make figures ended with status {status}")
        return status
    check = [".venv/bin/python", "-m", "thermobatch", "missing", "--scale", "standard"]
    return subprocess.run(check, cwd=PROJECT).returncode


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1])))
