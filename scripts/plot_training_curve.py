"""Rule plot_training_curve: loss and balanced accuracy of the classifier over the epochs."""

from ct_importance.io.table_file import read_frame
from ct_importance.report.figures.style import DOUBLE_COLUMN, RC, plt, save_figure
from ct_importance.workflow.running import job_log

SERIES = {
    "loss": ("training slices", "#0072B2", ""),
    "test_loss": ("test slices", "#D55E00", "o"),
    "balanced_accuracy": ("training slices", "#0072B2", ""),
    "test_balanced_accuracy": ("test slices", "#D55E00", "o"),
}

with job_log(snakemake.log[0]), plt.rc_context(RC):
    history = read_frame(snakemake.input.training)
    figure, grid = plt.subplots(1, 2, figsize=(DOUBLE_COLUMN, 2.6), sharex=True)
    for name, (label, colour, marker) in SERIES.items():
        known = history.dropna(subset=[name])
        axes = grid[int("accuracy" in name)]
        axes.plot(known.epoch, known[name], color=colour, marker=marker, markersize=3, label=label)
    grid[0].set(xlabel="epoch", ylabel="loss", ylim=(0, None))
    grid[1].set(xlabel="epoch", ylabel="balanced accuracy", ylim=(0, 1.02))
    grid[0].legend()
    save_figure(figure, snakemake.output)
