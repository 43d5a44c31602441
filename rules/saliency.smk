rule segment_slices:
    input:
        # Planted: of those that a classifier sees, where a sign was put on some.
        slices="results/{run}{planted}/slices.parquet",
    output:
        segments="results/{run}{planted}/segments.parquet",
    log:
        "results/{run}{planted}/logs/segment_slices.log",
    benchmark:
        "results/{run}{planted}/benchmarks/segment_slices.tsv"
    # Wants many cores, so that whatever starts before it keeps it waiting, and all of Dice with it.
    priority: 2
    conda:
        "../envs/metrics.yaml"
    threads: 8
    resources:
        mem_mb=growing(8000),
        runtime=growing(120),
    params:
        job=study.job("segment_slices"),
        code=study.code("segment_slices"),
    script:
        "../scripts/segment_slices.py"


# Noisy copies of slices, for metrics of robustness.
use rule segment_slices as segment_copies with:
    input:
        slices="results/{run}{planted}/cohort/noisy/{noisy}/slices.parquet",
    output:
        segments="results/{run}{planted}/cohort/noisy/{noisy}/segments.parquet",
    log:
        "results/{run}{planted}/logs/segment_copies/{noisy}.log",
    benchmark:
        "results/{run}{planted}/benchmarks/segment_copies/{noisy}.tsv"
    params:
        job=study.job("segment_copies"),
        code=study.code("segment_slices"),


# Slices without the sign that was put on them.
use rule segment_slices as segment_toggled with:
    input:
        slices="results/{run}/planted/{dose}/toggled/planted.parquet",
    output:
        segments="results/{run}/planted/{dose}/toggled/segments.parquet",
    log:
        "results/{run}/planted/{dose}/logs/segment_toggled.log",
    benchmark:
        "results/{run}/planted/{dose}/benchmarks/segment_toggled.tsv"
    params:
        job=study.job("segment_copies"),
        code=study.code("segment_slices"),


# Of a training, or of a variation of it, e.g. 1/randomised/<name>.
rule share_passes:
    input:
        slices=study.explained_slices,
        training=study.training_slices,
        classifier=study.classifier_file("classifier.pt"),
        predictions=study.predictions_of_target,
    output:
        maps=study.sharded(
            "results/{run}/{classifier}/{replicate}/saliency/shared/{shared}.parquet"
        ),
    log:
        study.sharded("results/{run}/logs/share_passes/{classifier}/{replicate}/{shared}.log"),
    benchmark:
        study.sharded("results/{run}/benchmarks/share_passes/{classifier}/{replicate}/{shared}.tsv")
    conda:
        "../envs/saliency.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=growing(8000),
        runtime=growing(720),
    params:
        job=study.job("share_passes"),
        code=study.code("share_passes"),
    script:
        "../scripts/share_passes.py"


rule combine_shared:
    input:
        shared=study.shared_maps,
        segments=study.segments_of_estimator,
    output:
        maps="results/{run}/{classifier}/{replicate}/saliency/{estimator}.parquet",
    log:
        "results/{run}/logs/combine_shared/{classifier}/{replicate}/{estimator}.log",
    benchmark:
        "results/{run}/benchmarks/combine_shared/{classifier}/{replicate}/{estimator}.tsv"
    wildcard_constraints:
        estimator=one_of(study.combining()),
    conda:
        "../envs/saliency.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        job=study.job("combine_shared"),
        code=study.code("combine_shared"),
    script:
        "../scripts/combine_shared.py"


# Likewise.
rule compute_importance:
    input:
        slices=study.explained_slices,
        training=study.training_slices,
        classifier=study.classifier_of_estimator,
        predictions=study.predictions_of_estimator,
        graph=study.graph_of_estimator,
        segments=study.segments_of_estimator,
        index=study.index_of_estimator,
        given=study.given_maps,
    output:
        maps=study.sharded("results/{run}/{classifier}/{replicate}/saliency/{estimator}.parquet"),
    log:
        study.sharded(
            "results/{run}/logs/compute_importance/{classifier}/{replicate}/{estimator}.log"
        ),
    benchmark:
        study.sharded(
            "results/{run}/benchmarks/compute_importance/{classifier}/{replicate}/{estimator}.tsv"
        )
    wildcard_constraints:
        estimator=one_of(study.taking_passes()),
    # Controls and maps made elsewhere do not wait for a training: what they lack is said before it.
    priority: 1
    conda:
        "../envs/saliency.yaml"
    threads: 1
    resources:
        gpu=study.gpus_of_estimator,
        mem_mb=growing(8000),
        runtime=growing(720),
    params:
        job=study.job("compute_importance"),
        code=study.code("compute_importance"),
    script:
        "../scripts/compute_importance.py"


if len(study.shards) > 1:

    rule join_shards:
        input:
            shards=study.shards_of,
        output:
            table="results/{run}/{classifier}/{replicate}/{joined}.parquet",
        log:
            "results/{run}/logs/join_shards/{classifier}/{replicate}/{joined}.log",
        benchmark:
            "results/{run}/benchmarks/join_shards/{classifier}/{replicate}/{joined}.tsv"
        wildcard_constraints:
            joined=one_of(study.joined()),
        conda:
            "../envs/saliency.yaml"
        threads: 1
        resources:
            mem_mb=growing(4000),
            runtime=growing(60),
        params:
            code=study.code("join_shards"),
        script:
            "../scripts/join_shards.py"
