"""Notebooks by hand: an unknown parameter is an error wherever papermill is called from, and the scale is said."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from thermobatch.pipeline.errors import ConfigurationError
from thermobatch.pipeline.interactive import _project
from thermobatch.pipeline.notebook.execution import check_parameters as check_before
from thermobatch.pipeline.notebook.parameters import check_parameters, unknown_parameters

PROJECT = Path(__file__).parent.parent.parent.parent
NOTEBOOKS = sorted((PROJECT / "workflow/notebooks").glob("*.ipynb"))
DECLARED = (
    "# Parameters: papermill fills them in.\nscale = 'smoke'  # smoke | standard\ndatasets = {}\nn = None"
)


def test_every_notebook_checks_its_parameters_first():
    assert len(NOTEBOOKS) > 20
    for path in NOTEBOOKS:
        cells = [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]
        sources = ["".join(cell["source"]) for cell in cells]
        assert sources[1].endswith("\ntb.check_parameters(scale, datasets)"), path.name
        assert unknown_parameters([sources[0], "# Parameters\nscale = 'paper'\noutput = 'x'\n"]) == {}


@pytest.mark.parametrize(
    ("cells", "unknown"),
    [
        ([DECLARED], []),
        ([DECLARED, "# Parameters\nn = 5\n"], []),
        ([DECLARED, "# Parameters\nn = 5\nmean_degre = 17\n"], ["mean_degre"]),
        ([DECLARED, '# Parameters\nscale = "paper"\ndatasets = {"a": "b"}\nm = 1\n'], ["m"]),
        ([DECLARED, "# Parameters\nm = 1\n", "%matplotlib inline", "# Parameters\nn = 1\n"], []),
        (["x = 1", DECLARED, "own = 3", "# Parameters\nown = 3\n"], ["own"]),
    ],
)
def test_given_names_that_no_cell_declares_are_found(cells, unknown):
    found = unknown_parameters(["", *cells, "tb.check_parameters(scale, datasets)"])
    assert list(found) == unknown and all("n" in declared for declared in found.values())


def test_the_workflow_names_the_nearest_parameter_before_it_starts_a_kernel():
    notebook = PROJECT / "workflow/notebooks/E1_relaxation.ipynb"
    with pytest.raises(ConfigurationError, match="'mean_degre'; did you mean 'mean_degree'"):
        check_before(notebook, {"mean_degre": 17})


def test_outside_a_notebook_there_is_nothing_to_check(capsys):
    check_parameters("standard", {"coloring_relaxation": "file.nc"})
    assert capsys.readouterr().out == ""


def test_papermill_by_hand_fails_on_an_unknown_parameter(tmp_path):
    notebook = PROJECT / "workflow/notebooks/E1_relaxation.ipynb"
    command = [sys.executable, "-m", "papermill", str(notebook), "out.ipynb", "-p", "mean_degre", "17"]
    done = subprocess.run(command, cwd=tmp_path, text=True, capture_output=True)
    assert done.returncode != 0
    assert "mean_degre: this notebook has no such parameter; did you mean 'mean_degree'?" in done.stderr


def test_without_a_config_yaml_near_by_the_checkouts_counts_and_results_go_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert _project() == (PROJECT / "config.yaml", tmp_path)
    (tmp_path / "config.yaml").touch()
    (tmp_path / "inside").mkdir()
    monkeypatch.chdir(tmp_path / "inside")
    assert _project() == (tmp_path / "config.yaml", tmp_path)
