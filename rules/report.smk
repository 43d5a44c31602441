rule write_table:
    input:
        values=study.of_table("values"),
        comparisons=study.of_table("comparisons"),
        ceiling=study.ceiling_of_table,
        evaluations=study.evaluations,
    output:
        csv="results/{run}/{classifier}/tables/{table}.csv",
        html=report(
            "results/{run}/{classifier}/tables/{table}.html",
            caption="../report/tables.rst",
            category="Tables",
            labels={"table": "{table}"},
        ),
        markdown="results/{run}/{classifier}/tables/{table}.md",
        latex="results/{run}/{classifier}/tables/{table}.tex",
        details="results/{run}/{classifier}/tables/{table}_details.csv",
        comparisons="results/{run}/{classifier}/tables/{table}_comparisons.csv",
    log:
        "results/{run}/logs/write_table/{classifier}/{table}.log",
    benchmark:
        "results/{run}/benchmarks/write_table/{classifier}/{table}.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        job=study.job("write_table"),
        code=study.code("write_table"),
    script:
        "../scripts/write_table.py"


rule plot_figure:
    input:
        unpack(study.tables_of_figure),
    output:
        svg=report(
            "results/{run}/{classifier}/figures/{figure}.svg",
            caption="../report/figure.rst",
            category=study.category_of_figure,
            labels=study.labels_of_figure,
        ),
        pdf="results/{run}/{classifier}/figures/{figure}.pdf",
        png="results/{run}/{classifier}/figures/{figure}.png",
    log:
        "results/{run}/logs/plot_figure/{classifier}/{figure}.log",
    benchmark:
        "results/{run}/benchmarks/plot_figure/{classifier}/{figure}.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        job=study.job("plot_figure"),
        caption=study.caption_of_figure,
        code=study.code("plot_figure"),
    script:
        "../scripts/plot_figure.py"


# Of all classifiers together, where there are several.
rule plot_classifiers:
    input:
        unpack(study.tables_of_figure),
    output:
        svg=report(
            "results/{run}/figures/{figure}.svg",
            caption="../report/figure.rst",
            category=study.category_of_figure,
            labels=study.labels_of_figure,
        ),
        pdf="results/{run}/figures/{figure}.pdf",
        png="results/{run}/figures/{figure}.png",
    log:
        "results/{run}/logs/plot_classifiers/{figure}.log",
    benchmark:
        "results/{run}/benchmarks/plot_classifiers/{figure}.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        job=study.job("plot_classifiers"),
        caption=study.caption_of_figure,
        code=study.code("plot_classifiers"),
    script:
        "../scripts/plot_classifiers.py"


rule write_captions:
    output:
        markdown="results/{run}/{place}/captions.md",
    log:
        "results/{run}/logs/write_captions/{place}.log",
    benchmark:
        "results/{run}/benchmarks/write_captions/{place}.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        job=study.job("write_captions"),
        code=study.code("write_captions"),
    script:
        "../scripts/write_captions.py"


rule write_agreement:
    input:
        ranks="results/{run}/{classifier}/statistics/ranks.parquet",
        taus="results/{run}/{classifier}/statistics/taus.parquet",
        together="results/{run}/{classifier}/statistics/together.parquet",
    output:
        ranks="results/{run}/{classifier}/tables/ranks.csv",
        taus="results/{run}/{classifier}/tables/agreement.csv",
        markdown="results/{run}/{classifier}/tables/agreement.md",
        html=report(
            "results/{run}/{classifier}/tables/agreement.html",
            caption="../report/agreement.rst",
            category="Agreement",
            labels={"content": "in words and numbers"},
        ),
    log:
        "results/{run}/logs/write_agreement/{classifier}.log",
    benchmark:
        "results/{run}/benchmarks/write_agreement/{classifier}.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        job=study.job("write_agreement"),
        code=study.code("write_agreement"),
    script:
        "../scripts/write_agreement.py"


# Where a classifier is trained more than once.
rule write_stability:
    input:
        values=study.of_metrics("values"),
        components=study.of_metrics("components"),
        similarity=study.similarity,
    output:
        csv="results/{run}/{classifier}/tables/stability.csv",
        markdown="results/{run}/{classifier}/tables/stability.md",
        html=report(
            "results/{run}/{classifier}/tables/stability.html",
            caption="../report/stability.rst",
            category="Tables",
            labels={"table": "Stability"},
        ),
    log:
        "results/{run}/logs/write_stability/{classifier}.log",
    benchmark:
        "results/{run}/benchmarks/write_stability/{classifier}.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        job=study.job("write_stability"),
        code=study.code("write_stability"),
    script:
        "../scripts/write_stability.py"


# Where there are several classifiers.
rule write_classifiers:
    input:
        ranks="results/{run}/statistics/ranks.parquet",
        agreement="results/{run}/statistics/agreement.parquet",
    output:
        csv="results/{run}/tables/classifiers.csv",
        markdown="results/{run}/tables/classifiers.md",
        html=report(
            "results/{run}/tables/classifiers.html",
            caption="../report/classifiers.rst",
            category="Across classifiers",
            labels={"content": "in words and numbers"},
        ),
    log:
        "results/{run}/logs/write_classifiers.log",
    benchmark:
        "results/{run}/benchmarks/write_classifiers.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        job=study.job("write_classifiers"),
        code=study.code("write_classifiers"),
    script:
        "../scripts/write_classifiers.py"


