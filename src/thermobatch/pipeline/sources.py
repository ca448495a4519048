"""Find the source files a module really uses, so that an edit reruns what depends on it and nothing else."""

import ast
from functools import cache
from pathlib import Path

from thermobatch.compilation import PACKAGE, source_hash


@cache
def import_closure(module: str) -> tuple[Path, ...]:
    """Return the files of the package that `module` (such as ``experiments.coloring_relaxation``) imports, itself included.

    Imports inside functions count too. The package's own `__init__` (the lazy front door) never does.
    """
    files: set[Path] = set()
    waiting = [_file(module)]
    while waiting:
        file = waiting.pop()
        if file is None or file in files:
            continue
        files.add(file)
        waiting += [found for name in _imported_names(file) if (found := _file(name))]
    return tuple(sorted(files))


def closure_hash(module: str) -> str:
    """Return a hash of the sources `module` uses."""
    return source_hash(list(import_closure(module)))


def _imported_names(file: Path) -> list[str]:
    """Every name below `thermobatch.` that an import could mean: `from a import b` may import the module a.b."""
    names = []
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    prefix = "thermobatch."
    return [name.removeprefix(prefix) for name in names if name.startswith(prefix)]


def _file(module: str) -> Path | None:
    """A module's file; packages hold only a docstring and do not count."""
    file = PACKAGE.joinpath(*module.split(".")).with_suffix(".py")
    return file if file.is_file() else None
