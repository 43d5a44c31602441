"""Rule plot_figure6_dice_curves: Dice coefficient against the displayed percentage."""

import json

import pandas as pd
from matplotlib.ticker import FixedLocator, NullLocator, ScalarFormatter

from scripts.job import job_log
from scripts.metrics.dice import mean_curves
from scripts.report.style import DOUBLE_COLUMN, RC, legend_below, line_styles, plt, save_figure

with job_log(snakemake.log[0]), plt.rc_context(RC):
    estimators = json.loads(snakemake.params.estimators)
    styles = line_styles(estimators)
    figure, grid = plt.subplots(1, 2, figsize=(DOUBLE_COLUMN, 3.6), sharex=True, sharey=True)
    for estimator, path in zip(estimators, snakemake.input.points, strict=True):
        curves = mean_curves(pd.read_parquet(path))
        for axes, variant in zip(grid, ("original", "absolute"), strict=True):
            curve = curves[curves.variant == variant]
            axes.plot(curve.percentage, curve.dsc, **styles[estimator])
    for axes, title in zip(grid, ("Original values", "Absolute values"), strict=True):
        axes.set(xscale="log", xlabel="displayed regions (%)", xlim=(1, 100), title=title)
        axes.xaxis.set_major_locator(FixedLocator([1, 2, 5, 10, 20, 50, 100]))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(ScalarFormatter())
    grid[0].set(ylabel="Dice similarity coefficient", ylim=(0, None))
    legend_below(figure, grid[0], styles)
    save_figure(figure, snakemake.output)
