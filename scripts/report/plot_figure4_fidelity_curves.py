"""Rule plot_figure4_fidelity_curves: accuracy while pixels are masked, MiF above LiF."""

import json

import pandas as pd

from scripts.job import job_log
from scripts.metrics.fidelity import accuracy_curves
from scripts.report.style import DOUBLE_COLUMN, RC, legend_below, line_styles, plt, save_figure

ORDERS = {"mif": "most important first (MiF)", "lif": "least important first (LiF)"}

with job_log(snakemake.log[0]), plt.rc_context(RC):
    estimators = json.loads(snakemake.params.estimators)
    styles = line_styles(estimators)
    figure, grid = plt.subplots(2, 2, figsize=(DOUBLE_COLUMN, 5.4), sharex=True, sharey=True)
    for estimator, path in zip(estimators, snakemake.input.points, strict=True):
        curves = accuracy_curves(pd.read_parquet(path))
        for row, order in zip(grid, ORDERS, strict=True):
            for axes, variant in zip(row, ("original", "absolute"), strict=True):
                curve = curves[(curves.variant == variant) & (curves.order == order)]
                axes.plot(100 * curve.fraction, curve.accuracy, **styles[estimator])
    for row, text in zip(grid, ORDERS.values(), strict=True):
        row[0].set_ylabel(f"accuracy, {text}")
    for axes, variant in zip(grid[0], ("Original values", "Absolute values"), strict=True):
        axes.set_title(variant)
    for axes in grid[1]:
        axes.set(xlabel="masked pixels (%)", xlim=(0, 100), ylim=(0, 1.02))
    legend_below(figure, grid[0, 0], styles)
    save_figure(figure, snakemake.output)
