import shlex
import sys

from thermobatch.pipeline import workflow as paths

# Every job is a command of the package, run by the interpreter that runs Snakemake.
THERMOBATCH = f"{shlex.quote(sys.executable)} -m thermobatch"


localrules:
    all,
