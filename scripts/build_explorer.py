"""Rule build_explorer: a page to look through slices, maps and scores."""

import json
from pathlib import Path

from ct_importance.report.explorer.build import Sources, build_explorer
from ct_importance.workflow.running import job_log

with job_log(snakemake.log[0]):
    estimators = json.loads(snakemake.params.estimators)

    def by_estimator(paths: list[str]) -> dict[str, str]:
        """Return paths by estimator; none if the metric is not configured."""
        return dict(zip(estimators, paths, strict=True)) if paths else {}

    given = snakemake.input
    build_explorer(
        snakemake.output.page,
        {Path(path).name: path for path in given.templates},
        snakemake.wildcards.run,
        Sources(
            slices=given.slices,
            predictions=given.predictions,
            maps=by_estimator(given.maps),
            fidelity=by_estimator(given.fidelity),
            roc=by_estimator(given.roc),
            dice=by_estimator(given.dice),
            segments=given.segments or None,
        ),
        json.loads(snakemake.params.subsets),
        snakemake.params.slices,
        snakemake.threads,
    )
