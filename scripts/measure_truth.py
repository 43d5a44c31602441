"""Rule measure_truth: do classifiers use planted signs, do maps show them, which metric knew?"""

from ct_importance.statistics.jobs import TruthJob
from ct_importance.statistics.planted.results import TruthFiles, write_truth
from ct_importance.workflow.running import running

with running(snakemake, TruthJob) as job:
    write_truth(
        job,
        TruthFiles(snakemake.input.predictions, snakemake.input.toggled, snakemake.input.points),
        dict(snakemake.output.items()),
    )
