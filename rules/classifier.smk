if OPTIONS.model.weights is None:

    rule train_classifier:
        input:
            slices="results/{run}/slices.parquet",
            code=code_inputs("scripts/train_classifier.py"),
        output:
            classifier="results/{run}/model/classifier.pt",
            training="results/{run}/model/training.parquet",
        log:
            "results/{run}/logs/train_classifier.log",
        benchmark:
            "results/{run}/benchmarks/train_classifier.tsv"
        conda:
            ENV.format("classifier")
        threads: 8
        resources:
            gpu=1,
            mem_mb=growing(16000),
            runtime=growing(720),
        params:
            options=OPTIONS.model.training.model_dump_json(),
            preparation=PREPARATION,
            seed=SEED,
        script:
            "../scripts/train_classifier.py"

else:

    rule import_classifier:
        input:
            # What it holds counts (digest), not its time.
            weights=ancient(as_inputs([weights_file()])),
            code=code_inputs("scripts/import_classifier.py"),
        output:
            classifier="results/{run}/model/classifier.pt",
        log:
            "results/{run}/logs/import_classifier.log",
        benchmark:
            "results/{run}/benchmarks/import_classifier.tsv"
        conda:
            ENV.format("classifier")
        threads: 1
        resources:
            mem_mb=growing(4000),
            runtime=growing(15),
        params:
            preparation=PREPARATION,
            weights=literally(weights_file()),
            digest=weights_digest(),
        script:
            "../scripts/import_classifier.py"


rule predict_slices:
    input:
        slices="results/{run}/slices.parquet",
        classifier="results/{run}/model/classifier.pt",
        code=code_inputs("scripts/predict_slices.py"),
    output:
        predictions="results/{run}/model/predictions.parquet",
        evaluation="results/{run}/model/evaluation.json",
    log:
        "results/{run}/logs/predict_slices.log",
    benchmark:
        "results/{run}/benchmarks/predict_slices.tsv"
    conda:
        ENV.format("classifier")
    threads: 1
    resources:
        gpu=1,
        mem_mb=growing(8000),
        runtime=growing(120),
    params:
        image_size=COHORT.image_size,
        precision=OPTIONS.model.precision,
    script:
        "../scripts/predict_slices.py"
