"""What lies about on the user's machine changes nothing: kernels, styles, modules, locales, missing system calls."""

import json
import os
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import nbformat
import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure
from workflow_runs import PROJECT, copy_project

from thermobatch.pipeline import netcdf
from thermobatch.pipeline.measure import available_cores
from thermobatch.pipeline.notebook.execution import execute_figure
from thermobatch.study import style

NOT_UTF8 = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
MODULES = ("random", "types", "xarray", "numpy", "thermobatch")
JOB = [sys.executable, "-P", "-X", "utf8", "-m", "thermobatch"]
FIGURE = """
import json, os, sys
from pathlib import Path
import matplotlib
import xarray
for kind in ("pdf", "svg", "png", "md"):
    Path(f"{output}.{kind}").write_text("drawn \u2212 by hand")
print(json.dumps([sys.executable, xarray.__file__, os.getcwd(), matplotlib.rcParams["savefig.bbox"]]))
"""


@pytest.fixture
def strewn(tmp_path, monkeypatch) -> Path:
    """The working directory, with files that are called like libraries and a matplotlibrc."""
    folder = tmp_path / "strewn"
    folder.mkdir()
    for module in MODULES:
        (folder / f"{module}.py").write_text(f"raise SystemExit('{module}.py of the folder was run')\n")
    (folder / "matplotlibrc").write_text("savefig.bbox: tight\n")
    monkeypatch.chdir(folder)
    return folder


# --- modules and kernels ---------------------------------------------------------------------------------------------


