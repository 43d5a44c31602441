rule write_table:
    input:
        points=table_points,
        evaluation="results/{run}/model/evaluation.json",
        code=table_code,
    output:
        csv="results/{run}/tables/{table}.csv",
        html=report(
            "results/{run}/tables/{table}.html",
            caption="../report/tables.rst",
            category="Tables",
        ),
        markdown="results/{run}/tables/{table}.md",
        latex="results/{run}/tables/{table}.tex",
        details="results/{run}/tables/{table}_details.csv",
    log:
        "results/{run}/logs/write_table/{table}.log",
    benchmark:
        "results/{run}/benchmarks/write_table/{table}.tsv"
    conda:
        ENV.format("report")
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        metric=table_metric,
        slices=table_slices,
        estimators=json.dumps(ESTIMATORS),
    script:
        "../scripts/report/write_table.py"


rule plot_training_curve:
    input:
        training="results/{run}/model/training.parquet",
        code=code_inputs("scripts/report/plot_training_curve.py"),
    output:
        report(
            "results/{run}/figures/training_curve.svg",
            caption="../report/training_curve.rst",
            category="Figures",
        ),
        "results/{run}/figures/training_curve.pdf",
        "results/{run}/figures/training_curve.png",
    log:
        "results/{run}/logs/plot_training_curve.log",
    benchmark:
        "results/{run}/benchmarks/plot_training_curve.tsv"
    conda:
        ENV.format("report")
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    script:
        "../scripts/report/plot_training_curve.py"


rule plot_figure1_examples:
    input:
        slices="results/{run}/slices.parquet",
        predictions="results/{run}/model/predictions.parquet",
        maps=f"results/{{run}}/saliency/{FIGURE1_ESTIMATOR}.parquet",
        code=code_inputs("scripts/report/plot_figure1_examples.py"),
    output:
        report(
            "results/{run}/figures/figure1_examples.svg",
            caption="../report/figure1_examples.rst",
            category="Figures",
        ),
        "results/{run}/figures/figure1_examples.pdf",
        "results/{run}/figures/figure1_examples.png",
    log:
        "results/{run}/logs/plot_figure1_examples.log",
    benchmark:
        "results/{run}/benchmarks/plot_figure1_examples.tsv"
    conda:
        ENV.format("report")
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        estimator=FIGURE1_ESTIMATOR,
        example_slices=json.dumps(OPTIONS.report.example_slices, sort_keys=True),
    script:
        "../scripts/report/plot_figure1_examples.py"


rule plot_figure2_fidelity_area:
    input:
        points=points_of("fidelity"),
        code=code_inputs("scripts/report/plot_figure2_fidelity_area.py"),
    output:
        report(
            "results/{run}/figures/figure2_fidelity_area.svg",
            caption="../report/figure2_fidelity_area.rst",
            category="Figures",
        ),
        "results/{run}/figures/figure2_fidelity_area.pdf",
        "results/{run}/figures/figure2_fidelity_area.png",
    log:
        "results/{run}/logs/plot_figure2_fidelity_area.log",
    benchmark:
        "results/{run}/benchmarks/plot_figure2_fidelity_area.tsv"
    conda:
        ENV.format("report")
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        slices=slices_of("fidelity"),
        estimators=json.dumps(ESTIMATORS),
    script:
        "../scripts/report/plot_figure2_fidelity_area.py"


rule plot_figure3_xrai:
    input:
        slices="results/{run}/slices.parquet",
        predictions="results/{run}/model/predictions.parquet",
        maps=f"results/{{run}}/saliency/{FIGURE3_ESTIMATOR}.parquet",
        segments="results/{run}/metrics/segments.parquet",
        code=code_inputs("scripts/report/plot_figure3_xrai.py"),
    output:
        report(
            "results/{run}/figures/figure3_xrai.svg",
            caption="../report/figure3_xrai.rst",
            category="Figures",
        ),
        "results/{run}/figures/figure3_xrai.pdf",
        "results/{run}/figures/figure3_xrai.png",
    log:
        "results/{run}/logs/plot_figure3_xrai.log",
    benchmark:
        "results/{run}/benchmarks/plot_figure3_xrai.tsv"
    conda:
        ENV.format("report")
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        estimator=FIGURE3_ESTIMATOR,
        example_slices=json.dumps(OPTIONS.report.example_slices, sort_keys=True),
    script:
        "../scripts/report/plot_figure3_xrai.py"


