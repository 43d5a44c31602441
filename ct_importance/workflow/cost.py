"""Says what a configuration takes, before hours are spent: `make cost`."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ct_importance.compute.progress import columns, in_words, wrapped
from ct_importance.io.paths import StrPath
from ct_importance.io.slices import count_slices
from ct_importance.io.table_file import read_table
from ct_importance.metrics.metric import Metric
from ct_importance.saliency.estimator import Cost
from ct_importance.workflow.layout.report import ReportFiles

BACKWARD = 2
"""Passes forwards that take as long as one backwards, about."""
HEADS = ("forward", "backward", "slices", "forward in all", "backward in all", "about   ")


class Work(NamedTuple):
    """Passes through one training of a classifier."""

    per_slice: Cost
    slices: int | None
    """How many slices take them, at most; None: not known yet."""

    @property
    def whole(self) -> Cost:
        """The passes of all slices."""
        return self.per_slice * (self.slices or 0)


def work_of_estimators(study: ReportFiles) -> dict[str, Work]:
    """Return what the maps of each estimator take."""
    slices = known_slices(study.folder, study.explained())
    return {name: Work(one.passes, slices) for name, one in study.estimators.items()}


def work_of_metrics(study: ReportFiles) -> dict[str, Work]:
    """Return what each metric takes for the maps of all estimators together."""
    metrics = study.config.metrics
    subsets = {metric.slices for metric in metrics.values()}
    counts = {subset: known_slices(study.folder, [subset]) for subset in subsets}
    found = {}
    for name in study.metrics:
        metric, cost = metrics[name], Cost()
        for estimator in study.estimators.values():
            cost += metric.cost(estimator.passes)
        found[name] = Work(cost, _at_most(counts[metric.slices], metric))
    return found


def _at_most(slices: int | None, metric: Metric) -> int | None:
    """Return how many of the slices a metric is computed on: with variations, a sample."""
    samples = [one.sample for one in metric.variations if one.sample is not None]
    return None if slices is None else min([slices, *samples])


def cost_lines(title: str, works: Mapping[str, Work], seconds: float | None = None) -> list[str]:
    """Return a line per estimator or metric, dearest last, and one of all.

    Args:
        title: What they are.
        works: By the name of the entry.
        seconds: Of a pass forwards through all trainings of all classifiers, if it is known.

    Example:
        >>> for line in cost_lines("estimator", {"smoothgrad": Work(Cost(5, 5), 10)}):
        ...     print(line)
        estimator     forward  backward  slices  forward in all  backward in all
        smoothgrad          5         5      10              50               50
        all, at most        5         5                      50               50
    """
    rows = sorted(works.items(), key=lambda item: (sum(item[1].per_slice), item[0]))
    per_slice, whole = Cost(), Cost()
    for _, work in rows:
        per_slice, whole = per_slice + work.per_slice, whole + work.whole
    names = [title, *(name for name, _ in rows), "all, at most"]
    numbers = [
        [*work.per_slice, work.slices or "", *work.whole, _about(work.whole, seconds)]
        for _, work in rows
    ]
    numbers.append([*per_slice, "", *whole, _about(whole, seconds)])
    known = 2 if not any(work.slices for work in works.values()) else len(HEADS) - (seconds is None)
    cells = [HEADS, *([str(number) for number in row] for row in numbers)]
    width = max(map(len, names))
    shown = range(known)
    if known > 2 and width + sum(2 + len(HEADS[it]) for it in shown) > (columns() or math.inf):
        shown = range(2, known)  # those of all slices are what is waited for
    return [
        (name.ljust(width) + "".join(f"  {row[it]:>{len(HEADS[it])}}" for it in shown)).rstrip()
        for name, row in zip(names, cells, strict=True)
    ]


def _about(whole: Cost, seconds: float | None) -> str:
    if seconds is None:
        return ""
    return in_words((whole.forward + BACKWARD * whole.backward) * seconds)


def known_slices(run_folder: StrPath, subsets: Sequence[str]) -> int | None:
    """Return how many slices of some subsets a run has.

    Before they are there, how many are planned in all; None before that.
    """
    slices = Path(run_folder, "slices.parquet")
    if slices.exists():
        return count_slices(slices, subsets)
    plan = Path(run_folder, "cohort", "planned.parquet")
    return read_table(plan, columns=["slice_id"]).num_rows if plan.exists() else None


def time_lines(study: ReportFiles, works: Sequence[Work]) -> Iterator[str]:
    """Yield how long passes take, for each classifier that has answered to slices in this run.

    By the time of its predictions: a pass for each slice and the start of the job, on one core or
    GPU. A pass backwards counts as two forwards.
    """
    whole = Cost()
    for work in works:
        whole += work.whole
    for classifier, replicates in study.trainings.items():
        seconds = seconds_per_pass(study.folder, classifier)
        if seconds is not None:
            took = _about(whole, seconds * len(replicates))
            yield (
                f"{classifier}: about {took} of one core or GPU at most, at "
                f"{1000 * seconds:.3g} ms a pass forwards, which its predictions took, and twice "
                "that backwards"
            )


def seconds_per_pass(run_folder: StrPath, classifier: str) -> float | None:
    """Return how long the predictions of the first training took for each slice, or None."""
    slices = Path(run_folder, "slices.parquet")
    file = Path(run_folder, "benchmarks", "predict_slices", classifier, "1.tsv")
    if not (file.exists() and slices.exists()):
        return None
    head, *_, last = (line.split("\t") for line in file.read_text(encoding="utf-8").splitlines())
    count = count_slices(slices, ["all"])
    return float(last[head.index("s")]) / count if count else None


def seconds_of_all(study: ReportFiles) -> float | None:
    """Return how long a pass forwards takes through all trainings of all classifiers, or None."""
    each = [
        (seconds_per_pass(study.folder, name), len(replicates))
        for name, replicates in study.trainings.items()
    ]
    known = [seconds * count for seconds, count in each if seconds is not None]
    return sum(known) if len(known) == len(each) else None


def print_plan(study: ReportFiles, jobs: Iterable[Any]) -> None:
    """Print which maps and metrics a run computes, and what they take; nothing without any.

    Args:
        study: The run.
        jobs: Those of Snakemake that are to be run.
    """
    asked: dict[str, set[str]] = {"estimator": set(), "metric": set()}
    for job in jobs:
        if job.rule.name in ("compute_importance", "combine_shared"):
            asked["estimator"].add(job.wildcards.estimator)
        elif job.rule.name == "evaluate_importance":
            asked["metric"].add(job.wildcards.metric)
    if not any(asked.values()):
        return
    works = {"estimator": work_of_estimators(study), "metric": work_of_metrics(study)}
    seconds = seconds_of_all(study)
    for kind, names in asked.items():
        chosen = {name: work for name, work in works[kind].items() if name in names}
        if chosen:
            print("\n" + "\n".join(cost_lines(kind, chosen, seconds)))
    known = (
        "about: of one core or GPU, at most, by the time that predictions took"
        if seconds is not None
        else "how long that takes is known once there are predictions: make cost"
    )
    said = f"Passes through a training of a classifier, per slice; {known}"
    print("\n" + "\n".join(wrapped(said)) + "\n", flush=True)


def main(overlays: Sequence[str]) -> None:
    """Print what config.yaml takes, with overlays on top of it, and keys as ``data_dir=folder``."""
    import yaml
    from snakemake.utils import update_config

    from ct_importance.errors import InputError
    from ct_importance.workflow.config import parse_config

    raw: dict[str, object] = {}
    keys = dict(given.split("=", 1) for given in overlays if "=" in given)
    for file in ["config.yaml", *(given for given in overlays if "=" not in given)]:
        update_config(raw, yaml.safe_load(Path(file).read_text(encoding="utf-8")))
    update_config(raw, {key: yaml.safe_load(value) for key, value in keys.items()})
    try:
        study = ReportFiles(parse_config(raw))
    except InputError as error:
        sys.exit(str(error))
    maps, metrics = work_of_estimators(study), work_of_metrics(study)
    print("Passes through each training of each classifier, per slice; shared ones count for each")
    seconds = seconds_of_all(study)
    print("\n".join(cost_lines("estimator", maps, seconds)))
    print("\nPasses of metrics, for the maps of all estimators together")
    print("\n".join(cost_lines("metric", metrics, seconds)))
    if times := list(time_lines(study, [*maps.values(), *metrics.values()])):
        print("\n" + "\n".join(times))


if __name__ == "__main__":
    main(sys.argv[1:])
