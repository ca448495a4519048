"""Say how far a running workflow is, and how long it still takes."""

import logging
import sys
import time
from collections.abc import Mapping

from thermobatch.pipeline.plan import readable_seconds

SECONDS_BETWEEN_LINES = 5.0
TYPICAL_SECONDS = {"simulate": 30.0, "figure": 8.0, "warm_up": 10.0, "all": 0.0}
OTHER_SECONDS = 2.0


class ProgressLines(logging.Handler):
    """Listens to Snakemake's log and writes a line with jobs done, running and the time left.

    Jobs weigh as much as a job of their rule typically takes; the speed is what was seen so far.

    Parameters
    ----------
    seconds
        Typical seconds of a job by rule, on top of the built-in ones.
    stream
        Where the lines go (default: standard error).
    clock
        Returns seconds; tests replace it.
    """

    def __init__(self, seconds: Mapping[str, float] | None = None, stream=None, clock=time.monotonic):
        super().__init__()
        self._seconds = {**TYPICAL_SECONDS, **(seconds or {})}
        self._stream, self._clock = stream, clock
        self._rules: dict[int, str] = {}
        self._started = self._last = clock()
        self._total = self._done = 0.0
        self._jobs = self._finished = self._running = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Take one message of Snakemake."""
        event = str(getattr(record, "event", "") or "")
        if event == "run_info":
            counts = {rule: count for rule, count in record.stats.items() if rule != "total"}
            self._jobs = sum(counts.values())
            self._total = sum(count * self._weight(rule) for rule, count in counts.items())
            self._started = self._last = self._clock()
        elif event == "job_started":
            self._running += len(record.jobs)
        elif event == "job_info":
            self._rules[record.jobid] = record.rule_name
        elif event == "job_finished" and self._jobs:
            self._finished += 1
            self._running -= 1
            self._done += self._weight(self._rules.get(record.job_id, ""))
            self._write()

    def _weight(self, rule: str) -> float:
        return self._seconds.get(rule, OTHER_SECONDS)

    def _write(self) -> None:
        now = self._clock()
        if self._finished < self._jobs and now - self._last < SECONDS_BETWEEN_LINES:
            return
        self._last = now
        elapsed = now - self._started
        parts = [f"{self._finished} of {self._jobs} jobs done", f"{max(self._running, 0)} running"]
        parts.append(f"{readable_seconds(elapsed)} so far")
        if 0 < self._done and self._finished < self._jobs:
            parts.append(f"about {readable_seconds(elapsed * (self._total - self._done) / self._done)} left")
        stream = self._stream or sys.stderr
        stream.write(f"thermobatch: {', '.join(parts)}\n")
        stream.flush()


def show_progress(seconds: Mapping[str, float]) -> None:
    """Write progress lines for the Snakemake run of this process (once, however often it is called)."""
    from snakemake.logging import logger

    if not any(isinstance(handler, ProgressLines) for handler in logger.handlers):
        logger.addHandler(ProgressLines(seconds))
