import os
import shlex
import sys

from thermobatch.pipeline import workflow as paths

# Every job is a command of the package, run by the interpreter that runs Snakemake. It takes no modules from the folder
# it runs in, and text is UTF-8 whatever the locale: so for what jobs start, and for Snakemake on a cluster's nodes.
THERMOBATCH = f"{shlex.quote(sys.executable)} -P -X utf8 -m thermobatch"
os.environ |= {"PYTHONSAFEPATH": "1", "PYTHONUTF8": "1"}

# This run's, files and command line together, for the job that must not have it as a parameter (see warm_up).
CONFIGURATION = paths.packed(jobs.configuration.data)


localrules:
    all,
