"""Rule plot_differences: values with intervals, and bars that join what could not be told apart."""

import json

import pandas as pd

from scripts.job import job_log
from scripts.metrics.registry import load_metric
from scripts.report.style import RC, SINGLE_COLUMN, line_styles, plt, save_figure
from scripts.statistics.comparisons import letter_groups
from scripts.statistics.evaluation import differing_pairs

BAR = "#444444"

with job_log(snakemake.log[0]), plt.rc_context(RC):
    variant = snakemake.wildcards.variant
    styles = line_styles(json.loads(snakemake.params.estimators))
    values = pd.read_parquet(snakemake.input.values).query("variant == @variant")
    values = values.sort_values(["value", "estimator"], ascending=[False, True])
    order = list(values.estimator)
    differing = differing_pairs(
        pd.read_parquet(snakemake.input.comparisons), variant, snakemake.params.error_rate
    )
    groups = [group for group in letter_groups(order, differing) if len(group) > 1]

    figure, (axes, bars) = plt.subplots(
        1,
        2,
        figsize=(SINGLE_COLUMN, 0.7 + 0.22 * len(order)),
        sharey=True,
        width_ratios=[8, max(1, 0.6 * len(groups))],
    )
    for place, row in enumerate(values.itertuples()):
        colour = styles[row.estimator]["color"]
        axes.plot([row.value_low, row.value_high], [place, place], color=colour, linewidth=1.6)
        axes.plot(row.value, place, marker="o", markersize=4.5, color=colour)
    axes.set(
        yticks=range(len(order)),
        yticklabels=[styles[name]["label"] for name in order],
        ylim=(len(order) - 0.5, -0.5),
        xlabel=f"{load_metric(snakemake.wildcards.metric).VALUE_LABEL}, {variant} values",
    )
    axes.tick_params(left=False)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="y", color="#EEEEEE", linewidth=0.8)
    axes.set_axisbelow(True)
    for number, group in enumerate(groups):
        places = [order.index(name) for name in group]
        bars.plot([number] * 2, [places[0], places[-1]], color=BAR, linewidth=2.5)
        bars.plot([number] * len(places), places, "o", color=BAR, markersize=4)
    bars.set(xlim=(-0.7, max(1, len(groups)) - 0.3), xticks=[])
    bars.tick_params(left=False)
    bars.spines[:].set_visible(False)
    save_figure(figure, snakemake.output)
