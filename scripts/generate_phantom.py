"""Rule generate_phantom: write the built-in cohort as DICOM series with masks."""

from pathlib import Path

from ct_importance.cohort.jobs import PhantomJob
from ct_importance.cohort.phantom.cohort import write_phantom_cohort
from ct_importance.workflow.running import running

with running(snakemake, PhantomJob) as job:
    write_phantom_cohort(
        Path(snakemake.output.folder),
        job.options,
        seed=job.seed,
        workers=snakemake.threads,
    )
