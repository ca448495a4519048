"""Show a run of the workflow to a person: live on a terminal, else in a line now and then."""

import threading
from collections.abc import Callable

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from thermobatch.pipeline.console.progress import Job, Run
from thermobatch.pipeline.plan import readable_seconds

FIRST_LINE, NEXT_LINE, QUIET_LINE = 5.0, 30.0, 300.0
MOST_ROWS = 8


def overview(run: Run, now: float, fraction: float) -> str:
    """Return in one line how far a run is."""
    parts = [f"{run.done} of {run.size} jobs done"]
    if run.failed:
        parts.append(f"{len(run.failed)} failed")
    parts += [f"{len(run.running)} under way", f"{readable_seconds(now - run.began)} so far"]
    left = run.seconds_left(now, fraction)
    if left is not None and run.done < run.size:
        parts.append(f"about {readable_seconds(left)} left")
    return ", ".join(parts)


class Lines:
    """A line now and then: the first soon, the next at most every half minute, and more seldom when nothing happens."""

    seconds_between_looks = 5.0

    def __init__(self, console: Console):
        self._console = console
        self._next, self._seldom, self._told = FIRST_LINE, FIRST_LINE, -1
        self._figures: list[str] = []

    def finished(self, job: Job) -> None:
        """Take note of a job that has ended well."""
        if job.rule == "figure":
            self._figures.append(job.wildcards["figure"])

    def say(self, text: str, style: str = "") -> None:
        """Write a line at once."""
        self._console.print(Text(text, style), soft_wrap=True)

    def look(self, run: Run, now: float) -> None:
        """Write how far the run is, if it is time."""
        elapsed = now - run.began
        if elapsed < (self._next if run.done != self._told else self._seldom) or run.done == run.size:
            return
        self._next, self._seldom, self._told = elapsed + NEXT_LINE, elapsed + QUIET_LINE, run.done
        drawn = f"; new figures: {', '.join(self._figures)}" if self._figures else ""
        self._figures.clear()
        self.say(f"thermobatch: {overview(run, now, run.fraction())}{drawn}")

    def close(self) -> None:
        """End the display."""


class Terminal:
    """A bar with the jobs under way below it, and above it a line for each job that has ended."""

    seconds_between_looks = 1.0

    def __init__(self, console: Console):
        self._console = console
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._live.start()

    def finished(self, job: Job) -> None:
        """Write what a job took; a figure is announced with its file."""
        if job.rule == "figure":
            file = f"figures/{job.wildcards['scale']}/{job.wildcards['figure']}.pdf"
            self.say(f"figure {job.wildcards['figure']}: {file}, {job.need()}", "bold")
        elif job.rule not in ("instances", "all"):  # hundreds, of a second each
            self.say(f"{job}: {job.need()}", "dim")

    def say(self, text: str, style: str = "") -> None:
        """Write a line above the bar."""
        self._console.print(Text(text, style), soft_wrap=True)

    def look(self, run: Run, now: float) -> None:
        """Draw the bar and the jobs under way; the logs of those shown are read."""
        shown = run.running[: max(1, min(MOST_ROWS, self._console.height - 4))]
        steps = {id(job): job.step() for job in shown}
        fraction = run.fraction({key: step[0] for key, step in steps.items() if step})
        top = Text(overview(run, now, fraction), "bold")
        width = max(20, self._console.width - 4)  # room for the ^C that a terminal echoes
        bar = Table.grid(padding=(0, 1))
        bar.width = width
        bar.add_column(ratio=1)
        bar.add_column(justify="right", width=4)
        bar.add_row(ProgressBar(total=1.0, completed=fraction), f"{fraction:.0%}")
        rows = Table.grid(padding=(0, 1))
        rows.width = width
        rows.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        rows.add_column(justify="right", no_wrap=True, min_width=4)
        rows.add_column(justify="right", no_wrap=True, min_width=12)
        for job in shown:
            step = steps[id(job)]
            so_far = readable_seconds(now - job.started)
            done, left = (f"{step[0]:.0%}", f"{readable_seconds(step[1])} left") if step else ("", so_far)
            rows.add_row(f"  {escape(str(job))}", done, left)
        if len(run.running) > len(shown):
            rows.add_row(f"  and {len(run.running) - len(shown)} more", "", "")
        self._live.update(Group(top, bar, rows), refresh=True)

    def close(self) -> None:
        """Take the bar away; the lines stay."""
        self._live.stop()


class Ticker:
    """Calls a function every so many seconds, in a thread of its own, until it is stopped."""

    def __init__(self, seconds: float, function: Callable[[], None]):
        self._stopped, self._seconds, self._function = threading.Event(), seconds, function
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stopped.wait(self._seconds):
            self._function()

    def stop(self) -> None:
        """Stop, and wait for a call that goes on."""
        self._stopped.set()
        self._thread.join()
