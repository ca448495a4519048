"""What reruns: an experiment depends on the files it imports, and on nothing else."""

import ast
from pathlib import Path

from thermobatch.foundation.compilation import PACKAGE
from thermobatch.pipeline.sources import closure_hash, import_closure, imported_modules
from thermobatch.pipeline.workflow import claim_sources, notebook_sources


def names(files) -> set[str]:
    return {str(file).split("thermobatch/")[-1] for file in files}


def test_an_experiment_depends_on_its_kernels_and_not_on_figures_or_the_pipeline():
    found = names(import_closure("coloring.studies.relaxation.experiment"))
    assert {
        "coloring/studies/relaxation/experiment.py",
        "coloring/dynamics/metropolis.py",
        "coloring/graph.py",
        "foundation/streams.py",
    } <= found
    assert {"foundation/compilation.py", "coloring/theory/effective_temperature.py"} <= found
    assert not any(name.startswith(("pipeline", "statistics", "networks", "mean_field")) for name in found)
    assert not any(name.endswith(("figure.py", "claims.py")) for name in found)


def test_closures_are_closed():
    for file in import_closure("coloring.studies.temperature.experiment"):
        module = ".".join(file.relative_to(PACKAGE).with_suffix("").parts)
        assert set(import_closure(module)) <= set(import_closure("coloring.studies.temperature.experiment"))


def test_every_way_to_import_counts():
    code = """
import thermobatch.foundation.streams
from thermobatch.coloring import graph as coloring

def f():
    from thermobatch.foundation import files
"""
    assert set(imported_modules(ast.parse(code))) == {
        "foundation.streams",
        "coloring.graph",
        "foundation.files",
    }


def test_a_notebook_depends_on_its_figure(tmp_path):
    notebook = Path("workflow/notebooks/E1_relaxation.ipynb")
    _, sources = notebook_sources(str(notebook)).split()  # after the hash of the notebook itself
    assert sources == closure_hash("coloring.studies.relaxation.figure", "study.style")
    other = tmp_path / "other.ipynb"
    other.write_text(notebook.read_text().replace("studies.relaxation import", "studies.temperature import"))
    assert notebook_sources(str(other)) != notebook_sources(str(notebook))


def test_claims_depend_on_their_statistics():
    assert {"study/claim.py", "statistics/equivalence.py"} <= names(
        import_closure("coloring.studies.relaxation.claims")
    )
    assert claim_sources() != closure_hash("coloring.studies.relaxation.claims")
