rule estimate_values:
    input:
        points=study.points_of_metric,
        slices="results/{run}/slices.parquet",
    output:
        values="results/{run}/{classifier}/statistics/{metric}/values.parquet",
        curves="results/{run}/{classifier}/statistics/{metric}/curves.parquet",
        comparisons="results/{run}/{classifier}/statistics/{metric}/comparisons.parquet",
    log:
        "results/{run}/logs/estimate_values/{classifier}/{metric}.log",
    benchmark:
        "results/{run}/benchmarks/estimate_values/{classifier}/{metric}.tsv"
    conda:
        "../envs/statistics.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        job=study.job("estimate_values"),
        code=study.code("estimate_values"),
    script:
        "../scripts/estimate_values.py"


rule rank_estimators:
    input:
        points=study.all_points,
        comparisons=study.of_metrics("comparisons"),
        sanity=study.values_of_sanity,
    output:
        ranks="results/{run}/{classifier}/statistics/ranks.parquet",
        taus="results/{run}/{classifier}/statistics/taus.parquet",
        together="results/{run}/{classifier}/statistics/together.parquet",
    log:
        "results/{run}/logs/rank_estimators/{classifier}.log",
    benchmark:
        "results/{run}/benchmarks/rank_estimators/{classifier}.tsv"
    conda:
        "../envs/statistics.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        job=study.job("rank_estimators"),
        code=study.code("rank_estimators"),
    script:
        "../scripts/rank_estimators.py"


# Where there are several classifiers.
rule compare_classifiers:
    input:
        # Classifier by classifier.
        points=study.points_of_classifiers(),
        ranks=study.of_classifiers("statistics/ranks.parquet"),
    output:
        ranks="results/{run}/statistics/ranks.parquet",
        agreement="results/{run}/statistics/agreement.parquet",
    log:
        "results/{run}/logs/compare_classifiers.log",
    benchmark:
        "results/{run}/benchmarks/compare_classifiers.tsv"
    conda:
        "../envs/statistics.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        job=study.job("compare_classifiers"),
        code=study.code("compare_classifiers"),
    script:
        "../scripts/compare_classifiers.py"


# Where signs were put on slices.
rule measure_truth:
    input:
        # Of those that see signs, classifier by classifier.
        predictions=study.of_trainings("predictions.parquet", study.planted_of),
        toggled=study.of_trainings(study.toggled_predictions, study.planted_of),
        points=study.points_of_classifiers(study.planted_of),
    output:
        flips="results/{run}/statistics/flips.parquet",
        truth="results/{run}/statistics/truth.parquet",
        knew="results/{run}/statistics/knew.parquet",
    log:
        "results/{run}/logs/measure_truth.log",
    benchmark:
        "results/{run}/benchmarks/measure_truth.tsv"
    conda:
        "../envs/statistics.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        job=study.job("measure_truth"),
        code=study.code("measure_truth"),
    script:
        "../scripts/measure_truth.py"


# Where a classifier is trained more than once.
rule estimate_components:
    input:
        points=study.points_of_metric,
    output:
        components="results/{run}/{classifier}/statistics/{metric}/components.parquet",
    log:
        "results/{run}/logs/estimate_components/{classifier}/{metric}.log",
    benchmark:
        "results/{run}/benchmarks/estimate_components/{classifier}/{metric}.tsv"
    conda:
        "../envs/statistics.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        job=study.job("estimate_components"),
        code=study.code("estimate_components"),
    script:
        "../scripts/estimate_components.py"


# Likewise.
rule compare_maps:
    input:
        maps=study.maps_of_trainings,
        slices=study.seen("slices.parquet"),
    output:
        similarity="results/{run}/{classifier}/similarity/{estimator}.parquet",
    log:
        "results/{run}/logs/compare_maps/{classifier}/{estimator}.log",
    benchmark:
        "results/{run}/benchmarks/compare_maps/{classifier}/{estimator}.tsv"
    conda:
        "../envs/statistics.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(240),
    params:
        job=study.job("compare_maps"),
        code=study.code("compare_maps"),
    script:
        "../scripts/compare_maps.py"
