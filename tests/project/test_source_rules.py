"""Rules of the sources that no linter knows, read from their syntax trees."""

import ast
import importlib
import inspect
import re
from pathlib import Path

import pytest

import thermobatch

ROOT = Path(__file__).parent.parent.parent
PACKAGE = ROOT / "src" / "thermobatch"
TREES = {
    file.relative_to(PACKAGE).with_suffix("").as_posix().replace("/", "."): ast.parse(file.read_text())
    for file in sorted(PACKAGE.rglob("*.py"))
}

# --- imports go one way ----------------------------------------------------------------------------------------------

# foundation <- statistics <- a wing's systems <- its dynamics <- its studies; a wing's theory stands beside its
# dynamics; claims and figures read Datasets; wings never import each other; the pipeline composes.
WINGS = {"coloring", "networks", "mean_field", "langevin"}
BASE = {"foundation": {"foundation"}, "statistics": {"foundation", "statistics"}}
BASE["study"] = {*BASE["statistics"], "study"}
WITHIN = {
    "systems": {"systems"},
    "dynamics": {"systems", "dynamics"},
    "theory": {"theory", "problem"},
    "experiment": {"systems", "dynamics", "theory", "experiment"},
    "claims": {"theory", "claims"},
    "figure": {"theory", "claims", "figure"},
}
# What states the problem of a wing for its dynamics and for its theory (said in the wing's docstring).
PROBLEM = {"mean_field": {"losses", "spectra", "settings", "sample_batches", "observables"}}
READERS = {
    "claims": "claims",
    "figure": "figure",
    "decisions": "claims",
    "points": "claims",
}  # the other files of studies are experiments'
ENTRY_POINTS = {"__init__", "__main__"}


def layer_of(module: str) -> tuple[str, str]:
    """The wing or base of a module (such as ``coloring.dynamics.run``), and its layer in the order of imports."""
    top, *rest = module.split(".")
    if top not in WINGS or not rest:
        return top, ""
    if rest[0] == "studies":
        return top, READERS.get(rest[-1], "experiment")
    return top, rest[0] if rest[0] in ("dynamics", "theory") else "systems"


def may_import(module: str, other: str) -> bool:
    """Whether the order of imports lets `module` import `other`, both modules of the package."""
    (top, layer), (other_top, other_layer) = layer_of(module), layer_of(other)
    if top == "pipeline":
        return True
    if top not in WINGS:
        return other_top in BASE[top]
    if other_top != top:
        return other_top in BASE["study" if layer in ("experiment", "claims", "figure") else "statistics"]
    states_problem = other.split(".")[1] in PROBLEM.get(top, ()) and "problem" in WITHIN[layer]
    return states_problem or other_layer in WITHIN[layer]


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


def wrong_imports(module: str, tree: ast.AST) -> list[str]:
    """The imports that `module` (such as ``coloring.graph``) must not make."""
    if module in ENTRY_POINTS:
        return []
    wrong = []
    for name in imported_modules(tree):
        parts = name.split(".")
        if name.startswith("."):
            wrong.append(
                f"{module} imports {name}: relative (what must rerun is found from absolute imports)"
            )
        elif parts[0] == "tests" or name == "conftest":
            wrong.append(f"{module} imports {name}: tests")
        elif parts[0] == "thermobatch" and name != "thermobatch.__version__":
            if len(parts) == 1 or parts[1] not in TOPS:
                wrong.append(f"{module} imports {name}: the front door")
            elif not may_import(module, ".".join(parts[1:])):
                wrong.append(f"{module} imports {name}")
    return wrong


TOPS = {*WINGS, *BASE, "pipeline"}


@pytest.mark.parametrize("module", TREES)
def test_imports_go_one_way(module):
    assert wrong_imports(module, TREES[module]) == []


def test_every_folder_has_a_rule():
    assert {module.split(".")[0] for module in TREES} - ENTRY_POINTS == TOPS
    for wing in WINGS:
        folders = {module.split(".")[1] for module in TREES if module.startswith(f"{wing}.")}
        assert {"dynamics", "theory", "studies"} <= folders


def test_what_states_a_problem_is_said_where_the_wing_begins():
    for wing, modules in PROBLEM.items():
        page = ast.get_docstring(TREES[f"{wing}.__init__"])
        assert [module for module in modules if f"`{module}`" not in page] == []


def test_packages_hold_only_a_docstring():
    packages = {module: tree for module, tree in TREES.items() if module.endswith(".__init__")}
    assert [module for module, tree in packages.items() if len(tree.body) != 1] == []
    folders = {file.parent for file in PACKAGE.rglob("*.py")}
    assert [folder for folder in folders if not (folder / "__init__.py").exists()] == []


def test_imports_run_in_no_circle():
    """Also over imports inside functions."""
    imports = {
        module: {
            name.removeprefix("thermobatch.")
            for name in imported_modules(tree)
            if name.removeprefix("thermobatch.") in TREES
        }
        for module, tree in TREES.items()
    }
    while free := {module for module, needed in imports.items() if not needed & set(imports)}:
        imports = {module: needed for module, needed in imports.items() if module not in free}
    assert imports == {}


