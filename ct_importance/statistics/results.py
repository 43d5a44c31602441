"""From tables of points to the tables of values, comparisons and ranks."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from itertools import islice

import pandas as pd

from ct_importance.compute.chunks import in_chunks
from ct_importance.compute.progress import progress
from ct_importance.io.paths import StrPath
from ct_importance.io.slices import count_slices, training_patients
from ct_importance.io.table_file import read_frame, read_table, write_frame
from ct_importance.metrics.evaluate import evaluate_estimator, evaluate_slice, write_points
from ct_importance.metrics.metric import Metric, Points, Probe, Sample
from ct_importance.metrics.readers import each_against_the_others, mean_points
from ct_importance.metrics.samples import read_samples
from ct_importance.statistics.agreement import rank_by_metrics
from ct_importance.statistics.components import components_of_values
from ct_importance.statistics.concordance import agreement_of_classifiers
from ct_importance.statistics.estimates import Estimates, estimate_values, read_sums
from ct_importance.statistics.jobs import CeilingJob, ConcordanceJob, EstimationJob, RankingJob
from ct_importance.statistics.verdicts import with_verdicts

logger = logging.getLogger(__name__)


def write_ceiling(
    job: CeilingJob,
    slices: StrPath,
    segments: StrPath | None,
    points: StrPath,
    tables: Mapping[str, StrPath],
) -> None:
    """Write what a map can reach by a metric: a perfect map, or the readers against each other.

    A perfect map is the mask itself. Regions are those of the slice: by a metric of regions, even
    this map does not reach 1. Of slices that several readers marked, the mask of each is a map that
    is judged by those of the others.

    Args:
        job: What to compute.
        slices: The list of slices.
        segments: The table of their segments, for a metric of regions.
        points: The table of points to write.
        tables: Those of values and curves to write, by name; without rows where no slice has such
            masks.
    """
    metric, probe = job.metric, Probe(job.seed)
    samples = read_samples(metric, slices, [metric.slices], None, segments)
    shown = f"{job.name} of masks: slices", count_slices(slices, [metric.slices])
    if job.of_readers:
        several = (it for it, _ in progress(samples, *shown) if it.readers is not None)
        write_points(metric, ((it, _of_readers(metric, it, probe)) for it in several), points)
    else:
        evaluate_estimator(metric, samples, probe, points, *shown)
    if not read_table(points, columns=["slice_id"]).num_rows:
        logger.warning(
            "no slice has %s", "masks of several readers" if job.of_readers else "a mask"
        )
        columns = ["estimator", "variant", "value", "value_low", "value_high"]
        for path in tables.values():
            write_frame(path, pd.DataFrame({name: pd.Series(dtype=object) for name in columns}))
        return
    sums = read_sums(metric, {"readers" if job.of_readers else "mask": [points]})
    found = estimate_values(metric, sums, job.statistics, job.seed, classes=job.classes)
    _write(found, tables)


def _of_readers(metric: Metric, sample: Sample, probe: Probe) -> dict[str, Points]:
    return mean_points(
        metric,
        [
            evaluate_slice(metric, others, mask, probe)
            for others, mask in each_against_the_others(sample)
        ],
    )


def write_values(
    job: EstimationJob, points: Sequence[StrPath], slices: StrPath, tables: Mapping[str, StrPath]
) -> None:
    """Write values, curves and comparisons of the estimators by one metric, with intervals.

    Args:
        job: What to compute.
        points: The metric's tables: one per estimator, for each training.
        slices: The list of slices.
        tables: Those of values, curves and comparisons to write, by name.
    """
    metric = job.metric
    sums = read_sums(metric, by_estimator(job.estimators, points))
    training = training_patients(slices)
    found = estimate_values(metric, sums, job.statistics, job.seed, training, job.classes)
    _write(found, tables)


def write_components(job: EstimationJob, points: Sequence[StrPath], components: StrPath) -> None:
    """Write how far the values by one metric vary by training and by patient.

    Args:
        job: What to compute.
        points: The metric's tables, as in `write_values`.
        components: The table to write.
    """
    sums = read_sums(job.metric, by_estimator(job.estimators, points))
    found = components_of_values(job.metric, sums, job.statistics.confidence)
    write_frame(components, found)


def write_ranks(
    job: RankingJob,
    points: Sequence[StrPath],
    comparisons: Sequence[StrPath],
    sanity: Sequence[StrPath],
    ranks: StrPath,
    taus: StrPath,
    together: StrPath,
) -> None:
    """Write how each metric ranks the estimators, and how far the metrics agree.

    Args:
        job: What to compute.
        points: The tables of each metric, as in `write_values`, metric by metric.
        comparisons: One per metric.
        sanity: The tables of values of the metrics of sanity, in their order.
        ranks: A table to write.
        taus: Another.
        together: The third.
    """
    metrics = {it.name: it.metric for it in job.metrics}
    by_metric = in_chunks(points, len(points) // len(metrics))
    found = rank_by_metrics(
        metrics,
        {
            name: read_sums(metric, by_estimator(job.estimators, of_metric))
            for (name, metric), of_metric in zip(metrics.items(), by_metric, strict=True)
        },
        dict(zip(metrics, map(read_frame, comparisons), strict=True)),
        job.statistics,
        job.seed,
    )
    judging = [name for name, metric in metrics.items() if metric.category == "sanity"]
    judged = dict(zip(judging, map(read_frame, sanity), strict=True))
    write_frame(ranks, with_verdicts(found.ranks, metrics, judged))
    write_frame(taus, found.taus)
    write_frame(together, found.together)


def write_concordance(
    job: ConcordanceJob,
    points: Sequence[StrPath],
    ranks: Sequence[StrPath],
    all_ranks: StrPath,
    agreement: StrPath,
) -> None:
    """Write how all classifiers rank the estimators, and how far they agree.

    Args:
        job: What to compute.
        points: The tables of each classifier, as in `write_ranks`.
        ranks: Of each classifier, as `write_ranks` writes them.
        all_ranks: The same with the column ``classifier`` in front, to be written.
        agreement: The table of `agreement_of_classifiers`, with the column ``metric`` in front.
    """
    rest = iter(points)
    tables = {
        (classifier, one.name): list(islice(rest, trainings * len(job.estimators)))
        for classifier, trainings in job.trainings.items()
        for one in job.metrics
    }
    found = []
    for one in job.metrics:
        sums = {
            name: read_sums(one.metric, by_estimator(job.estimators, tables[name, one.name]))
            for name in job.trainings
        }
        table = agreement_of_classifiers(one.metric, sums, job.statistics, job.seed)
        table.insert(0, "metric", one.name)
        found.append(table)
    ranked = pd.concat(map(read_frame, ranks), keys=job.trainings, names=["classifier", None])
    write_frame(all_ranks, ranked.reset_index("classifier").reset_index(drop=True))
    write_frame(agreement, pd.concat(found, ignore_index=True))


def by_estimator(estimators: Sequence[str], points: Sequence[StrPath]) -> dict[str, list[StrPath]]:
    """Return the tables of each estimator: those of the first training come first."""
    return {name: list(points[n :: len(estimators)]) for n, name in enumerate(estimators)}


def _write(found: Estimates, tables: Mapping[str, StrPath]) -> None:
    for name, path in tables.items():
        write_frame(path, getattr(found, name))
