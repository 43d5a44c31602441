rule write_table:
    input:
        values=study.of_table("values"),
        comparisons=study.of_table("comparisons"),
        ceiling=study.ceiling_of_table,
        evaluation="results/{run}/model/evaluation.json",
    output:
        csv="results/{run}/tables/{table}.csv",
        html=report(
            "results/{run}/tables/{table}.html",
            caption="../report/tables.rst",
            category="Tables",
            labels={"table": "{table}"},
        ),
        markdown="results/{run}/tables/{table}.md",
        latex="results/{run}/tables/{table}.tex",
        details="results/{run}/tables/{table}_details.csv",
        comparisons="results/{run}/tables/{table}_comparisons.csv",
    log:
        "results/{run}/logs/write_table/{table}.log",
    benchmark:
        "results/{run}/benchmarks/write_table/{table}.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        metric=study.metric_of_job,
        options=study.statistics,
        code=study.code("write_table"),
    script:
        "../scripts/write_table.py"


rule plot_training_curve:
    input:
        training="results/{run}/model/training.parquet",
    output:
        report(
            "results/{run}/figures/training_curve.svg",
            caption="../report/training_curve.rst",
            category="Figures",
            labels={"figure": "training", "shows": "loss and accuracy of the classifier"},
        ),
        "results/{run}/figures/training_curve.pdf",
        "results/{run}/figures/training_curve.png",
    log:
        "results/{run}/logs/plot_training_curve.log",
    benchmark:
        "results/{run}/benchmarks/plot_training_curve.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        code=study.code("plot_training_curve"),
    script:
        "../scripts/plot_training_curve.py"


rule plot_figure1_examples:
    input:
        slices="results/{run}/slices.parquet",
        predictions="results/{run}/model/predictions.parquet",
        maps=study.map_of_figure(1),
    output:
        report(
            "results/{run}/figures/figure1_examples.svg",
            caption="../report/figure1_examples.rst",
            category="Figures",
            labels={
                "figure": "1",
                "shows": f"slice, mask and map of {study.example_estimator(1)}",
            },
        ),
        "results/{run}/figures/figure1_examples.pdf",
        "results/{run}/figures/figure1_examples.png",
    log:
        "results/{run}/logs/plot_figure1_examples.log",
    benchmark:
        "results/{run}/benchmarks/plot_figure1_examples.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        estimator=study.example_estimator(1),
        example_slices=study.example_slices,
        code=study.code("plot_figure1_examples"),
    script:
        "../scripts/plot_figure1_examples.py"


rule plot_figure2_fidelity_area:
    input:
        values="results/{run}/statistics/fidelity/values.parquet",
        curves="results/{run}/statistics/fidelity/curves.parquet",
    output:
        report(
            "results/{run}/figures/figure2_fidelity_area.svg",
            caption="../report/figure2_fidelity_area.rst",
            category="Figures",
            labels={"figure": "2", "shows": "what fidelity is"},
        ),
        "results/{run}/figures/figure2_fidelity_area.pdf",
        "results/{run}/figures/figure2_fidelity_area.png",
    log:
        "results/{run}/logs/plot_figure2_fidelity_area.log",
    benchmark:
        "results/{run}/benchmarks/plot_figure2_fidelity_area.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        slices=study.slices_of("fidelity"),
        code=study.code("plot_figure2_fidelity_area"),
    script:
        "../scripts/plot_figure2_fidelity_area.py"


rule plot_figure3_xrai:
    input:
        slices="results/{run}/slices.parquet",
        predictions="results/{run}/model/predictions.parquet",
        maps=study.map_of_figure(3),
        segments="results/{run}/metrics/segments.parquet",
    output:
        report(
            "results/{run}/figures/figure3_xrai.svg",
            caption="../report/figure3_xrai.rst",
            category="Figures",
            labels={"figure": "3", "shows": f"XRAI regions of {study.example_estimator(3)}"},
        ),
        "results/{run}/figures/figure3_xrai.pdf",
        "results/{run}/figures/figure3_xrai.png",
    log:
        "results/{run}/logs/plot_figure3_xrai.log",
    benchmark:
        "results/{run}/benchmarks/plot_figure3_xrai.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        estimator=study.example_estimator(3),
        example_slices=study.example_slices,
        code=study.code("plot_figure3_xrai"),
    script:
        "../scripts/plot_figure3_xrai.py"


