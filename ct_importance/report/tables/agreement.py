"""Tables of ranks and of the agreement between rankings, as header and rows of text."""

from __future__ import annotations

import html
from collections.abc import Collection

import pandas as pd

from ct_importance.io.atomic import write_text
from ct_importance.io.paths import StrPath
from ct_importance.io.table_file import read_frame
from ct_importance.metrics.jobs import lower_is_better
from ct_importance.report.jobs import AgreementJob
from ct_importance.report.markup import escape_markdown
from ct_importance.report.names import READING_OF_CONTROLS, marked_name, metric_name
from ct_importance.report.sentences import VARIANT_WORDS, say_disagreement, say_taus
from ct_importance.report.tables.fills import fill_tables, over_fills, say_fills
from ct_importance.report.tables.formats import (
    Table,
    fixed,
    html_page,
    titled_tables,
    with_interval,
    with_places,
)
from ct_importance.report.tables.notes import percent
from ct_importance.report.tables.paper import compare_with_paper
from ct_importance.report.tables.sanity import READING_OF_SANITY, say_failures
from ct_importance.report.tables.together import GROUPS, group_table, say_together
from ct_importance.statistics.agreement import kendall_tau
from ct_importance.statistics.together import by_mean_rank
from ct_importance.statistics.verdicts import pairs_of_merit, sanity_of

CAPTION = (
    "Ranks of the estimators by each metric; 1 is best, equal values share the mean of their "
    "ranks. The paper is Brocki et al. 2022. Kendall's tau is 1 where two rankings are the same, "
    "0 where they have nothing in common, -1 where one is the other reversed. Brackets of a rank: "
    "the places that the tests of the tables leave open. Brackets of tau: {} intervals from {} "
    "resamples of the {}; chance in the values moves tau towards 0, so that metrics can "
    "agree more than its interval says."
)


def write_agreement(
    job: AgreementJob,
    ranks: StrPath,
    taus: StrPath,
    together: StrPath,
    ranks_csv: StrPath,
    taus_csv: StrPath,
    markdown: StrPath,
    page: StrPath,
) -> None:
    """Write how the metrics rank the estimators, in words and numbers.

    Args:
        job: What to compare.
        ranks: Table of the ranks.
        taus: Table of Kendall's tau.
        together: Table of what all metrics say together.
        ranks_csv: The same as CSV, to be written.
        taus_csv: Likewise.
        markdown: The words and tables, to be written.
        page: The same as HTML.
    """
    ranked, agreed, of_all = map(read_frame, (ranks, taus, together))
    sanity = sanity_of(ranked)
    caption = CAPTION.format(
        percent(job.statistics.confidence),
        job.statistics.resamples,
        "patients and the trainings" if job.trainings > 1 else "patients",
    )
    if ranked["estimator"].isin(job.controls).any():
        caption = f"{caption} {READING_OF_CONTROLS}"
    if sanity:
        caption = f"{caption} {READING_OF_SANITY}"
    lower, fills = lower_is_better(job.metrics), over_fills(job.metrics)
    sentences = [
        sentence
        for variant in VARIANT_WORDS
        for sentence in (
            *say_disagreement(ranked, variant, lower),
            *say_taus(pairs_of_merit(agreed, ranked), variant),
            *say_fills(ranked, agreed, fills, variant),
        )
    ]
    sentences += [*say_together(of_all), *say_failures(ranked)]
    lines = [f"- {escape_markdown(sentence)}" for sentence in sentences]
    words = "".join(f"<p>{html.escape(sentence)}</p>" for sentence in sentences)
    tables = _tables(ranked, agreed, job.controls) | fill_tables(ranked, fills, job.controls)
    of_tables, parts = titled_tables(tables | {GROUPS: group_table(of_all, job.controls)})
    whole = [f"**{escape_markdown(caption)}**", "", *lines, *of_tables]
    if sanity:
        keys = zip(ranked["variant"], ranked["estimator"], strict=True)
        ranked = ranked.drop(columns="verdict").assign(sanity=[sanity.get(key) for key in keys])
    write_text(ranks_csv, ranked.to_csv(index=False))
    write_text(taus_csv, agreed.to_csv(index=False))
    write_text(markdown, "\n".join(whole) + "\n")
    write_text(page, html_page("Agreement", caption, [], [words, *parts]))


