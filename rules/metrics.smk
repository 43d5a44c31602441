rule evaluate_importance:
    input:
        slices=study.evaluated_slices,
        maps="results/{run}/{classifier}/{replicate}/saliency/{estimator}.parquet",
        classifier=study.classifier_of_metric,
        graph=study.graph_of_metric,
        segments=study.segments_of_metric,
        variations=study.maps_of_variations,
        answers=study.answers_of_variations,
    output:
        points=study.sharded(
            "results/{run}/{classifier}/{replicate}/metrics/{metric}/{estimator}.parquet"
        ),
    log:
        study.sharded(
            "results/{run}/logs/evaluate_importance/{classifier}/{replicate}/{metric}/{estimator}.log"
        ),
    benchmark:
        study.sharded(
            "results/{run}/benchmarks/evaluate_importance/{classifier}/{replicate}/{metric}/{estimator}.tsv"
        )
    conda:
        "../envs/metrics.yaml"
    threads: 1
    resources:
        gpu=study.gpus_of_metric,
        mem_mb=growing(8000),
        runtime=growing(720),
    params:
        job=study.job("evaluate_importance"),
        code=study.code("evaluate_importance"),
    script:
        "../scripts/evaluate_importance.py"


# Of a perfect map (ceiling), and of the readers against each other.
rule evaluate_ceiling:
    input:
        slices="results/{run}/slices.parquet",
        segments=study.segments_of_metric,
    output:
        points="results/{run}/{ceiling}/{metric}/points.parquet",
        values="results/{run}/{ceiling}/{metric}/values.parquet",
        curves="results/{run}/{ceiling}/{metric}/curves.parquet",
    log:
        "results/{run}/logs/evaluate_ceiling/{ceiling}/{metric}.log",
    benchmark:
        "results/{run}/benchmarks/evaluate_ceiling/{ceiling}/{metric}.tsv"
    conda:
        "../envs/metrics.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        job=study.job("evaluate_ceiling"),
        code=study.code("evaluate_ceiling"),
    script:
        "../scripts/evaluate_ceiling.py"
