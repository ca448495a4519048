rule claims:
    input:
        datasets=lambda wildcards: list(jobs.claim_datasets(wildcards.scale).values()),
    output:
        paths.CLAIMS,
    log:
        paths.CLAIMS_LOG,
    resources:
        mem_mb=4000,
        disk_mb=100,
        runtime=15,
    params:
        sources=paths.claim_sources(),
        claims=jobs.claims_json(),
        expected=lambda wildcards: jobs.expected(wildcards.scale, list(jobs.claim_datasets(wildcards.scale))),
    shell:
        "{THERMOBATCH} decide --claims {params.claims:q} --datasets {input.datasets:q}"
        " --expected {params.expected} --output {output:q} 2> {log:q}"
