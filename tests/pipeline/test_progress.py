"""What a person sees of a run: the messages of Snakemake go in, and the lines on the screen are read."""

import io
import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_interface_logger_plugins.registry import LoggerPluginRegistry

from snakemake_logger_plugin_thermobatch import CHATTER, LogHandler
from thermobatch.pipeline.console.ending import COMMAND, again, reason
from thermobatch.pipeline.console.progress import ANNOUNCEMENT, Job, Run, announce

SIMULATION = {"scale": "smoke", "experiment": "coloring_aging", "point": "temperature=0.5", "first": "0"} | {
    "last": "7"
}
SIMULATED = "coloring_aging temperature=0.5, seeds 0 to 7"
FIGURE = {"scale": "smoke", "figure": "E3"}


class Screen(io.StringIO):
    """A stream that is a terminal, or is not."""

    def __init__(self, terminal: bool):
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


class Told:
    """A handler, a clock and what it wrote."""

    def __init__(self, screen: Screen, **settings):
        usual = dict.fromkeys(
            ("dryrun", "verbose", "printshellcmds", "debug_dag", "nocolor", "stdout"), False
        )
        self.screen, self.now = screen, 1000.0
        settings = {**usual, "quiet": None, "show_failed_logs": True, **settings}
        self.handler = LogHandler(SimpleNamespace(**settings), None)

    def say(self, message: str = "", event=None, level=logging.INFO, function="schedule", **fields) -> None:
        record = logging.makeLogRecord(
            {"msg": message, "event": event, "levelno": level, "levelname": logging.getLevelName(level)}
            | {"created": self.now, "funcName": function, **fields}
        )
        self.handler.handle(record)

    def begin(self, jobs: dict[int, Job], **run) -> None:
        self.say("Workflow has started!", LogEvent.WORKFLOW_STARTED)
        self.say("Building DAG of jobs...", function="_build_dag")
        self.say("Using shell: /bin/bash", function="execute")
        stats = {"job": len(jobs), "all": 1, "total": len(jobs) + 1}
        self.say("Job stats:", LogEvent.RUN_INFO, stats=stats)
        self.say("", ANNOUNCEMENT, run=Run(jobs=jobs, **run))

    def start(self, number: int, job: Job, seconds: float = 0.0) -> None:
        self.say("Select jobs to execute...", module="job_scheduler")
        self.now += seconds
        of = {"rule_name": job.rule, "wildcards": job.wildcards, "benchmark": job.benchmark}
        self.say("Rule", LogEvent.JOB_INFO, jobid=number, log=[str(job.log)] if job.log else [], **of)

    def finish(self, number: int, seconds: float) -> None:
        self.now += seconds
        self.say("Finished", LogEvent.JOB_FINISHED, job_id=number)
        self.say("", LogEvent.PROGRESS, done=1, total=2)

    def fail(self, number: int, message: str = "", command: str = "command", log: tuple = ()) -> None:
        of = {"log": list(log), "rule_msg": message, "shellcmd": command, "rule_name": "rule"}
        self.say("Error in rule", LogEvent.JOB_ERROR, logging.ERROR, jobid=number, **of)

    def look(self) -> str:
        """Let the display look at the run now, and return all it wrote."""
        self.handler._display.look(self.handler._run, self.now)
        return self.screen.getvalue()

    def end(self) -> str:
        before = len(self.screen.getvalue())
        self.handler.close()
        return self.screen.getvalue()[before:]


@pytest.fixture
def told(monkeypatch, tmp_path):
    """Make handlers that write to a screen, in an empty folder, at their own time, without a thread of their own."""
    made = []

    def make(terminal: bool = False, **settings) -> Told:
        screen = Screen(terminal)
        monkeypatch.setattr(sys, "stderr", screen)
        monkeypatch.setattr(
            "thermobatch.pipeline.console.display.Ticker", lambda *_: SimpleNamespace(stop=int)
        )
        monkeypatch.setattr("time.time", lambda: made[-1].now)
        made.append(Told(screen, **settings))
        return made[-1]

    for name in (CHATTER, COMMAND):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "argv", ["snakemake", "--cores", "2", "all"])
    monkeypatch.chdir(tmp_path)
    yield make
    for one in made:
        one.handler.close()


def some_jobs(folder: Path = Path()) -> dict[int, Job]:
    log = folder / "simulate.log"
    return {1: Job("simulate", SIMULATION, 100.0, log), 2: Job("figure", FIGURE, 20.0)}


def test_snakemake_finds_the_plugin():
    assert LoggerPluginRegistry().is_installed("thermobatch")


