"""Rule write_classifiers: how far the ranking of the estimators depends on the classifier."""

from ct_importance.report.jobs import ClassifiersJob
from ct_importance.report.tables.classifiers import write_classifiers
from ct_importance.workflow.running import running

with running(snakemake, ClassifiersJob) as job:
    write_classifiers(
        job,
        snakemake.input.ranks,
        snakemake.input.agreement,
        snakemake.output.csv,
        snakemake.output.markdown,
        snakemake.output.html,
    )
