from thermobatch.pipeline.configuration import Configuration
from thermobatch.pipeline.errors import ConfigurationError
from thermobatch.pipeline.progress import show_progress
from thermobatch.pipeline.workflow import Workflow


configfile: "config.yaml"


try:
    jobs = Workflow(Configuration(config))
except ConfigurationError as error:
    raise WorkflowError(str(error)) from None

show_progress(jobs.typical_seconds())


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


rule all:
    default_target: True
    input:
        jobs.targets(jobs.configuration.scale),