rule plot_figure4_fidelity_curves:
    input:
        curves="results/{run}/statistics/fidelity/curves.parquet",
    output:
        report(
            "results/{run}/figures/figure4_fidelity_curves.svg",
            caption="../report/figure4_fidelity_curves.rst",
            category="Figures",
            labels={"figure": "4", "shows": "fidelity: accuracy while pixels are masked"},
        ),
        "results/{run}/figures/figure4_fidelity_curves.pdf",
        "results/{run}/figures/figure4_fidelity_curves.png",
    log:
        "results/{run}/logs/plot_figure4_fidelity_curves.log",
    benchmark:
        "results/{run}/benchmarks/plot_figure4_fidelity_curves.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        slices=study.slices_of("fidelity"),
        estimators=study.estimator_names,
        code=study.code("plot_figure4_fidelity_curves"),
    script:
        "../scripts/plot_figure4_fidelity_curves.py"


rule plot_figure5_roc_curves:
    input:
        values="results/{run}/statistics/roc/values.parquet",
        curves="results/{run}/statistics/roc/curves.parquet",
    output:
        report(
            "results/{run}/figures/figure5_roc_curves.svg",
            caption="../report/figure5_roc_curves.rst",
            category="Figures",
            labels={"figure": "5", "shows": "ROC: maps against masks"},
        ),
        "results/{run}/figures/figure5_roc_curves.pdf",
        "results/{run}/figures/figure5_roc_curves.png",
    log:
        "results/{run}/logs/plot_figure5_roc_curves.log",
    benchmark:
        "results/{run}/benchmarks/plot_figure5_roc_curves.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        slices=study.slices_of("roc"),
        estimators=study.estimator_names,
        code=study.code("plot_figure5_roc_curves"),
    script:
        "../scripts/plot_figure5_roc_curves.py"


rule plot_figure6_dice_curves:
    input:
        values="results/{run}/statistics/dice/values.parquet",
        curves="results/{run}/statistics/dice/curves.parquet",
        ceiling="results/{run}/statistics/dice/ceiling/curves.parquet",
    output:
        report(
            "results/{run}/figures/figure6_dice_curves.svg",
            caption="../report/figure6_dice_curves.rst",
            category="Figures",
            labels={"figure": "6", "shows": "Dice: XRAI regions against masks"},
        ),
        "results/{run}/figures/figure6_dice_curves.pdf",
        "results/{run}/figures/figure6_dice_curves.png",
    log:
        "results/{run}/logs/plot_figure6_dice_curves.log",
    benchmark:
        "results/{run}/benchmarks/plot_figure6_dice_curves.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        slices=study.slices_of("dice"),
        estimators=study.estimator_names,
        code=study.code("plot_figure6_dice_curves"),
    script:
        "../scripts/plot_figure6_dice_curves.py"


rule plot_differences:
    input:
        values="results/{run}/statistics/{metric}/values.parquet",
        comparisons="results/{run}/statistics/{metric}/comparisons.parquet",
    output:
        report(
            "results/{run}/figures/differences_{metric}_original.svg",
            caption="../report/differences.rst",
            category="Differences",
            labels={"metric": "{metric}", "values": "original"},
        ),
        "results/{run}/figures/differences_{metric}_original.pdf",
        "results/{run}/figures/differences_{metric}_original.png",
        report(
            "results/{run}/figures/differences_{metric}_absolute.svg",
            caption="../report/differences.rst",
            category="Differences",
            labels={"metric": "{metric}", "values": "absolute"},
        ),
        "results/{run}/figures/differences_{metric}_absolute.pdf",
        "results/{run}/figures/differences_{metric}_absolute.png",
    log:
        "results/{run}/logs/plot_differences/{metric}.log",
    benchmark:
        "results/{run}/benchmarks/plot_differences/{metric}.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        estimators=study.estimator_names,
        metric=study.metric_of_job,
        options=study.statistics,
        code=study.code("plot_differences"),
    script:
        "../scripts/plot_differences.py"


