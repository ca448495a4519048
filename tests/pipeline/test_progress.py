"""Progress lines: jobs done, running, and a sensible time left."""

import io
import logging

from thermobatch.pipeline.progress import ProgressLines


def test_time_left_is_weighted_by_what_jobs_cost():
    now, stream = [0.0], io.StringIO()
    handler = ProgressLines({"simulate": 100.0}, stream, clock=lambda: now[0])

    def say(event: str, **fields) -> None:
        record = logging.makeLogRecord({"event": event, **fields})
        handler.emit(record)

    say("run_info", stats={"simulate": 2, "instances": 1, "all": 1, "total": 4})
    for job, rule in enumerate(["instances", "simulate", "simulate", "all"]):
        now[0] += {"instances": 6, "simulate": 100, "all": 0}[rule]
        say("job_started", jobs=[job])
        say("job_info", jobid=job, rule_name=rule)
        say("job_finished", job_id=job)
    lines = stream.getvalue().splitlines()
    assert "1 of 4 jobs done, 0 running, 6 s so far" in lines[0]
    assert "2 of 4 jobs done" in lines[1] and lines[1].endswith("about 104 s left")
    assert "4 of 4 jobs done" in lines[-1] and "left" not in lines[-1]


def test_other_messages_are_ignored():
    stream = io.StringIO()
    handler = ProgressLines({}, stream)
    handler.emit(logging.makeLogRecord({"msg": "Building DAG of jobs..."}))
    handler.emit(logging.makeLogRecord({"event": "job_finished", "job_id": 3}))
    assert not stream.getvalue()
