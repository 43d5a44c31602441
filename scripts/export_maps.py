"""Rule export_maps: the maps of an estimator as files that radiologists open."""

from ct_importance.report.export.write import export_maps
from ct_importance.report.jobs import ExportJob
from ct_importance.workflow.running import running

with running(snakemake, ExportJob) as job:
    export_maps(job, snakemake.input.maps, snakemake.input.index, snakemake.output.folder)