def test_folders_are_small():
    for top in (PACKAGE, ROOT / "tests"):
        folders = [top, *(folder for folder in top.rglob("*") if folder.is_dir())]
        sizes = {folder: len(list(folder.glob("*.py"))) for folder in folders}
        assert {folder: size for folder, size in sizes.items() if size >= 16} == {}


def dependent_twins(tests: Path) -> list[str]:
    """The naive twins (``naive.py`` or files of ``naive/``) that import something of the package."""
    files = [file for pattern in ("naive*.py", "naive/**/*.py") for file in tests.glob(pattern)]
    imports = {file.name: imported_modules(ast.parse(file.read_text())) for file in files}
    return sorted(
        file for file, names in imports.items() if any(name.split(".")[0] == "thermobatch" for name in names)
    )


def test_naive_twins_import_nothing_of_the_package():
    assert dependent_twins(ROOT / "tests") == []


def test_planted_dependent_twins_are_found(tmp_path):
    (tmp_path / "naive").mkdir()
    (tmp_path / "naive.py").write_text("import thermobatch as tb")
    (tmp_path / "naive" / "sgd.py").write_text("def f():\n    from thermobatch.mean_field import samples")
    (tmp_path / "naive" / "good.py").write_text("import numpy as np")
    assert dependent_twins(tmp_path) == ["naive.py", "sgd.py"]


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("coloring.graph", "from thermobatch.coloring.dynamics.metropolis import sweep"),
        ("coloring.graph", "def f():\n    import thermobatch.coloring.dynamics"),
        ("coloring.graph", "from thermobatch.coloring import dynamics"),
        ("coloring.graph", "from thermobatch.networks import binary"),
        ("coloring.dynamics.run", "from thermobatch.networks.dynamics.annealing import run"),
        ("coloring.studies.recovery.claims", "from thermobatch.networks.theory import franz_parisi"),
        ("mean_field.dynamics.sgd", "importlib.import_module('thermobatch.mean_field.studies.x.experiment')"),
        ("mean_field.dynamics.sgd", "importlib.import_module(f'thermobatch.pipeline.{name}')"),
        ("mean_field.dynamics.sgd", "from thermobatch.mean_field.theory import dmft"),
        ("mean_field.theory.dmft", "import thermobatch.mean_field.samples as samples"),
        ("mean_field.theory.dmft", "from thermobatch.mean_field.dynamics.sgd import glm_sgd"),
        ("coloring.theory.equilibrium", "from thermobatch.coloring.graph import energy"),
        ("statistics.intervals", "from thermobatch.mean_field.dynamics import sgd"),
        ("statistics.intervals", "from thermobatch.study.claim import claim"),
        ("langevin.potentials", "from thermobatch.study.experiment import Experiment"),
        ("coloring.studies.aging.figure", "from thermobatch.coloring.studies.aging import experiment"),
        ("coloring.studies.aging.figure", "from thermobatch.coloring.graph import planted_coloring"),
        ("coloring.studies.aging.claims", "from thermobatch.coloring.studies.aging import figure"),
        ("coloring.studies.aging.claims", "from thermobatch.coloring.dynamics.run import run"),
        ("coloring.studies.aging.experiment", "from thermobatch.coloring.studies.aging import claims"),
        ("coloring.studies.aging.experiment", "from thermobatch.pipeline import seeds"),
        ("coloring.studies.aging.experiment", "import thermobatch as tb"),
        ("coloring.studies.aging.experiment", "from thermobatch import sgd_like"),
        ("coloring.studies.aging.experiment", "from .experiment import Experiment"),
        ("coloring.studies.aging.experiment", "from tests.naive import coloring"),
        ("foundation.streams", "from thermobatch.coloring import graph"),
        ("foundation.streams", "from thermobatch.statistics import intervals"),
        ("study.experiment", "from thermobatch.coloring.studies import instances"),
    ],
)
def test_planted_wrong_imports_are_found(module, source):
    assert len(wrong_imports(module, ast.parse(source))) == 1


def test_right_imports_are_let_through():
    source = (
        "import numpy as np\nfrom thermobatch.foundation import streams\n"
        "from thermobatch.coloring.graph import x\nfrom thermobatch import __version__"
    )
    assert wrong_imports("coloring.dynamics.metropolis", ast.parse(source)) == []
    source = (
        "from thermobatch.mean_field.losses import Loss\nfrom thermobatch.mean_field.theory import dmft_basis"
    )
    assert wrong_imports("mean_field.theory.dmft", ast.parse(source)) == []
    found = imported_modules(ast.parse("from thermobatch.coloring import graph, missing"))
    assert found == ["thermobatch.coloring.graph"]
    assert imported_modules(ast.parse("from thermobatch.coloring.graph import a")) == [
        "thermobatch.coloring.graph"
    ]
    assert imported_modules(ast.parse("import_module(f'{__package__}.{name}')")) == []


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


