rule generate_phantom:
    input:
        code=code_inputs("scripts/generate_phantom.py"),
    output:
        folder=directory("results/{run}/phantom"),
    log:
        "results/{run}/logs/generate_phantom.log",
    benchmark:
        "results/{run}/benchmarks/generate_phantom.tsv"
    conda:
        ENV.format("cohort")
    threads: 8
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        options=COHORT.phantom.model_dump_json(),
        seed=SEED,
    script:
        "../scripts/generate_phantom.py"


rule read_headers:
    input:
        phantom=phantom_folder(),
        files=tracked_reading_files,
        code=code_inputs("scripts/read_headers.py"),
    output:
        # What is known of files that did not change is kept.
        headers=update("results/{run}/cohort/headers/{dataset}.parquet"),
    log:
        "results/{run}/logs/read_headers/{dataset}.log",
    benchmark:
        "results/{run}/benchmarks/read_headers/{dataset}.tsv"
    conda:
        ENV.format("cohort")
    threads: 8
    resources:
        mem_mb=growing(4000),
        runtime=growing(240),
    params:
        options=dataset_reading,
        pseudonym_key=literally(COHORT.pseudonym_key and pseudonym_key()[0]),
        others=stamps_of_reading,
    script:
        "../scripts/read_headers.py"


rule index_cohort:
    input:
        headers=HEADER_TABLES,
        code=code_inputs("scripts/index_cohort.py"),
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
        ENV.format("cohort")
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        # Their order decides which of two patients of one id is renamed.
        datasets=json.dumps(list(DATASETS)),
    script:
        "../scripts/index_cohort.py"


rule label_series:
    input:
        index="results/{run}/cohort/index.parquet",
        files=as_inputs([*label_files(), *pseudonym_key()]),
        code=code_inputs("scripts/label_series.py"),
    output:
        labels="results/{run}/cohort/labels.parquet",
        disagreements="results/{run}/cohort/disagreements.parquet",
        summary="results/{run}/cohort/label_summary.csv",
    log:
        "results/{run}/logs/label_series.log",
    benchmark:
        "results/{run}/benchmarks/label_series.tsv"
    conda:
        ENV.format("cohort")
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(15),
    params:
        datasets=literally(label_sources()),
        pseudonym_key=literally(COHORT.pseudonym_key and pseudonym_key()[0]),
        others=stamps_of_others([*label_files(), *pseudonym_key()]),
    script:
        "../scripts/label_series.py"


rule find_chest:
    input:
        index="results/{run}/cohort/index.parquet",
        code=code_inputs("scripts/find_chest.py"),
    output:
        chest="results/{run}/cohort/chest.parquet",
    log:
        "results/{run}/logs/find_chest.log",
    benchmark:
        "results/{run}/benchmarks/find_chest.tsv"
    conda:
        ENV.format("cohort")
    threads: 8
    resources:
        mem_mb=growing(8000),
        runtime=growing(240),
    params:
        options=COHORT.body_region.model_dump_json(),
    script:
        "../scripts/find_chest.py"


checkpoint plan_extraction:
    input:
        index="results/{run}/cohort/index.parquet",
        labels="results/{run}/cohort/labels.parquet",
        same_person="results/{run}/cohort/same_person.parquet",
        chest=chest_table(),
        phantom=phantom_folder(),
        masks=as_inputs(MASK_FILES),
        code=code_inputs("scripts/plan_extraction.py"),
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
        ENV.format("cohort")
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        masks=literally(mask_sources()),
        others=stamps_of_others(MASK_FILES),
        options=canonical_options(COHORT, SelectionOptions),
        seed=SEED,
    script:
        "../scripts/plan_extraction.py"


rule extract_slices:
    input:
        plan=patient_plan,
    output:
        slices="results/{run}/slices/{patient}.parquet",
        rejected="results/{run}/cohort/rejected/{patient}.parquet",
    log:
        "results/{run}/logs/extract_slices/{patient}.log",
    benchmark:
        "results/{run}/benchmarks/extract_slices/{patient}.tsv"
    conda:
        ENV.format("cohort")
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(15),
    params:
        options=PREPARATION,
        # As inputs, 40 modules of each of a thousand patients would double the time of a dry run.
        code=code_digest("scripts/extract_slices.py"),
    script:
        "../scripts/extract_slices.py"


rule collect_slices:
    input:
        stages=[
            "results/{run}/cohort/rejected/stages/index.parquet",
            "results/{run}/cohort/rejected/stages/plan.parquet",
        ],
        slices=slice_files,
        patients=rejected_of_patients,
        code=code_inputs("scripts/collect_slices.py"),
    output:
        # Later steps depend on the list: with a file per patient instead, a dry run would take long.
        slices="results/{run}/slices.parquet",
        rejected="results/{run}/cohort/rejected.parquet",
    log:
        "results/{run}/logs/collect_slices.log",
    benchmark:
        "results/{run}/benchmarks/collect_slices.tsv"
    conda:
        ENV.format("cohort")
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(15),
    script:
        "../scripts/collect_slices.py"


rule summarise_plan:
    input:
        headers=HEADER_TABLES,
        index="results/{run}/cohort/index.parquet",
        labels="results/{run}/cohort/labels.parquet",
        chest=chest_table(),
        planned="results/{run}/cohort/planned.parquet",
        not_indexed="results/{run}/cohort/rejected/stages/index.parquet",
        rejected=[
            "results/{run}/cohort/rejected/stages/index.parquet",
            "results/{run}/cohort/rejected/stages/plan.parquet",
        ],
        code=code_inputs("scripts/summarise_cohort.py"),
    output:
        summary="results/{run}/cohort/plan_summary.csv",
    log:
        "results/{run}/logs/summarise_plan.log",
    benchmark:
        "results/{run}/benchmarks/summarise_plan.tsv"
    conda:
        ENV.format("cohort")
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        masks=mask_sources(),
    script:
        "../scripts/summarise_cohort.py"


use rule summarise_plan as summarise_cohort with:
    input:
        headers=HEADER_TABLES,
        index="results/{run}/cohort/index.parquet",
        labels="results/{run}/cohort/labels.parquet",
        chest=chest_table(),
        planned="results/{run}/cohort/planned.parquet",
        not_indexed="results/{run}/cohort/rejected/stages/index.parquet",
        rejected=["results/{run}/cohort/rejected.parquet"],
        slices="results/{run}/slices.parquet",
        code=code_inputs("scripts/summarise_cohort.py"),
    output:
        summary="results/{run}/cohort/summary.csv",
    log:
        "results/{run}/logs/summarise_cohort.log",
    benchmark:
        "results/{run}/benchmarks/summarise_cohort.tsv"
