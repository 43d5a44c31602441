rule compute_part:
    input:
        slices="results/{run}/slices.parquet",
        classifier="results/{run}/model/classifier.pt",
        code=part_code,
    output:
        maps=sharded("results/{run}/saliency/parts/{part}.parquet"),
    log:
        sharded("results/{run}/logs/compute_part/{part}.log"),
    benchmark:
        sharded("results/{run}/benchmarks/compute_part/{part}.tsv")
    conda:
        ENV.format("saliency")
    threads: 1
    resources:
        gpu=1,
        mem_mb=growing(8000),
        runtime=growing(720),
    params:
        part=part_spec,
        image_size=COHORT.image_size,
        subsets=explained_subsets(),
        target=OPTIONS.saliency.target,
        precision=OPTIONS.model.precision,
        shard=shard_of_job,
        seed=SEED,
    script:
        "../scripts/compute_part.py"


rule combine_parts:
    input:
        parts=part_tables,
        predictions="results/{run}/model/predictions.parquet",
        code=combination_code,
    output:
        maps="results/{run}/saliency/{estimator}.parquet",
    log:
        "results/{run}/logs/combine_parts/{estimator}.log",
    benchmark:
        "results/{run}/benchmarks/combine_parts/{estimator}.tsv"
    wildcard_constraints:
        estimator=any_of(COMPOSED),
    conda:
        ENV.format("saliency")
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        estimator=estimator_spec,
        parts=estimator_parts,
        image_size=COHORT.image_size,
    script:
        "../scripts/combine_parts.py"


rule compute_importance:
    input:
        slices="results/{run}/slices.parquet",
        classifier="results/{run}/model/classifier.pt",
        predictions="results/{run}/model/predictions.parquet",
        code=estimator_code,
    output:
        maps=sharded("results/{run}/saliency/{estimator}.parquet"),
    log:
        sharded("results/{run}/logs/compute_importance/{estimator}.log"),
    benchmark:
        sharded("results/{run}/benchmarks/compute_importance/{estimator}.tsv")
    wildcard_constraints:
        estimator=any_of(name for name in ESTIMATORS if name not in COMPOSED),
    conda:
        ENV.format("saliency")
    threads: 1
    resources:
        gpu=1,
        mem_mb=growing(8000),
        runtime=growing(720),
    params:
        estimator=estimator_spec,
        image_size=COHORT.image_size,
        subsets=explained_subsets(),
        target=OPTIONS.saliency.target,
        precision=OPTIONS.model.precision,
        shard=shard_of_job,
        seed=SEED,
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
                    *(f"saliency/parts/{re.escape(part)}" for part in PARTS),
                    *(f"saliency/{name}" for name in ESTIMATORS if name not in COMPOSED),
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
