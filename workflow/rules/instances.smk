rule instances:
    output:
        paths.INSTANCES,
    log:
        "logs/{scale}/instances/{ensemble}/instances={first}-{last}.log",
    resources:
        mem_mb=lambda wildcards: jobs.instances_memory(wildcards.scale, wildcards.ensemble),
        disk_mb=lambda wildcards: jobs.instances_disk(wildcards.scale, wildcards.ensemble),
        runtime=10,
    params:
        sources=lambda wildcards: paths.instance_sources(jobs.ensemble(wildcards.scale, wildcards.ensemble)),
        ensemble=lambda wildcards: jobs.ensemble_json(wildcards.scale, wildcards.ensemble),
        kind=lambda wildcards: jobs.ensemble(wildcards.scale, wildcards.ensemble).kind,
        seed=jobs.configuration.seed,
    shell:
        "{THERMOBATCH} instances {params.kind:q} --ensemble {params.ensemble:q} --seed {params.seed}"
        " --first {wildcards.first} --last {wildcards.last} --output {output:q} 2> {log:q}"
