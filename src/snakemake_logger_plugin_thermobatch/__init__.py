"""Snakemake's logger plugin `thermobatch`: a person sees progress and the end of a run, Snakemake's log file the rest.

`THERMOBATCH_CHATTER=1` (or --verbose, --printshellcmds, --debug-dag) brings Snakemake's own lines back to the screen.
"""

import logging
import os
import sys
import threading
import time
from collections import deque
from pathlib import Path

from snakemake_interface_logger_plugins.base import LogHandlerBase

# Every start of Snakemake imports its plugins: what a run needs is imported when one begins.

CHATTER = "THERMOBATCH_CHATTER"
OF_A_RUN = ("execute", "execute_workflow")
"""Snakemake's functions that say what a run is going to do; what others say before it is what was asked for."""


class LogHandler(LogHandlerBase):
    """Takes the messages of Snakemake and shows a run; all else looks as it does without the plugin.

    A fault in here is said once and gives the screen back to Snakemake: it never stops a run.
    """

    writes_to_stream = True
    writes_to_file = False
    has_filter = True
    has_formatter = True
    needs_rulegraph = False

    def __post_init__(self) -> None:
        """Look at the settings; nothing is shown yet."""
        asked = self.common_settings
        self._chatter = bool(
            os.environ.get(CHATTER) or asked.verbose or asked.printshellcmds or asked.debug_dag
        )
        quiet = {str(getattr(level, "name", level)).lower() for level in asked.quiet or ()}
        self._silent, self._quiet = "all" in quiet and not asked.dryrun, "progress" in quiet
        self._plain: logging.Handler | None = None
        self._run = self._display = self._ticker = self._ending = None
        self._nothing_to_do = self._broken = self._closed = False
        self._errors: deque[str] = deque(maxlen=50)
        self._guard = threading.RLock()
        if sys.excepthook is sys.__excepthook__:
            sys.excepthook = _stopped_early

    def emit(self, record: logging.LogRecord) -> None:
        """Take one message."""
        with self._guard:
            try:
                if self._silent:
                    return
                if not (self.common_settings.dryrun or self._broken):
                    self._take(record)
                if self.common_settings.dryrun or self._broken or self._chatter:
                    self._snakemake(record)
            except BrokenPipeError:
                raise
            except Exception as fault:
                self._give_up(fault)
                self._snakemake(record)

    def _take(self, record: logging.LogRecord) -> None:
        event = str(getattr(record, "event", None) or "")
        take = getattr(self, f"_on_{event}", None)
        if take is not None:
            take(record)
        elif self._run is not None:
            self._during_a_run(record)
        elif record.levelno >= logging.WARNING or record.funcName not in OF_A_RUN:
            self._chatter or self._snakemake(record)
        elif record.getMessage().startswith("Nothing to be done"):
            self._nothing_to_do = True

    def _on_workflow_started(self, record) -> None:
        pass

    _on_resources_info = _on_progress = _on_shellcmd = _on_job_started = _on_group_info = _on_workflow_started

    def _on_run_info(self, record) -> None:
        from thermobatch.pipeline.console.progress import Run

        jobs = {rule: count for rule, count in record.stats.items() if rule not in ("total", "all")}
        self._begin(Run(extra=sum(jobs.values()), began=record.created))

    def _on_thermobatch_run(self, record) -> None:
        record.run.began = record.created if self._run is None else self._run.began
        self._begin(record.run)

    def _begin(self, run) -> None:
        from rich.console import Console

        from thermobatch.pipeline.console import ending  # all of it now: sources may be edited during a run
        from thermobatch.pipeline.console.display import Lines, Terminal, Ticker

        self._run, self._ending = run, ending
        if self._display is not None:
            return
        stream = sys.stdout if self.common_settings.stdout else sys.stderr
        console = Console(file=stream, highlight=False, no_color=self.common_settings.nocolor or None)
        live = stream.isatty() and not console.is_dumb_terminal and not (self._chatter or self._quiet)
        self._display = Terminal(console) if live else Lines(console)
        if not (self._chatter or self._quiet):
            self._ticker = Ticker(self._display.seconds_between_looks, self._look)

    def _look(self) -> None:
        with self._guard:
            try:
                if not (self._broken or self._closed):
                    self._display.look(self._run, time.time())
            except Exception as fault:
                self._give_up(fault)

    def _on_job_info(self, record) -> None:
        if self._run is None:
            return
        job = self._run.job(record.jobid)
        job.rule, job.wildcards = record.rule_name, dict(record.wildcards)
        job.log = Path(record.log[0]) if record.log else None
        job.benchmark = Path(record.benchmark) if record.benchmark else None
        job.started, job.ended, job.failure = record.created, None, ""

    def _on_job_finished(self, record) -> None:
        if self._run is None:
            return
        job = self._run.job(record.job_id)
        job.ended = record.created
        if not (self._chatter or self._quiet):
            self._display.finished(job)

    def _on_job_error(self, record) -> None:
        self._failed(vars(record), record.created)

    def _on_group_error(self, record) -> None:
        for job in record.job_error_info:
            self._failed(job, record.created)

    def _failed(self, told: dict, when: float) -> None:
        if self._run is None:
            return
        job, command = self._run.job(told["jobid"]), (told["shellcmd"] or "").strip()
        error = next((text for text in reversed(self._errors) if command and command in text), "")
        job.ended, job.failure = when, self._ending.reason(job, told["rule_msg"] or "", error)
        if (
            told["log"] and not job.log_lines()
        ):  # it never began: the executor's own log, the last, knows more
            job.log = Path(told["log"][-1])
        if not self._run.interrupted:
            self._display.say(f"thermobatch: failed: {job}: {job.failure}", "red")
            if job.log:
                self._display.say(f"    log: {job.log}", "red")

    def _on_error(self, record) -> None:
        text = record.getMessage()
        if self._run is None:
            self._chatter or self._snakemake(record)
        elif "CalledProcessError" in text:  # the job's own message follows, and takes this one's exit status
            self._errors.append(text)
        elif "At least one job did not complete successfully" not in text:
            self._display.say(f"thermobatch: {text.strip()}", "red")

    def _during_a_run(self, record) -> None:
        """A message without an event: warnings and errors are shown, what Snakemake says about itself is not."""
        text = record.getMessage()
        if record.module == "job_scheduler":
            if text.startswith(("Terminating processes on user request", "Will exit after finishing")):
                self._run.interrupted = True
                self._display.say("thermobatch: stopping; jobs under way are ended", "yellow")
            elif text.startswith("Trying to restart job") and not self._run.interrupted:
                job = self._run.job(int(text.rstrip(".").split()[-1]))
                self._display.say(f"thermobatch: tried again: {job}", "yellow")
        elif record.levelno >= logging.WARNING and not self._chatter:
            self._display.say(text, "red" if record.levelno >= logging.ERROR else "yellow")

    def _snakemake(self, record: logging.LogRecord) -> None:
        """Show a message as Snakemake does without this plugin."""
        from snakemake.logging import ColorizingTextHandler, DefaultFilter, DefaultFormatter

        if self._plain is None:
            asked = self.common_settings
            self._plain = ColorizingTextHandler(
                nocolor=asked.nocolor,
                stream=sys.stdout if asked.stdout else sys.stderr,
                formatter=DefaultFormatter(asked.quiet, asked.show_failed_logs),
                filter=DefaultFilter(
                    asked.quiet, asked.debug_dag, asked.verbose, asked.dryrun, asked.printshellcmds
                ),
            )
        self._plain.handle(record)

    def _give_up(self, fault: Exception) -> None:
        if not self._broken:
            self._broken = True
            if self._display is not None:
                self._display.close()
            sys.stderr.write(f"thermobatch: the display failed ({fault!r}); the run goes on without it\n")

    def close(self) -> None:
        """End the display and say how the run ended."""
        if not self._closed:
            self._closed = True
            if self._ticker is not None:
                self._ticker.stop()
            try:
                if not self._broken:
                    self._end()
            except Exception as fault:
                self._give_up(fault)
        super().close()

    def _end(self) -> None:
        if self._run is not None:
            self._display.close()
            for text, style in self._ending.last_lines(self._run, time.time()):
                self._display.say(text if text.startswith(" ") else f"thermobatch: {text}", style)
        elif self._nothing_to_do and not self._chatter:
            sys.stderr.write("thermobatch: nothing to do: all that was asked for is there and up to date\n")


def _stopped_early(kind, value, trace) -> None:
    """Say in a line that Ctrl-C came before a run had begun: Snakemake lets it end in a traceback."""
    if issubclass(kind, KeyboardInterrupt):
        sys.stderr.write("thermobatch: stopped before any job was started; the same command begins again\n")
    else:
        sys.__excepthook__(kind, value, trace)