def test_lines_come_now_and_then_with_the_weighted_time_left(told):
    run, jobs = told(), some_jobs() | {3: Job("simulate", {**SIMULATION, "first": "8", "last": "9"}, 80.0)}
    run.begin(jobs, figures={("smoke", "E3")})
    run.start(1, jobs[1])
    assert "jobs done" not in run.look(), "nothing in the first seconds"
    run.now += 6
    assert run.look().endswith("thermobatch: 0 of 3 jobs done, 1 under way, 6 s so far\n")
    run.finish(1, 4)
    run.start(2, jobs[2])
    assert run.look().count("jobs done") == 1, "not more than a line in half a minute"
    run.finish(2, 50)
    told_now = run.look().splitlines()[-1]
    assert told_now == (
        "thermobatch: 2 of 3 jobs done, 0 under way, 60 s so far, about 40 s left; new figures: E3"
    )
    run.now += 100
    assert run.look().count("jobs done") == 2, "more seldom while nothing ends"
    run.now += 300
    assert run.look().count("jobs done") == 3
    assert "Select jobs" not in run.look() and "Using shell" not in run.look()


def test_a_terminal_shows_a_bar_running_jobs_and_what_each_took(told, tmp_path):
    run, jobs = told(terminal=True), some_jobs(tmp_path)
    run.begin(jobs, figures={("smoke", "E3")})
    jobs[1].log.write_text(" 20% done after 5 s, 20 s left\n 42% done after 10 s, 14 s left\n")
    run.start(1, jobs[1])
    run.now += 10
    seen = run.look()
    assert "0 of 2 jobs done, 1 under way, 10 s so far, about 19 s left" in seen, (
        "42 of 120 predicted seconds"
    )
    assert f"{SIMULATED} " in seen and "42%" in seen and "14 s left" in seen and "━" in seen
    jobs[1].log.write_text("8 seeds: 21.0 s of processor time, at most 310 MB\n")
    run.finish(1, 15)
    run.start(2, jobs[2])
    run.finish(2, 5)
    seen = run.look()
    assert f"{SIMULATED}: 25.0 s, 310 MB\n" in seen.replace("\r", "").replace("\x1b[0m", "")
    assert "figure E3: figures/smoke/E3.pdf, 5.0 s" in seen
    assert max(len(line) for line in seen.splitlines() if "━" not in line) < 400


def test_the_rows_fit_a_small_terminal(told, monkeypatch):
    monkeypatch.setenv("LINES", "9")
    run = told(terminal=True)
    jobs = {n: Job("simulate", {**SIMULATION, "point": "n=1,x=" + "y" * 300}, 1.0) for n in range(20)}
    run.begin(jobs)
    for number, job in jobs.items():
        run.start(number, job)
    seen = run.look()
    assert "and 15 more" in seen and "…" in seen


def test_a_run_ends_with_figures_verdicts_and_where_they_are(told):
    run, jobs = told(), some_jobs() | {3: Job("claims", {"scale": "smoke"})}
    run.begin(jobs, figures={("smoke", "E3"), ("smoke", "E1")}, claims={"smoke"})
    for number in jobs:
        run.start(number, jobs[number])
        run.finish(number, 100)
    Path("results/smoke").mkdir(parents=True)
    rows = (
        [{"verdict": "reproduced"}] * 3 + [{"verdict": "not_reproduced"}] + [{"verdict": "not_decided"}] * 2
    )
    Path("results/smoke/claims.json").write_text(json.dumps(rows))
    assert run.end().splitlines() == [
        "thermobatch: done in 5 min",
        "  figures   E1, E3 in figures/smoke/",
        "  claims    3 reproduced, 1 not reproduced, 2 not decided; see: thermobatch claims --scale smoke",
    ]


def test_a_failure_is_told_at_once_and_at_the_end_with_what_is_missing(told, tmp_path):
    run, jobs = told(), some_jobs(tmp_path) | {3: Job("claims", {"scale": "smoke"})}
    jobs[4] = Job("aggregate", SIMULATION)
    run.begin(jobs, figures={("smoke", "E3"), ("smoke", "E1")}, claims={"smoke"})
    run.start(1, jobs[1])
    jobs[1].log.write_text("Traceback (most recent call last):\n  File x\nValueError: no such value\n")
    command = "python -m thermobatch simulate"
    error = (
        f"RuleException:\nCalledProcessError in line 3:\nCommand '{command}' returned non-zero exit status 1."
    )
    run.say(error, LogEvent.ERROR, logging.ERROR, exception="RuleException")
    run.fail(1, command=command)
    at_once = run.screen.getvalue().splitlines()[-2:]
    assert at_once == [
        f"thermobatch: failed: {SIMULATED}: ValueError: no such value",
        f"    log: {jobs[1].log}",
    ]
    run.say("Exiting because a job execution failed.", level=logging.ERROR, module="job_scheduler")
    final = "WorkflowError:\nAt least one job did not complete successfully."
    run.say(final, LogEvent.ERROR, logging.ERROR, exception="WorkflowError")
    run.now += 150
    assert run.end().splitlines() == [
        "thermobatch: 1 job failed; 0 of 4 jobs done in 2 min",
        f"  failed    {SIMULATED}: ValueError: no such value",
        f"            log: {jobs[1].log}",
        "  missing   datasets coloring_aging",
        "  figures   E1 in figures/smoke/",
        "  missing   figures E3",
        "  missing   claims (results/smoke/claims.json)",
        "  go on     snakemake --cores 2 all",
    ]


