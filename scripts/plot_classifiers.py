"""Rule plot_classifiers: one figure of all classifiers, in three formats."""

from ct_importance.report.jobs import FigureJob
from ct_importance.report.style import write_figure
from ct_importance.workflow.running import running

with running(snakemake, FigureJob) as job:
    write_figure(job.figure, dict(snakemake.input.items()), snakemake.output)
