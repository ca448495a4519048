"""Imports go one way, read from the syntax trees of the sources."""

import ast
import importlib
from pathlib import Path

import pytest
from source_trees import PACKAGE, ROOT, TREES, imported_modules

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


def test_all_modules_import():
    for module in TREES:
        if module != "__main__":
            importlib.import_module(f"thermobatch.{module}".removesuffix(".__init__"))
