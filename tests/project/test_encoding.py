"""Text is UTF-8 wherever we read or write it: no call leaves the encoding to the locale."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SOURCES = sorted(
    file for folder in ("src", "tools", "benchmarks", "workflow") for file in (ROOT / folder).rglob("*.py")
)


def left_to_the_locale(tree: ast.AST) -> list[str]:
    """The calls that read or write text without naming its encoding."""
    return [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Call) and _left(node)]


def _left(call: ast.Call) -> bool:
    function = ast.unparse(call.func)
    name, options = function.split(".")[-1], {keyword.arg: keyword.value for keyword in call.keywords}
    if "encoding" in options or function == "os.open":
        return False
    if name in ("open", "fdopen"):
        arguments = [node.value for node in (*call.args, *options.values()) if isinstance(node, ast.Constant)]
        return not any(mode in ("rb", "wb", "ab", "xb") for mode in arguments)
    if name in ("run", "Popen", "check_output"):
        return bool({"text", "universal_newlines", "errors"} & set(options))
    return function.endswith((".read_text", ".write_text"))


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(ROOT)))
def test_no_text_is_left_to_the_locale(file):
    assert left_to_the_locale(ast.parse(file.read_text(encoding="utf-8"))) == []


def test_what_is_left_to_the_locale_is_found():
    left = ["open(p)", "p.open('w')", "p.read_text()", "p.write_text(s)", "run(c, text=True)", "os.fdopen(f)"]
    right = ["open(p, 'rb')", "p.open(mode='ab')", "p.read_text(encoding='utf-8')", "run(c)", "os.open(p, 0)"]
    assert left_to_the_locale(ast.parse("\n".join(left + right))) == left