# --- docstrings ------------------------------------------------------------------------------------------------------


def documented_parameters(docstring: str) -> list[str] | None:
    """The names in a numpydoc Parameters section, in order; None without one."""
    section = re.search(
        r"^Parameters\n-{3,}\n(.*?)(?=^\S[^\n]*\n-{3,}$|\Z)", inspect.cleandoc(docstring), re.M | re.S
    )
    if section is None:
        return None
    heads = [
        line.split(" :")[0].split(":")[0]
        for line in section[1].splitlines()
        if line and not line[0].isspace()
    ]
    return [name.strip().lstrip("*\\") for head in heads for name in head.split(",")]


def signature_names(function: ast.FunctionDef | ast.AsyncFunctionDef, method: bool) -> list[str]:
    """The parameters of a function in the order of its signature, without self or cls."""
    arguments = function.args
    names = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args)]
    static = any(ast.unparse(decorator) == "staticmethod" for decorator in function.decorator_list)
    names = names[1:] if method and not static else names
    names += [arguments.vararg.arg] if arguments.vararg else []
    names += [argument.arg for argument in arguments.kwonlyargs]
    return names + ([arguments.kwarg.arg] if arguments.kwarg else [])


def docstring_problems(body: list[ast.stmt], owner: str = "") -> list[str]:
    """Public functions, classes and methods without docstring, or whose Parameters are not those of the signature."""
    problems = []
    for node in body:
        if not isinstance(
            node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
        ) or node.name.startswith("_"):
            continue
        name, docstring = f"{owner}{node.name}", ast.get_docstring(node)
        if not docstring:
            problems.append(f"{name}: no docstring")
            continue
        if isinstance(node, ast.ClassDef):
            problems += docstring_problems(node.body, f"{name}.")
            creators = [
                part for part in node.body if isinstance(part, ast.FunctionDef) and part.name == "__init__"
            ]
            fields = [
                part.target.id
                for part in node.body
                if isinstance(part, ast.AnnAssign) and not ast.unparse(part.annotation).startswith("ClassVar")
            ]
            expected = signature_names(creators[0], method=True) if creators else fields
        else:
            expected = signature_names(node, method=bool(owner))
        documented = documented_parameters(docstring)
        if documented is not None and documented != expected:
            problems.append(f"{name}: documents {documented}, takes {expected}")
    return problems


def front_door_problems(name: str, function) -> list[str]:
    """What a reader of help() would miss of a public function of the front door."""
    docstring = inspect.getdoc(function) or ""
    taken = [parameter.lstrip("*") for parameter in inspect.signature(function).parameters]
    problems = []
    if taken and documented_parameters(docstring) != taken:
        problems.append(f"{name}: documents {documented_parameters(docstring)}, takes {taken}")
    if inspect.isfunction(function) and not re.search(r"^(Returns|Yields)\n-+$", docstring, re.MULTILINE):
        problems.append(f"{name}: no Returns section")
    return problems


@pytest.mark.parametrize("module", TREES)
def test_docstrings_match_signatures(module):
    assert docstring_problems(TREES[module].body) == []


def test_front_door_is_documented():
    names = getattr(thermobatch, "__all__", [])
    public = {name: getattr(thermobatch, name) for name in names if callable(getattr(thermobatch, name))}
    assert [problem for name, thing in public.items() for problem in front_door_problems(name, thing)] == []
    assert len(names) == len(set(names))


def test_a_wing_hides_no_name_of_the_front_door():
    importlib.import_module("thermobatch.langevin.landscapes")
    assert inspect.isfunction(thermobatch.langevin)


def test_all_modules_import():
    for module in TREES:
        if module != "__main__":
            importlib.import_module(f"thermobatch.{module}".removesuffix(".__init__"))


PLANTED = '''
def bare(a):
    pass


def swapped(a, b, *rest, c=1, **options):
    """Do.

    Parameters
    ----------
    b : int
        Not first.
    a : int
    """


def good(a, b, *rest, c=1, **options):
    """Do.

    Parameters
    ----------
    a, b : int
        Two: with a colon.
    *rest : int
    c : int, optional
    **options
        More.

    Returns
    -------
    d : int
    """


class Point:
    """A point.

    Parameters
    ----------
    x : one line.
    z : not a field.
    """

    kind: ClassVar[str]
    x: int

    def move(self, by):
        """Move.

        Parameters
        ----------
        to : where
        """
'''


def test_planted_docstring_defects_are_found():
    problems = docstring_problems(ast.parse(PLANTED).body)
    assert [problem.split(":")[0] for problem in problems] == ["bare", "swapped", "Point.move", "Point"]


def test_planted_front_door_defects_are_found():
    def undocumented(a):
        """Do."""

    def documented(a):
        """Do.

        Parameters
        ----------
        a : int

        Returns
        -------
        int
        """

    assert len(front_door_problems("undocumented", undocumented)) == 2
    assert front_door_problems("documented", documented) == []
