# Which importance estimator explains this CT classifier best?
# config.yaml holds the default run; configs/ holds overlays for real cohorts; README.md explains.
from snakemake.utils import min_version

min_version("9.19")


configfile: "config.yaml"


include: "rules/common.smk"


wildcard_constraints:
    run=RUN,
    estimator="|".join(ESTIMATORS),
    metric="|".join(METRICS),
    part=any_of(map(re.escape, PARTS)),
    table="|".join(TABLES),
    patient="[A-Za-z0-9][A-Za-z0-9._-]*",
    dataset="|".join(DATASETS),


include: "rules/cohort.smk"
include: "rules/model.smk"
include: "rules/saliency.smk"
include: "rules/metrics.smk"
include: "rules/report.smk"


report: "report/workflow.rst"


localrules:
    all,


rule all:
    default_target: True
    input:
        f"results/{RUN}/cohort/rejected.parquet",
        f"results/{RUN}/model/evaluation.json",
        all_tables(),
        all_figures(),
        f"results/{RUN}/explorer.html",


onsuccess:
    from scripts.report.overview import print_overview

    print_overview(f"results/{RUN}", list(TABLES))


onerror:
    print(
        f"\nA job failed. Its log is named above ('log:') and lies in results/{RUN}/logs/; the last "
        "lines of the log say what happened and what to do.\nAfter that, run the same command "
        "again: what is finished is kept."
    )
