"""Make a virtual environment that holds exactly what requirements.lock says, and thermobatch itself, editable.

Usage: python tools/make_environment.py [--keep-python] VENV

The environment is of the Python that runs this file. Nothing is done when it is already good: what it was made from
is recorded in it as the last step, so an interrupted installation is never taken for a finished one. A link is
followed, and what something else than this program made is never cleared. Uses uv when it is on PATH, else pip; both
check the hashes of the lock.
"""

import argparse
import contextlib
import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
RECORD = "thermobatch-environment.json"


def wanted_record() -> dict[str, str]:
    """Return what decides the content of an environment: Python, lock, package metadata and place."""
    digests = {
        name: hashlib.sha256((PROJECT / file).read_bytes()).hexdigest()
        for name, file in {"lock": "requirements.lock", "package": "pyproject.toml"}.items()
    }
    return {"python": "{}.{}".format(*sys.version_info), "project": str(PROJECT), **digests}


def missing_steps(venv: Path, wanted: dict[str, str], keep_python: bool) -> list[str]:
    """Return what is still to do, in order: of ``create``, ``lock`` and ``package``."""
    everything = ["create", "lock", "package"]
    try:
        record = json.loads((venv / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return everything
    decisive = ("project", "lock") if keep_python else ("project", "lock", "python")
    if any(record.get(name) != wanted[name] for name in decisive) or not _runs(venv):
        return everything
    return [] if record.get("package") == wanted["package"] else ["package"]


def obstacle(venv: Path) -> str | None:
    """Return why an environment must not be made anew here: what is there is not ours to clear. Else None."""
    place = venv.resolve()
    try:
        if not any(place.iterdir()):
            return None
        record = json.loads((place / RECORD).read_text(encoding="utf-8"))
    except NotADirectoryError:
        return "it is not a folder"
    except FileNotFoundError:
        return f"it holds something that make did not make (no {RECORD})" if place.exists() else None
    except ValueError:  # ours, and damaged
        return None
    owner = record.get("project", str(PROJECT))
    shared = not place.is_relative_to(PROJECT) and owner != str(PROJECT) and Path(owner).is_dir()
    return f"it is the environment of {owner}" if shared else None


def _runs(venv: Path) -> bool:
    """Whether the environment's Python still starts and finds the package (its base may have been upgraded away)."""
    command = [venv / "bin" / "python", "-P", "-c", "import thermobatch"]
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except OSError:
        return False


def make(venv: Path, steps: list[str], record: dict[str, str]) -> None:
    """Carry out `steps` and record that the environment is good; until then the record only says whose it is."""
    venv = venv.resolve()  # the venv module does not follow a link
    uv, python = shutil.which("uv"), venv / "bin" / "python"
    venv.mkdir(parents=True, exist_ok=True)
    (venv / RECORD).write_text(json.dumps({"project": record["project"]}), encoding="utf-8")
    with_pip = uv is None and importlib.util.find_spec("ensurepip") is not None
    if "create" in steps:
        _clear(venv)
        _run([sys.executable, "-m", "venv", *([] if with_pip else ["--without-pip"]), venv])
    if uv:
        install = [uv, "pip", "install", "--quiet", "--python", python]
        compiled = ["--compile-bytecode"]
    else:  # some Linux distributions ship pip without ensurepip: then the outer pip installs into the environment
        pip = (
            [python, "-m", "pip"]
            if (venv / "bin" / "pip").exists()
            else [sys.executable, "-m", "pip", "--python", python]
        )
        install = [*pip, "--disable-pip-version-check", "--no-input", "install", "-qq"]
        compiled = []
    if "lock" in steps:
        _run([*install, *compiled, "--require-hashes", "-r", "requirements.lock"])
    _run(
        [*install, "--no-deps", "--no-build-isolation", "-e", "."]
    )  # uv and pip read more into a path than a path
    (venv / RECORD).write_text(json.dumps(record, indent=1), encoding="utf-8")


def _clear(venv: Path) -> None:
    """Remove everything but the record."""
    for entry in venv.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry.name != RECORD:
            entry.unlink()


def _run(command: list) -> None:
    """Run one command in the project, in a clean environment; end with one clear line when it fails."""
    ignored = ("PYTHONPATH", "PYTHONHOME", "PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_REQUIRE_HASHES")
    environment = {name: value for name, value in os.environ.items() if name not in ignored} | {
        "PIP_USER": "0",
        "PYTHONSAFEPATH": "1",  # the folder may hold a random.py
    }
    if subprocess.run(command, env=environment, cwd=PROJECT).returncode:
        sys.exit(
            f"make_environment: failed: {' '.join(map(str, command))}\nThe next `make` starts the environment anew."
        )


def main() -> None:
    """Read the command line, wait for another installation in this checkout, and do what is missing."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--keep-python", action="store_true", help="a good environment may be of another Python"
    )
    parser.add_argument("venv", type=Path)
    arguments = parser.parse_args()
    place = os.open(PROJECT, os.O_RDONLY)
    with contextlib.suppress(OSError):  # some network file systems cannot lock a directory
        fcntl.flock(place, fcntl.LOCK_EX)
    wanted = wanted_record()
    steps = missing_steps(arguments.venv, wanted, arguments.keep_python)
    if not steps:
        return
    if "create" in steps and (reason := obstacle(arguments.venv)):
        sys.exit(
            f"make_environment: {arguments.venv} is left as it is: {reason}. Move it away or remove it, "
            "then call make again; a link to an empty folder is welcome."
        )
    began, version = time.monotonic(), sys.version.split()[0]
    what = "thermobatch" if steps == ["package"] else "the locked packages (a minute or two)"
    print(
        f"{arguments.venv}: Python {version}: installing {what} with {'uv' if shutil.which('uv') else 'pip'}",
        flush=True,
    )
    make(arguments.venv, steps, wanted)
    print(f"{arguments.venv}: ready after {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("make_environment: interrupted; the next `make` starts the environment anew.")