rule plot_rank_flow:
    input:
        ranks="results/{run}/statistics/ranks.parquet",
    output:
        report(
            "results/{run}/figures/rank_flow.svg",
            caption="../report/rank_flow.rst",
            category="Agreement",
            labels={"content": "ranks from metric to metric"},
        ),
        "results/{run}/figures/rank_flow.pdf",
        "results/{run}/figures/rank_flow.png",
    log:
        "results/{run}/logs/plot_rank_flow.log",
    benchmark:
        "results/{run}/benchmarks/plot_rank_flow.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        estimators=study.estimator_names,
        code=study.code("plot_rank_flow"),
    script:
        "../scripts/plot_rank_flow.py"


rule write_agreement:
    input:
        ranks="results/{run}/statistics/ranks.parquet",
        taus="results/{run}/statistics/taus.parquet",
    output:
        ranks="results/{run}/tables/ranks.csv",
        taus="results/{run}/tables/agreement.csv",
        markdown="results/{run}/tables/agreement.md",
        html=report(
            "results/{run}/tables/agreement.html",
            caption="../report/agreement.rst",
            category="Agreement",
            labels={"content": "in words and numbers"},
        ),
    log:
        "results/{run}/logs/write_agreement.log",
    benchmark:
        "results/{run}/benchmarks/write_agreement.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        metrics=study.metric_specs,
        options=study.statistics,
        code=study.code("write_agreement"),
    script:
        "../scripts/write_agreement.py"


rule write_cost:
    input:
        slices="results/{run}/slices.parquet",
        benchmarks=study.all_benchmarks(),
    output:
        csv="results/{run}/tables/cost.csv",
        markdown="results/{run}/tables/cost.md",
        html=report(
            "results/{run}/tables/cost.html",
            caption="../report/cost.rst",
            category="Tables",
            labels={"table": "Cost"},
        ),
    log:
        "results/{run}/logs/write_cost.log",
    benchmark:
        "results/{run}/benchmarks/write_cost.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        passes=study.passes_as_json,
        benchmarks=study.benchmarks_as_json,
        subsets=study.explained_as_json,
        code=study.code("write_cost"),
    script:
        "../scripts/write_cost.py"


rule write_summary:
    input:
        slices="results/{run}/slices.parquet",
        classifier="results/{run}/model/classifier.pt",
        predictions="results/{run}/model/predictions.parquet",
        evaluation="results/{run}/model/evaluation.json",
        ranks="results/{run}/statistics/ranks.parquet",
        taus="results/{run}/statistics/taus.parquet",
        values=study.values(),
        tables=study.paper_tables("csv"),
        markdown=study.paper_tables("md"),
        environments=sorted(map(str, Path("envs").glob("*.yaml"))),
    output:
        json="results/{run}/summary.json",
        readme="results/{run}/README.md",
        landing="results/{run}/report.rst",
    log:
        "results/{run}/logs/write_summary.log",
    benchmark:
        "results/{run}/benchmarks/write_summary.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        config=study.shareable_config,
        metrics=study.metric_specs,
        code=study.code("write_summary"),
    script:
        "../scripts/write_summary.py"


rule build_explorer:
    input:
        slices="results/{run}/slices.parquet",
        predictions="results/{run}/model/predictions.parquet",
        maps=study.maps(),
        fidelity=study.points("fidelity"),
        roc=study.points("roc"),
        dice=study.points("dice"),
        segments=study.segments(),
        templates=[
            "ct_importance/report/explorer/templates/page.html",
            "ct_importance/report/explorer/templates/page.css",
            "ct_importance/report/explorer/templates/levels.js",
            "ct_importance/report/explorer/templates/drawing.js",
            "ct_importance/report/explorer/templates/page.js",
        ],
    output:
        # Not part of the report: it names patients and shows their slices.
        page="results/{run}/explorer.html",
    log:
        "results/{run}/logs/build_explorer.log",
    benchmark:
        "results/{run}/benchmarks/build_explorer.tsv"
    conda:
        "../envs/report.yaml"
    threads: 8
    resources:
        mem_mb=growing(8000),
        runtime=growing(120),
    params:
        estimators=study.estimator_names,
        subsets=study.explained_as_json,
        slices=study.options.report.explorer_slices,
        fill=list(study.options.task.fill),
        code=study.code("build_explorer"),
    script:
        "../scripts/build_explorer.py"
