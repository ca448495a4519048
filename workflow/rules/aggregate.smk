rule aggregate:
    input:
        chunks=lambda wildcards: jobs.chunk_files(wildcards.scale, wildcards.experiment),
    output:
        dataset=paths.DATASET,
        resolved=paths.RESOLVED,
    log:
        "logs/{scale}/aggregate/{experiment}.log",
    resources:
        mem_mb=lambda wildcards: jobs.aggregate_memory(wildcards.scale, wildcards.experiment),
        disk_mb=lambda wildcards: jobs.aggregate_disk(wildcards.scale, wildcards.experiment),
        runtime=30,
    params:
        sources=lambda wildcards: paths.experiment_sources(wildcards.experiment),
        request=lambda wildcards: jobs.aggregate_request(wildcards.scale, wildcards.experiment),
    shell:
        "{THERMOBATCH} aggregate --request {params.request:q} --output {output.dataset:q}"
        " --resolved {output.resolved:q} 2> {log:q}"
