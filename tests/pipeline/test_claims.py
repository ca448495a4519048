"""Claims as rows of a table: what a stanza may say, and what happens when data cannot decide."""

import json
from subprocess import TimeoutExpired
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
import xarray as xr
import yaml
from pydantic import ValidationError

from thermobatch.foundation.files import write_text
from thermobatch.pipeline.command_line import main
from thermobatch.pipeline.configuration import Configuration
from thermobatch.pipeline.console.summary import print_claims
from thermobatch.pipeline.deciding import decide_claims, decide_what_exists
from thermobatch.pipeline.netcdf import write_dataset
from thermobatch.pipeline.registration import LOCK, read_registrations
from thermobatch.pipeline.sources import closure_hash
from thermobatch.pipeline.workflow import Workflow, packed
from thermobatch.study.claim import VERDICTS, Claim, Outcome, claims, counted, options_model
from thermobatch.study.claim import claim as register


def test_a_decided_claim_is_a_row():
    def decide(dataset, *, margin):
        return Outcome(0.5, (0.4, 0.6), margin, "by hand", "reproduced")

    row = Claim("X.y", "a paper", "A statement.", decide, "paper").row([xr.Dataset()], {"margin": 1.0})
    assert row["verdict"] == "reproduced" and json.loads(json.dumps(row))["interval"] == [0.4, 0.6]
    assert row["protocol"] == "paper"


@pytest.mark.parametrize(
    ("protocol", "illustration", "decided", "told"),
    [
        ("program", False, "not_reproduced", "not_reproduced"),
        ("ours", False, "reproduced", "holds"),
        ("ours", False, "not_reproduced", "does_not_hold"),
        ("ours", False, "inconclusive", "inconclusive"),
        ("paper", True, "reproduced", "illustration"),
    ],
)
def test_only_what_others_prescribe_is_reproduced(protocol, illustration, decided, told):
    def decide(dataset):
        return Outcome(0.5, (0.4, 0.6), 1.0, "by hand", decided)

    claim = Claim("X.y", "a paper", "A statement.", decide, protocol, illustration)
    assert claim.row([xr.Dataset()], {})["verdict"] == told and told in VERDICTS
    assert claim.undecided("no data", {})["verdict"] == "not_decided"


def test_illustrations_are_told_and_not_counted():
    assert counted({"illustration": 2, "holds": 3, "does_not_hold": 1}) == (
        "3 holds, 1 does not hold (and 2 illustrations, not counted)"
    )
    assert counted({"illustration": 1}) == "none decided (and 1 illustration, not counted)"
    with pytest.raises(ValueError, match="protocol = 'theirs': must be one of paper, program, ours"):
        register("X.y", source="a paper", protocol="theirs", statement="A statement.")


def test_data_that_cannot_decide_leave_a_claim_inconclusive(tmp_path, monkeypatch, capsys):
    def decide(dataset, *, margin):
        raise ValueError("seeds = 1: at least 3 are needed")

    row = Claim("X.y", "ours", "A statement.", decide, "ours").row([xr.Dataset()], {"margin": 1.0})
    assert row["verdict"] == "inconclusive" and "at least 3" in row["method"] and row["estimate"] is None
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results/smoke").mkdir(parents=True)
    (tmp_path / "results/smoke/claims.json").write_text(json.dumps([row]))
    print_claims("smoke")
    assert "at least 3 are needed" in capsys.readouterr().out


@pytest.mark.parametrize("identifier", list(claims()))
def test_every_claim_says_what_and_where_from(identifier):
    claim = claims()[identifier]
    assert claim.source and claim.statement and claim.decide.__doc__
    with pytest.raises(ValidationError, match="margn"):
        options_model(claim).model_validate({"margn": 1})


