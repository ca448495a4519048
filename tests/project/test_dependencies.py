"""The environments agree: pyproject.toml (needed), requirements.lock (tested) and environment.yml (conda)."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parent.parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text())
LOCK = (ROOT / "requirements.lock").read_text()
PYTHONS = ("3.11", "3.12", "3.13")
PLATFORMS = {
    "linux": {
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": "x86_64",
        "os_name": "posix",
    },
    "linux-arm": {
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": "aarch64",
        "os_name": "posix",
    },
    "mac": {
        "sys_platform": "darwin",
        "platform_system": "Darwin",
        "platform_machine": "arm64",
        "os_name": "posix",
    },
}
# Leaner conda packages that install the same distribution as the name in pyproject.toml.
CONDA_NAMES = {
    "matplotlib-base": "matplotlib",
    "nbconvert-core": "nbconvert",
    "snakemake-minimal": "snakemake",
}
CONDA_ONLY = {"python", "pip", "make", "git"}
# Run by their names, not (only) imported.
STARTED = {"ipykernel": "the notebooks' kernel", "snakemake": "make figures"}
# Come with another dependency, in the version that it needs.
PROVIDED = {
    "llvmlite": "numba",
    "ipython": "ipykernel",
    "jupyter-client": "ipykernel",
    "traitlets": "ipykernel",
}


def declared() -> dict[str, Requirement]:
    """Every requirement of pyproject.toml, extras included, by canonical name."""
    lines = PROJECT["dependencies"] + [
        line for extra in PROJECT["optional-dependencies"].values() for line in extra
    ]
    return {canonicalize_name(requirement.name): requirement for requirement in map(Requirement, lines)}


def locked(lock: str) -> dict[str, list[Requirement]]:
    """The pins of a lock by canonical name: several when they differ between Pythons."""
    pins: dict[str, list[Requirement]] = {}
    for line in lock.splitlines():
        if line and line[0] not in "# ":
            pin = Requirement(line.removesuffix("\\"))
            pins.setdefault(canonicalize_name(pin.name), []).append(pin)
    return pins


def pinned_version(pin: Requirement) -> Version:
    return Version(str(pin.specifier).removeprefix("=="))


def conda_requirements(lines: list) -> dict[str, SpecifierSet]:
    """The version ranges of an environment.yml by the names of pyproject.toml, its pip section included."""
    ranges = {}
    for line in lines:
        if isinstance(line, dict):
            ranges |= conda_requirements([text for text in line["pip"] if text != "-e ."])
        else:
            name, text = re.fullmatch(r"([\w.-]+)\s*(.*)", line).groups()
            text = re.sub(r"^=(\d[\d.]*)$", r"==\1.*", text)  # conda's "=3.12" is pip's "==3.12.*"
            ranges[canonicalize_name(CONDA_NAMES.get(name, name))] = SpecifierSet(text)
    return ranges


def lock_problems(lock: str, wanted: dict[str, Requirement], markers: dict[str, str]) -> list[str]:
    """What of `wanted` a lock does not pin exactly once, within its range, in the environment `markers`."""
    pins, problems = locked(lock), []
    for name, requirement in wanted.items():
        valid = [pin for pin in pins.get(name, []) if pin.marker is None or pin.marker.evaluate(markers)]
        if len(valid) != 1:
            problems.append(f"{name}: {len(valid)} pins")
        elif pinned_version(valid[0]) not in requirement.specifier:
            problems.append(f"{valid[0]}: outside {requirement.specifier}")
    return problems


def unhashed_pins(lock: str) -> list[str]:
    """Requirements of a lock that are not pinned with == or have no sha256."""
    without_comments = re.sub(r"^ *#.*\n", "", lock, flags=re.MULTILINE)
    blocks = re.split(r"^(?=\S)", without_comments, flags=re.MULTILINE)[1:]
    pin = re.compile(r"\S+==\S+( ; [^\\\n]+)? (\\\n    --hash=sha256:[0-9a-f]{64} ?)+\n")
    return [block.split("\n")[0] for block in blocks if not pin.fullmatch(block)]


def imported_distributions() -> set[str]:
    """Canonical names of what the package's modules import, installed distributions only."""
    modules = set()
    for file in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {name.name.partition(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                modules.add(node.module.partition(".")[0])
    installed = packages_distributions()
    modules -= set(sys.stdlib_module_names) | {"thermobatch"}
    return {canonicalize_name(name) for module in modules for name in installed[module]}


def test_every_dependency_is_imported_and_every_import_declared():
    """What only tests need is in `dev`; what nothing imports is not asked of users."""
    needed = {canonicalize_name(Requirement(line).name) for line in PROJECT["dependencies"]}
    assert needed - set(STARTED) == imported_distributions() - set(STARTED) - set(PROVIDED)


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("patch", [0, 9])
def test_lock_pins_every_requirement_once(python, platform, patch):
    markers = PLATFORMS[platform] | {
        "python_version": python,
        "python_full_version": f"{python}.{patch}",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    assert lock_problems(LOCK, declared(), markers) == []


def test_lock_is_hashed_and_nothing_else():
    assert unhashed_pins(LOCK) == []
    assert len(locked(LOCK)) > len(declared())


def test_lock_was_made_from_this_pyproject():
    direct, name = set(), ""
    for line in LOCK.splitlines():
        if line and line[0] not in "# ":
            name = canonicalize_name(Requirement(line.removesuffix("\\")).name)
        elif "thermobatch (pyproject.toml)" in line:
            direct.add(name)
    assert direct == set(declared()), "run: make lock"


def test_lock_can_build_the_package():
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    assert {Requirement(line).name for line in build} | {"editables"} <= set(declared())


def test_planted_lock_defects_are_found():
    wanted = {"numpy": Requirement("numpy>=2")}
    markers = {"python_full_version": "3.11.4"}
    assert lock_problems("numpy==1.26 \\\n", wanted, markers) == ["numpy==1.26: outside >=2"]
    assert lock_problems("scipy==1.26 \\\n", wanted, markers) == ["numpy: 0 pins"]
    assert lock_problems("numpy==2.1 ; python_full_version >= '3.12' \\\n", wanted, markers) == [
        "numpy: 0 pins"
    ]
    assert lock_problems("numpy==2.1 \\\nnumpy==2.2 \\\n", wanted, markers) == ["numpy: 2 pins"]
    good = f"numpy==2.1 ; python_full_version >= '3.12' \\\n    --hash=sha256:{'0' * 64}\n    # via scipy\n"
    assert unhashed_pins("# header\n" + good + good) == []
    assert unhashed_pins(good + "scipy==1.2\n    # via x\n" + good) == ["scipy==1.2"]
    assert unhashed_pins("--index https://example.org\n" + good) == ["--index https://example.org"]
    assert unhashed_pins(good.replace("==", ">=", 1)) != []


def test_pythons_of_the_project():
    supported = SpecifierSet(PROJECT["requires-python"])
    assert [f"3.{minor}" for minor in range(30) if f"3.{minor}.5" in supported] == list(PYTHONS)
    classified = [line.rsplit(" ", 1)[1] for line in PROJECT["classifiers"] if "Python :: 3." in line]
    assert classified == list(PYTHONS)
    script = (ROOT / "tools" / "find_python.sh").read_text()
    assert re.search(r'^versions="([\d. ]+)"', script, re.MULTILINE)[1].split() == list(reversed(PYTHONS))
    assert re.search(r"for version in ([\d. ]+); do", (ROOT / "tools" / "test_other_pythons.sh").read_text())[
        1
    ].split() == list(PYTHONS)


def test_conda_environment_has_the_same_requirements():
    conda = conda_requirements(CONDA["dependencies"])
    assert CONDA["name"] == PROJECT["name"]
    assert CONDA["channels"] == ["conda-forge", "bioconda", "nodefaults"]
    assert {name: str(conda[name]) for name in conda if name not in CONDA_ONLY} == {
        name: str(requirement.specifier) for name, requirement in declared().items()
    }
    assert CONDA["dependencies"][-1]["pip"][-1] == "-e ."


def test_conda_python_is_supported():
    python = conda_requirements(CONDA["dependencies"])["python"]
    assert [version for version in PYTHONS if f"{version}.5" in python], python


def test_locked_versions_suit_conda():
    conda = conda_requirements(CONDA["dependencies"])
    pins = [pin for pins in locked(LOCK).values() for pin in pins]
    ranges = [conda.get(canonicalize_name(pin.name), SpecifierSet()) for pin in pins]
    assert [
        str(pin) for pin, allowed in zip(pins, ranges, strict=True) if pinned_version(pin) not in allowed
    ] == []


def test_conda_ranges_are_read():
    assert conda_requirements(
        ["python =3.12", "matplotlib-base >=3.9", {"pip": ["rich>=13,<14", "-e ."]}]
    ) == {
        "python": SpecifierSet("==3.12.*"),
        "matplotlib": SpecifierSet(">=3.9"),
        "rich": SpecifierSet(">=13,<14"),
    }
