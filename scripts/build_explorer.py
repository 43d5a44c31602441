"""Rule build_explorer: a page to look through slices, maps and scores."""

from pathlib import Path

from ct_importance.report.explorer.build import build_explorer, sources_of
from ct_importance.report.jobs import ExplorerJob
from ct_importance.workflow.running import running

with running(snakemake, ExplorerJob) as job:
    given = snakemake.input
    build_explorer(
        job,
        {Path(path).name: path for path in given.templates},
        sources_of(job, dict(given.items()), [given.predictions], given.maps, given.points),
        snakemake.output.page,
        snakemake.threads,
    )