# Where signs were put on slices.
rule write_planted:
    input:
        flips="results/{run}/statistics/flips.parquet",
        truth="results/{run}/statistics/truth.parquet",
        knew="results/{run}/statistics/knew.parquet",
    output:
        csv="results/{run}/tables/planted.csv",
        markdown="results/{run}/tables/planted.md",
        html=report(
            "results/{run}/tables/planted.html",
            caption="../report/planted.rst",
            category="Planted signs",
            labels={"content": "in words and numbers"},
        ),
    log:
        "results/{run}/logs/write_planted.log",
    benchmark:
        "results/{run}/benchmarks/write_planted.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        job=study.job("write_planted"),
        code=study.code("write_planted"),
    script:
        "../scripts/write_planted.py"


rule write_cost:
    input:
        slices="results/{run}/slices.parquet",
        complete=study.complete_maps,
        benchmarks=study.all_benchmarks,
    output:
        csv="results/{run}/{classifier}/tables/cost.csv",
        markdown="results/{run}/{classifier}/tables/cost.md",
        html=report(
            "results/{run}/{classifier}/tables/cost.html",
            caption="../report/cost.rst",
            category="Tables",
            labels={"table": "Cost"},
        ),
    log:
        "results/{run}/logs/write_cost/{classifier}.log",
    benchmark:
        "results/{run}/benchmarks/write_cost/{classifier}.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        job=study.job("write_cost"),
        code=study.code("write_cost"),
    script:
        "../scripts/write_cost.py"


rule write_summary:
    input:
        slices="results/{run}/slices.parquet",
        # Classifier by classifier.
        classifiers=study.of_trainings("classifier/classifier.pt"),
        predictions=study.of_trainings("predictions.parquet"),
        evaluations=study.of_trainings("evaluation.json"),
        ranks=study.of_classifiers("statistics/ranks.parquet"),
        taus=study.of_classifiers("statistics/taus.parquet"),
        values=study.values(),
        # Where there are several: of all together.
        across=study.across("statistics/ranks.parquet", "statistics/agreement.parquet"),
        planted=study.flips(),
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
        job=study.job("write_summary"),
        code=study.code("write_summary"),
    script:
        "../scripts/write_summary.py"


rule build_explorer:
    input:
        slices=study.seen("slices.parquet"),
        predictions="results/{run}/{classifier}/1/predictions.parquet",
        index="results/{run}/cohort/index.parquet",
        maps=study.maps_of_explorer,
        points=study.points_of_explorer,
        segments=study.segments_of_explorer,
        templates=[
            "ct_importance/report/explorer/templates/page.html",
            "ct_importance/report/explorer/templates/page.css",
            "ct_importance/report/explorer/templates/pictures/levels.js",
            "ct_importance/report/explorer/templates/data.js",
            "ct_importance/report/explorer/templates/state.js",
            "ct_importance/report/explorer/templates/pictures/colours.js",
            "ct_importance/report/explorer/templates/charts.js",
            "ct_importance/report/explorer/templates/pictures/stage.js",
            "ct_importance/report/explorer/templates/pictures/pointer.js",
            "ct_importance/report/explorer/templates/pictures/means.js",
            "ct_importance/report/explorer/templates/panels.js",
            "ct_importance/report/explorer/templates/overview.js",
            "ct_importance/report/explorer/templates/saving.js",
            "ct_importance/report/explorer/templates/page.js",
        ],
    output:
        # Not part of the report: it names patients and shows their slices.
        page="results/{run}/{classifier}/explorer.html",
    log:
        "results/{run}/logs/build_explorer/{classifier}.log",
    benchmark:
        "results/{run}/benchmarks/build_explorer/{classifier}.tsv"
    conda:
        "../envs/report.yaml"
    threads: 8
    resources:
        mem_mb=growing(8000),
        runtime=growing(120),
    params:
        job=study.job("build_explorer"),
        code=study.code("build_explorer"),
    script:
        "../scripts/build_explorer.py"


# Where several classifiers see the same slices: their maps side by side, and differences of them.
rule explore_classifiers:
    input:
        slices=study.seen_by_all("slices.parquet"),
        predictions=study.of_classifiers("1/predictions.parquet"),
        index="results/{run}/cohort/index.parquet",
        maps=study.maps_of_classifiers(),
        points=study.points_of_maps(),
        segments=study.segments_of_explorer,
        templates=rules.build_explorer.input.templates,
    output:
        page="results/{run}/explorer.html",
    log:
        "results/{run}/logs/explore_classifiers.log",
    benchmark:
        "results/{run}/benchmarks/explore_classifiers.tsv"
    conda:
        "../envs/report.yaml"
    threads: 8
    resources:
        mem_mb=growing(8000),
        runtime=growing(120),
    params:
        job=study.job("explore_classifiers"),
        code=study.code("explore_classifiers"),
    script:
        "../scripts/explore_classifiers.py"


# Maps as files that radiologists open; nothing but target export asks for it.
rule export_maps:
    input:
        maps="results/{run}/{classifier}/{replicate}/saliency/{estimator}.parquet",
        index="results/{run}/cohort/index.parquet",
    output:
        folder=directory("results/{run}/{classifier}/{replicate}/export/{estimator}"),
    log:
        "results/{run}/logs/export_maps/{classifier}/{replicate}/{estimator}.log",
    benchmark:
        "results/{run}/benchmarks/export_maps/{classifier}/{replicate}/{estimator}.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(120),
    params:
        job=study.job("export_maps"),
        code=study.code("export_maps"),
    script:
        "../scripts/export_maps.py"
