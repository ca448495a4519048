"""What people ask for: what is installed and configured, the verdict on every claim, and what is not made yet."""

import itertools
import json
import platform
from collections import Counter
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from thermobatch import __version__
from thermobatch.foundation.compilation import cache_directory
from thermobatch.foundation.kernel_cache import check_cache
from thermobatch.pipeline.configuration import Configuration
from thermobatch.pipeline.errors import DamagedFileError
from thermobatch.pipeline.measure import available_cores
from thermobatch.pipeline.registration import LOCK, is_registered
from thermobatch.pipeline.workflow import CLAIMS, Workflow
from thermobatch.study.claim import counted

ORIGIN = {"paper": "the paper's", "program": "that of the authors' program", "ours": "ours"}
LIBRARIES = ("numpy", "numba", "scipy", "xarray", "netCDF4", "snakemake", "papermill")
COLOURS = {
    "reproduced": "green",
    "holds": "green",
    "not_reproduced": "red",
    "does_not_hold": "red",
    "inconclusive": "yellow",
    "not_decided": "magenta",
    "illustration": "blue",
}


def information(configuration: Configuration) -> None:
    """Print versions, the machine, and the experiments, figures and claims of the configuration."""
    check_cache(cache_directory())
    console = Console()
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in LIBRARIES)
    console.print(f"thermobatch {__version__} on Python {platform.python_version()}: {versions}")
    console.print(f"{available_cores()} cores; compiled kernels in {escape(str(cache_directory()))}")
    table = Table(title=f"experiments (scale: {configuration.scale}, seed: {configuration.seed})")
    for column in ("experiment", "what it is", "points", "runs", "figures"):
        table.add_column(column)
    for name in configuration.experiments:
        resolved = configuration.experiment(name)
        figures = [key for key, figure in configuration.figures.items() if name in figure.datasets]
        title = type(next(iter(resolved.points.values()))).title
        table.add_row(
            name, title, str(len(resolved.points)), str(sum(resolved.seeds.values())), ", ".join(figures)
        )
    console.print(table)
    console.print(f"{len(configuration.claims)} claims: {', '.join(configuration.claims) or 'none'}")


def read_claims(path: Path) -> list[dict]:
    """Return the rows of a `claims.json`."""
    if not path.is_file():
        raise DamagedFileError(f"{path}: not made yet. Make it with: snakemake --cores all {path}")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError:
        raise DamagedFileError(
            f"{path}: damaged. Rebuild it with: snakemake --cores 1 --force {path}"
        ) from None


def missing_results(configuration: Configuration, scale: str) -> list[str]:
    """Return what a whole run at `scale` makes and is not there, a line each: files, and claims without a decision."""
    lines = []
    for file in map(Path, Workflow(configuration).targets(scale)):
        if not file.is_file() or not file.stat().st_size:
            lines.append(f"{file}: not made")
    path = Path(CLAIMS.format(scale=scale))
    if path.is_file():
        rows = {row["id"]: row for row in read_claims(path)}
        for claim in configuration.claims:
            if claim not in rows:
                lines.append(f"claim {claim}: not in {path}")
            elif rows[claim]["verdict"] == "not_decided":
                lines.append(f"claim {claim}: {rows[claim]['method']}")
    return lines


def print_claims(scale: str) -> None:
    """Print the claims decided at one scale, and how many have each verdict."""
    console = Console(highlight=False)
    rows = read_claims(Path(CLAIMS.format(scale=scale)))
    for row in rows:
        if row["estimate"] is None:
            _say(console, f"{verdict_of(row)} [bold]{escape(row['id'])}[/]: {escape(row['method'])}")
            continue
        low, high = row["interval"]
        numbers = f"{row['estimate']:.4g} in ({low:.4g}, {high:.4g}), margin {row['margin']}"
        _say(console, f"{verdict_of(row)} [bold]{escape(row['id'])}[/]: {escape(numbers)}")
        _say(console, f"    {escape(row['statement'])} Protocol: {ORIGIN[row['protocol']]}.", style="dim")
        for line in _history(row):
            _say(console, f"    {escape(line)}", style="dim")
    console.print(f"{len(rows)} claims: {counted(Counter(row['verdict'] for row in rows))}")


def _say(console: Console, text: str, **how) -> None:
    console.print(text, soft_wrap=True, **how)


def _history(row: dict) -> Iterator[str]:
    """How the options of a claim changed, and whether those used are the registered ones."""
    for before, entry in itertools.pairwise(row["registered"]):
        yield f"changed on {entry['date']} from {before['options']} to {entry['options']}: {entry['reason']}"
    if not is_registered(row["options"], row["registered"]):
        yield f"decided with {row['options']}, which is not registered in {LOCK}"


def verdict_of(row: dict) -> str:
    """Return the verdict of a claim with its colour, in rich markup."""
    return f"[{COLOURS[row['verdict']]}]{row['verdict'].replace('_', ' '):14}[/]"
