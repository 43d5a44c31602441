rule compute_importance:
    input:
        slices="results/{run}/slices.parquet",
        classifier="results/{run}/model/classifier.pt",
        predictions="results/{run}/model/predictions.parquet",
        code=estimator_code,
    output:
        maps="results/{run}/saliency/{estimator}.parquet",
    log:
        "results/{run}/logs/compute_importance/{estimator}.log",
    benchmark:
        "results/{run}/benchmarks/compute_importance/{estimator}.tsv"
    conda:
        ENV.format("saliency")
    threads: 1
    resources:
        gpu=1,
        mem_mb=8000,
        runtime=720,
    params:
        estimator=estimator_spec,
        image_size=COHORT.image_size,
        subsets=explained_subsets(),
        target=OPTIONS.saliency.target,
        seed=SEED,
    script:
        "../scripts/saliency/compute_importance.py"
