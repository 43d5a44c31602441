"""Whether the ranking of the estimators holds for another classifier: one page for all of them."""

from __future__ import annotations

import html
import math
from collections.abc import Collection

import pandas as pd

from ct_importance.io.atomic import write_text
from ct_importance.io.paths import StrPath
from ct_importance.io.table_file import read_frame
from ct_importance.report.jobs import ClassifiersJob
from ct_importance.report.markup import escape_markdown
from ct_importance.report.names import READING_OF_CONTROLS, marked_name, metric_name
from ct_importance.report.sentences import VARIANT_WORDS, join, say_classifiers
from ct_importance.report.tables.formats import (
    VARIANTS,
    Table,
    fixed,
    html_page,
    titled_tables,
    with_interval,
    with_places,
)
from ct_importance.report.tables.notes import percent
from ct_importance.report.tables.paper import tau_with_paper
from ct_importance.statistics.concordance import chance_tau
from ct_importance.statistics.together import by_mean_rank

CAPTION = (
    "How the ranking of the estimators depends on the classifier: {}, judged on the same slices. "
    "Ranks: 1 is best, equal values share the mean of their ranks; brackets: the places that the "
    "tests of the classifier's own tables leave open. Kendall's tau is 1 where two rankings are "
    "the same, 0 where they have nothing in common, −1 where one is the other reversed."
)
ALL = (
    "Kendall's W of all {} is 1 where all rankings are the same, and {} on average where they have "
    "nothing in common."
)
INTERVALS = (
    "Brackets of tau{}: {} intervals from {} resamples of the patients, the same for all "
    "classifiers{}; chance in the values moves tau towards 0, so that classifiers can agree more "
    "than its interval says."
)
OF_TRAININGS = ", and of the trainings of each (of few of them, these are too narrow)"
TRAININGS = (
    "Other rows are of values that are means over trainings. One training of each: mean tau of "
    "single trainings. If it is lower than that of two trainings of one classifier, the "
    "classifier matters beyond the training; there is no interval to say how sure that is."
)
ONE_TRAINING = (
    "Of {}, there is one training: how another one would rank is not known, and what looks like "
    "a difference between classifiers can be one between trainings."
)
PAPER = (
    "The paper is Brocki et al. 2022, compared among the estimators that both rank, without "
    "interval: the paper gives its values alone."
)
# A rank and its places stay in one line, of many estimators, too.
NO_BREAKS = "<style>td,th{white-space:nowrap}</style>"
CHANCE = "Of {} estimators, two unrelated rankings reach a tau of ±{} in at most one case of 20."


def write_classifiers(
    job: ClassifiersJob,
    ranks: StrPath,
    agreement: StrPath,
    csv: StrPath,
    markdown: StrPath,
    page: StrPath,
) -> None:
    """Write how far the ranking of the estimators depends on the classifier.

    Args:
        job: Which classifiers and metrics there are.
        ranks: Of all classifiers (`ct_importance.statistics.results.write_concordance`).
        agreement: Likewise.
        csv: Everything in one table, to be written: ``what`` ("rank", "classifiers", "trainings",
            "all" or "paper"), metric, variant, estimator, first and second classifier,
            ``estimators`` (how many are compared), value, low, high.
        markdown: The same for people to read.
        page: The same as HTML.
    """
    ranked, agreed = read_frame(ranks), read_frame(agreement)
    agreed = pd.concat([agreed, tau_with_paper(ranked)], ignore_index=True)
    caption, notes = CAPTION.format(join(list(job.trainings))), _notes(job, agreed)
    if ranked["estimator"].isin(job.controls).any():
        caption = f"{caption} {READING_OF_CONTROLS}"
    tables: dict[str, Table] = {}
    for name in dict.fromkeys(ranked["metric"]):
        title, of_metric = metric_name(name), agreed[agreed["metric"] == name]
        of_name = ranked[ranked["metric"] == name]
        tables[f"Ranks by {title}"] = rank_table(of_name, job.controls)
        tables[f"Agreement of the rankings by {title}, Kendall's tau"] = agreement_table(of_metric)
    sentences = [
        sentence
        for variant in VARIANT_WORDS
        for sentence in say_classifiers(ranked, agreed, variant)
    ]
    lines, parts = titled_tables(tables)
    words, read = (
        "".join(f"<p>{html.escape(sentence)}</p>" for sentence in of) for of in (sentences, notes)
    )
    said, noted = (
        [f"- {escape_markdown(sentence)}" for sentence in of] for of in (sentences, notes)
    )
    write_text(csv, _whole(ranked, agreed).to_csv(index=False))
    text = [f"**{escape_markdown(caption)}**", "", *said, *lines, "", "How to read it:", "", *noted]
    write_text(markdown, "\n".join(text) + "\n")
    whole = [NO_BREAKS, words, *parts, "<h2>How to read it</h2>", read]
    write_text(page, html_page("Classifiers", caption, [], whole))


