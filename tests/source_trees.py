"""The sources of the package as syntax trees, and what they import: for the rules that no linter knows."""

import ast
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "thermobatch"
TREES = {
    file.relative_to(PACKAGE).with_suffix("").as_posix().replace("/", "."): ast.parse(file.read_text())
    for file in sorted(PACKAGE.rglob("*.py"))
}


def is_module(name: str) -> bool:
    """Whether the package has a module or a folder of this name."""
    return name in TREES or f"{name}.__init__" in TREES


def imported_modules(tree: ast.AST) -> list[str]:
    """Every module a tree may import, also inside functions and by `import_module`; relative ones start with a dot."""
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            origin = "." * node.level + (node.module or "")
            whole = {f"{origin}.{alias.name}" for alias in node.names}
            modules = {name for name in whole if is_module(name.removeprefix("thermobatch."))}
            names += sorted(whole if origin == "thermobatch" else modules or {origin})
        elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in (
            "import_module",
            "__import__",
        ):
            names += _constant_start(node.args[0])
    return names


def _constant_start(argument: ast.expr) -> list[str]:
    """The module named by a string, or by the constant beginning of an f-string."""
    first = argument.values[0] if isinstance(argument, ast.JoinedStr) else argument
    return [first.value.rstrip(".")] if isinstance(first, ast.Constant) else []
