"""Says what a configuration takes, before hours are spent: `make cost`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ct_importance.io.paths import StrPath
from ct_importance.io.slices import count_slices
from ct_importance.io.table_file import read_table
from ct_importance.saliency.estimator import Cost
from ct_importance.workflow.layout.report import ReportFiles

BACKWARD = 2
"""Passes forwards that take as long as one backwards, about."""
HEADS = ("forward", "backward", "slices", "forward in all", "backward in all")


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
    found = {}
    for name in study.metrics:
        metric, cost = study.config.metrics[name], Cost()
        for estimator in study.estimators.values():
            cost += metric.cost(estimator.passes)
        found[name] = Work(cost, known_slices(study.folder, [metric.slices]))
    return found


def cost_lines(title: str, works: Mapping[str, Work]) -> list[str]:
    """Return a line per estimator or metric, dearest last, and one of all.

    Args:
        title: What they are.
        works: By the name of the entry.

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
    numbers = [[*work.per_slice, work.slices or "", *work.whole] for _, work in rows]
    numbers.append([*per_slice, "", *whole])
    known = len(HEADS) if any(work.slices for work in works.values()) else 2
    cells = [HEADS, *([str(number) for number in row] for row in numbers)]
    width = max(map(len, names))
    return [
        name.ljust(width)
        + "".join(f"  {it:>{len(head)}}" for it, head in zip(row[:known], HEADS, strict=False))
        for name, row in zip(names, cells, strict=True)
    ]


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
            passes = (whole.forward + BACKWARD * whole.backward) * len(replicates)
            yield (
                f"{classifier}: about {duration(passes * seconds)} of one core or GPU at most, at "
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


def duration(seconds: float) -> str:
    """Return a time in the unit that suits it.

    Example:
        >>> duration(5), duration(600), duration(36000)
        ('5 s', '10 min', '10.0 h')
    """
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


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
    print("\n".join(cost_lines("estimator", maps)))
    print("\nPasses of metrics, for the maps of all estimators together")
    print("\n".join(cost_lines("metric", metrics)))
    if times := list(time_lines(study, [*maps.values(), *metrics.values()])):
        print("\n" + "\n".join(times))


if __name__ == "__main__":
    main(sys.argv[1:])