def _tables(ranks: pd.DataFrame, taus: pd.DataFrame, controls: Collection[str]) -> dict[str, Table]:
    tables = {
        f"Ranks, {words}": rank_table(ranks, it, controls) for it, words in VARIANT_WORDS.items()
    }
    tables |= {
        "Ranks here / in the paper, among the estimators that both rank, "
        f"{words}": paper_rank_table(ranks, variant)
        for variant, words in VARIANT_WORDS.items()
    }
    tables["Agreement of the metrics"] = tau_table(taus)
    tables["Agreement with the paper"] = agreement_with_paper(ranks)
    return tables


def rank_table(ranks: pd.DataFrame, variant: str, controls: Collection[str] = ()) -> Table:
    """Return the rank of each estimator by each metric, with the places that the tests leave it.

    Args:
        ranks: Columns variant, metric, estimator, rank, rank_low, rank_high, and perhaps verdict.
        variant: "original" or "absolute".
        controls: Estimators that are marked as such.
    """
    of_variant = ranks[ranks["variant"] == variant]
    columns = (of_variant[name] for name in ("rank", "rank_low", "rank_high"))
    texts = list(map(with_places, *columns))
    header, rows = _by_estimator(of_variant.assign(text=texts), controls)
    sanity = sanity_of(of_variant)
    if not sanity:
        return header, rows
    verdicts = [sanity.get((variant, name), "–") for name in by_mean_rank(of_variant)]
    return [*header, "Sanity"], [[*row, it] for row, it in zip(rows, verdicts, strict=True)]


def paper_rank_table(ranks: pd.DataFrame, variant: str) -> Table:
    """Return the rank of each estimator here and in the paper, among those that both rank.

    Args:
        ranks: Columns variant, metric, estimator, value.
        variant: "original" or "absolute".
    """
    both = compare_with_paper(ranks[ranks["variant"] == variant])
    texts = [
        f"{rank:g} / {paper:g}"
        for rank, paper in zip(both["rank"], both["paper_rank"], strict=True)
    ]
    return _by_estimator(both.assign(text=texts))


def _by_estimator(ranks: pd.DataFrame, controls: Collection[str] = ()) -> Table:
    """Return a row per estimator, lowest mean rank first, and a column of texts per metric."""
    metrics = list(dict.fromkeys(ranks["metric"]))
    texts = ranks.pivot(index="estimator", columns="metric", values="text").fillna("–")
    rows = [
        [marked_name(name, controls), *texts.loc[name, metrics]] for name in by_mean_rank(ranks)
    ]
    return ["Estimator", *map(metric_name, metrics)], rows


def tau_table(taus: pd.DataFrame) -> Table:
    """Return Kendall's tau of each pair of metrics, with its interval."""
    rows = [
        [
            f"{metric_name(row.first)} and {metric_name(row.second)}",
            row.variant,
            with_interval(row.tau, row.tau_low, row.tau_high, 2),
        ]
        for row in taus.itertuples()
    ]
    return ["Metrics", "Values", "Kendall's tau"], rows


def agreement_with_paper(ranks: pd.DataFrame) -> Table:
    """Return Kendall's tau of each metric's ranking and the paper's."""
    compared = compare_with_paper(ranks)
    rows = []
    for (variant, metric), group in compared.groupby(["variant", "metric"], sort=False):
        tau = kendall_tau(group["rank"].to_numpy()[None], group["paper_rank"].to_numpy()[None])
        rows.append([metric_name(metric), variant, str(len(group)), fixed(tau[0], 2)])
    return ["Metric", "Values", "Estimators", "Kendall's tau with the paper's ranking"], rows
