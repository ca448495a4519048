"""Claims as rows of a table: what a stanza may say, and what happens when data cannot decide."""

import json

import pytest
import xarray as xr

from thermobatch.pipeline.summary import print_claims
from thermobatch.study.claim import Claim, Outcome, claim_problems, claims


def test_a_decided_claim_is_a_row():
    def decide(dataset, *, margin):
        return Outcome(0.5, (0.4, 0.6), margin, "by hand", "reproduced")

    row = Claim("X.y", "ours", "A statement.", decide).row([xr.Dataset()], {"margin": 1.0})
    assert row["verdict"] == "reproduced" and json.loads(json.dumps(row))["interval"] == [0.4, 0.6]


def test_data_that_cannot_decide_leave_a_claim_inconclusive(tmp_path, monkeypatch, capsys):
    def decide(dataset, *, margin):
        raise ValueError("seeds = 1: at least 3 are needed")

    row = Claim("X.y", "ours", "A statement.", decide).row([xr.Dataset()], {"margin": 1.0})
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
    assert any("unknown key" in line for line in claim_problems(identifier, {"margn": 1}, 1))