def test_the_notebooks_kernel_is_this_interpreter_and_sees_no_stray_file(strewn, monkeypatch):
    """There is another `python3` kernel, a home that cannot be used, start-up files, and a locale without UTF-8."""
    other = strewn / "jupyter/kernels/python3"
    other.mkdir(parents=True)
    wrong = {"argv": ["/bin/false", "{connection_file}"], "display_name": "another", "language": "python"}
    (other / "kernel.json").write_text(json.dumps(wrong))
    startup = strewn / "ipython/profile_default/startup"
    startup.mkdir(parents=True)
    (startup / "first.py").write_text("raise SystemExit('a start-up file was run')")
    for name, value in NOT_UTF8.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("JUPYTER_PATH", str(strewn / "jupyter"))
    monkeypatch.setenv("IPYTHONDIR", str(strewn / "ipython"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", "/dev/null/runtime")
    parameters = nbformat.v4.new_code_cell(
        "scale = None\ndatasets = None\noutput = None", metadata={"tags": ["parameters"]}
    )
    notebook = nbformat.v4.new_notebook(cells=[parameters, nbformat.v4.new_code_cell(FIGURE)])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, strewn / "a.ipynb")
    execute_figure("A", "smoke", Path("a.ipynb"), [], Path("a/executed.ipynb"), Path("a/figure"))
    printed = nbformat.read("a/executed.ipynb", as_version=4).cells[-1].outputs[0].text
    assert json.loads(printed) == [sys.executable, xr.__file__, str(strewn), None]
    assert Path("a/figure.md").read_bytes() == "drawn \u2212 by hand".encode()


@pytest.mark.slow
def test_commands_by_hand_see_no_stray_file(strewn):
    """Without -P; only what Python itself needs to find the package is taken from the folder then."""
    for name in ("thermobatch", "types"):
        (strewn / f"{name}.py").unlink()
    (strewn / "config.yaml").write_bytes((PROJECT / "config.yaml").read_bytes())
    done = subprocess.run([sys.executable, "-m", "thermobatch", "validate"], capture_output=True, text=True)
    assert done.returncode == 0 and "is valid" in done.stdout, done.stderr


@pytest.mark.slow
def test_the_workflow_sees_no_stray_file_and_starts_jobs_that_do_not(tmp_path):
    """Snakemake puts the folder of its Snakefile before all libraries."""
    folder = copy_project(tmp_path / "project")
    for module in MODULES:
        (folder / f"{module}.py").write_text(f"raise SystemExit('{module}.py of the folder was run')\n")
    command = [sys.executable, "-P", "-m", "snakemake", "--cores", "1", "-n", "-p", "--"]
    done = subprocess.run(
        [*command, "results/smoke/compiled/coloring_relaxation/0"], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert f"{' '.join(JOB)} warm-up coloring_relaxation" in done.stdout + done.stderr
    assert ".venv/bin/python -P -m snakemake --cores" in (PROJECT / "Makefile").read_text()


# --- the user's matplotlib -------------------------------------------------------------------------------------------

USERS_SETTINGS = {
    "savefig.bbox": "tight",
    "savefig.pad_inches": 1.0,
    "savefig.transparent": True,
    "savefig.dpi": 50,
    "errorbar.capsize": 7.0,
    "pdf.compression": 0,
    "pdf.fonttype": 3,
    "path.simplify": False,
    "axes.formatter.limits": (-1, 1),
    "axes.unicode_minus": False,
    "lines.solid_capstyle": "butt",
    "text.usetex": True,
    "figure.facecolor": "red",
    "svg.fonttype": "none",
    "xtick.major.size": 9.0,
}


def drawn(output: Path) -> list[bytes]:
    with style.style():
        figure = Figure(figsize=(style.SINGLE_COLUMN, 2.4))
        axes = figure.add_subplot(xscale="log", xlabel="$T(B)$")
        axes.errorbar([1, 10, 1000], [-1e-3, 2e-3, 3e-3], yerr=1e-3, label="a")
        axes.legend()
    style.save(figure, output, "A caption.")
    return [output.with_suffix(f".{kind}").read_bytes() for kind in ("pdf", "svg", "png")]


@pytest.mark.slow
def test_figures_are_the_same_bytes_under_any_settings_of_the_user(tmp_path):
    plain = drawn(tmp_path / "plain")
    with mpl.rc_context(USERS_SETTINGS):
        assert drawn(tmp_path / "theirs") == plain
        assert mpl.rcParams["errorbar.capsize"] == 7.0, "the user's own figures keep the user's settings"


# --- locales ---------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_text_is_utf8_where_the_locale_is_not(tmp_path):
    """A comment in config.yaml, and a table into a pipe."""
    comment = "# \u00e9tats m\u00e9tastables, q \u2265 4\n".encode()
    (tmp_path / "config.yaml").write_bytes(comment + (PROJECT / "config.yaml").read_bytes())
    for command in ("validate", "info"):
        done = subprocess.run(
            [sys.executable, "-P", "-m", "thermobatch", command],
            cwd=tmp_path,
            env=os.environ | NOT_UTF8,
            capture_output=True,
        )
        assert done.returncode == 0, done.stderr.decode()
        assert "experiments" in done.stdout.decode("utf-8")


# --- systems that lack a call ----------------------------------------------------------------------------------------


def test_without_affinity_all_cores_are_counted(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert available_cores() == os.cpu_count()


def test_without_fallocate_a_full_disk_is_still_named(tmp_path, monkeypatch):
    """`/dev/full` has no room for anything."""
    monkeypatch.delattr(os, "posix_fallocate", raising=False)
    path = tmp_path / "a.nc"
    path.write_bytes(b"begun")
    netcdf._raise_if_no_room(path, 5_000_000)
    assert path.read_bytes() == b"begun"
    with pytest.raises(OSError, match="No space left"):
        netcdf._raise_if_no_room(Path("/dev/full"), 10)
    monkeypatch.setattr(
        xr.Dataset, "to_netcdf", lambda *_, **__: (_ for _ in ()).throw(RuntimeError("HDF error"))
    )
    with pytest.raises(RuntimeError, match="HDF error"):
        netcdf.write_dataset(xr.Dataset({"x": ("i", np.arange(3))}), path)
