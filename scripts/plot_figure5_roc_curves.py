"""Rule plot_figure5_roc_curves: averaged ROC curves of importance against masks."""

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
from ct_importance.report.tables.notes import training_share
from ct_importance.workflow.running import job_log

with job_log(snakemake.log[0]), plt.rc_context(RC):
    curves = read_frame(snakemake.input.curves)
    styles = line_styles(json.loads(snakemake.params.estimators))
    figure, grid = plt.subplots(1, 2, figsize=(DOUBLE_COLUMN, 4.3), sharex=True, sharey=True)
    for (estimator, variant), curve in curves.groupby(["estimator", "variant"]):
        plot_with_band(grid[int(variant == "absolute")], curve, "fpr", "tpr", styles[estimator])
    for axes, title in zip(grid, ("(a) Original values", "(b) Absolute values"), strict=True):
        axes.plot([0, 1], [0, 1], color="#BBBBBB", linewidth=0.8, zorder=0)
        axes.set(
            xlabel="false positive rate", xlim=(0, 1), ylim=(0, 1), aspect="equal", title=title
        )
    grid[0].set_ylabel("true positive rate")
    figure.suptitle(training_share(read_frame(snakemake.input.values)), fontsize=7)
    legend_below(figure, styles)
    save_figure(figure, snakemake.output)
