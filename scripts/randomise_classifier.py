"""Rule randomise_classifier: a classifier some of whose layers are re-initialised."""

from ct_importance.classifier.jobs import RandomisationJob
from ct_importance.classifier.networks.randomised import randomise_classifier
from ct_importance.workflow.running import running

with running(snakemake, RandomisationJob) as job:
    randomise_classifier(job, snakemake.input.classifier, snakemake.output.classifier)
