"""Signs that were planted: do classifiers use them, do maps show them, which metric knew?"""

from __future__ import annotations

import html
import math
from collections.abc import Mapping

import pandas as pd

from ct_importance.cohort.options import WITHOUT_PLACE
from ct_importance.io.atomic import write_text
from ct_importance.io.paths import StrPath
from ct_importance.io.table_file import read_frame
from ct_importance.report.jobs import PlantedJob
from ct_importance.report.markup import escape_markdown
from ct_importance.report.names import READING_OF_CONTROLS, marked_name, metric_name
from ct_importance.report.tables.formats import (
    VARIANTS,
    Table,
    fixed,
    html_page,
    titled_tables,
    with_interval,
)
from ct_importance.report.tables.notes import percent
from ct_importance.statistics.concordance import chance_tau
from ct_importance.statistics.planted.order import in_order, rows_in_order

CAPTION = (
    "Signs of known place were put on slices of one class before the classifiers saw them. First, "
    "whether a classifier uses its sign: how often its answer flips when the sign is taken away "
    "from test slices, or put on those of other classes. Then what maps show of the sign, on the "
    "slices whose answer flips in every training. Last, which metric ranks the estimators as that "
    "truth does."
)
INTERVALS = (
    "Brackets: {} intervals by patient, from {} resamples; of a rate of 0 or 1 those of Clopper "
    "and Pearson, each patient counted once."
)
NOWHERE = (
    "{}: the answer flips on no slice, so there is nothing that its maps need show, and no row in "
    "the other tables."
)
NO_PLACE = (
    "{} changes the whole body, which is its mask: no map can say where it is. What maps seem to "
    "show of it says nothing of them, so that no metric is held against it."
)
FEW = "Of {}, slices of fewer than {} patients flip: what maps show of so few may be chance."
TAU = (
    "Kendall's tau-b is 1 where a metric ranks the estimators as the truth does, 0 where it knows "
    "nothing of it. Controls are left out. Of {} estimators, two unrelated rankings reach ±{} in "
    "at most one case of 20; chance in the values moves tau towards 0."
)
FEWEST = 8
"""Patients with slices that flip, below which the page warns."""


def write_planted(
    job: PlantedJob,
    tables: Mapping[str, StrPath],
    csv: StrPath,
    markdown: StrPath,
    page: StrPath,
) -> None:
    """Write what is known of the signs that were put on slices.

    Args:
        job: Which classifiers see which sign.
        tables: ``flips``, ``truth`` and ``knew`` (`ct_importance.statistics.planted`).
        csv: Everything in one table, to be written: ``what`` ("flips", "truth" or "knew"), then
            the columns of these.
        markdown: The same for people to read.
        page: The same as HTML.
    """
    read = {name: _in_order(read_frame(path), job) for name, path in tables.items()}
    shown = {"Do classifiers use the sign": flip_table(job, read["flips"])}
    truths = list(dict.fromkeys(read["knew"]["truth"]))
    # Those that look at the place of the sign first.
    for metric in dict.fromkeys([*truths, *read["truth"]["metric"]]):
        of = read["truth"][read["truth"]["metric"] == metric]
        shown[f"Do maps show it, by {metric_name(metric)}"] = truth_table(job, metric, of)
    for truth in truths:
        of = read["knew"][read["knew"]["truth"] == truth]
        shown[f"Which metric knew, against {metric_name(truth)}"] = knew_table(job, of)
    notes = _notes(job, read["flips"], read["knew"])
    lines, parts = titled_tables(shown)
    whole = pd.concat([table.assign(what=name) for name, table in read.items()], ignore_index=True)
    write_text(csv, whole[["what", *whole.columns.drop("what")]].to_csv(index=False))
    said = [f"- {escape_markdown(note)}" for note in notes]
    text = [f"**{escape_markdown(CAPTION)}**", *lines, "", "How to read it:", "", *said]
    write_text(markdown, "\n".join(text) + "\n")
    noted = "".join(f"<p>{html.escape(note)}</p>" for note in notes)
    whole_page = [*parts, "<h2>How to read it</h2>", noted]
    write_text(page, html_page("Planted signs", CAPTION, [], whole_page))


