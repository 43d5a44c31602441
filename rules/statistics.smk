rule evaluate_estimators:
    input:
        points=metric_points,
        slices="results/{run}/slices.parquet",
        code=statistics_code,
    output:
        values="results/{run}/statistics/{metric}/values.parquet",
        curves="results/{run}/statistics/{metric}/curves.parquet",
        comparisons="results/{run}/statistics/{metric}/comparisons.parquet",
    log:
        "results/{run}/logs/evaluate_estimators/{metric}.log",
    benchmark:
        "results/{run}/benchmarks/evaluate_estimators/{metric}.tsv"
    conda:
        ENV.format("statistics")
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        estimators=json.dumps(ESTIMATORS),
        options=STATISTICS,
        seed=SEED,
    script:
        "../scripts/evaluate_estimators.py"


rule rank_estimators:
    input:
        points=list(itertools.chain(*map(points_of, METRICS))),
        comparisons=[f"results/{RUN}/statistics/{it}/comparisons.parquet" for it in METRICS],
        code=RANKING_CODE,
    output:
        ranks="results/{run}/statistics/ranks.parquet",
        taus="results/{run}/statistics/taus.parquet",
    log:
        "results/{run}/logs/rank_estimators.log",
    benchmark:
        "results/{run}/benchmarks/rank_estimators.tsv"
    conda:
        ENV.format("statistics")
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        metrics=json.dumps(METRICS),
        estimators=json.dumps(ESTIMATORS),
        options=STATISTICS,
        seed=SEED,
    script:
        "../scripts/rank_estimators.py"
