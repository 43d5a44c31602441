"""Rule plot_differences: values with intervals, and bars that join what could not be told apart."""

import json
from collections.abc import Iterable, Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes

from ct_importance.io.table_file import read_frame
from ct_importance.metrics.jobs import ChosenMetric
from ct_importance.report.figures.style import RC, SINGLE_COLUMN, line_styles, plt, save_figure
from ct_importance.report.tables.notes import no_test
from ct_importance.statistics.comparisons import differing_pairs, letter_groups
from ct_importance.statistics.options import StatisticsOptions
from ct_importance.workflow.running import job_log

BAR = "#444444"


def show_values(axes: Axes, values: pd.DataFrame, styles: Mapping[str, Mapping[str, str]]) -> None:
    """Show values with intervals, a row per estimator."""
    for place, row in enumerate(values.itertuples()):
        colour = styles[row.estimator]["color"]
        axes.plot([row.value_low, row.value_high], [place, place], color=colour, linewidth=1.6)
        axes.plot(row.value, place, marker="o", markersize=4.5, color=colour)
    axes.set(
        yticks=range(len(values)),
        yticklabels=[styles[name]["label"] for name in values.estimator],
        ylim=(len(values) - 0.5, -0.5),
    )
    axes.tick_params(left=False)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="y", color="#EEEEEE", linewidth=0.8)
    axes.set_axisbelow(True)


def show_groups(axes: Axes, order: Sequence[str], groups: Iterable[Sequence[str]]) -> None:
    """Show a bar per group, with a dot for each member."""
    for number, group in enumerate(groups):
        places = [order.index(name) for name in group]
        axes.plot([number] * 2, [places[0], places[-1]], color=BAR, linewidth=2.5)
        axes.plot([number] * len(places), places, "o", color=BAR, markersize=4)
    axes.set(xlim=(-0.7, max(1, len(groups)) - 0.3), xticks=[])
    axes.tick_params(left=False)
    axes.spines[:].set_visible(False)


def show_note(axes: Axes, note: str) -> None:
    """Show in place of the bars that there is no test."""
    at_centre = {"ha": "center", "va": "center", "transform": axes.transAxes}
    axes.text(0.5, 0.5, note, rotation=90, fontsize=7, **at_centre)


with job_log(snakemake.log[0]), plt.rc_context(RC):
    options = StatisticsOptions.model_validate_json(snakemake.params.options)
    styles = line_styles(json.loads(snakemake.params.estimators))
    all_values = read_frame(snakemake.input.values)
    comparisons = read_frame(snakemake.input.comparisons)
    metric = ChosenMetric.model_validate_json(snakemake.params.metric).metric
    for number, variant in enumerate(("original", "absolute")):
        values = all_values[all_values.variant == variant].sort_values(
            ["value", "estimator"], ascending=[not metric.higher_is_better, True]
        )
        order = list(values.estimator)
        differing = differing_pairs(comparisons, variant, 1 - options.confidence)
        untested = no_test(values.patients.iloc[0], len(order), options)
        groups = [] if untested else letter_groups(order, differing)
        groups = [group for group in groups if len(group) > 1]
        figure, (axes, bars) = plt.subplots(
            1,
            2,
            figsize=(SINGLE_COLUMN, 0.7 + 0.22 * len(order)),
            sharey=True,
            width_ratios=[8, max(1, 0.6 * len(groups))],
        )
        show_values(axes, values, styles)
        show_groups(bars, order, groups)
        for note in untested:
            show_note(bars, note.partition(":")[0].replace(" with ", "\nwith "))
        axes.set_xlabel(f"{metric.unit}, {variant} values")
        save_figure(figure, snakemake.output[3 * number : 3 * number + 3])
