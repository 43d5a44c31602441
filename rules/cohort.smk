rule generate_phantom:
    output:
        folder=directory("results/{run}/phantom"),
    log:
        "results/{run}/logs/generate_phantom.log",
    benchmark:
        "results/{run}/benchmarks/generate_phantom.tsv"
    conda:
        "../envs/cohort.yaml"
    threads: 8
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        job=study.job("generate_phantom"),
        code=study.code("generate_phantom"),
    script:
        "../scripts/generate_phantom.py"


rule read_headers:
    input:
        phantom=study.phantom(),
        files=study.tracked_header_files,
    output:
        # What is known of files that did not change is kept.
        headers=update("results/{run}/cohort/headers/{dataset}.parquet"),
    log:
        "results/{run}/logs/read_headers/{dataset}.log",
    benchmark:
        "results/{run}/benchmarks/read_headers/{dataset}.tsv"
    conda:
        "../envs/cohort.yaml"
    threads: 8
    resources:
        mem_mb=growing(4000),
        runtime=growing(240),
    params:
        job=study.job("read_headers"),
        code=study.code("read_headers"),
    script:
        "../scripts/read_headers.py"


rule index_cohort:
    input:
        headers=study.headers(),
    output:
        index="results/{run}/cohort/index.parquet",
        series="results/{run}/cohort/series.parquet",
        same_person="results/{run}/cohort/same_person.parquet",
        rejected="results/{run}/cohort/rejected/stages/index.parquet",
    log:
        "results/{run}/logs/index_cohort.log",
    benchmark:
        "results/{run}/benchmarks/index_cohort.tsv"
    conda:
        "../envs/cohort.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        job=study.job("index_cohort"),
        code=study.code("index_cohort"),
    script:
        "../scripts/index_cohort.py"


rule label_series:
    input:
        index="results/{run}/cohort/index.parquet",
        files=study.tracked_label_files(),
    output:
        labels="results/{run}/cohort/labels.parquet",
        disagreements="results/{run}/cohort/disagreements.parquet",
        summary="results/{run}/cohort/label_summary.csv",
    log:
        "results/{run}/logs/label_series.log",
    benchmark:
        "results/{run}/benchmarks/label_series.tsv"
    conda:
        "../envs/cohort.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(15),
    params:
        job=study.job("label_series"),
        code=study.code("label_series"),
    script:
        "../scripts/label_series.py"


rule find_chest:
    input:
        index="results/{run}/cohort/index.parquet",
    output:
        chest="results/{run}/cohort/chest.parquet",
    log:
        "results/{run}/logs/find_chest.log",
    benchmark:
        "results/{run}/benchmarks/find_chest.tsv"
    conda:
        "../envs/cohort.yaml"
    threads: 8
    resources:
        mem_mb=growing(8000),
        runtime=growing(240),
    params:
        job=study.job("find_chest"),
        code=study.code("find_chest"),
    script:
        "../scripts/find_chest.py"


checkpoint plan_extraction:
    input:
        index="results/{run}/cohort/index.parquet",
        labels="results/{run}/cohort/labels.parquet",
        same_person="results/{run}/cohort/same_person.parquet",
        chest=study.chest(),
        phantom=study.phantom(),
        masks=study.mask_files(),
    output:
        split="results/{run}/cohort/split.parquet",
        planned="results/{run}/cohort/planned.parquet",
        plans=directory("results/{run}/cohort/plans"),
        rejected="results/{run}/cohort/rejected/stages/plan.parquet",
    log:
        "results/{run}/logs/plan_extraction.log",
    benchmark:
        "results/{run}/benchmarks/plan_extraction.tsv"
    conda:
        "../envs/cohort.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        job=study.job("plan_extraction"),
        code=study.code("plan_extraction"),
    script:
        "../scripts/plan_extraction.py"


rule extract_slices:
    input:
        plans=lambda wildcards: study.plans_of(
            wildcards.patients, checkpoints.plan_extraction.get(run=wildcards.run).output.split
        ),
    output:
        # And slices/<patient>.parquet of each patient of the plans.
        slices="results/{run}/cohort/extracted/{patients}.parquet",
        rejected="results/{run}/cohort/rejected/{patients}.parquet",
    log:
        "results/{run}/logs/extract_slices/{patients}.log",
    benchmark:
        "results/{run}/benchmarks/extract_slices/{patients}.tsv"
    conda:
        "../envs/cohort.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        job=study.job("extract_slices"),
        code=study.code("extract_slices"),
    script:
        "../scripts/extract_slices.py"


rule collect_slices:
    input:
        stages=[
            "results/{run}/cohort/rejected/stages/index.parquet",
            "results/{run}/cohort/rejected/stages/plan.parquet",
        ],
        slices=lambda wildcards: study.of_extraction(
            "cohort/extracted", checkpoints.plan_extraction.get(run=wildcards.run).output.split
        ),
        rejected=lambda wildcards: study.of_extraction(
            "cohort/rejected", checkpoints.plan_extraction.get(run=wildcards.run).output.split
        ),
    output:
        # Later steps depend on the list: with a file per patient instead, a dry run would take long.
        slices="results/{run}/slices.parquet",
        rejected="results/{run}/cohort/rejected.parquet",
    log:
        "results/{run}/logs/collect_slices.log",
    benchmark:
        "results/{run}/benchmarks/collect_slices.tsv"
    conda:
        "../envs/cohort.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(15),
    params:
        code=study.code("collect_slices"),
    script:
        "../scripts/collect_slices.py"