def test_what_is_wrong_with_one_claim_or_its_dataset_costs_no_other(tmp_path, monkeypatch, capsys):
    def good(dataset, *, margin):
        return Outcome(float(dataset.number), (0.4, 0.6), margin, "by hand", "reproduced")

    def faulty(dataset, *, margin):
        return {}[margin]

    decides = {"A.good": good, "A.faulty": faulty, "B.missing": good, "C.damaged": good}
    registered = {
        name: Claim(name, "a paper", "A statement.", decide, "paper") for name, decide in decides.items()
    }
    monkeypatch.setattr("thermobatch.pipeline.deciding.claims", lambda: registered)
    made, damaged = tmp_path / "a.nc", tmp_path / "c.nc"
    monkeypatch.setattr("thermobatch.pipeline.jobs.experiment_module", lambda name: "thermobatch.study.claim")
    sources = {"sources_hash": closure_hash("thermobatch.study.claim")}
    write_dataset(xr.Dataset({"number": 0.5}, attrs=sources), made)
    damaged.write_bytes(made.read_bytes()[:-100])
    stanzas = {name: {"datasets": [name[0].lower()], "options": {"margin": 1.0}} for name in decides}
    expected = packed({name: {} for name in "abc"})
    lock = tmp_path / LOCK
    entries = {"A.good": [{"date": "2026-11-21", "options": {"margin": 2.0}, "reason": "a first guess"}]}
    lock.write_text(yaml.safe_dump(entries))
    rows, failures = decide_claims(
        stanzas, [made, damaged], [tmp_path / "b.nc"], expected=expected, registered=read_registrations(lock)
    )
    row = {row["id"]: row for row in rows}
    assert list(row) == list(stanzas) and row["A.good"]["verdict"] == "reproduced"
    for name in list(row)[1:]:
        assert row[name]["verdict"] == "not_decided" and row[name]["estimate"] is None
        assert set(row[name]) == set(row["A.good"]) and row[name]["margin"] == 1.0
    assert row["A.good"]["registered"] == entries["A.good"] and row["B.missing"]["registered"] == []
    assert row["A.good"]["options"] == {"margin": 1.0}
    assert row["A.faulty"]["method"] == "not decided: KeyError: 1.0"
    assert row["B.missing"]["method"] == f"not decided: dataset {tmp_path / 'b.nc'} was not made"
    assert "Rebuild it with" in row["C.damaged"]["method"]
    assert "Rebuild it with" in failures[0] and "return {}[margin]" in failures[1] and len(failures) == 2

    output = tmp_path / "results/smoke/claims.json"
    command = ["decide", "--claims", json.dumps(stanzas), "--expected", expected, "--output", str(output)]
    command += ["--lock", str(lock)]
    files = ["--datasets", str(made), str(damaged), "--missing", str(tmp_path / "b.nc")]
    assert main([*command, *files]) == 1
    assert output.read_text() == json.dumps(rows, indent=1) + "\n"
    assert "KeyError: 1.0" in capsys.readouterr().err
    monkeypatch.chdir(tmp_path)
    print_claims("smoke")
    said = capsys.readouterr().out
    assert said.count("not decided   ") == 3 and "KeyError: 1.0" in said and "Protocol: the paper's." in said
    assert f"decided with {{'margin': 1.0}}, which is not registered in {LOCK}" in said
    assert said.endswith("4 claims: 1 reproduced, 3 not decided\n")


def test_after_a_failed_run_nothing_is_decided_without_data_and_nothing_raised(tmp_path, monkeypatch, capsys):
    jobs = Workflow(Configuration.read("config.yaml"))
    job = SimpleNamespace(
        rule=SimpleNamespace(name="claims"), wildcards=SimpleNamespace(scale="smoke"), output=[]
    )
    marked = []
    persistence = SimpleNamespace(started=marked.append)
    run = SimpleNamespace(dag=SimpleNamespace(needrun_jobs=lambda: [job]), persistence=persistence)
    monkeypatch.chdir(tmp_path)
    decide_what_exists(jobs, run)
    assert not marked and not list(tmp_path.iterdir())
    dataset = tmp_path / "results/smoke/datasets/coloring_aging.nc"
    write_dataset(xr.Dataset(attrs={"parameters": "other"}), dataset)
    decide_what_exists(jobs, run)
    assert not marked and capsys.readouterr().err == "", "a dataset of other parameters is none"
    dataset.write_bytes(b"damaged")
    monkeypatch.setattr("subprocess.run", lambda *_, **__: SimpleNamespace(returncode=-11))
    decide_what_exists(jobs, run)
    assert marked == [job], "the next run must decide again"
    assert capsys.readouterr().err.endswith("exit status -11, see logs/smoke/claims.log\n")
    marked.clear()
    for said in (
        "Terminating processes on user request, this might take some time.\n",
        "Will exit after finishing currently",
    ):
        log = tmp_path / "snakemake.log"
        log.write_text(said.replace("currently", "currently running jobs (scheduler)."))
        decide_what_exists(jobs, run, [log])
    assert not marked and capsys.readouterr().err == "", "who stops a run waits for nothing"
    for error, words in (
        (KeyboardInterrupt, "stopped"),
        (TimeoutExpired("decide", 1), "not done after 15 minutes"),
    ):
        monkeypatch.setattr("subprocess.run", Mock(side_effect=error))
        decide_what_exists(jobs, run)
        assert words in capsys.readouterr().err
    decide_what_exists(jobs, SimpleNamespace())
    assert "could not be decided: AttributeError" in capsys.readouterr().err


def test_what_a_run_did_not_make_is_listed(tmp_path, monkeypatch, capsys):
    configuration = Configuration.read("config.yaml")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("thermobatch.pipeline.command_line._configuration", lambda _: configuration)
    for file in Workflow(configuration).targets("smoke"):
        write_text(file, "x")
    rows = [{"id": name, "verdict": "inconclusive"} for name in configuration.claims]
    claims_file = tmp_path / "results/smoke/claims.json"
    claims_file.write_text(json.dumps(rows))
    assert main(["missing", "--scale", "smoke"]) == 0
    assert "claims at scale smoke: all there" in capsys.readouterr().out
    lost = rows.pop()["id"]
    rows[0] |= {"verdict": "not_decided", "method": "not decided: why"}
    claims_file.write_text(json.dumps(rows))
    (tmp_path / "figures/smoke/E1.svg").unlink()
    write_text(tmp_path / "figures/smoke/E1.pdf", "")
    assert main(["missing", "--scale", "smoke"]) == 1
    said = capsys.readouterr().out.splitlines()
    assert set(said[:-1]) == {
        "figures/smoke/E1.pdf: not made",
        "figures/smoke/E1.svg: not made",
        f"claim {lost}: not in results/smoke/claims.json",
        f"claim {rows[0]['id']}: not decided: why",
    }
    assert said[-1].endswith("4 missing")
