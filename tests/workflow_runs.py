"""Run the workflow in a bare copy of the project, and compare what came out."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parent.parent
PARTS = ("Snakefile", "config.yaml", "claims.lock.yaml", "workflow", "profiles")
SNAKEMAKE = [sys.executable, "-m", "snakemake"]


def copy_project(folder: Path) -> Path:
    folder.mkdir()
    for part in PARTS:
        source = PROJECT / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / part)
    return folder


def snakemake(folder: Path, *arguments: str, check: bool = True) -> subprocess.CompletedProcess:
    environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "200"}
    done = subprocess.run(
        [*SNAKEMAKE, *arguments],
        cwd=folder,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert not check or done.returncode == 0, done.stdout
    return done


def digests(folder: Path) -> dict[str, str]:
    """Checksums of datasets, claims and figures: all that must not depend on how the workflow was run."""
    files = [
        *folder.glob("results/smoke/datasets/*.nc"),
        *folder.glob("results/smoke/*.json"),
        *folder.glob("figures/smoke/*"),
    ]
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(files)
    }
