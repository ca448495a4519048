"""What may not be written in the sources, read from their syntax trees."""

import ast

import pytest
from source_trees import TREES, imported_modules

# --- what may not be written -----------------------------------------------------------------------------------------

STORES_CODE = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}
COMPILERS = {"njit", "jit", "vectorize", "guvectorize", "cfunc", "stencil"}
MAY_PRINT = {"pipeline.command_line", "__main__"}


def forbidden_words(module: str, tree: ast.AST) -> list[str]:
    """Uses of pickle, eval, exec, print and bare numba in a module of the package."""
    found = [f"imports {name}" for name in imported_modules(tree) if name.split(".")[0] in STORES_CODE]
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else ""
            if name in ("eval", "exec") or (name == "print" and module not in MAY_PRINT):
                found.append(f"line {node.lineno}: {name}()")
            found += [
                f"line {node.lineno}: {word.arg}" for word in node.keywords if word.arg == "allow_pickle"
            ]
        elif isinstance(node, ast.ImportFrom) and node.module == "numba":
            found += [
                f"line {node.lineno}: numba.{name.name}" for name in node.names if name.name in COMPILERS
            ]
        elif (
            isinstance(node, ast.Attribute)
            and ast.unparse(node.value) in ("numba", "nb")
            and node.attr in COMPILERS
        ):
            found += [f"line {node.lineno}: numba.{node.attr}"] if module != "foundation.compilation" else []
    return found


@pytest.mark.parametrize("module", TREES)
def test_no_forbidden_words(module):
    assert forbidden_words(module, TREES[module]) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "def f():\n    from joblib import dump",
        "x = eval('1')",
        "exec('x = 1')",
        "print('x')",
        "np.load(f, allow_pickle=True)",
        "from numba import njit",
        "@numba.jit\ndef f(): pass",
    ],
)
def test_planted_forbidden_words_are_found(source):
    assert len(forbidden_words("coloring.graph", ast.parse(source))) == 1


def test_the_command_line_may_print():
    assert forbidden_words("pipeline.command_line", ast.parse("print('x')")) == []
    assert forbidden_words("foundation.compilation", ast.parse("numba.njit(f)\nmodel.eval()")) == []


# --- randomness in kernels -------------------------------------------------------------------------------------------


def is_kernel(function: ast.FunctionDef) -> bool:
    """Whether a function is decorated with `kernel`, however that is called."""
    names = [
        ast.unparse(decorator.func if isinstance(decorator, ast.Call) else decorator)
        for decorator in function.decorator_list
    ]
    return any(name.split(".")[-1] == "kernel" for name in names)


def foreign_randomness(tree: ast.AST) -> list[str]:
    """Random numbers of numpy or of the standard library used inside a kernel (they would ignore the seed)."""
    sources = {"random"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            origin = getattr(node, "module", None)
            for alias in node.names:
                full = f"{origin}.{alias.name}" if origin else alias.name
                if full in ("numpy", "random", "numpy.random") or (origin or "") in (
                    "random",
                    "numpy.random",
                ):
                    name = alias.asname or alias.name
                    sources.add(f"{name}.random" if full == "numpy" else name)
    found = []
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef) and is_kernel(function):
            for node in (part for statement in function.body for part in ast.walk(statement)):
                name = ast.unparse(node) if isinstance(node, ast.Attribute | ast.Name) else ""
                if name in sources:
                    found.append(f"{function.name}, line {node.lineno}: {name}")
    return found


@pytest.mark.parametrize("module", TREES)
def test_kernels_draw_from_streams_only(module):
    assert foreign_randomness(TREES[module]) == []


def test_kernels_are_recognised():
    kernels = [
        node.name
        for node in ast.walk(TREES["foundation.streams"])
        if isinstance(node, ast.FunctionDef) and is_kernel(node)
    ]
    assert {"next_float", "rotate_left"} <= set(kernels)


@pytest.mark.parametrize(
    "source",
    [
        "import numpy as np\n@kernel\ndef f(x):\n    return np.random.rand()",
        "import numpy\n@kernel(inline='always')\ndef f(x):\n    x[0] = numpy.random.random()",
        "from numpy.random import rand\n@compilation.kernel\ndef f(x):\n    return rand()",
        "from numpy import random as r\n@kernel\ndef f(x):\n    return r.rand()",
        "import random\n@kernel\ndef f(x):\n    if x:\n        return random.random()",
    ],
)
def test_planted_foreign_randomness_is_found(source):
    assert len(foreign_randomness(ast.parse(source))) == 1


def test_randomness_outside_kernels_is_let_through():
    source = "import numpy as np\n@kernel\ndef f(state): return next_float(state)\n"
    source += "def g(): return np.random.default_rng(1)"
    assert foreign_randomness(ast.parse(source)) == []
