"""Verdicts in README and docs: every number of a claim there is taken from the rows of one standard run.

Pages mark what is taken, in comments that a reader does not see: a table of the wing's verdicts between
``<!-- verdicts:begin -->`` and ``<!-- verdicts:end -->``, and single values in a sentence as
``<!--=E1.same_energy.estimate .2g-->0.0053<!--/-->`` (claim, field, and a format of Python). `publish` fills them in.
"""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

from thermobatch.foundation.files import write_text
from thermobatch.pipeline.errors import ConfigurationError, DamagedFileError
from thermobatch.study.claim import claims, counted

STORED = "docs/claims.json"
"""The rows of the standard run that the pages speak of."""

REPORT = "workflow/report/workflow.rst"
"""What a report of Snakemake opens with."""

HEADLINE = re.compile(r"^In numbers, .*?(?=\n\n)", re.S | re.M)
TABLE = re.compile(r"(<!-- verdicts:begin -->\n).*?(<!-- verdicts:end -->)", re.S)
VALUE = re.compile(
    r"<!--=(?P<name>[\w.]+?)(?:\.(?P<field>[a-z]+))?(?: (?P<form>[^ >]+))?-->(?P<text>.*?)<!--/-->", re.S
)
BY_HAND = re.compile(r"\b([A-Z]\d\.[a-z]\w+)[`*]*(?::| is| =| of)? \(?(-?\d+(?:\.\d+)?)(%?)(?![\w.]*\d)")
Rows = dict[str, dict[str, Any]]


def pages(folder: Path) -> list[Path]:
    """Return the pages that may speak of claims: README and those of docs."""
    return [folder / "README.md", *sorted((folder / "docs").glob("*.md"))]


def publish(path: Path, folder: Path) -> list[Path]:
    """Store the rows of a `claims.json` with the pages and fill these in; return the pages that changed.

    Parameters
    ----------
    path : pathlib.Path
        The `claims.json` of a standard run.
    folder : pathlib.Path
        The project.

    Raises
    ------
    DamagedFileError
        If there are no rows, or a claim is not decided.
    ConfigurationError
        If a page asks for a value that no row has; nothing is written then.
    """
    rows = read_rows(path)
    open_ones = [name for name, row in rows.items() if row["verdict"] == "not_decided"]
    if open_ones:
        raise DamagedFileError(f"{path}: not decided: {', '.join(open_ones)}. Mend that and decide again")
    texts = {page: filled(page, rows) for page in pages(folder)}
    if opening := report_text(texts[folder / "README.md"]):
        texts[folder / REPORT] = opening
    changed = [page for page, text in texts.items() if text != page.read_text(encoding="utf-8")]
    for page in changed:
        write_text(page, texts[page])
    write_text(folder / STORED, json.dumps(list(rows.values()), indent=1) + "\n")
    return changed


def report_text(readme: str) -> str:
    """Return how far the equivalence holds as README says it, without marks: what the report of a run opens with."""
    told = HEADLINE.search(readme)
    return re.sub(r"<!--.*?-->", "", told[0]).strip() + "\n" if told else ""


def read_rows(path: Path) -> Rows:
    """Return the rows of a `claims.json` by their claims."""
    if not path.is_file():
        raise DamagedFileError(f"{path}: not there. Make the standard run first: make figures")
    return {row["id"]: row for row in json.loads(path.read_text(encoding="utf-8"))}


def filled(page: Path, rows: Rows) -> str:
    """Return the text of a page with the verdicts and values of `rows`."""
    text = page.read_text(encoding="utf-8")
    text = TABLE.sub(lambda found: f"{found[1]}{_table(page.stem, rows)}{found[2]}", text)
    return VALUE.sub(
        lambda found: found[0].replace(f"-->{found['text']}<!--/", f"-->{_value(page, found, rows)}<!--/"),
        text,
    )


def typed_by_hand(text: str, rows: Rows) -> list[str]:
    """Return what a page says of a claim in numbers of its own that are not the row's, to the digits printed.

    Looked at are numbers right after an identifier, as in ``E1.same_energy: 0.0053`` or ``E2.x (0.9%)``.
    """
    wrong = []
    for name, number, percent in BY_HAND.findall(text):
        estimate = rows[name]["estimate"] if name in rows else None
        digits = len(number.partition(".")[2])
        known = None if estimate is None else round(abs(estimate) * (100 if percent else 1), digits)
        if known != round(abs(float(number)), digits):
            wrong.append(f"{name}: {number}{percent}, but its estimate is {estimate}")
    return wrong


def _value(page: Path, found: re.Match, rows: Rows) -> str:
    name, field, form = found["name"], found["field"], found["form"]
    if name == "counts":
        return counted(Counter(row["verdict"] for row in rows.values()))
    if name not in rows:
        raise ConfigurationError([f"{page}: {found[0]}: no row of {name}; known: {', '.join(rows)}"])
    row = rows[name]
    low, high = row["interval"]
    values = {"estimate": row["estimate"], "low": low, "high": high, "margin": row["margin"]}
    if field == "verdict":
        return row["verdict"].replace("_", " ")
    if field not in values or values[field] is None:
        raise ConfigurationError(
            [f"{page}: {found[0]}: {name} has no number {field}; known: {', '.join(values)}, verdict"]
        )
    value = values[field]
    if isinstance(value, list):
        return " to ".join(format(each, form or ".3g") for each in value)
    return format(abs(value) if form and form.endswith("%") else value, form or ".3g")


def _table(wing: str, rows: Rows) -> str:
    """The verdicts of one wing, or of all where the page is no wing's."""
    chosen = [row for row in rows.values() if wing_of(row["id"]) == wing]
    lines = [f"Standard scale: {counted(Counter(row['verdict'] for row in chosen))}.", ""]
    lines += [
        "| claim | verdict | estimate | interval | margin | protocol | what is claimed |",
        "|---" * 7 + "|",
    ]
    for row in chosen:
        margin = row["margin"] if isinstance(row["margin"], list) else [row["margin"]]
        cells = [
            row["id"],
            row["verdict"].replace("_", " "),
            _number(row["estimate"]),
            " to ".join(map(_number, row["interval"])),
            " to ".join(map(_number, margin)),
            row["protocol"],
            row["statement"].replace("|", "\\|"),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def wing_of(name: str) -> str:
    """Return the wing whose studies decide a claim, which is the name of its page."""
    return claims()[name].decide.__module__.split(".")[1] if name in claims() else ""
