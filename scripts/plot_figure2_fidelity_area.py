"""Rule plot_figure2_fidelity_area: what fidelity is, shown on the estimator that has most of it."""

from ct_importance.io.table_file import read_frame
from ct_importance.report.figures.style import RC, SINGLE_COLUMN, plt, save_figure
from ct_importance.report.names import display_name
from ct_importance.report.tables.formats import fixed
from ct_importance.workflow.running import job_log

COLOURS = {"lif": "#0072B2", "mif": "#D55E00"}
ORDERS = {"lif": "least important first (LiF)", "mif": "most important first (MiF)"}

with job_log(snakemake.log[0]), plt.rc_context(RC):
    values = read_frame(snakemake.input.values).query("variant == 'absolute'")
    best = values.loc[values.fidelity.idxmax()]
    curves = read_frame(snakemake.input.curves)
    shown = curves[(curves.estimator == best.estimator) & (curves.variant == "absolute")]
    wide = shown.pivot(index="fraction", columns="order", values="accuracy")

    figure, axes = plt.subplots(figsize=(SINGLE_COLUMN, 2.6))
    percent = 100 * wide.index
    axes.fill_between(percent, wide.mif, wide.lif, color="#999999", alpha=0.25, linewidth=0)
    for order, text in ORDERS.items():
        axes.plot(percent, wide[order], color=COLOURS[order], label=text)
    middle = wide.index[len(wide) // 2]
    low, high = fixed(best.fidelity_low, 2), fixed(best.fidelity_high, 2)
    axes.text(
        100 * middle,
        wide.loc[middle].mean(),
        f"F = {best.fidelity:.2f}\n[{low}, {high}]",
        ha="center",
        va="center",
    )
    axes.set(
        xlabel="masked pixels (%)",
        ylabel="accuracy (mean of the classes)",
        xlim=(0, 100),
        ylim=(0, 1.02),
        title=f"{display_name(best.estimator)}, absolute values",
    )
    figure.legend(loc="outside lower center", ncols=1)
    save_figure(figure, snakemake.output)