rule summarise_plan:
    input:
        headers=study.headers(),
        index="results/{run}/cohort/index.parquet",
        labels="results/{run}/cohort/labels.parquet",
        chest=study.chest(),
        planned="results/{run}/cohort/planned.parquet",
        not_indexed="results/{run}/cohort/rejected/stages/index.parquet",
        rejected=[
            "results/{run}/cohort/rejected/stages/index.parquet",
            "results/{run}/cohort/rejected/stages/plan.parquet",
        ],
    output:
        summary="results/{run}/cohort/plan_summary.csv",
    log:
        "results/{run}/logs/summarise_plan.log",
    benchmark:
        "results/{run}/benchmarks/summarise_plan.tsv"
    conda:
        "../envs/cohort.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        job=study.job("summarise_cohort"),
        code=study.code("summarise_cohort"),
    script:
        "../scripts/summarise_cohort.py"


use rule summarise_plan as summarise_cohort with:
    input:
        headers=study.headers(),
        index="results/{run}/cohort/index.parquet",
        labels="results/{run}/cohort/labels.parquet",
        chest=study.chest(),
        planned="results/{run}/cohort/planned.parquet",
        not_indexed="results/{run}/cohort/rejected/stages/index.parquet",
        rejected=["results/{run}/cohort/rejected.parquet"],
        slices="results/{run}/slices.parquet",
    output:
        summary="results/{run}/cohort/summary.csv",
    log:
        "results/{run}/logs/summarise_cohort.log",
    benchmark:
        "results/{run}/benchmarks/summarise_cohort.tsv"


# A sign of known place on every slice, as a cohort of its own.
use rule extract_slices as extract_planted with:
    output:
        slices="results/{run}/planted/{sign}/cohort/extracted/{patients}.parquet",
        rejected="results/{run}/planted/{sign}/cohort/rejected/{patients}.parquet",
    log:
        "results/{run}/planted/{sign}/logs/extract_slices/{patients}.log",
    benchmark:
        "results/{run}/planted/{sign}/benchmarks/extract_slices/{patients}.tsv"
    params:
        job=study.job("extract_planted"),
        code=study.code("extract_slices"),


use rule collect_slices as collect_planted with:
    input:
        stages=[],
        slices=lambda wildcards: study.with_sign(
            "cohort/extracted",
            wildcards.sign,
            checkpoints.plan_extraction.get(run=wildcards.run).output.split,
        ),
        rejected=lambda wildcards: study.with_sign(
            "cohort/rejected",
            wildcards.sign,
            checkpoints.plan_extraction.get(run=wildcards.run).output.split,
        ),
    output:
        slices="results/{run}/planted/{sign}/slices.parquet",
        rejected="results/{run}/planted/{sign}/cohort/rejected.parquet",
    log:
        "results/{run}/planted/{sign}/logs/collect_slices.log",
    benchmark:
        "results/{run}/planted/{sign}/benchmarks/collect_slices.tsv"


# The slices that a classifier sees: a share of those of one class have the sign.
rule dose_slices:
    input:
        plain="results/{run}/slices.parquet",
        planted=study.slices_with_sign,
    output:
        slices="results/{run}/planted/{dose}/slices.parquet",
        toggled="results/{run}/planted/{dose}/toggled/test.parquet",
        without="results/{run}/planted/{dose}/toggled/planted.parquet",
    log:
        "results/{run}/planted/{dose}/logs/dose_slices.log",
    benchmark:
        "results/{run}/planted/{dose}/benchmarks/dose_slices.tsv"
    conda:
        "../envs/cohort.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(15),
    params:
        job=study.job("dose_slices"),
        code=study.code("dose_slices"),
    script:
        "../scripts/dose_slices.py"


# Some of the slices, for metrics that ask for more maps of each.
rule choose_slices:
    input:
        # Planted: of those that a classifier sees, where a sign was put on some.
        slices="results/{run}{planted}/slices.parquet",
    output:
        chosen="results/{run}{planted}/cohort/chosen/{chosen}.parquet",
    log:
        "results/{run}{planted}/logs/choose_slices/{chosen}.log",
    benchmark:
        "results/{run}{planted}/benchmarks/choose_slices/{chosen}.tsv"
    conda:
        "../envs/cohort.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(15),
    params:
        job=study.job("choose_slices"),
        code=study.code("choose_slices"),
    script:
        "../scripts/choose_slices.py"


rule copy_slices:
    input:
        chosen=study.chosen_of_copies,
    output:
        slices="results/{run}{planted}/cohort/noisy/{noisy}/slices.parquet",
        images="results/{run}{planted}/cohort/noisy/{noisy}/images.parquet",
    log:
        "results/{run}{planted}/logs/copy_slices/{noisy}.log",
    benchmark:
        "results/{run}{planted}/benchmarks/copy_slices/{noisy}.tsv"
    conda:
        "../envs/cohort.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        job=study.job("copy_slices"),
        code=study.code("copy_slices"),
    script:
        "../scripts/copy_slices.py"