def _whole(ranks: pd.DataFrame, agreement: pd.DataFrame) -> pd.DataFrame:
    names = {"classifier": "first", "rank": "value", "rank_low": "low", "rank_high": "high"}
    of_estimators = ranks.drop(columns="value").rename(columns=names).assign(what="rank")
    columns = ["what", "metric", "variant", "estimator", "first", "second", "estimators"]
    whole = pd.concat([of_estimators, agreement], ignore_index=True)
    return whole.reindex(columns=[*columns, "value", "low", "high"])


def _notes(job: ClassifiersJob, agreement: pd.DataFrame) -> list[str]:
    kinds, names = set(agreement["what"]), list(job.trainings)
    once = [name for name, count in job.trainings.items() if count == 1]
    of_all = ALL.format(len(names), fixed(1 / len(names), 2))
    intervals = INTERVALS.format(
        " and W" if "all" in kinds else "",
        percent(job.statistics.confidence),
        job.statistics.resamples,
        OF_TRAININGS if len(once) < len(names) else "",
    )
    count = int(agreement["estimators"].max())
    chance = chance_tau(count)
    notes = {
        intervals: True,
        of_all: "all" in kinds,
        TRAININGS: "trainings" in kinds,
        ONE_TRAINING.format(join(once or names)): bool(once),
        PAPER: "paper" in kinds,
        CHANCE.format(count, fixed(chance, 2)): not math.isnan(chance),
    }
    return [note for note, applies in notes.items() if applies]


def rank_table(ranks: pd.DataFrame, controls: Collection[str] = ()) -> Table:
    """Return the rank of each estimator by one metric, a column per variant and classifier.

    Args:
        ranks: Columns classifier, variant, estimator, rank, rank_low, rank_high.
        controls: Estimators that are marked as such.
    """
    classifiers = list(dict.fromkeys(ranks["classifier"]))
    columns = [(variant, name) for variant in VARIANTS for name in classifiers]
    texts = {
        (row.estimator, row.variant, row.classifier): with_places(
            row.rank, row.rank_low, row.rank_high
        )
        for row in ranks.itertuples(index=False)
    }
    rows = [
        [marked_name(name, controls), *(texts.get((name, *column), "–") for column in columns)]
        for name in by_mean_rank(ranks)
    ]
    return ["Estimator", *(f"{name} ({variant})" for variant, name in columns)], rows


def agreement_table(agreement: pd.DataFrame) -> Table:
    """Return how far the classifiers agree by one metric, a column per variant.

    Args:
        agreement: Columns what, variant, first, second, value, low, high.
    """
    texts = {
        (_whose(row), row.variant): with_interval(row.value, row.low, row.high, 2)
        for row in agreement.itertuples(index=False)
    }
    names = dict.fromkeys(name for name, _ in texts)
    rows = [[name, *(texts.get((name, it), "–") for it in VARIANTS)] for name in names]
    return ["Rankings", *VARIANTS], rows


def _whose(row: object) -> str:
    what, first, second = (str(getattr(row, name)) for name in ("what", "first", "second"))
    if what == "all":
        return "all, Kendall's W"
    if what == "paper":
        return f"{first} and the paper"
    if what == "classifiers":
        return f"{first} and {second}"
    return (
        f"two trainings of {first}"
        if first == second
        else (f"{first} and {second}, one training of each")
    )
