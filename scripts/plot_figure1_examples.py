"""Rule plot_figure1_examples: slice, mask and importance map for one slice of each class."""

import json

from ct_importance.report.figures.examples import choose_examples, map_of_slice
from ct_importance.report.figures.style import (
    DOUBLE_COLUMN,
    RC,
    bare,
    plt,
    save_figure,
    show_map,
    show_mask,
    show_slice,
)
from ct_importance.report.names import display_name
from ct_importance.workflow.running import job_log

ROW_TITLES = {0: "Without contrast agent", 1: "With contrast agent"}

with job_log(snakemake.log[0]), plt.rc_context(RC):
    examples = choose_examples(
        snakemake.input.slices,
        snakemake.input.predictions,
        json.loads(snakemake.params.example_slices),
    )
    size = (DOUBLE_COLUMN * 0.8, DOUBLE_COLUMN * 0.8 * len(examples) / 3 + 0.2)
    figure, grid = plt.subplots(len(examples), 3, figsize=size, squeeze=False)
    for number, (axes, (label, row)) in enumerate(zip(grid, examples.items(), strict=True)):
        importance = map_of_slice(snakemake.input.maps, row["slice_id"])
        first = number == 0
        show_slice(axes[0], row["image"])
        show_mask(axes[1], row["mask"])
        show_map(axes[2], importance)
        bare(axes[0], "Slice" if first else "")
        bare(axes[1], "Mask" if first else "")
        bare(axes[2], display_name(snakemake.params.estimator) if first else "")
        axes[0].set_ylabel(ROW_TITLES[label])
    save_figure(figure, snakemake.output)
