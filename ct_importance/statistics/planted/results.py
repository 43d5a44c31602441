"""From predictions and points of all classifiers to the tables of what is known of their signs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import pandas as pd

from ct_importance.compute.progress import progress
from ct_importance.io.paths import StrPath
from ct_importance.io.table_file import read_frame, write_frame
from ct_importance.statistics.estimates import read_sums
from ct_importance.statistics.jobs import TruthJob
from ct_importance.statistics.planted.flips import Answers, flipped_slices, flips_of
from ct_importance.statistics.planted.truth import knowing, truth_of
from ct_importance.statistics.results import by_estimator


@dataclass(frozen=True)
class TruthFiles:
    """What `write_truth` reads, classifier by classifier."""

    predictions: Sequence[StrPath]
    """Of the slices that each training sees."""
    toggled: Sequence[StrPath]
    """Of its test slices the other way."""
    points: Sequence[StrPath]
    """The tables of each classifier, as in `write_concordance`."""


def write_truth(job: TruthJob, files: TruthFiles, tables: Mapping[str, StrPath]) -> None:
    """Write whether classifiers use the signs on their slices, and what maps show of these.

    Args:
        job: What to compute.
        files: What it is computed from.
        tables: Those of ``flips``, ``truth`` and ``knew`` to write, by name; see
            `ct_importance.statistics.planted.flips` and `ct_importance.statistics.planted.truth`.
    """
    metrics = {it.name: it.metric for it in job.metrics}
    against = [name for name, metric in metrics.items() if metric.tells_of_sign]
    answers = zip(files.predictions, files.toggled, strict=True)
    points = iter(files.points)
    found: dict[str, list[pd.DataFrame]] = {name: [] for name in tables}
    for classifier, count in progress(job.trainings.items(), "signs: classifiers"):
        label = job.labels[classifier]
        asked = [Answers(*(_answers(it, label) for it in of)) for of in islice(answers, count)]
        flipped = flipped_slices(asked, label)
        sums = {}
        for name, metric in metrics.items():
            of_metric = list(islice(points, count * len(job.estimators)))
            tables_of = by_estimator(job.estimators, of_metric)
            read = read_sums(metric, tables_of, flipped if name in against else None)
            # Of a sample of the slices, none may flip.
            if read:
                sums[name] = read
        truth = {name: of for name, of in sums.items() if name in against}
        told = {
            name: of
            for name, of in truth.items()
            if metrics[name].category == "localisation" and classifier not in job.without_place
        }
        others = {name: of for name, of in sums.items() if name not in against}
        of_classifier = {
            "flips": flips_of(asked, label, job.statistics, job.seed),
            "truth": truth_of(metrics, truth, job.statistics, job.seed),
            "knew": knowing(metrics, told, others, job.controls, job.statistics, job.seed),
        }
        for name, table in of_classifier.items():
            table.insert(0, "classifier", classifier)
            found[name].append(table)
    for name, path in tables.items():
        # An empty table has no types, and would take those of the others from them.
        filled = [table for table in found[name] if len(table)]
        write_frame(path, pd.concat(filled or found[name], ignore_index=True))


def _answers(predictions: StrPath, label: int) -> pd.DataFrame:
    """Return predictions with the probability of one class."""
    table = read_frame(predictions)
    if "probabilities" in table:
        of_class = np.stack(table["probabilities"].tolist())[:, label]
    else:
        of_class = table["probability"] if label else 1 - table["probability"]
    keys = ["slice_id", "patient_id", "label", "predicted"]
    return table[keys].assign(probability=np.asarray(of_class, float))
