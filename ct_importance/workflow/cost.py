"""Says what the maps of a configuration take, before hours are spent: `make cost`."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from ct_importance.io.paths import StrPath
from ct_importance.io.table_file import read_table
from ct_importance.saliency.estimator import Estimator


def cost_lines(estimators: Mapping[str, Estimator], slices: int | None = None) -> list[str]:
    """Return a line per estimator, dearest last, and one of all.

    Args:
        estimators: By the name of the entry.
        slices: How many are planned; None: not known yet.

    Example:
        >>> from ct_importance.plugins import load
        >>> smooth = load("estimator", "smoothgrad")(samples=5)
        >>> for line in cost_lines({"smoothgrad": smooth}, slices=10):
        ...     print(line)
        estimator     forward  backward  forward of 10 slices  backward of 10 slices
        smoothgrad          5         5                    50                     50
        all, at most        5         5                    50                     50
    """
    passes = {name: one.passes for name, one in estimators.items()}
    rows = sorted(passes.items(), key=lambda item: (sum(item[1]), item[0]))
    total = [sum(cost[place] for cost in passes.values()) for place in (0, 1)]
    names = ["estimator", *(name for name, _ in rows), "all, at most"]
    numbers = [[*cost] for _, cost in [*rows, ("", total)]]
    heads = ["forward", "backward"]
    if slices is not None:
        heads += [f"{head} of {slices} slices" for head in heads]
        numbers = [[*row, *(number * slices for number in row)] for row in numbers]
    width = max(map(len, names))
    cells = [heads, *([str(number) for number in row] for row in numbers)]
    return [
        name.ljust(width)
        + "".join(f"  {it:>{len(head)}}" for it, head in zip(row, heads, strict=True))
        for name, row in zip(names, cells, strict=True)
    ]


def planned_slices(run_folder: StrPath) -> int | None:
    """Return how many slices a run has planned; None before that."""
    plan = Path(run_folder, "cohort", "planned.parquet")
    return read_table(plan, columns=["slice_id"]).num_rows if plan.exists() else None


def main(overlays: Sequence[str]) -> None:
    """Print what config.yaml takes, with overlays on top of it."""
    import yaml
    from snakemake.utils import update_config

    from ct_importance.workflow.config import parse_config

    raw: dict[str, object] = {}
    for file in ["config.yaml", *overlays]:
        update_config(raw, yaml.safe_load(Path(file).read_text(encoding="utf-8")))
    config = parse_config(raw)
    slices = planned_slices(f"results/{config.options.run}")
    print("Passes through each training of each classifier, per slice; shared ones count for each")
    print("\n".join(cost_lines(config.estimators, slices)))


if __name__ == "__main__":
    main(sys.argv[1:])
