"""Tables for people: what is installed and configured, and the verdict on every claim."""

import json
import os
import platform
from importlib import metadata
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from thermobatch import __version__
from thermobatch.compilation import cache_directory
from thermobatch.pipeline.configuration import Configuration
from thermobatch.pipeline.netcdf import DamagedFileError
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
    for column in ("experiment", "what it is", "points", "seeds", "figures"):
        table.add_column(column)
    for name in configuration.experiments:
        resolved = configuration.experiment(name)
        figures = [key for key, figure in configuration.figures.items() if name in figure.datasets]
        title = type(next(iter(resolved.points.values()))).title
        table.add_row(name, title, str(len(resolved.points)), str(resolved.seeds), ", ".join(figures))
    console.print(table)
    console.print(f"{len(configuration.claims)} claims: {', '.join(configuration.claims) or 'none'}")


def claims_table(scale: str) -> None:
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
    table = Table(title=f"claims at {scale} scale")
    for column in ("claim", "statement", "estimate", "interval", "margin", "verdict"):
        table.add_column(column)
    for row in rows:
        low, high = row["interval"]
        colour = COLOURS[row["verdict"]]
        table.add_row(
            escape(row["id"]),
            escape(row["statement"]),
            f"{row['estimate']:.4g}",
            f"[{low:.4g}, {high:.4g}]".replace("[", r"\["),
            escape(str(row["margin"])),
            f"[{colour}]{row['verdict'].replace('_', ' ')}[/{colour}]",
        )
    Console().print(table)
