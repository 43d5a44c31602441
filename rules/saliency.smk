rule share_passes:
    input:
        slices="results/{run}/slices.parquet",
        classifier="results/{run}/model/classifier.pt",
        predictions=predictions_of_target,
    output:
        maps=sharded("results/{run}/saliency/shared/{shared}.parquet"),
    log:
        sharded("results/{run}/logs/share_passes/{shared}.log"),
    benchmark:
        sharded("results/{run}/benchmarks/share_passes/{shared}.tsv")
    conda:
        ENV.format("saliency")
    threads: 1
    resources:
        gpu=1,
        mem_mb=growing(8000),
        runtime=growing(720),
    params:
        job=shared_job,
        code=shared_code,
    script:
        "../scripts/share_passes.py"


rule combine_shared:
    input:
        shared=tables_of_shared,
    output:
        maps="results/{run}/saliency/{estimator}.parquet",
    log:
        "results/{run}/logs/combine_shared/{estimator}.log",
    benchmark:
        "results/{run}/benchmarks/combine_shared/{estimator}.tsv"
    wildcard_constraints:
        estimator=any_of(COMBINED),
    conda:
        ENV.format("saliency")
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        job=combine_job,
        code=combine_code,
    script:
        "../scripts/combine_shared.py"


rule compute_importance:
    input:
        slices="results/{run}/slices.parquet",
        classifier="results/{run}/model/classifier.pt",
        predictions="results/{run}/model/predictions.parquet",
    output:
        maps=sharded("results/{run}/saliency/{estimator}.parquet"),
    log:
        sharded("results/{run}/logs/compute_importance/{estimator}.log"),
    benchmark:
        sharded("results/{run}/benchmarks/compute_importance/{estimator}.tsv")
    wildcard_constraints:
        estimator=any_of(name for name in ESTIMATORS if name not in COMBINED),
    conda:
        ENV.format("saliency")
    threads: 1
    resources:
        gpu=1,
        mem_mb=growing(8000),
        runtime=growing(720),
    params:
        job=importance_job,
        code=importance_code,
    script:
        "../scripts/compute_importance.py"


if len(SHARDS) > 1:

    rule join_shards:
        input:
            shards=shards_of_table,
            code=code_inputs("scripts/join_shards.py"),
        output:
            table="results/{run}/{joined}.parquet",
        log:
            "results/{run}/logs/join_shards/{joined}.log",
        benchmark:
            "results/{run}/benchmarks/join_shards/{joined}.tsv"
        wildcard_constraints:
            joined=any_of(
                [
                    *(f"saliency/shared/{re.escape(name)}" for name in SHARED),
                    *(f"saliency/{name}" for name in ESTIMATORS if name not in COMBINED),
                    *(f"metrics/{metric}/{name}" for metric in METRICS for name in ESTIMATORS),
                ]
            ),
        conda:
            ENV.format("saliency")
        threads: 1
        resources:
            mem_mb=growing(4000),
            runtime=growing(60),
        script:
            "../scripts/join_shards.py"
