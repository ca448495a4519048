"""How studies are found: by their place, ``<wing>/studies/<study>/``, so that a new one stands in no list."""

import importlib
import re
from functools import cache
from types import ModuleType

from thermobatch.foundation.compilation import PACKAGE

NAME = re.compile(r'^    name: ClassVar\[str\] = "(\w+)"', re.MULTILINE)


def modules_at(pattern: str) -> list[str]:
    """Return the modules whose files match, such as ``*/studies/*/claims.py``, without ``thermobatch.``."""
    files = sorted(PACKAGE.glob(pattern))
    return [".".join(file.relative_to(PACKAGE).with_suffix("").parts) for file in files]


def load(module: str) -> ModuleType:
    """Import a found module."""
    return importlib.import_module(f"{PACKAGE.name}.{module}")


def claim_modules() -> list[str]:
    """Return the modules that register claims."""
    return modules_at("*/studies/*/claims.py")


def instance_modules() -> list[str]:
    """Return the modules that define ensembles of instances."""
    return modules_at("*/studies/instances.py")


@cache
def experiment_modules() -> dict[str, str]:
    """Return the module of every experiment by the experiment's name, importing none: names are read from the text.

    Raises
    ------
    TypeError
        If two experiments have the same name: it keys their seeds and files.
    """
    found: dict[str, str] = {}
    for module in modules_at("*/studies/*/*.py"):
        for name in NAME.findall(
            PACKAGE.joinpath(*module.split(".")).with_suffix(".py").read_text(encoding="utf-8")
        ):
            if name in found:
                raise TypeError(f"{module} and {found[name]} both define an experiment called {name!r}")
            found[name] = module
    return dict(sorted(found.items()))


def experiment_module(name: str) -> str:
    """Return the module of one experiment, without ``thermobatch.``; ValueError with the known names if none."""
    if name not in experiment_modules():
        raise ValueError(f"experiment = {name!r}: must be one of {', '.join(experiment_modules())}")
    return experiment_modules()[name]
