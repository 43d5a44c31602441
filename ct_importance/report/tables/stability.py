"""How much depends on the training of the classifier: rankings, variance and maps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ct_importance.io.atomic import write_text
from ct_importance.io.paths import StrPath
from ct_importance.io.table_file import read_frame
from ct_importance.report.jobs import StabilityJob
from ct_importance.report.markup import escape_markdown
from ct_importance.report.names import display_name, metric_name
from ct_importance.report.tables.formats import (
    Table,
    fixed,
    html_page,
    titled_tables,
    with_interval,
)
from ct_importance.report.tables.notes import percent
from ct_importance.statistics.agreement import tau_between_trainings
from ct_importance.statistics.components import COMPONENTS

CAPTION = (
    "How much depends on which of {} trainings of the classifier is asked. Rankings: Kendall's tau "
    "of the estimators' values by two trainings, 1 where both rank alike, 0 where they have "
    "nothing in common. Spread: standard deviations of a value from training to training, from "
    "patient to patient, and of what is left, of one patient by one training; a table's value is a "
    "mean over all of them, and a spread of 0 is one that the rest hides. Maps: Spearman's "
    "correlation of the maps of two trainings, a mean over slices and pairs of trainings, with the "
    "lowest and the highest pair; maps that do not look at the classifier (Random) are the same in "
    "all trainings. Brackets: {} intervals, of maps from {} resamples of the patients."
)


def write_stability(
    job: StabilityJob,
    values: Sequence[StrPath],
    components: Sequence[StrPath],
    similarity: Sequence[StrPath],
    csv: StrPath,
    markdown: StrPath,
    page: StrPath,
) -> None:
    """Write how much depends on the training of the classifier.

    Args:
        job: Of which metrics.
        values: Values by each metric.
        components: Their components of variance.
        similarity: Of the maps, one per estimator.
        csv: Everything in one table, to be written: ``what`` ("ranking", "spread" or "maps"),
            metric, variant, estimator, first and second training, component, value, low, high.
        markdown: The same for people to read.
        page: The same as HTML.
    """
    names = [it.name for it in job.metrics]
    taus = _of_metrics(names, [tau_between_trainings(read_frame(path)) for path in values])
    spread = _of_metrics(names, [_deviations(read_frame(path)) for path in components])
    maps = pd.concat(map(read_frame, similarity), ignore_index=True)
    parts = {
        "ranking": taus.rename(columns={"tau": "value"}),
        "spread": spread,
        "maps": maps.rename(columns={"similarity": "value"}),
    }
    whole = pd.concat([part.assign(what=what) for what, part in parts.items()])
    options = job.statistics
    caption = CAPTION.format(job.trainings, percent(options.confidence), options.resamples)
    tables = {
        "Rankings by two trainings, Kendall's tau": tau_table(taus),
        **{
            f"Spread of {metric_name(it.name)} ({it.metric.unit})": spread_table(
                spread[spread["metric"] == it.name], it.metric.decimals + 1
            )
            for it in job.metrics
        },
        "Maps of two trainings, Spearman's correlation": map_table(maps),
    }
    lines, shown = titled_tables(tables)
    columns = ["what", "metric", "variant", "estimator", "first", "second", "component"]
    numbers = ["value", "low", "high", "slices", "patients"]
    write_text(csv, whole.reindex(columns=[*columns, *numbers]).to_csv(index=False))
    write_text(markdown, "\n".join([f"**{escape_markdown(caption)}**", *lines]) + "\n")
    write_text(page, html_page("Stability", caption, [], shown))


def _of_metrics(names: Sequence[str], tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    found = zip(names, tables, strict=True)
    return pd.concat([table.assign(metric=name) for name, table in found], ignore_index=True)


def _deviations(components: pd.DataFrame) -> pd.DataFrame:
    """Return standard deviations in place of variances."""
    roots = {
        name: np.sqrt(components[column].astype(float))
        for name, column in (("value", "variance"), ("low", "low"), ("high", "high"))
    }
    return components.drop(columns="variance").assign(**roots)


def tau_table(taus: pd.DataFrame) -> Table:
    """Return the agreement of each pair of trainings, a column per metric and variant."""
    keys = list(dict.fromkeys(zip(taus["metric"], taus["variant"], strict=True)))
    header = [f"{metric_name(metric)} ({variant})" for metric, variant in keys]
    wide = taus.set_index(["first", "second", "metric", "variant"])["tau"]
    pairs = list(dict.fromkeys(zip(taus["first"], taus["second"], strict=True)))
    rows = [
        [f"{first} and {second}", *(fixed(wide[first, second, *key], 2) for key in keys)]
        for first, second in pairs
    ]
    return ["Trainings", *header], rows


def spread_table(spread: pd.DataFrame, decimals: int) -> Table:
    """Return the standard deviations of each estimator and variant."""
    rows = []
    for (estimator, variant), group in spread.groupby(["estimator", "variant"], sort=False):
        of_component = group.set_index("component")
        texts = [_with_interval(of_component.loc[name], decimals) for name in COMPONENTS]
        rows.append([display_name(str(estimator)), str(variant), *texts])
    return ["Estimator", "Values", *COMPONENTS], rows


def map_table(maps: pd.DataFrame) -> Table:
    """Return how alike the maps of each estimator and variant are."""
    rows = []
    for (estimator, variant), group in maps.groupby(["estimator", "variant"], sort=False):
        pairs = group.loc[group["first"] > 0, "similarity"]
        mean = group[group["first"] == 0].iloc[0].rename({"similarity": "value"})
        ends = f"{fixed(pairs.min(), 2)} to {fixed(pairs.max(), 2)}"
        counts = f"{mean['slices']:.0f} of {mean['patients']:.0f} patients"
        name = display_name(str(estimator))
        rows.append([name, str(variant), _with_interval(mean, 2), ends, counts])
    return ["Estimator", "Values", "Mean", "Pairs", "Slices"], rows


def _with_interval(row: pd.Series, decimals: int) -> str:
    return with_interval(row["value"], row["low"], row["high"], decimals)
