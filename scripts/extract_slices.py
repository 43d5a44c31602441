"""Rule extract_slices: read, scale and resize the planned slices of one patient."""

import json
from pathlib import Path

from ct_importance.cohort.extraction import extract_slices
from ct_importance.cohort.jobs import ExtractionJob
from ct_importance.cohort.slice_entry import write_rejected
from ct_importance.workflow.running import running

with running(snakemake, ExtractionJob) as job:
    plan = json.loads(Path(snakemake.input.plan).read_text())
    rejected = extract_slices(
        plan["patient_id"],
        plan["split"],
        plan["slices"],
        job.options,
        snakemake.output.slices,
        plan["structures"],
    )
    write_rejected(snakemake.output.rejected, rejected)
