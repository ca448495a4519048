# No parameters, so that nothing but a missing marker runs it: Snakemake would not look at what comes after an "ancient"
# file that is made again. What the configuration does not tell it to compile, jobs compile themselves; so too if it crashes.
rule warm_up:
    output:
        touch("results/{scale}/compiled/{experiment}/{sources}"),
    log:
        "logs/{scale}/warm_up/{experiment}/{sources}.log",
    priority: 1
    resources:
        mem_mb=2000,
        disk_mb=100,
        runtime=30,
        compiling=1,
    shell:
        "{THERMOBATCH} warm-up {wildcards.experiment:q} --scale {wildcards.scale}"
        " --configuration {CONFIGURATION} 2> {log:q}"
        " || echo thermobatch: warm-up ended with status $?, the jobs compile themselves >> {log:q}"


rule simulate:
    input:
        instances=lambda wildcards: jobs.instance_files(
            wildcards.scale, wildcards.experiment, wildcards.point, int(wildcards.first), int(wildcards.last)
        ),
        compiled=lambda wildcards: ancient(
            f"results/{wildcards.scale}/compiled/{wildcards.experiment}/"
            f"{paths.experiment_sources(wildcards.experiment)}"
        ),
    output:
        paths.CHUNK,
    log:
        "logs/{scale}/simulate/{experiment}/{point}/seeds={first}-{last}.log",
    benchmark:
        "logs/{scale}/simulate/{experiment}/{point}/seeds={first}-{last}.tsv"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: (
            attempt * jobs.simulate_memory(wildcards.scale, wildcards.experiment, wildcards.point)
        ),
        disk_mb=lambda wildcards: jobs.simulate_disk(
            wildcards.scale,
            wildcards.experiment,
            wildcards.point,
            int(wildcards.last) - int(wildcards.first) + 1,
        ),
        runtime=lambda wildcards, attempt: (
            attempt
            * jobs.simulate_minutes(
                wildcards.scale,
                wildcards.experiment,
                wildcards.point,
                int(wildcards.last) - int(wildcards.first) + 1,
            )
        ),
    params:
        sources=lambda wildcards: paths.experiment_sources(wildcards.experiment),
        point=lambda wildcards: jobs.slug(wildcards.scale, wildcards.experiment, wildcards.point),
        parameters=lambda wildcards: jobs.point_json(wildcards.scale, wildcards.experiment, wildcards.point),
        seed=jobs.configuration.seed,
    shell:
        "{THERMOBATCH} simulate {wildcards.experiment:q} --point {params.point:q} --parameters {params.parameters:q}"
        " --seed {params.seed} --first {wildcards.first} --last {wildcards.last}"
        " --instances {input.instances:q} --output {output:q} 2> {log:q}"
