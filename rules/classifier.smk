rule train_classifier:
    input:
        slices="results/{run}/slices.parquet",
    output:
        classifier="results/{run}/{classifier}/{replicate}/classifier/classifier.pt",
        training="results/{run}/{classifier}/{replicate}/classifier/training.parquet",
    log:
        "results/{run}/logs/train_classifier/{classifier}/{replicate}.log",
    benchmark:
        "results/{run}/benchmarks/train_classifier/{classifier}/{replicate}.tsv"
    wildcard_constraints:
        classifier=one_of(study.trained()),
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


rule import_classifier:
    input:
        # What they hold counts (digest), not their times.
        files=ancient(study.files_of_classifier),
    output:
        classifier="results/{run}/{classifier}/{replicate}/classifier/classifier.pt",
    log:
        "results/{run}/logs/import_classifier/{classifier}/{replicate}.log",
    benchmark:
        "results/{run}/benchmarks/import_classifier/{classifier}/{replicate}.tsv"
    wildcard_constraints:
        classifier=one_of(study.brought()),
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


# As a graph of ONNX, in which CPUs ask it.
rule export_classifier:
    input:
        classifier="results/{run}/{classifier}/{replicate}/classifier/classifier.pt",
    output:
        graph="results/{run}/{classifier}/{replicate}/classifier/forward.onnx",
    log:
        "results/{run}/logs/export_classifier/{classifier}/{replicate}.log",
    benchmark:
        "results/{run}/benchmarks/export_classifier/{classifier}/{replicate}.tsv"
    conda:
        "../envs/classifier.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(15),
    params:
        job=study.job("export_classifier"),
        code=study.code("export_classifier"),
    script:
        "../scripts/export_classifier.py"


rule predict_slices:
    input:
        slices="results/{run}/slices.parquet",
        classifier="results/{run}/{classifier}/{replicate}/classifier/classifier.pt",
        graph="results/{run}/{classifier}/{replicate}/classifier/forward.onnx",
    output:
        predictions="results/{run}/{classifier}/{replicate}/predictions.parquet",
        evaluation="results/{run}/{classifier}/{replicate}/evaluation.json",
    log:
        "results/{run}/logs/predict_slices/{classifier}/{replicate}.log",
    benchmark:
        "results/{run}/benchmarks/predict_slices/{classifier}/{replicate}.tsv"
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
