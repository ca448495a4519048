"""Join an experiment's chunks into its dataset (a script because thousands of paths do not fit a command line)."""

import sys
from pathlib import Path

from thermobatch.pipeline.command_line import one_line_errors
from thermobatch.pipeline.jobs import aggregate_files

with Path(snakemake.log[0]).open("w") as sys.stderr, one_line_errors():  # noqa: F821
    aggregate_files(snakemake.params.resolved, snakemake.input.chunks, snakemake.output[0])  # noqa: F821
