"""Rule build_explorer: a page to look through slices, maps and scores."""

import json
from pathlib import Path

from ct_importance.report.explorer.build import build_explorer, sources_of
from ct_importance.workflow.running import job_log

with job_log(snakemake.log[0]):
    given, asked = snakemake.input, snakemake.params
    tables = [given.slices, given.predictions, given.maps, given.fidelity, given.roc, given.dice]
    build_explorer(
        snakemake.output.page,
        {Path(path).name: path for path in given.templates},
        snakemake.wildcards.run,
        sources_of(json.loads(asked.estimators), *tables, given.segments),
        json.loads(asked.subsets),
        asked.slices,
        snakemake.threads,
        asked.fill,
    )
