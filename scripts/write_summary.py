"""Rule write_summary: what the run is and says, for people, for programs and for the report."""

import json
import re
from collections import Counter
from pathlib import Path

import pandas as pd

from ct_importance.io.atomic import write_text
from ct_importance.io.digests import file_digest
from ct_importance.io.table_file import read_frame, read_table
from ct_importance.metrics.jobs import lower_is_better, read_metrics
from ct_importance.report.landing import landing_text, readme_text
from ct_importance.report.sentences import VARIANT_WORDS, say_disagreement, say_taus, say_warnings
from ct_importance.report.summary import git_commit, hardware, package_versions
from ct_importance.report.tables.notes import table_warnings
from ct_importance.report.warnings import model_warnings
from ct_importance.statistics.options import StatisticsOptions
from ct_importance.workflow.running import job_log

COLUMNS = ["patient_id", "label", "split", "sampled"]

with job_log(snakemake.log[0]):
    config = json.loads(snakemake.params.config)
    flags = read_table(snakemake.input.slices, columns=COLUMNS)
    rows = flags.to_pylist()
    split_of = {row["patient_id"]: row["split"] for row in rows}
    evaluation = json.loads(Path(snakemake.input.evaluation).read_text(encoding="utf-8"))
    ranks, taus = (read_frame(snakemake.input[name]) for name in ("ranks", "taus"))
    packages = {
        name
        for path in snakemake.input.environments
        for name in re.findall(r"- ([\w.-]+)==", Path(path).read_text(encoding="utf-8"))
    }
    tables = {Path(path).stem: pd.read_csv(path) for path in snakemake.input.tables}
    statistics = StatisticsOptions.model_validate(config["statistics"])
    metrics, warnings = {}, {}
    chosen = read_metrics(snakemake.params.metrics)
    for one, path in zip(chosen, snakemake.input.values, strict=True):
        metrics[one.name] = one.metric.describe()
        values = read_frame(path)
        warnings[one.name] = table_warnings(one.metric, values, evaluation, statistics)
    summary = {
        "run": config["run"],
        "seed": config["seed"],
        "data": {
            "slices": len(rows),
            "patients": len(split_of),
            "slices_with_contrast": sum(row["label"] for row in rows),
            "patients_by_split": dict(sorted(Counter(split_of.values()).items())),
            "slices_evenly_spaced": sum(row["sampled"] for row in rows),
        },
        "classifier": evaluation,
        "metrics": metrics,
        "warnings": say_warnings(model_warnings(evaluation), warnings),
        "findings": [
            sentence
            for variant in VARIANT_WORDS
            for sentence in say_disagreement(ranks, variant, lower_is_better(chosen))
            + say_taus(taus, variant)
        ],
        "tables": {
            name: table.astype(object).where(table.notna(), None).to_dict("records")
            for name, table in tables.items()
        },
        "digests": {
            "slices": file_digest(snakemake.input.slices),
            "classifier": file_digest(snakemake.input.classifier),
            "predictions": file_digest(snakemake.input.predictions),
        },
        "code": git_commit(Path.cwd()),
        "packages": package_versions(packages),
        "hardware": hardware(),
        "config": config,
    }
    markdown = [Path(path).read_text(encoding="utf-8") for path in snakemake.input.markdown]
    write_text(snakemake.output.json, json.dumps(summary, indent=2, allow_nan=False) + "\n")
    write_text(snakemake.output.readme, readme_text(summary, markdown))
    write_text(snakemake.output.landing, landing_text(summary))