def flip_table(job: PlantedJob, flips: pd.DataFrame) -> Table:
    """Return a row per classifier and direction."""
    words = {"removed": "taken away", "added": "put on"}
    rows = [
        [
            row.classifier,
            f"{job.planted[row.classifier].sign}, {100 * job.planted[row.classifier].dose:g} %",
            words[row.what],
            f"{row.flipped} of {row.slices}",
            with_interval(row.rate, row.rate_low, row.rate_high, 2),
            fixed(row.change, 2),
        ]
        for row in flips.itertuples(index=False)
    ]
    header = ["Classifier", "Sign, dose", "Sign is", "Slices that flip", "Rate"]
    return [*header, "Change of the probability of its class by the sign"], rows


def truth_table(job: PlantedJob, metric: str, truth: pd.DataFrame) -> Table:
    """Return a row per estimator, best mean on top, and a column per classifier and variant."""
    rising = metric in job.lower_is_better
    header, rows = _by_classifier(job, truth, "estimator", "value", rising)
    named = [[marked_name(name, job.controls), *texts] for name, *texts in rows]
    if truth["chance"].notna().any():
        chance = truth.groupby(["classifier", "variant"])["chance"].mean()
        numbers = (chance.get(column, math.nan) for column in _columns(truth))
        named.append(["chance", *(fixed(it, 2) for it in numbers)])
    return ["Estimator", *header], named


def knew_table(job: PlantedJob, knew: pd.DataFrame) -> Table:
    """Return a row per metric, highest mean tau on top, and a column per classifier and variant."""
    header, rows = _by_classifier(job, knew, "metric", "tau")
    return ["Metric", *header], [[metric_name(name), *texts] for name, *texts in rows]


def _columns(table: pd.DataFrame) -> list[tuple[str, str]]:
    return [(name, variant) for name in dict.fromkeys(table["classifier"]) for variant in VARIANTS]


def _in_order(table: pd.DataFrame, job: PlantedJob) -> pd.DataFrame:
    """Return rows by the classifier's sign and dose."""
    place = {name: number for number, name in enumerate(in_order(job.planted))}
    return table.sort_values("classifier", key=lambda names: names.map(place), kind="stable")


def _by_classifier(
    job: PlantedJob, table: pd.DataFrame, key: str, value: str, rising: bool = False
) -> Table:
    """Return values with intervals, a row per key, the highest mean on top, or the lowest.

    The mean is over classifiers whose sign has a place.
    """
    columns = _columns(table)
    texts = {}
    for row in table.to_dict("records"):
        text = with_interval(row[value], row[f"{value}_low"], row[f"{value}_high"], 2)
        letters = row.get("letters")
        place = row[key], row["classifier"], row["variant"]
        texts[place] = f"{text} {letters}" if letters else text
    order = rows_in_order(table, key, value, job.planted, rising)
    rows = [[name, *(texts.get((name, *column), "–") for column in columns)] for name in order]
    return [f"{name} ({variant})" for name, variant in columns], rows


def _notes(job: PlantedJob, flips: pd.DataFrame, knew: pd.DataFrame) -> list[str]:
    removed = flips[flips["what"] == "removed"].set_index("classifier")["flipped_patients"]
    confidence, resamples = percent(job.statistics.confidence), job.statistics.resamples
    notes = [INTERVALS.format(confidence, resamples)]
    notes += [NOWHERE.format(name) for name in job.planted if not removed.get(name, 0)]
    notes += [FEW.format(name, FEWEST) for name, count in removed.items() if 0 < count < FEWEST]
    signs = dict.fromkeys(it.sign for it in job.planted.values() if it.sign in WITHOUT_PLACE)
    notes += [NO_PLACE.format(sign.capitalize()) for sign in signs]
    if len(knew):
        count = int(knew["estimators"].max())
        notes.append(TAU.format(count, fixed(chance_tau(count), 2)))
    return [*notes, READING_OF_CONTROLS] if job.controls else notes
