"""Rule extract_slices: read, scale and resize the planned slices of one patient."""

import json
from pathlib import Path

from scripts.cohort.extraction import extract_slices
from scripts.cohort.options import ExtractionOptions
from scripts.cohort.slice_entry import write_rejected
from scripts.job import job_log

with job_log(snakemake.log[0]):
    plan = json.loads(Path(snakemake.input.plan).read_text())
    rejected = extract_slices(
        plan["patient_id"],
        plan["split"],
        plan["slices"],
        ExtractionOptions.model_validate_json(snakemake.params.options),
        snakemake.output.slices,
        plan["structures"],
    )
    write_rejected(snakemake.output.rejected, rejected)