rule plot_figure4_fidelity_curves:
    input:
        points=points_of("fidelity"),
        code=code_inputs("scripts/report/plot_figure4_fidelity_curves.py"),
    output:
        report(
            "results/{run}/figures/figure4_fidelity_curves.svg",
            caption="../report/figure4_fidelity_curves.rst",
            category="Figures",
        ),
        "results/{run}/figures/figure4_fidelity_curves.pdf",
        "results/{run}/figures/figure4_fidelity_curves.png",
    log:
        "results/{run}/logs/plot_figure4_fidelity_curves.log",
    benchmark:
        "results/{run}/benchmarks/plot_figure4_fidelity_curves.tsv"
    conda:
        ENV.format("report")
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        slices=slices_of("fidelity"),
        estimators=json.dumps(ESTIMATORS),
    script:
        "../scripts/report/plot_figure4_fidelity_curves.py"


rule plot_figure5_roc_curves:
    input:
        points=points_of("roc"),
        code=code_inputs("scripts/report/plot_figure5_roc_curves.py"),
    output:
        report(
            "results/{run}/figures/figure5_roc_curves.svg",
            caption="../report/figure5_roc_curves.rst",
            category="Figures",
        ),
        "results/{run}/figures/figure5_roc_curves.pdf",
        "results/{run}/figures/figure5_roc_curves.png",
    log:
        "results/{run}/logs/plot_figure5_roc_curves.log",
    benchmark:
        "results/{run}/benchmarks/plot_figure5_roc_curves.tsv"
    conda:
        ENV.format("report")
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        slices=slices_of("roc"),
        estimators=json.dumps(ESTIMATORS),
    script:
        "../scripts/report/plot_figure5_roc_curves.py"


rule plot_figure6_dice_curves:
    input:
        points=points_of("dice"),
        code=code_inputs("scripts/report/plot_figure6_dice_curves.py"),
    output:
        report(
            "results/{run}/figures/figure6_dice_curves.svg",
            caption="../report/figure6_dice_curves.rst",
            category="Figures",
        ),
        "results/{run}/figures/figure6_dice_curves.pdf",
        "results/{run}/figures/figure6_dice_curves.png",
    log:
        "results/{run}/logs/plot_figure6_dice_curves.log",
    benchmark:
        "results/{run}/benchmarks/plot_figure6_dice_curves.tsv"
    conda:
        ENV.format("report")
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        slices=slices_of("dice"),
        estimators=json.dumps(ESTIMATORS),
    script:
        "../scripts/report/plot_figure6_dice_curves.py"


rule build_explorer:
    input:
        slices="results/{run}/slices.parquet",
        predictions="results/{run}/model/predictions.parquet",
        maps=[f"results/{RUN}/saliency/{estimator}.parquet" for estimator in ESTIMATORS],
        fidelity=points_if_configured("fidelity"),
        roc=points_if_configured("roc"),
        dice=points_if_configured("dice"),
        segments=f"results/{RUN}/metrics/segments.parquet" if "dice" in METRICS else [],
        templates=EXPLORER_TEMPLATES,
        code=code_inputs("scripts/report/build_explorer.py"),
    output:
        # Not part of the report: it names patients and shows their slices.
        page="results/{run}/explorer.html",
    log:
        "results/{run}/logs/build_explorer.log",
    benchmark:
        "results/{run}/benchmarks/build_explorer.tsv"
    conda:
        ENV.format("report")
    threads: 8
    resources:
        mem_mb=8000,
        runtime=120,
    params:
        estimators=json.dumps(ESTIMATORS),
        subsets=explained_subsets(),
        slices=OPTIONS.report.explorer_slices,
    script:
        "../scripts/report/build_explorer.py"
