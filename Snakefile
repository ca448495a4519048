import sys
from pathlib import Path

# Snakemake puts the folder of a Snakefile before the libraries, where a random.py or xarray.py would take their place.
sys.path[:] = [folder for folder in sys.path if folder not in ("", workflow.basedir)]

from thermobatch.foundation.compilation import cache_directory
from thermobatch.foundation.compilation_error import CompilationError
from thermobatch.foundation.kernel_cache import check_cache
from thermobatch.pipeline.configuration import Configuration
from thermobatch.pipeline.config.files import snakemake_layers
from thermobatch.pipeline.config.notes import without_effect
from thermobatch.pipeline.deciding import decide_what_exists
from thermobatch.pipeline.errors import ConfigurationError
from thermobatch.pipeline.console.progress import announce
from thermobatch.pipeline.workflow import Workflow


# Where the run has no config.yaml of its own, that of the checkout counts.
configfile: "config.yaml" if Path("config.yaml").is_file() else f"{workflow.basedir}/config.yaml"


# Read again, strictly: Snakemake takes the last of two equal keys without a word.
try:
    check_cache(cache_directory())
    jobs = Workflow(Configuration(snakemake_layers(workflow)), Path(workflow.basedir))
except (CompilationError, ConfigurationError) as error:
    raise WorkflowError(str(error)) from None

if workflow.is_main_process:
    for line in without_effect(jobs.configuration):
        print(f"thermobatch: note: {line}", file=sys.stderr)


report: "workflow/report/workflow.rst"


wildcard_constraints:
    scale="smoke|standard|paper",
    experiment=r"[a-z0-9_]+",
    figure=r"[A-Za-z0-9_]+",
    ensemble=r"[^/]+",
    point=r"[^/]+",
    first=r"\d+",
    last=r"\d+",
    sources="[0-9a-f]+",


include: "workflow/rules/common.smk"
include: "workflow/rules/instances.smk"
include: "workflow/rules/simulate.smk"
include: "workflow/rules/aggregate.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/claims.smk"


# For every job that has ended, Snakemake's limit on jobs a second sets a timer that wakes the scheduler each second from
# then on: after some hundreds of jobs that keeps a core busy. Without the limit only the end of a job wakes it.
onstart:
    workflow.scheduler.job_rate_limiter = None
    announce(workflow, jobs)


onerror:
    decide_what_exists(jobs, workflow, log)


rule all:
    default_target: True
    input:
        jobs.targets(jobs.configuration.scale),
