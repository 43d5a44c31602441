"""Rule plot_rank_flow: the rank of each estimator from metric to metric."""

import json

from ct_importance.io.table_file import read_frame
from ct_importance.report.figures.style import DOUBLE_COLUMN, RC, line_styles, plt, save_figure
from ct_importance.report.names import metric_name
from ct_importance.workflow.running import job_log

TITLES = {"original": "(a) Original values", "absolute": "(b) Absolute values"}


with job_log(snakemake.log[0]), plt.rc_context(RC):
    ranks = read_frame(snakemake.input.ranks)
    styles = line_styles(json.loads(snakemake.params.estimators))
    metrics = list(dict.fromkeys(ranks.metric))
    height = 0.9 + 0.24 * len(styles)
    figure, grid = plt.subplots(1, 2, figsize=(DOUBLE_COLUMN, height), sharey=True)
    for axes, (variant, title) in zip(grid, TITLES.items(), strict=True):
        of_variant = ranks[ranks.variant == variant]
        wide = of_variant.pivot(index="estimator", columns="metric", values="rank")
        # Estimators that share a rank are drawn below each other.
        places = wide[metrics].rank(method="first")
        left = variant == "original"
        for estimator, row in places.iterrows():
            style = styles[estimator]
            axes.plot(range(len(metrics)), row, marker="o", markersize=4, **style)
            axes.annotate(
                style["label"],
                (0 if left else len(metrics) - 1, row.iloc[0 if left else -1]),
                xytext=(-8 if left else 8, 0),
                textcoords="offset points",
                ha="right" if left else "left",
                va="center",
                fontsize=7,
            )
        axes.set(title=title, xticks=range(len(metrics)), xticklabels=map(metric_name, metrics))
        axes.set(yticks=[], xlim=(-0.15, len(metrics) - 0.85), ylim=(len(styles) + 0.5, 0.5))
        axes.tick_params(bottom=False)
        axes.spines[:].set_visible(False)
    figure.get_layout_engine().set(wspace=0.08)
    save_figure(figure, snakemake.output)
