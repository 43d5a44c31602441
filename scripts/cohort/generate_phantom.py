"""Rule generate_phantom: write the built-in cohort as DICOM series with masks."""

from pathlib import Path

from scripts.cohort.options import PhantomOptions
from scripts.cohort.phantom import write_phantom_cohort
from scripts.job import job_log

with job_log(snakemake.log[0]):
    write_phantom_cohort(
        Path(snakemake.output.folder),
        PhantomOptions.model_validate_json(snakemake.params.options),
        seed=snakemake.params.seed,
        workers=snakemake.threads,
    )
