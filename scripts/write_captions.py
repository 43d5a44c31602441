"""Rule write_captions: the captions of all figures of a folder."""

from ct_importance.report.jobs import CaptionsJob
from ct_importance.report.landing import write_captions
from ct_importance.workflow.running import running

with running(snakemake, CaptionsJob) as job:
    write_captions(job, snakemake.output.markdown)
