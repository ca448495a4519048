"""What people ask for: what is installed and configured, and the verdict on every claim."""

import json
import os
import platform
from importlib import metadata
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from thermobatch import __version__
from thermobatch.foundation.compilation import cache_directory
from thermobatch.pipeline.configuration import Configuration
from thermobatch.pipeline.errors import DamagedFileError
from thermobatch.pipeline.workflow import CLAIMS

LIBRARIES = ("numpy", "numba", "scipy", "xarray", "netCDF4", "snakemake", "papermill")
COLOURS = {"reproduced": "green", "not_reproduced": "red", "inconclusive": "yellow"}


def information(configuration: Configuration) -> None:
    """Print versions, the machine, and the experiments, figures and claims of the configuration."""
    console = Console()
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in LIBRARIES)
    console.print(f"thermobatch {__version__} on Python {platform.python_version()}: {versions}")
    console.print(
        f"{len(os.sched_getaffinity(0))} cores; compiled kernels in {escape(str(cache_directory()))}"
    )
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


def print_claims(scale: str) -> None:
    """Print the claims decided at one scale."""
    path = Path(CLAIMS.format(scale=scale))
    if not path.is_file():
        raise DamagedFileError(f"{path}: not made yet. Make it with: snakemake --cores all {path}")
    try:
        rows = json.loads(path.read_text())
    except json.JSONDecodeError:
        raise DamagedFileError(
            f"{path}: damaged. Rebuild it with: snakemake --cores 1 --force {path}"
        ) from None
    console = Console(highlight=False)
    for row in rows:
        low, high = row["interval"]
        if row["estimate"] is None:
            console.print(
                f"{verdict_of(row)} [bold]{escape(row['id'])}[/]: {escape(row['method'])}", soft_wrap=True
            )
            continue
        numbers = f"{row['estimate']:.4g} in ({low:.4g}, {high:.4g}), margin {row['margin']}"
        console.print(f"{verdict_of(row)} [bold]{escape(row['id'])}[/]: {escape(numbers)}", soft_wrap=True)
        console.print(f"    {escape(row['statement'])}", style="dim", soft_wrap=True)


def verdict_of(row: dict) -> str:
    """Return the verdict of a claim with its colour, in rich markup."""
    return f"[{COLOURS[row['verdict']]}]{row['verdict'].replace('_', ' '):14}[/]"
