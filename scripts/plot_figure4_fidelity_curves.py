"""Rule plot_figure4_fidelity_curves: accuracy while pixels are masked, MiF above LiF."""

import json

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
from ct_importance.workflow.running import job_log

ORDERS = {"mif": "most important first (MiF)", "lif": "least important first (LiF)"}

with job_log(snakemake.log[0]), plt.rc_context(RC):
    curves = read_frame(snakemake.input.curves)
    curves["masked"] = 100 * curves.fraction
    styles = line_styles(json.loads(snakemake.params.estimators))
    figure, grid = plt.subplots(2, 2, figsize=(DOUBLE_COLUMN, 5.4), sharex=True, sharey=True)
    for (estimator, variant, order), curve in curves.groupby(["estimator", "variant", "order"]):
        axes = grid[list(ORDERS).index(order), int(variant == "absolute")]
        plot_with_band(axes, curve, "masked", "accuracy", styles[estimator])
    for row, text in zip(grid, ORDERS.values(), strict=True):
        row[0].set_ylabel(f"accuracy, {text}")
    for axes, variant in zip(grid[0], ("Original values", "Absolute values"), strict=True):
        axes.set_title(variant)
    for axes in grid[1]:
        axes.set(xlabel="masked pixels (%)", xlim=(0, 100), ylim=(0, 1.02))
    legend_below(figure, styles)
    save_figure(figure, snakemake.output)
