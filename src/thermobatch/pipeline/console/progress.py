"""How far a run of the workflow is: its jobs, what they weigh, and what became of each."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from thermobatch.pipeline.workflow import Workflow

ANNOUNCEMENT = "thermobatch_run"
"""The event of the message that tells the display which jobs a run has."""

START_SECONDS = 1.3
TYPICAL_SECONDS = {"figure": 8.0, "warm_up": 10.0, "all": 0.0}
OTHER_SECONDS = 2.0
CLOCKS_DIFFER = 60.0  # seconds, those of nodes and of the login node
STEP = re.compile(r"^ *(\d+)% done after \d+ s, (\d+) s left$")
NEED = re.compile(r"at most (\d+) MB$")


@dataclass
class Job:
    """One job of a run: what it is, the seconds it is predicted to take, and how it fares."""

    rule: str
    wildcards: Mapping[str, str]
    seconds: float = OTHER_SECONDS
    log: Path | None = None
    benchmark: Path | None = None
    started: float | None = None
    ended: float | None = None
    failure: str = ""

    @property
    def running(self) -> bool:
        """Whether it was handed to the executor and has not ended."""
        return self.started is not None and self.ended is None

    @property
    def done(self) -> bool:
        """Whether it has ended well."""
        return self.ended is not None and not self.failure

    def __str__(self) -> str:
        of = self.wildcards
        if self.rule == "simulate":
            return f"{of['experiment']} {of['point']}, seeds {of['first']} to {of['last']}"
        if self.rule == "instances":
            return f"instances {of['first']} to {of['last']} of {of['ensemble']}"
        named = {"aggregate": ("dataset", "experiment"), "figure": ("figure", "figure")}
        named |= {"warm_up": ("warm-up of", "experiment")}
        word, key = named.get(self.rule, (self.rule, ""))
        return f"{word} {of[key]}" if key in of else word

    def log_lines(self, size: int = 50_000) -> list[str]:
        """Return the last lines of the log, of at most so many bytes; none if it is of an earlier run or not there."""
        try:
            with self.log.open("rb") as file:
                stale = os.fstat(file.fileno()).st_mtime < (self.started or 0.0) - CLOCKS_DIFFER
                file.seek(0, os.SEEK_END)
                file.seek(max(0, file.tell() - size))
                return [] if stale else file.read().decode(errors="replace").splitlines()
        except (AttributeError, OSError):
            return []

    def step(self) -> tuple[float, float] | None:
        """Return the fraction done and the seconds left that the job last wrote to its log, if it did."""
        found = [match for line in self.log_lines(1000) if (match := STEP.match(line))]
        return (int(found[-1][1]) / 100, float(found[-1][2])) if found else None

    def need(self) -> str:
        """Return how long the finished job took and the most memory it had, as far as that is known."""
        seconds, memory = (self.ended or 0.0) - (self.started or 0.0), None
        try:
            names, values = self.benchmark.read_text(encoding="utf-8").splitlines()[:2]
            measured = dict(zip(names.split("\t"), values.split("\t"), strict=True))
            seconds, memory = float(measured["s"]), float(measured["max_rss"])
        except (AttributeError, OSError, ValueError, KeyError):
            pass  # no benchmark, or none yet: the clock's time
        told = [int(match[1]) for line in self.log_lines(1000) if (match := NEED.search(line))]
        memory = told[-1] if told else memory
        return f"{seconds:.1f} s" + (f", {memory:.0f} MB" if memory else "")


@dataclass
class Run:
    """The jobs of a run by their number, and the figures and claims it was asked for.

    `figures` holds (scale, figure) of all that the run's targets need, those that were there before included; `claims`
    the scales whose claims they need. `extra` counts jobs of which nothing else is known.
    """

    jobs: dict[int, Job] = field(default_factory=dict)
    figures: set[tuple[str, str]] = field(default_factory=set)
    claims: set[str] = field(default_factory=set)
    extra: int = 0
    began: float = 0.0
    interrupted: bool = False

    def job(self, number: int) -> Job:
        """Return a job, also one that was not announced."""
        if number not in self.jobs:
            self.jobs[number] = Job("job", {})
            self.extra = max(0, self.extra - 1)
        return self.jobs[number]

    @property
    def counted(self) -> list[Job]:
        """All jobs but `all`, which does nothing."""
        return [job for job in self.jobs.values() if job.rule != "all"]

    @property
    def size(self) -> int:
        """The number of jobs."""
        return len(self.counted) + self.extra

    @property
    def running(self) -> list[Job]:
        """What runs now (or waits in a cluster's queue), the oldest first."""
        return sorted((job for job in self.counted if job.running), key=lambda job: job.started)

    @property
    def failed(self) -> list[Job]:
        """What has failed and is not tried again."""
        return [job for job in self.counted if job.failure and not job.running]

    @property
    def done(self) -> int:
        """The number of jobs that have ended well."""
        return sum(job.done for job in self.counted)

    def missing(self, rule: str) -> list[Job]:
        """Return the jobs of a rule that should have run and have not ended well."""
        return [job for job in self.counted if job.rule == rule and not job.done]

    def fraction(self, steps: Mapping[int, float] | None = None) -> float:
        """Return how much of the predicted time is over.

        Parameters
        ----------
        steps
            How far the running jobs are, by the `id` of the job, where that is known.
        """
        total = sum(job.seconds for job in self.counted) + OTHER_SECONDS * self.extra
        done = sum(job.seconds for job in self.counted if job.ended is not None)
        done += sum(job.seconds * (steps or {}).get(id(job), 0.0) for job in self.running)
        return done / total if total else 0.0

    def seconds_left(self, now: float, fraction: float) -> float | None:
        """Return the time left at the speed seen so far; None as long as nothing is done."""
        return (now - self.began) * (1 - fraction) / fraction if fraction > 0 else None


def announce(workflow, jobs: Workflow) -> None:
    """Tell the display which jobs a run that starts has; a display that cannot be told must not stop the run.

    Parameters
    ----------
    workflow : snakemake.workflow.Workflow
    jobs
        Where the predicted seconds come from.
    """
    from snakemake.logging import logger

    try:
        planned = [(job, job.rule.name, dict(job.wildcards_dict)) for job in workflow.dag.jobs]
        run = Run(
            jobs={
                job.jobid: Job(rule, wildcards, predicted_seconds(jobs, rule, wildcards))
                for job, rule, wildcards in planned
                if workflow.dag.needrun(job)
            },
            figures={(of["scale"], of["figure"]) for _, rule, of in planned if rule == "figure"},
            claims={of["scale"] for _, rule, of in planned if rule == "claims"},
        )
    except Exception as error:  # the run matters more than its display
        logger.warning(f"thermobatch: progress is shown without predictions ({error!r})")
    else:
        logger.info("", extra={"event": ANNOUNCEMENT, "run": run})


def predicted_seconds(jobs: Workflow, rule: str, wildcards: Mapping[str, str]) -> float:
    """Return the seconds a job should take on the reference machine."""
    if rule != "simulate":
        return TYPICAL_SECONDS.get(rule, OTHER_SECONDS)
    cost = jobs.cost(wildcards["scale"], wildcards["experiment"], wildcards["point"])
    return START_SECONDS + cost.seconds * (int(wildcards["last"]) - int(wildcards["first"]) + 1)
