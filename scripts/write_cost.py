"""Rule write_cost: seconds and gradients per slice of each estimator."""

import html
import json

from ct_importance.io.atomic import write_text
from ct_importance.io.slices import count_slices
from ct_importance.report.names import display_name
from ct_importance.report.tables.cost import cost_table
from ct_importance.report.tables.formats import escape_markdown, html_page, html_rows
from ct_importance.workflow.running import job_log

CAPTION = (
    "Cost of each estimator: gradients of the classifier per slice, and seconds of its jobs on {} "
    "slices, with the start of each job, which weighs in small runs. Gradients that estimators "
    "share are computed once, and count in full for each of them."
)
HEADER = ["Estimator", "Gradients per slice", "Seconds per slice", "Seconds"]

with job_log(snakemake.log[0]):
    slices = count_slices(snakemake.input.slices, json.loads(snakemake.params.subsets))
    table = cost_table(
        json.loads(snakemake.params.passes), json.loads(snakemake.params.benchmarks), slices
    )
    rows = [
        [
            display_name(row.estimator),
            str(row.gradient_passes),
            f"{row.seconds_per_slice:.3g}",
            f"{row.seconds:.1f}",
        ]
        for row in table.itertuples()
    ]
    caption = CAPTION.format(slices)
    markdown = [f"**{caption}**", "", f"| {' | '.join(HEADER)} |", "|---" + "|---:" * 3 + "|"]
    markdown += [f"| {' | '.join([escape_markdown(row[0]), *row[1:]])} |" for row in rows]
    cells = [[html.escape(text) for text in row] for row in rows]
    write_text(snakemake.output.csv, table.to_csv(index=False))
    write_text(snakemake.output.markdown, "\n".join(markdown) + "\n")
    write_text(snakemake.output.html, html_page("Cost", caption, [], [html_rows(HEADER, cells)]))
