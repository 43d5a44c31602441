"""Rule generate_phantom: write the built-in cohort as DICOM series with masks."""

from pathlib import Path

from ct_importance.cohort.options import PhantomOptions
from ct_importance.cohort.phantom.cohort import write_phantom_cohort
from ct_importance.workflow.job import job_log

with job_log(snakemake.log[0]):
    write_phantom_cohort(
        Path(snakemake.output.folder),
        PhantomOptions.model_validate_json(snakemake.params.options),
        seed=snakemake.params.seed,
        workers=snakemake.threads,
    )
