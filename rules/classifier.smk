if not study.weights_given:

    rule train_classifier:
        input:
            slices="results/{run}/slices.parquet",
        output:
            classifier="results/{run}/model/classifier.pt",
            training="results/{run}/model/training.parquet",
        log:
            "results/{run}/logs/train_classifier.log",
        benchmark:
            "results/{run}/benchmarks/train_classifier.tsv"
        conda:
            "../envs/classifier.yaml"
        threads: 8
        resources:
            gpu=1,
            mem_mb=growing(16000),
            runtime=growing(720),
        params:
            job=study.job("train_classifier"),
            code=study.code("train_classifier"),
        script:
            "../scripts/train_classifier.py"

else:

    rule import_classifier:
        input:
            # What it holds counts (digest), not its time.
            weights=ancient(study.weights()),
        output:
            classifier="results/{run}/model/classifier.pt",
        log:
            "results/{run}/logs/import_classifier.log",
        benchmark:
            "results/{run}/benchmarks/import_classifier.tsv"
        conda:
            "../envs/classifier.yaml"
        threads: 1
        resources:
            mem_mb=growing(4000),
            runtime=growing(15),
        params:
            job=study.job("import_classifier"),
            code=study.code("import_classifier"),
        script:
            "../scripts/import_classifier.py"


rule predict_slices:
    input:
        slices="results/{run}/slices.parquet",
        classifier="results/{run}/model/classifier.pt",
    output:
        predictions="results/{run}/model/predictions.parquet",
        evaluation="results/{run}/model/evaluation.json",
    log:
        "results/{run}/logs/predict_slices.log",
    benchmark:
        "results/{run}/benchmarks/predict_slices.tsv"
    conda:
        "../envs/classifier.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=growing(8000),
        runtime=growing(120),
    params:
        job=study.job("predict_slices"),
        code=study.code("predict_slices"),
    script:
        "../scripts/predict_slices.py"
