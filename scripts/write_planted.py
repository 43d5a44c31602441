"""Rule write_planted: whether signs are used, shown, and known of, in words and numbers."""

from ct_importance.report.jobs import PlantedJob
from ct_importance.report.tables.planted import write_planted
from ct_importance.workflow.running import running

with running(snakemake, PlantedJob) as job:
    write_planted(
        job,
        dict(snakemake.input.items()),
        snakemake.output.csv,
        snakemake.output.markdown,
        snakemake.output.html,
    )
