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
        comparisons=study.comparisons,
    output:
        ranks="results/{run}/{classifier}/statistics/ranks.parquet",
        taus="results/{run}/{classifier}/statistics/taus.parquet",
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
