"""Decide the claims whose datasets were made; the rows of the others say what is missing."""

import json
import subprocess
import sys
import traceback
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import xarray as xr

from thermobatch.pipeline.configuration import ResolvedExperiment
from thermobatch.pipeline.errors import DamagedFileError
from thermobatch.pipeline.jobs import read_expected, same_numbers
from thermobatch.pipeline.netcdf import read_dataset
from thermobatch.pipeline.registration import Registration
from thermobatch.pipeline.workflow import CLAIMS, CLAIMS_LOG, Workflow
from thermobatch.study.claim import claims

STOPPED = ("Terminating processes on user request", "Will exit after finishing currently running jobs")
"""What Snakemake writes to its log when a person, or a signal, ends a run."""
TIMEOUT = 900.0
"""Seconds the decisions after a failed run may take: about ten times what they take."""
FAILED = 1  # the exit status of `decide` when all rows are written, but something needs a person


def decide_claims(
    stanzas: Mapping[str, Mapping[str, Any]],
    made: Iterable[Path],
    missing: Iterable[Path] = (),
    *,
    expected: str,
    registered: Mapping[str, list[Registration]] = MappingProxyType({}),
) -> tuple[list[dict[str, Any]], list[str]]:
    """Decide claims, each on its own: what is wrong with one, or with its dataset, costs no other.

    Parameters
    ----------
    stanzas
        For each claim's identifier its `datasets` (names of experiments) and `options`.
    made, missing
        The files of the datasets (an experiment's name and ``.nc``): those to read, and those that were not made.
    expected
        What `Workflow.expected` says of them: a dataset made with other parameters counts as damaged.
    registered
        The entries of `claims.lock.yaml`: rows carry those of their claim, and the options that were used.

    Returns
    -------
    rows : list of dict
        The rows of `claims.json`, in the order of `stanzas`. What could not be decided has the verdict `not_decided`.
    failures : list of str
        What a person has to mend: damaged files, and the tracebacks of claims that raised something else than the
        ValueError of data that cannot decide.
    """
    datasets: dict[str, xr.Dataset] = {}
    reasons = {path.stem: f"dataset {path} was not made" for path in missing}
    rows, failures = [], []
    for path in made:
        try:
            datasets |= read_expected([path], expected)
        except DamagedFileError as error:
            reasons[path.stem] = str(error)
            failures.append(str(error))
    for name, stanza in stanzas.items():
        claim, needed, options = claims()[name], stanza["datasets"], stanza["options"]
        why = [reasons[dataset] for dataset in needed if dataset in reasons]
        if why:
            rows.append(claim.undecided("; ".join(why), options))
            continue
        try:
            row = claim.row([datasets[dataset] for dataset in needed], options)
            json.dumps(row)
        except Exception as error:  # a fault in a claim's program must not cost the others
            failures.append(f"claim {name}: {traceback.format_exc().rstrip()}")
            row = claim.undecided(f"{type(error).__name__}: {error}", options)
        rows.append(row)
    for row in rows:
        entries = [
            entry.model_dump(mode="json", exclude_none=True) for entry in registered.get(row["id"], [])
        ]
        row |= {"options": dict(stanzas[row["id"]]["options"]), "registered": entries}
    return rows, failures


def decide_what_exists(jobs: Workflow, run, logs: Iterable[str | Path] = ()) -> None:
    """After a failed run, decide the claims it was asked for and did not come to, as far as their datasets exist.

    Does nothing when a person stopped the run or none of a scale's datasets was made, and never raises: the run's own
    failure is what people must see. The claims are marked as incomplete, so the next run decides them again whatever
    it has made by then.

    Parameters
    ----------
    jobs
        The jobs of the configuration.
    run : snakemake.workflow.Workflow
        The run that failed: what the Snakefile knows as `workflow`.
    logs
        Snakemake's own logs of the run: what the Snakefile knows as `log`, a list.
    """
    try:
        said = [Path(log).read_text(encoding="utf-8", errors="replace") for log in logs]
        if any(words in text for text in said for words in STOPPED):
            return
        for job in [job for job in run.dag.needrun_jobs() if job.rule.name == "claims"]:
            scale = job.wildcards.scale
            files = {name: Path(file) for name, file in jobs.claim_datasets(scale).items()}
            made = [
                file
                for name, file in files.items()
                if _made(file, jobs.configuration.experiment(name, scale))
            ]
            if made:
                run.persistence.started(job)
                _decide(jobs, scale, made, [file for file in files.values() if file not in made])
    except KeyboardInterrupt:
        _say("stopped")
    except subprocess.TimeoutExpired:
        _say(f"not done after {TIMEOUT / 60:.0f} minutes")
    except Exception as error:
        _say(f"{type(error).__name__}: {error}")


def _made(path: Path, resolved: ResolvedExperiment) -> bool:
    """Whether a dataset is there, and not left from other parameters or sources."""
    if not path.is_file():
        return False
    try:
        dataset = read_dataset(path)
    except DamagedFileError:
        return True  # whoever reads it says so, and how to rebuild it
    return same_numbers(dataset, resolved)


def _decide(jobs: Workflow, scale: str, made: list[Path], missing: list[Path]) -> None:
    """Run the job of the rule `claims` on what was made, in a process of its own, after what it logged before."""
    log = Path(CLAIMS_LOG.format(scale=scale))
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [
        sys.executable,
        "-P",
        "-X",
        "utf8",
        "-m",
        "thermobatch",
        "decide",
        "--claims",
        jobs.claims_json(),
    ]
    command += ["--lock", jobs.lock(), "--datasets", *map(str, made), "--missing", *map(str, missing)]
    command += ["--expected", jobs.expected(scale, [path.stem for path in made])]
    with log.open("a", encoding="utf-8") as stream:
        status = subprocess.run(
            [*command, "--output", CLAIMS.format(scale=scale)], stdout=stream, stderr=stream, timeout=TIMEOUT
        ).returncode
    if status not in (0, FAILED):
        _say(f"exit status {status}, see {log}")


def _say(why: str) -> None:
    sys.stderr.write(f"thermobatch: the claims of what exists could not be decided: {why}\n")
