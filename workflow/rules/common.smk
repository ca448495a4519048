import shlex
import sys

from thermobatch.pipeline import workflow as paths

# Every job is a command of the package, run by the interpreter that runs Snakemake.
THERMOBATCH = f"{shlex.quote(sys.executable)} -m thermobatch"

# This run's, files and command line together, for the job that must not have it as a parameter (see warm_up).
CONFIGURATION = paths.packed(jobs.configuration.data)


localrules:
    all,
