rule claims:
    input:
        datasets=lambda wildcards: list(jobs.claim_datasets(wildcards.scale).values()),
        # its content is among the parameters: the date of a fresh checkout means nothing
        lock=ancient(jobs.lock()),
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
        lock=jobs.lock_content(),
        expected=lambda wildcards: jobs.expected(wildcards.scale, list(jobs.claim_datasets(wildcards.scale))),
    shell:
        "{THERMOBATCH} decide --claims {params.claims:q} --lock {input.lock:q} --datasets {input.datasets:q}"
        " --expected {params.expected} --output {output:q} 2> {log:q}"
