"""The smoke workflow again without Snakemake, one process and other pieces: all datasets and figures, byte for byte."""

import nbformat
import pytest

from thermobatch.pipeline.configuration import Configuration
from thermobatch.pipeline.jobs import aggregate, simulate
from thermobatch.pipeline.netcdf import write_dataset
from thermobatch.pipeline.notebook.execution import KINDS
from thermobatch.pipeline.workflow import Workflow

pytestmark = pytest.mark.pipeline

CONFIGURATION = Configuration.read("config.yaml")
JOBS = Workflow(CONFIGURATION)
DATASETS = "results/smoke/datasets"


@pytest.mark.parametrize("name", CONFIGURATION.experiments)
def test_a_dataset_made_in_other_pieces_has_the_same_bytes(finished, tmp_path, name):
    resolved = CONFIGURATION.experiment(name, "smoke")
    pieces = {}
    for slug, point in resolved.points.items():
        seeds = resolved.seeds[slug]
        cut = (seeds + 1) // 3  # the workflow's pieces begin at seed 0 and are of one length
        blocks = [block for block in (range(cut, seeds), range(cut)) if block]
        pieces[slug] = [simulate(name, point, slug, block, resolved.root_seed) for block in blocks]
    write_dataset(aggregate(resolved, pieces), tmp_path / "again.nc")
    assert (tmp_path / "again.nc").read_bytes() == (finished / DATASETS / f"{name}.nc").read_bytes()


def execute_here(notebook: str, **parameters) -> None:
    """Run the code of a notebook in this process, after whatever other figures have left here."""
    names = {}
    for cell in nbformat.read(notebook, as_version=4).cells:
        if cell.cell_type == "code":
            exec(compile(cell.source, notebook, "exec"), names)  # noqa: S102
        if "parameters" in cell.metadata.get("tags", []):
            names.update(parameters)


@pytest.mark.parametrize("figure", CONFIGURATION.figures)
def test_a_figure_drawn_again_has_the_same_bytes(finished, tmp_path, figure):
    datasets = {
        file.stem: str(file) for file in map(finished.joinpath, JOBS.figure_datasets("smoke", figure))
    }
    execute_here(JOBS.notebook(figure), scale="smoke", datasets=datasets, output=str(tmp_path / figure))
    for kind in KINDS:
        drawn = (tmp_path / f"{figure}.{kind}").read_bytes()
        assert drawn == (finished / f"figures/smoke/{figure}.{kind}").read_bytes(), kind
