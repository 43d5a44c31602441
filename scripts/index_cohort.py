"""Rule index_cohort: choose the axial CT slices of all datasets, and tell why others are not."""

from ct_importance.cohort.index import write_cohort_index
from ct_importance.workflow.running import job_log

with job_log(snakemake.log[0]):
    write_cohort_index(
        snakemake.input.headers,
        snakemake.output.index,
        snakemake.output.series,
        snakemake.output.same_person,
        snakemake.output.rejected,
    )
