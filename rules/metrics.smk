rule segment_slices:
    input:
        slices="results/{run}/slices.parquet",
        code=code_inputs("scripts/segment_slices.py"),
    output:
        segments="results/{run}/metrics/segments.parquet",
    log:
        "results/{run}/logs/segment_slices.log",
    benchmark:
        "results/{run}/benchmarks/segment_slices.tsv"
    # Wants many cores, so that whatever starts before it keeps it waiting, and all of Dice with it.
    priority: 1
    conda:
        ENV.format("metrics")
    threads: 8
    resources:
        mem_mb=growing(8000),
        runtime=growing(120),
    script:
        "../scripts/segment_slices.py"


rule evaluate_importance:
    input:
        slices="results/{run}/slices.parquet",
        maps="results/{run}/saliency/{estimator}.parquet",
        classifier=metric_classifier,
        segments=metric_segments,
        code=metric_code,
    output:
        points=sharded("results/{run}/metrics/{metric}/{estimator}.parquet"),
    log:
        sharded("results/{run}/logs/evaluate_importance/{metric}/{estimator}.log"),
    benchmark:
        sharded("results/{run}/benchmarks/evaluate_importance/{metric}/{estimator}.tsv")
    conda:
        ENV.format("metrics")
    threads: 1
    resources:
        gpu=metric_gpus,
        mem_mb=growing(8000),
        runtime=growing(720),
    params:
        options=metric_options,
        precision=metric_precision,
        shard=shard_of_job,
        seed=SEED,
    script:
        "../scripts/evaluate_importance.py"


rule evaluate_ceiling:
    input:
        slices="results/{run}/slices.parquet",
        segments="results/{run}/metrics/segments.parquet",
        code=ceiling_code,
    output:
        points="results/{run}/statistics/{metric}/ceiling/points.parquet",
        values="results/{run}/statistics/{metric}/ceiling/values.parquet",
        curves="results/{run}/statistics/{metric}/ceiling/curves.parquet",
    log:
        "results/{run}/logs/evaluate_ceiling/{metric}.log",
    benchmark:
        "results/{run}/benchmarks/evaluate_ceiling/{metric}.tsv"
    conda:
        ENV.format("metrics")
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        options=metric_options,
        statistics=STATISTICS,
        seed=SEED,
    script:
        "../scripts/evaluate_ceiling.py"
