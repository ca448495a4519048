rule aggregate:
    input:
        chunks=lambda wildcards: jobs.chunk_files(wildcards.scale, wildcards.experiment),
    output:
        paths.DATASET,
    log:
        "logs/{scale}/aggregate/{experiment}.log",
    params:
        sources=lambda wildcards: paths.experiment_sources(wildcards.experiment),
        resolved=lambda wildcards: jobs.resolved_json(wildcards.scale, wildcards.experiment),
    script:
        "../scripts/aggregate.py"
