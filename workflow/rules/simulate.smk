rule warm_up:
    output:
        touch("results/{scale}/compiled/{experiment}"),
    log:
        "logs/{scale}/warm_up/{experiment}.log",
    params:
        sources=lambda wildcards: paths.experiment_sources(wildcards.experiment),
        points=lambda wildcards: jobs.structures_json(wildcards.scale, wildcards.experiment),
    shell:
        "{THERMOBATCH} warm-up {wildcards.experiment:q} --points {params.points:q} 2> {log:q}"


rule simulate:
    input:
        instances=lambda wildcards: jobs.instance_files(
            wildcards.scale, wildcards.experiment, wildcards.point, int(wildcards.first), int(wildcards.last)
        ),
        compiled=ancient("results/{scale}/compiled/{experiment}"),
    output:
        paths.CHUNK,
    log:
        "logs/{scale}/simulate/{experiment}/{point}/seeds={first}-{last}.log",
    benchmark:
        "logs/{scale}/simulate/{experiment}/{point}/seeds={first}-{last}.tsv"
    threads: 1
    resources:
        mem_mb=lambda wildcards: jobs.simulate_memory(wildcards.scale, wildcards.experiment, wildcards.point),
        runtime=lambda wildcards: jobs.simulate_minutes(
            wildcards.scale,
            wildcards.experiment,
            wildcards.point,
            int(wildcards.last) - int(wildcards.first) + 1,
        ),
    params:
        sources=lambda wildcards: paths.experiment_sources(wildcards.experiment),
        parameters=lambda wildcards: jobs.point_json(wildcards.scale, wildcards.experiment, wildcards.point),
        seed=jobs.configuration.seed,
    shell:
        "{THERMOBATCH} simulate {wildcards.experiment:q} --point {wildcards.point:q} --parameters {params.parameters:q}"
        " --seed {params.seed} --first {wildcards.first} --last {wildcards.last}"
        " --instances {input.instances:q} --output {output:q} 2> {log:q}"
