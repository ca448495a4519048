rule figure:
    input:
        datasets=lambda wildcards: jobs.figure_datasets(wildcards.scale, wildcards.figure),
        # its content is among the parameters: the date of a fresh checkout means nothing
        notebook=lambda wildcards: ancient(jobs.notebook(wildcards.figure)),
    output:
        pdf=f"{paths.FIGURE}.pdf",
        svg=report(f"{paths.FIGURE}.svg", caption="../report/figure.rst", category="{scale}"),
        png=f"{paths.FIGURE}.png",
        caption=f"{paths.FIGURE}.md",
        executed=f"{paths.NOTEBOOK}.ipynb",
        page=f"{paths.NOTEBOOK}.html",
    log:
        "logs/{scale}/figures/{figure}.log",
    resources:
        mem_mb=2000,
        disk_mb=100,
        runtime=15,
        notebooks=1,
    params:
        sources=lambda wildcards: paths.notebook_sources(jobs.notebook(wildcards.figure)),
        expected=lambda wildcards: jobs.expected(wildcards.scale, jobs.figure_experiments(wildcards.figure)),
    shell:
        "{THERMOBATCH} figure {wildcards.figure:q} --scale {wildcards.scale} --notebook {input.notebook:q}"
        " --datasets {input.datasets:q} --expected {params.expected}"
        " --executed {output.executed:q} --output {output.pdf:q} 2> {log:q}"


# A short target for every figure, at the scale of the configuration: snakemake --cores 2 E2
for identifier in jobs.configuration.figures:

    rule:
        name:
            identifier
        input:
            jobs.figure_files(jobs.configuration.scale, identifier),
        localrule: True
