"""Rule plot_figure6_dice_curves: Dice coefficient against the displayed percentage."""

import json

from matplotlib.ticker import FixedLocator, NullLocator, ScalarFormatter

from ct_importance.io.table_file import read_frame
from ct_importance.report.figures.style import (
    DOUBLE_COLUMN,
    RC,
    legend_below,
    line_styles,
    plot_with_band,
    plt,
    save_figure,
)
from ct_importance.report.names import PERFECT_MAP
from ct_importance.report.tables.notes import training_share
from ct_importance.workflow.running import job_log

CEILING = {"color": "#7A5230", "linestyle": (0, (1, 2.5)), "label": PERFECT_MAP}

with job_log(snakemake.log[0]), plt.rc_context(RC):
    curves = read_frame(snakemake.input.curves)
    ceiling = read_frame(snakemake.input.ceiling)
    styles = line_styles(json.loads(snakemake.params.estimators))
    figure, grid = plt.subplots(1, 2, figsize=(DOUBLE_COLUMN, 3.6), sharex=True, sharey=True)
    for (estimator, variant), curve in curves.groupby(["estimator", "variant"]):
        axes = grid[int(variant == "absolute")]
        plot_with_band(axes, curve, "percentage", "dsc", styles[estimator])
    for axes, variant in zip(grid, ("original", "absolute"), strict=True):
        of_variant = ceiling[ceiling.variant == variant]
        plot_with_band(axes, of_variant, "percentage", "dsc", CEILING)
    for axes, title in zip(grid, ("Original values", "Absolute values"), strict=True):
        axes.set(xscale="log", xlabel="displayed regions (%)", xlim=(1, 100), title=title)
        axes.xaxis.set_major_locator(FixedLocator([1, 2, 5, 10, 20, 50, 100]))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(ScalarFormatter())
    grid[0].set(ylabel="Dice similarity coefficient", ylim=(0, None))
    figure.suptitle(training_share(read_frame(snakemake.input.values)), fontsize=7)
    legend_below(figure, styles | {PERFECT_MAP: CEILING})
    save_figure(figure, snakemake.output)
