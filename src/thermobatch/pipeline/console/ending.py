"""The last lines of a run: what was made, what was not and why, and the command that goes on."""

import json
import os
import re
import shlex
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from thermobatch.pipeline.console.progress import STEP, Job, Run
from thermobatch.pipeline.plan import readable_seconds
from thermobatch.pipeline.workflow import CLAIMS, FIGURE
from thermobatch.study.claim import counted

MOST_FAILURES = 10
COMMAND = "THERMOBATCH_COMMAND"
"""The environment variable in which the Makefile says how it was called."""

SIGNALS = {
    "SIGKILL": "killed (SIGKILL), most likely because the machine ran out of memory",
    "SIGTERM": "stopped by SIGTERM",
    "SIGSEGV": "crashed (SIGSEGV)",
    "SIGBUS": "crashed (SIGBUS): is the disk full?",
}
NUMBERS = {137: "SIGKILL", 143: "SIGTERM", 139: "SIGSEGV", 135: "SIGBUS"}
STATES = {
    "OUT_OF_MEMORY": "out of memory",
    "TIMEOUT": "out of time",
    "NODE_FAIL": "its node failed",
    "CANCELLED": "cancelled",
    "PREEMPTED": "preempted",
}


def reason(job: Job, message: str = "", error: str = "") -> str:
    """Return in one line why a job failed.

    Parameters
    ----------
    job
        The job; its log is read.
    message
        What the executor says, such as Slurm's state of the job.
    error
        Snakemake's error for the job's command: its exit status or signal.
    """
    state = re.search(r"status is: '(\w+)", message)
    died = re.search(r"died with <Signals\.(\w+)", error)
    status = re.search(r"non-zero exit status (\d+)", error)
    signal = died[1] if died else NUMBERS.get(int(status[1])) if status else None
    killed = STATES.get(state[1]) if state else SIGNALS.get(signal, f"ended by {signal}") if signal else None
    said = _said(job.log_lines())
    if killed and said:
        return f"{killed}; {said}"
    return killed or said or message.strip() or "its log says nothing"


def _said(lines: list[str]) -> str:
    """The line of a log that says why: our own message, else the exception, else the last line that is not progress."""
    told = [line for line in lines if line.strip()]
    own = [place for place, line in enumerate(told) if line.startswith("thermobatch: ")]
    tracebacks = [place for place, line in enumerate(told) if line.startswith("Traceback (most recent call")]
    if own and own[-1] > max(tracebacks, default=-1):  # else a notice from before what stopped the job
        return told[own[-1]].removeprefix("thermobatch: ")
    if tracebacks:
        raised = [line for line in told[tracebacks[-1] + 1 :] if not line.startswith(" ")]
        return (
            raised[-1] if raised and raised[0].rstrip().endswith(":") else (raised or told[-1:])[0]
        ).strip()
    told = [line for line in told if not STEP.match(line)]
    return told[-1].strip() if told else ""


def last_lines(run: Run, now: float) -> Iterator[tuple[str, str]]:
    """Yield the lines that end a run, each with its style."""
    took = readable_seconds(now - run.began)
    if run.interrupted:
        yield f"stopped after {took}: {run.done} of {run.size} jobs are done and kept", "bold yellow"
    elif run.failed:
        yield f"{_many(run.failed, 'job')} failed; {run.done} of {run.size} jobs done in {took}", "bold red"
        yield from ((line, "red") for line in _failures(run.failed))
    elif run.done < run.size:
        yield f"not finished: {run.done} of {run.size} jobs done in {took}", "bold red"
    else:
        yield f"done in {took}", "bold green"
    datasets = sorted({job.wildcards["experiment"] for job in run.missing("aggregate")})
    if datasets:
        yield f"  missing   datasets {', '.join(datasets)}", "red"
    missing = {(job.wildcards["scale"], job.wildcards["figure"]) for job in run.missing("figure")}
    for scale in sorted({scale for scale, _ in run.figures}):
        wanted, lost = ({name for at, name in some if at == scale} for some in (run.figures, missing))
        folder = os.path.dirname(FIGURE.format(scale=scale, figure=""))
        if wanted - lost:
            yield f"  figures   {_listed(wanted - lost)} in {folder}/", ""
        if lost:
            yield f"  missing   figures {', '.join(sorted(lost))}", "red"
    undecided = {job.wildcards["scale"] for job in run.missing("claims")}
    for scale in sorted(run.claims):
        yield from _claims(scale, run.began if scale in undecided else None)
    if run.interrupted or run.done < run.size:
        yield f"  go on     {again()}", "bold"


def _many(things: Iterable, noun: str) -> str:
    count = len(list(things))
    return f"{count} {noun}" + ("s" if count != 1 else "")


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names)) if len(names) < 5 else f"{len(names)}"


def _failures(failed: list[Job]) -> Iterator[str]:
    """Each reason once, with the job it befell and how many others."""
    alike: dict[str, list[Job]] = {}
    for job in failed:
        alike.setdefault(job.failure, []).append(job)
    for why, jobs in list(alike.items())[:MOST_FAILURES]:
        others = f" (and {_many(jobs[1:], 'other job')})" if len(jobs) > 1 else ""
        yield f"  failed    {jobs[0]}{others}: {why}"
        if jobs[0].log:
            yield f"            log: {jobs[0].log}"
    if len(alike) > MOST_FAILURES:
        yield f"  failed    and others, for {len(alike) - MOST_FAILURES} more reasons"


def _claims(scale: str, missing_since: float | None) -> Iterator[tuple[str, str]]:
    """The verdicts on file, unless the file is from before `missing_since`, the start of a run that lacks it."""
    path = Path(CLAIMS.format(scale=scale))
    try:
        rows, written = json.loads(path.read_text(encoding="utf-8")), path.stat().st_mtime
        verdicts = Counter(row["verdict"] for row in rows)
    except (OSError, ValueError, TypeError, KeyError):
        yield f"  missing   claims ({path})", "red"
        return
    if missing_since is not None and written < missing_since:
        yield f"  missing   claims ({path} is of an earlier run)", "red"
        return
    yield f"  claims    {counted(verdicts)}; see: thermobatch claims --scale {scale}", ""


def again() -> str:
    """Return the command that goes on with the run of this process."""
    return os.environ.get(COMMAND) or shlex.join(["snakemake", *sys.argv[1:]])