def test_verdicts_of_an_earlier_run_are_not_taken_for_this_one(told):
    run, jobs = told(), {1: Job("claims", {"scale": "smoke"})}
    path = Path("results/smoke/claims.json")
    path.parent.mkdir(parents=True)
    path.write_text('[{"verdict": "reproduced"}]')
    os.utime(path, (900, 900))
    run.begin(jobs, claims={"smoke"})
    run.start(1, jobs[1])
    run.fail(1)
    assert f"  missing   claims ({path} is of an earlier run)" in run.end()


def test_a_job_that_is_tried_again_is_no_failure(told):
    run, jobs = told(), some_jobs()
    run.begin(jobs)
    run.start(1, jobs[1])
    run.fail(1, "SLURM-job '7' failed, SLURM status is: 'OUT_OF_MEMORY'. ", log=("own.log", "slurm/7.log"))
    assert jobs[1].log == Path("slurm/7.log")
    run.say("Trying to restart job 1.", module="job_scheduler")
    said = run.screen.getvalue()
    assert f"failed: {SIMULATED}: out of memory\n" in said and f"tried again: {SIMULATED}\n" in said
    for number in jobs:
        run.start(number, jobs[number], 1)
        run.finish(number, 1)
    assert run.end().startswith("thermobatch: done in 4 s")


def test_failures_of_groups_and_errors_that_are_no_job_s_are_shown(told):
    run, jobs = told(), some_jobs()
    run.begin(jobs)
    alike = {"rule_msg": None, "shellcmd": None, "log": []}
    broken = [{"jobid": number, **alike} for number in jobs]
    run.say("Error in group 0", LogEvent.GROUP_ERROR, logging.ERROR, job_error_info=broken)
    run.say("MissingOutputException: x.nc", LogEvent.ERROR, logging.ERROR, exception="MissingOutputException")
    run.say("the queue is full", level=logging.WARNING, module="slurm")
    run.say("Job 3 has been submitted", module="slurm")
    said = run.screen.getvalue()
    assert said.count("thermobatch: failed: ") == 2 and "thermobatch: MissingOutputException: x.nc\n" in said
    assert "the queue is full\n" in said and "submitted" not in said
    assert f"  failed    {SIMULATED} (and 1 other job): its log says nothing\n" in run.end()


def test_an_interrupted_run_says_what_is_kept_and_what_goes_on(told, monkeypatch):
    monkeypatch.setenv(COMMAND, "make figures SCALE=paper")
    run, jobs = told(terminal=True), some_jobs()
    run.begin(jobs, figures={("smoke", "E3")})
    run.start(1, jobs[1])
    run.finish(1, 30)
    run.start(2, jobs[2])
    stopping = "Terminating processes on user request, this might take some time."
    run.say(stopping, module="job_scheduler")
    run.fail(2)
    ending = run.end()
    assert "failed" not in ending and "stopped after 30 s: 1 of 2 jobs are done and kept" in ending
    assert "missing   figures E3" in ending and "go on     make figures SCALE=paper" in ending


def test_an_interrupt_before_any_job_is_a_line_and_other_errors_keep_their_traceback(told, monkeypatch):
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    run = told()
    for error in (KeyboardInterrupt(), KeyError("x")):
        sys.excepthook(type(error), error, None)
    lines = run.screen.getvalue().splitlines()
    assert lines == [
        "thermobatch: stopped before any job was started; the same command begins again",
        "KeyError: 'x'",
    ]


def test_nothing_to_do_is_said(told):
    run = told()
    run.say("Workflow has started!", LogEvent.WORKFLOW_STARTED)
    run.say("Nothing to be done (all requested files are present and up to date).", function="execute")
    assert run.end() == "thermobatch: nothing to do: all that was asked for is there and up to date\n"


def test_what_is_no_run_looks_as_ever(told):
    run = told()
    run.say("Unlocked working directory.", function="unlock")
    run.say("config.yaml: wrong", LogEvent.ERROR, logging.ERROR, exception="WorkflowError")
    assert run.screen.getvalue() == "Unlocked working directory.\nconfig.yaml: wrong\n"
    assert run.end() == ""


