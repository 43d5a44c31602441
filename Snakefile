# Which importance estimator explains this CT classifier best?
# config.yaml holds the default run; configs/ holds overlays for real cohorts; README.md and docs/ explain.
import os
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger
from snakemake.utils import min_version

from ct_importance.errors import InputError
from ct_importance.metrics.variations.variation import Noisy, Randomised
from ct_importance.workflow.config import parse_config
from ct_importance.workflow.config_file import check_config_files
from ct_importance.workflow.running import WORKFLOW_PROCESS
from ct_importance.workflow.terminal.page import end_page, show_as_page
from ct_importance.workflow.study import Study, growing, one_of

min_version("9.19")

try:
    check_config_files(["config.yaml", *workflow.overwrite_configfiles])
except InputError as error:
    raise WorkflowError(str(error)) from None


configfile: "config.yaml"


try:
    study = Study(parse_config(config))
    # Jobs read this file as well, and the files of classifiers are what they were.
    if workflow.is_main_process:
        if not workflow.output_settings.dryrun:
            show_as_page(logger)
        study.inputs.check_classifiers()
        for text in study.inputs.warnings():
            logger.warning(text)
except InputError as error:
    raise WorkflowError(str(error)) from None

# Jobs end with the process that reads this, be it killed.
os.environ[WORKFLOW_PROCESS] = str(os.getpid())


wildcard_constraints:
    run=study.run,
    ceiling="ceiling|readers",
    classifier=one_of(study.classifiers),
    replicate=study.replicate,
    estimator=one_of(study.estimators),
    figure=one_of(study.figure_names()),
    place=one_of(study.figure_folders()),
    metric=one_of(study.metrics),
    shard=r"\d+of\d+",
    shared=one_of(study.shared),
    table=one_of(study.tables),
    patients="[A-Za-z0-9][A-Za-z0-9._-]*",
    dataset=one_of(study.datasets),
    chosen=one_of(study.choices()),
    noisy=one_of(study.names_of(Noisy)),
    randomised=one_of(study.names_of(Randomised)),
    planted=study.planted,
    dose=one_of(study.doses),
    sign=one_of(study.signs),


include: "rules/cohort.smk"
include: "rules/classifier.smk"
include: "rules/saliency.smk"
include: "rules/metrics.smk"
include: "rules/statistics.smk"
include: "rules/report.smk"


# Written by rule write_summary.
report: str(Path(f"{study.folder}/report.rst").absolute())


localrules:
    all,
    cohort,
    export,


rule all:
    default_target: True
    input:
        f"{study.folder}/cohort/summary.csv",
        f"{study.folder}/summary.json",
        study.of_trainings("evaluation.json"),
        study.table_files(),
        study.figure_files(),
        study.caption_files(),
        study.of_classifiers("explorer.html"),
        study.explorers_of_all(),


# The cohort up to the split: labels can be looked at before slices are extracted.
rule cohort:
    input:
        f"{study.folder}/cohort/plan_summary.csv",
        f"{study.folder}/cohort/labels.parquet",
        f"{study.folder}/cohort/disagreements.parquet",
        f"{study.folder}/cohort/split.parquet",


# Maps for viewers, beside what else there is: NIfTI, DICOM Parametric Maps and SEG.
rule export:
    input:
        study.exported(),


onstart:
    from ct_importance.workflow.cost import print_plan

    print_plan(study, workflow.dag.needrun_jobs())


onsuccess:
    from ct_importance.io.atomic import remove_leftovers
    from ct_importance.workflow.overview import print_overview

    # Others may be of an earlier call.
    jobs = workflow.dag.bfs(workflow.dag.dependencies, *workflow.dag.targetjobs)
    up_to_date = {str(path) for job in jobs for path in job.output}
    remove_leftovers(study.folder)
    end_page(logger)
    print_overview(study.folder, study.trainings, list(study.tables), up_to_date)


onerror:
    from ct_importance.workflow.failure import print_failures

    end_page(logger)
    print_failures(log, study.folder)
