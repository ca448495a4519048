"""Words and verdicts agree: what README and docs say of claims is what the stored standard run found."""

import json
import shutil
from pathlib import Path

import pytest

from thermobatch.pipeline.command_line import main
from thermobatch.pipeline.configuration import Configuration
from thermobatch.pipeline.errors import ConfigurationError, DamagedFileError
from thermobatch.pipeline.published import (
    REPORT,
    STORED,
    filled,
    pages,
    publish,
    read_rows,
    report_text,
    typed_by_hand,
    wing_of,
)
from thermobatch.study.claim import claims

PROJECT = Path(__file__).parent.parent.parent
WINGS = ("coloring", "networks", "mean_field", "langevin")
stored = pytest.mark.skipif(not (PROJECT / STORED).is_file(), reason=f"no {STORED}: make docs-claims")


@stored
@pytest.mark.parametrize("page", pages(PROJECT), ids=lambda page: page.name)
def test_pages_say_what_the_stored_run_found(page):
    rows = read_rows(PROJECT / STORED)
    assert page.read_text(encoding="utf-8") == filled(page, rows), "make docs-claims fills the page in"
    assert typed_by_hand(page.read_text(encoding="utf-8"), rows) == []


@stored
def test_the_stored_run_decided_the_claims_as_they_are_now():
    rows, stanzas = read_rows(PROJECT / STORED), Configuration.read(PROJECT / "config.yaml").claims
    assert list(rows) == list(stanzas), "other claims: run make figures and make docs-claims"
    for name, row in rows.items():
        claim = claims()[name]
        now = (claim.statement, claim.protocol, claim.source, stanzas[name].options)
        assert (row["statement"], row["protocol"], row["source"], row["options"]) == now, name
        assert (row["verdict"] == "illustration") == claim.illustration or row["verdict"] == "inconclusive"


def test_the_report_opens_with_what_the_readme_says():
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    opening = (PROJECT / REPORT).read_text(encoding="utf-8")
    assert opening == report_text(readme) and opening.startswith("In numbers, for five colours")
    assert "<!--" not in opening and f'report: "{REPORT}"' in (PROJECT / "Snakefile").read_text()


def test_every_page_of_a_wing_has_its_table():
    for wing in WINGS:
        assert "<!-- verdicts:begin -->\n" in (PROJECT / f"docs/{wing}.md").read_text(encoding="utf-8")
        assert any(wing_of(name) == wing for name in claims())


def row(name, **changed):
    claim = claims()[name]
    plain = {"id": name, "source": claim.source, "protocol": claim.protocol, "statement": claim.statement}
    numbers = {"estimate": 0.00534, "interval": [-0.001, 0.0131], "margin": 0.011, "verdict": "holds"}
    return {**plain, **numbers, "method": "by hand", "options": {}, "registered": [], **changed}


@pytest.fixture
def project(tmp_path):
    """A project of two pages and two rows."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "README.md").write_text(
        "T(B) within <!--=E2.drift_temperature.high .1%-->?<!--/--> (<!--=E2.drift_temperature.verdict-->?<!--/-->), "
        "ratio in <!--=E4.same_first_passage.margin-->?<!--/-->; <!--=counts-->?<!--/-->.\n"
    )
    (tmp_path / "docs/coloring.md").write_text(
        "# Page\n\n<!-- verdicts:begin -->\n<!-- verdicts:end -->\nEnd.\n"
    )
    rows = [
        row("E2.drift_temperature"),
        row("E4.same_first_passage", margin=[0.8, 1.25], verdict="inconclusive"),
    ]
    (tmp_path / "results/standard").mkdir(parents=True)
    (tmp_path / "results/standard/claims.json").write_text(json.dumps(rows))
    return tmp_path


def test_publishing_fills_in_tables_and_values(project, monkeypatch, capsys):
    monkeypatch.chdir(project)
    shutil.copy(PROJECT / "config.yaml", project)
    assert main(["claims", "--scale", "standard", "--publish"]) == 0
    assert "changed pages: README.md, docs/coloring.md" in capsys.readouterr().out
    said = (project / "README.md").read_text()
    assert "within <!--=E2.drift_temperature.high .1%-->1.3%<!--/-->" in said and "-->holds<!--/-->" in said
    assert "-->0.8 to 1.25<!--/-->" in said and "-->1 holds, 1 inconclusive<!--/-->" in said
    table = (project / "docs/coloring.md").read_text()
    assert "| E2.drift_temperature | holds | 0.00534 | -0.001 to 0.0131 | 0.011 | " in table
    assert table.endswith("<!-- verdicts:end -->\nEnd.\n")
    assert read_rows(project / STORED)["E2.drift_temperature"]["verdict"] == "holds"
    assert publish(project / "results/standard/claims.json", project) == [], "again, nothing changes"


def test_what_cannot_be_published_is_refused_and_nothing_written(project):
    path = project / "results/standard/claims.json"
    before = (project / "docs/coloring.md").read_text()
    path.write_text(json.dumps([row("E2.drift_temperature", verdict="not_decided")]))
    with pytest.raises(DamagedFileError, match="not decided: E2.drift_temperature"):
        publish(path, project)
    path.write_text(json.dumps([row("E2.drift_temperature")]))
    with pytest.raises(ConfigurationError, match="no row of E4.same_first_passage"):
        publish(path, project)
    (project / "README.md").write_text("<!--=E2.drift_temperature.size-->?<!--/-->")
    with pytest.raises(ConfigurationError, match="E2.drift_temperature has no number size"):
        publish(path, project)
    assert (project / "docs/coloring.md").read_text() == before and not (project / STORED).exists()
    with pytest.raises(DamagedFileError, match="Make the standard run first"):
        read_rows(project / "nowhere.json")


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("`E2.drift_temperature`: 0.0053 (0 to 0.01)", 0),
        ("**E2.drift_temperature** (0.53%)", 0),
        ("E2.drift_temperature is 0.006", 1),
        ("E2.drift_temperature 0.5%, E2.drift_temperature 0.6%", 1),
        ("E9.gone: 3", 1),
        ("E2.drift_temperature holds for 0.2 <= B", 0),
    ],
)
def test_numbers_typed_by_hand_are_compared_to_the_printed_digits(text, wrong):
    assert len(typed_by_hand(text, {"E2.drift_temperature": row("E2.drift_temperature")})) == wrong
