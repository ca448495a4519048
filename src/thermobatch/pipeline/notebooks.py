"""Execute a figure's notebook with papermill, check what it drew, and keep the executed notebook."""

import os
from collections.abc import Sequence
from pathlib import Path

import nbformat
import papermill
from nbconvert import HTMLExporter

from thermobatch.foundation.files import replaced_when_complete, write_text
from thermobatch.pipeline.errors import ConfigurationError, DamagedFileError

TIMEOUT_SECONDS = 3600
KINDS = ("pdf", "svg", "png", "md")


def execute_figure(
    figure: str, scale: str, notebook: Path, datasets: Sequence[Path], executed: Path, output: Path
) -> None:
    """Execute `notebook` on the datasets of the workflow.

    Parameters
    ----------
    figure
        Identifier of the figure.
    scale
        The scale of the datasets.
    notebook
        The notebook, which has a cell tagged `parameters`.
    datasets
        NetCDF files, named after their experiments.
    executed
        Where the executed notebook goes (kept when it fails), with an HTML page beside it.
    output
        The figure's path without suffix.
    """
    parameters = {
        "scale": scale,
        "datasets": {path.stem: str(path) for path in datasets},
        "output": str(output),
    }
    check_parameters(notebook, parameters)
    executed.parent.mkdir(parents=True, exist_ok=True)
    output.parent.mkdir(parents=True, exist_ok=True)
    os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
    failed = executed.with_suffix(".failed.ipynb")
    try:
        papermill.execute_notebook(
            str(notebook),
            str(failed),
            parameters,
            execution_timeout=TIMEOUT_SECONDS,
            progress_bar=False,
            kernel_name="python3",
        )
    except papermill.PapermillExecutionError as error:
        if error.ename == DamagedFileError.__name__:
            raise DamagedFileError(error.evalue) from None
        raise
    missing = [f"{output}.{kind}" for kind in KINDS if not Path(f"{output}.{kind}").is_file()]
    if missing:
        raise RuntimeError(f"{notebook} did not write {', '.join(missing)}; look at {failed}")
    content = nbformat.read(failed, as_version=4)
    page, _ = HTMLExporter(exclude_input_prompt=True, exclude_output_prompt=True).from_notebook_node(content)
    write_text(executed.with_suffix(".html"), page)
    with replaced_when_complete(executed) as temporary:
        nbformat.write(content, temporary)
    failed.unlink()


def check_parameters(notebook: Path, parameters: dict) -> None:
    """Raise ConfigurationError if a parameter is none of the notebook's (papermill alone would only warn)."""
    known = papermill.inspect_notebook(str(notebook))
    unknown = sorted(set(parameters) - set(known))
    if unknown:
        raise ConfigurationError(
            [f"{notebook}: has no parameter {name!r}; known: {', '.join(sorted(known))}" for name in unknown]
        )
