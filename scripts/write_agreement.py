"""Rule write_agreement: how the metrics rank the estimators, in words and numbers."""

import html

from ct_importance.io.atomic import write_text
from ct_importance.io.table_file import read_frame
from ct_importance.metrics.jobs import lower_is_better, read_metrics
from ct_importance.report.sentences import VARIANT_WORDS, say_disagreement, say_taus
from ct_importance.report.tables.agreement import (
    agreement_with_paper,
    paper_rank_table,
    rank_table,
    tau_table,
)
from ct_importance.report.tables.formats import escape_markdown, html_page, html_rows
from ct_importance.report.tables.notes import percent
from ct_importance.statistics.options import StatisticsOptions
from ct_importance.workflow.running import job_log

CAPTION = (
    "Ranks of the estimators by each metric; 1 is best, equal values share the mean of their "
    "ranks. The paper is Brocki et al. 2022. Kendall's tau is 1 where two rankings are the same, "
    "0 where they have nothing in common, -1 where one is the other reversed. Brackets of a rank: "
    "the places that the tests of the tables leave open. Brackets of tau: {} intervals from {} "
    "resamples of the patients; chance in the values moves tau towards 0, so that metrics can "
    "agree more than its interval says."
)

with job_log(snakemake.log[0]):
    options = StatisticsOptions.model_validate_json(snakemake.params.options)
    ranks, taus = (read_frame(snakemake.input[name]) for name in ("ranks", "taus"))
    caption = CAPTION.format(percent(options.confidence), options.resamples)
    lower = lower_is_better(read_metrics(snakemake.params.metrics))
    sentences = [
        sentence
        for variant in VARIANT_WORDS
        for sentence in say_disagreement(ranks, variant, lower) + say_taus(taus, variant)
    ]
    tables = {f"Ranks, {words}": rank_table(ranks, it) for it, words in VARIANT_WORDS.items()}
    tables |= {
        "Ranks here / in the paper, among the estimators that both rank, "
        f"{words}": paper_rank_table(ranks, variant)
        for variant, words in VARIANT_WORDS.items()
    }
    tables["Agreement of the metrics"] = tau_table(taus)
    tables["Agreement with the paper"] = agreement_with_paper(ranks)
    markdown, parts = [f"**{escape_markdown(caption)}**", ""], []
    markdown += [f"- {escape_markdown(sentence)}" for sentence in sentences]
    parts.append("".join(f"<p>{html.escape(sentence)}</p>" for sentence in sentences))
    for title, (header, rows) in tables.items():
        if not rows:
            continue
        markdown += ["", f"{title}:", "", f"| {' | '.join(header)} |", "|---" * len(header) + "|"]
        markdown += [f"| {' | '.join([escape_markdown(row[0]), *row[1:]])} |" for row in rows]
        cells = [[html.escape(text) for text in row] for row in rows]
        parts.append(f"<h2>{html.escape(title)}</h2>{html_rows(header, cells)}")
    write_text(snakemake.output.ranks, ranks.to_csv(index=False))
    write_text(snakemake.output.taus, taus.to_csv(index=False))
    write_text(snakemake.output.markdown, "\n".join(markdown) + "\n")
    write_text(snakemake.output.html, html_page("Agreement", caption, [], parts))
