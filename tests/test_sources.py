"""What reruns: an experiment depends on the files it imports, and on nothing else."""

import ast
from pathlib import Path

from thermobatch.compilation import PACKAGE
from thermobatch.pipeline.sources import closure_hash, import_closure, imported_modules
from thermobatch.pipeline.workflow import claim_sources, notebook_sources


def names(files) -> set[str]:
    return {str(file).split("thermobatch/")[-1] for file in files}


def test_an_experiment_depends_on_its_kernels_and_not_on_figures_or_the_pipeline():
    found = names(import_closure("experiments.coloring_relaxation"))
    assert {
        "experiments/coloring_relaxation.py",
        "dynamics/metropolis.py",
        "systems/coloring.py",
        "streams.py",
    } <= found
    assert {"compilation.py", "theory/effective_temperature.py"} <= found
    assert not any(name.startswith(("figures", "claims", "pipeline", "statistics")) for name in found)


def test_closures_are_closed():
    for file in import_closure("experiments.coloring_temperature"):
        module = ".".join(file.relative_to(PACKAGE).with_suffix("").parts)
        assert set(import_closure(module)) <= set(import_closure("experiments.coloring_temperature"))


def test_every_way_to_import_counts():
    code = """
import thermobatch.streams
from thermobatch.systems import coloring

def f():
    from thermobatch import files
"""
    assert set(imported_modules(ast.parse(code))) == {"streams", "systems.coloring"} | {"files"}


def test_a_notebook_depends_on_its_figure(tmp_path):
    notebook = Path("workflow/notebooks/E1_relaxation.ipynb")
    assert notebook_sources(str(notebook)) == closure_hash("figures.coloring_relaxation", "figures.style")
    other = tmp_path / "other.ipynb"
    other.write_text(
        notebook.read_text().replace("coloring_relaxation, style", "coloring_temperature, style")
    )
    assert notebook_sources(str(other)) != notebook_sources(str(notebook))


def test_claims_depend_on_their_statistics():
    assert {"claims/claim.py", "statistics/equivalence.py"} <= names(
        import_closure("claims.coloring_relaxation")
    )
    assert claim_sources() != closure_hash("claims.coloring_relaxation")
