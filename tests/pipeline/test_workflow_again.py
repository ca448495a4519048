"""The smoke workflow again without Snakemake, one process and other pieces: all datasets and figures, byte for byte."""

from pathlib import Path

import pytest

from thermobatch.pipeline.configuration import Configuration
from thermobatch.pipeline.jobs import aggregate, simulate
from thermobatch.pipeline.netcdf import write_dataset
from thermobatch.pipeline.notebooks import KINDS, execute_figure
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


@pytest.mark.parametrize("figure", CONFIGURATION.figures)
def test_a_figure_drawn_again_has_the_same_bytes(finished, tmp_path, figure):
    datasets = [finished / file for file in JOBS.figure_datasets("smoke", figure)]
    execute_figure(
        figure, "smoke", Path(JOBS.notebook(figure)), datasets, tmp_path / "again.ipynb", tmp_path / figure
    )
    for kind in KINDS:
        drawn = (tmp_path / f"{figure}.{kind}").read_bytes()
        assert drawn == (finished / f"figures/smoke/{figure}.{kind}").read_bytes(), kind
