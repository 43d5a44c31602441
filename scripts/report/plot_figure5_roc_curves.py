"""Rule plot_figure5_roc_curves: averaged ROC curves of importance against masks."""

import json

import pandas as pd

from scripts.job import job_log
from scripts.metrics.roc import mean_curves
from scripts.report.style import DOUBLE_COLUMN, RC, legend_below, line_styles, plt, save_figure

with job_log(snakemake.log[0]), plt.rc_context(RC):
    estimators = json.loads(snakemake.params.estimators)
    styles = line_styles(estimators)
    figure, grid = plt.subplots(1, 2, figsize=(DOUBLE_COLUMN, 4.3), sharex=True, sharey=True)
    for axes in grid:
        axes.plot([0, 1], [0, 1], color="#BBBBBB", linewidth=0.8, zorder=0)
    for estimator, path in zip(estimators, snakemake.input.points, strict=True):
        curves = mean_curves(pd.read_parquet(path))
        for axes, variant in zip(grid, ("original", "absolute"), strict=True):
            curve = curves[curves.variant == variant]
            axes.plot(curve.fpr, curve.tpr, **styles[estimator])
    for axes, title in zip(grid, ("(a) Original values", "(b) Absolute values"), strict=True):
        axes.set(
            xlabel="false positive rate", xlim=(0, 1), ylim=(0, 1), aspect="equal", title=title
        )
    grid[0].set_ylabel("true positive rate")
    legend_below(figure, grid[0], styles)
    save_figure(figure, snakemake.output)
