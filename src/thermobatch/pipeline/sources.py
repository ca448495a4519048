"""Find the source files a module really uses, so that an edit reruns what depends on it and nothing else."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from thermobatch.foundation.compilation import PACKAGE, source_hash


@cache
def import_closure(module: str) -> tuple[Path, ...]:
    """Return the files that a `module` of the package (``coloring.graph``) imports, itself included.

    Imports inside functions count too. The package's own `__init__` (the lazy front door) never does.
    """
    files: set[Path] = set()
    waiting = [_file(module)]
    while waiting:
        file = waiting.pop()
        if file is not None and file not in files:
            files.add(file)
            waiting += [_file(name) for name in imported_modules(ast.parse(file.read_text(encoding="utf-8")))]
    return tuple(sorted(files))


@cache
def closure_hash(*modules: str) -> str:
    """Return a hash of the sources some modules use."""
    return source_hash(sorted({file for module in modules for file in import_closure(module)}))


def imported_modules(tree: ast.AST) -> list[str]:
    """Return the modules of the package that code imports (``from a import b`` counts as a.b if that is a module)."""
    names = []
    for node in _statements(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names += [f"{node.module}.", *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    modules = [
        name.removeprefix("thermobatch.").strip(".") for name in names if name.startswith("thermobatch.")
    ]
    return [module for module in modules if _file(module) is not None]


def _statements(tree: ast.AST) -> Iterator[ast.stmt]:
    """All statements, at any depth; expressions, most of a tree, hold no import."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.stmt):
            yield child
        if isinstance(child, ast.stmt | ast.excepthandler | ast.match_case):
            yield from _statements(child)


def _file(module: str) -> Path | None:
    """A module's file; packages hold only a docstring and do not count."""
    file = PACKAGE.joinpath(*module.split(".")).with_suffix(".py")
    return file if file.is_file() else None