@pytest.mark.parametrize("how", [{"verbose": True}, {"printshellcmds": True}, {CHATTER: "1"}])
def test_the_switch_brings_everything_back(told, monkeypatch, how):
    if CHATTER in how:
        monkeypatch.setenv(CHATTER, how.pop(CHATTER))
    run, jobs = told(terminal=True, **how), some_jobs()
    run.begin(jobs)
    run.say("Select jobs to execute...", module="job_scheduler")
    said = run.screen.getvalue()
    for words in ("Using shell", "Building DAG", "Job stats", "Select jobs to execute"):
        assert said.count(words) == 1
    assert "not finished: 0 of 2 jobs done" in run.end()


def test_quiet_is_quieter(told):
    for quiet, lines in (({"progress", "rules"}, 2), ({"all"}, 0)):
        run, jobs = told(terminal=True, quiet=quiet), some_jobs()
        run.begin({1: jobs[1]})
        run.screen.truncate(0), run.screen.seek(0)  # before a run: "Building DAG of jobs..."
        run.start(1, jobs[1])
        run.fail(1)
        assert len(run.screen.getvalue().splitlines()) == lines


def test_a_fault_of_the_display_gives_the_screen_back_and_stops_nothing(told, monkeypatch):
    run, jobs = told(), some_jobs()
    run.begin(jobs)
    monkeypatch.setattr(run.handler._display, "finished", None)
    run.start(1, jobs[1])
    run.say("Finished jobid: 1", LogEvent.JOB_FINISHED, job_id=1)
    run.say("Select jobs to execute...", module="job_scheduler")
    said = run.screen.getvalue()
    assert said.count("the display failed (TypeError") == 1 and "the run goes on without it" in said
    assert "Finished jobid: 1" in said and "Select jobs to execute..." in said
    assert run.end() == ""
    announce(SimpleNamespace(dag=None), None)


def test_jobs_that_were_not_announced_are_counted(told):
    run = told()
    run.say("Job stats:", LogEvent.RUN_INFO, stats={"simulate": 3, "all": 1, "total": 4})
    run.start(7, Job("simulate", SIMULATION))
    run.finish(7, 40)
    assert "1 of 3 jobs done, 0 under way, 40 s so far, about 80 s left" in run.look()


@pytest.mark.parametrize(
    ("log", "message", "error", "expected"),
    [
        ("thermobatch: a.nc: damaged\n", "", "", "a.nc: damaged"),
        (
            "Traceback (most recent call last):\n  File 'a'\nValueError: first\nthen more\n",
            "",
            "",
            "ValueError: first",
        ),
        (
            "Traceback (most recent call last):\n  File 'a'\nraised:\n---\nKeyError: 3\n",
            "",
            "",
            "KeyError: 3",
        ),
        (
            "thermobatch: a notice\nTraceback (most recent call last):\n  File 'a'\nMemoryError\n",
            "",
            "",
            "MemoryError",
        ),
        ("Traceback (most recent call last):\n  File 'a'\nKeyError: 3\nthermobatch: why\n", "", "", "why"),
        (" 50% done after 10 s, 10 s left\n", "", "returned non-zero exit status 137.", "killed (SIGKILL)"),
        (" 50% done after 10 s, 10 s left\n", "", "died with <Signals.SIGSEGV: 11>.", "crashed (SIGSEGV)"),
        ("thermobatch: stopped\n", "status is: 'TIMEOUT'", "", "out of time; stopped"),
        ("", "status is: 'NODE_FAIL'", "", "its node failed"),
        ("", "", "", "its log says nothing"),
        (None, "never submitted", "", "never submitted"),
    ],
)
def test_why_a_job_failed_is_one_line(tmp_path, log, message, error, expected):
    job = Job("simulate", SIMULATION, log=tmp_path / "log")
    if log is not None:
        job.log.write_text(log)
    assert reason(job, message, error).startswith(expected)


def test_a_log_of_an_earlier_run_says_nothing(tmp_path):
    job = Job("simulate", SIMULATION, log=tmp_path / "log", started=5000.0)
    job.log.write_text(" 40% done after 10 s, 15 s left\n")
    assert job.step() == (0.4, 15.0)
    os.utime(job.log, (4000, 4000))
    assert job.step() is None and reason(job) == "its log says nothing"


def test_the_makefile_says_how_it_was_called():
    makefile = Path(__file__).parent.parent.parent / "Makefile"
    command = ["make", "-n", "-f", str(makefile), "smoke", "figures", "CORES=3"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert f"{COMMAND}='make smoke figures CORES=3'" in said


def test_the_command_that_goes_on_is_the_one_given(monkeypatch):
    monkeypatch.delenv(COMMAND, raising=False)
    monkeypatch.setattr(sys, "argv", ["/x/snakemake/__main__.py", "--config", "scale=smoke", "--", "a b.pdf"])
    assert again() == "snakemake --config scale=smoke -- 'a b.pdf'"
