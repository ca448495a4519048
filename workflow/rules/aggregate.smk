rule aggregate:
    input:
        chunks=lambda wildcards: jobs.chunk_files(wildcards.scale, wildcards.experiment),
    output:
        paths.DATASET,
    log:
        "logs/{scale}/aggregate/{experiment}.log",
    params:
        sources=lambda wildcards: paths.experiment_sources(wildcards.experiment),
        request=lambda wildcards: jobs.aggregate_request(wildcards.scale, wildcards.experiment),
    shell:
        "{THERMOBATCH} aggregate --request {params.request:q} --output {output:q} 2> {log:q}"
