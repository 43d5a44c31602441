"""Rule export_classifier: a classifier as a graph of ONNX."""

from ct_importance.classifier.forward.export import export_classifier
from ct_importance.classifier.jobs import ExportJob
from ct_importance.workflow.running import running

with running(snakemake, ExportJob) as job:
    export_classifier(job, snakemake.input.classifier, snakemake.output.graph)
