rule train_classifier:
    input:
        slices=study.seen("slices.parquet"),
    output:
        classifier="results/{run}/{classifier}/{replicate}/classifier/classifier.pt",
        training="results/{run}/{classifier}/{replicate}/classifier/training.parquet",
    log:
        "results/{run}/logs/train_classifier/{classifier}/{replicate}.log",
    benchmark:
        "results/{run}/benchmarks/train_classifier/{classifier}/{replicate}.tsv"
    wildcard_constraints:
        classifier=one_of(study.trained()),
        replicate=r"\d+",
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
        replicate=r"\d+",
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


# For metrics of sanity: what is left of the maps when layers are re-initialised.
rule randomise_classifier:
    input:
        classifier="results/{run}/{classifier}/{replicate}/classifier/classifier.pt",
    output:
        classifier="results/{run}/{classifier}/{replicate}/randomised/{randomised}/classifier/classifier.pt",
    log:
        "results/{run}/logs/randomise_classifier/{classifier}/{replicate}/{randomised}.log",
    benchmark:
        "results/{run}/benchmarks/randomise_classifier/{classifier}/{replicate}/{randomised}.tsv"
    wildcard_constraints:
        replicate=r"\d+",
    conda:
        "../envs/classifier.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(15),
    params:
        job=study.job("randomise_classifier"),
        code=study.code("randomise_classifier"),
    script:
        "../scripts/randomise_classifier.py"


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
        # A replicate is a training or, from here on, a variation of it, e.g. 1/noisy/<name>.
        slices=study.explained_slices,
        classifier=study.classifier_file("classifier.pt"),
        graph=study.classifier_file("forward.onnx"),
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
