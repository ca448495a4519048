"""Margins are registered: what config.yaml asks of a claim is the last entry of claims.lock.yaml."""

import json
from pathlib import Path

import pytest

from thermobatch.pipeline.configuration import Configuration
from thermobatch.pipeline.console.summary import print_claims
from thermobatch.pipeline.errors import ConfigurationError
from thermobatch.pipeline.registration import LOCK, is_registered, read_registrations
from thermobatch.pipeline.workflow import Workflow
from thermobatch.study.claim import claims

PROJECT = Path(__file__).parent.parent.parent
ENTRIES = {name: entries for name, entries in read_registrations(PROJECT / LOCK).items()}
STATED = Configuration.read(PROJECT / "config.yaml").claims


@pytest.mark.parametrize("name", list(STATED))
def test_the_options_are_the_registered_ones(name):
    assert name in ENTRIES, f"{LOCK}: no entry for {name}; state its options and the reason"
    assert STATED[name].options == ENTRIES[name][-1].options, (
        f"config.yaml changes {name}: add an entry to {LOCK} with the reason (and do not edit an old one)"
    )


def test_a_claim_that_changed_keeps_its_history():
    first, second = ENTRIES["E5.entropy_production"][:2]
    assert (
        first.options == {"margin": 0.0001, "lowest": 0.3, "highest": 0.98} and second.options["margin"] == 0
    )
    assert "after a run" in second.reason and first.statement != second.statement


def test_the_lock_is_read_strictly(tmp_path):
    path = tmp_path / LOCK
    good = {"date": "2026-11-21", "commit": "107032d", "options": {"margin": 0.1}, "reason": "stated first"}
    for wrong, said in (
        ([good | {"margn": 1}], "E1.x.0.margn: Extra inputs"),
        ([good | {"date": "21.11.2026"}], "E1.x.0.date"),
        ([good | {"reason": ""}], "E1.x.0.reason"),
        ([], "E1.x: List should have at least 1 item"),
        ([good, good | {"date": "2026-11-20"}], "E1.x: must be in the order of the dates"),
    ):
        path.write_text(json.dumps({"E1.x": wrong}))
        with pytest.raises(ConfigurationError, match=f"{LOCK}: {said}"):
            read_registrations(path)
    path.write_text(json.dumps({"E1.x": [good]}))
    (entry,) = read_registrations(path)["E1.x"]
    assert is_registered({"margin": 0.1}, [entry.model_dump()]) and not is_registered({"margin": 0.1}, [])


def test_changes_of_a_margin_are_shown(tmp_path, monkeypatch, capsys):
    row = claims()["E1.same_energy"].undecided("no data", {}) | {"estimate": 1.0, "interval": [0.5, 1.5]}
    entries = [
        {"date": f"2026-11-2{day}", "options": {"margin": day}, "reason": "stated so"} for day in range(2)
    ]
    row |= {"options": {"margin": 1}, "registered": entries}
    path = tmp_path / "results/smoke/claims.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps([row]))
    monkeypatch.chdir(tmp_path)
    print_claims("smoke")
    said = capsys.readouterr().out
    assert "changed on 2026-11-21 from {'margin': 0} to {'margin': 1}: stated so" in said
    assert "not registered" not in said


def test_a_changed_lock_decides_claims_again_and_reruns_nothing_else(tmp_path):
    configuration = Configuration.read(PROJECT / "config.yaml")
    (tmp_path / LOCK).write_text("one")
    jobs = Workflow(configuration, tmp_path)
    before = jobs.lock_content()
    (tmp_path / LOCK).write_text("two")
    assert jobs.lock() == str(tmp_path / LOCK) and jobs.lock_content() != before
    rules = {path.stem: path.read_text() for path in (PROJECT / "workflow/rules").glob("*.smk")}
    assert [name for name, text in rules.items() if "lock" in text.lower()] == ["claims"]
