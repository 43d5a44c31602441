"""Rule read_headers: read the headers of one dataset, those that are new since the last time."""

from ct_importance.cohort.headers import read_headers
from ct_importance.cohort.jobs import HeadersJob
from ct_importance.workflow.running import running

with running(snakemake, HeadersJob) as job:
    read_headers(job, snakemake.output.headers, snakemake.threads)
