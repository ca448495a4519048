rule figure:
    input:
        datasets=lambda wildcards: jobs.figure_datasets(wildcards.scale, wildcards.figure),
        notebook=lambda wildcards: jobs.notebook(wildcards.figure),
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
        runtime=15,
        notebooks=1,
    params:
        sources=lambda wildcards: paths.notebook_sources(jobs.notebook(wildcards.figure)),
    shell:
        "{THERMOBATCH} figure {wildcards.figure:q} --scale {wildcards.scale} --notebook {input.notebook:q}"
        " --datasets {input.datasets:q} --executed {output.executed:q} --output {output.pdf:q} 2> {log:q}"
