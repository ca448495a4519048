rule aggregate:
    input:
        chunks=lambda wildcards: jobs.chunk_files(wildcards.scale, wildcards.experiment),
    output:
        paths.DATASET,
    params:
        sources=lambda wildcards: paths.experiment_sources(wildcards.experiment),
        resolved=lambda wildcards: jobs.resolved_json(wildcards.scale, wildcards.experiment),
    log:
        "logs/{scale}/aggregate/{experiment}.log",
    script:
        "../scripts/aggregate.py"
