# Which importance estimator explains this CT classifier best?
# config.yaml holds the default run; configs/ holds overlays for real cohorts; README.md and docs/ explain.
from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version

from ct_importance.workflow.config_file import check_config_files
from ct_importance.errors import InputError

min_version("9.19")

try:
    check_config_files(["config.yaml", *workflow.overwrite_configfiles])
except InputError as error:
    raise WorkflowError(str(error)) from None


configfile: "config.yaml"


include: "rules/common.smk"


wildcard_constraints:
    run=RUN,
    estimator="|".join(ESTIMATORS),
    metric="|".join(METRICS),
    shard=r"\d+of\d+",
    shared=any_of(map(re.escape, SHARED)),
    table="|".join(TABLES),
    patient="[A-Za-z0-9][A-Za-z0-9._-]*",
    dataset="|".join(DATASETS),


include: "rules/cohort.smk"
include: "rules/classifier.smk"
include: "rules/saliency.smk"
include: "rules/metrics.smk"
include: "rules/statistics.smk"
include: "rules/report.smk"


# Written by rule write_summary.
report: str(Path(f"results/{RUN}/report.rst").absolute())


localrules:
    all,
    cohort,


rule all:
    default_target: True
    input:
        f"results/{RUN}/cohort/summary.csv",
        f"results/{RUN}/model/evaluation.json",
        f"results/{RUN}/summary.json",
        all_tables(),
        all_figures(),
        f"results/{RUN}/explorer.html",


# The cohort up to the split: labels can be looked at before slices are extracted.
rule cohort:
    input:
        f"results/{RUN}/cohort/plan_summary.csv",
        f"results/{RUN}/cohort/labels.parquet",
        f"results/{RUN}/cohort/disagreements.parquet",
        f"results/{RUN}/cohort/split.parquet",


onsuccess:
    from ct_importance.io.atomic import remove_leftovers
    from ct_importance.workflow.overview import print_overview

    remove_leftovers(f"results/{RUN}")
    print_overview(f"results/{RUN}", list(TABLES), files_up_to_date())


onerror:
    from ct_importance.workflow.failure import print_failures

    print_failures(log, f"results/{RUN}")
