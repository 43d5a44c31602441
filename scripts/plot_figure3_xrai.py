"""Rule plot_figure3_xrai: a slice, its mask, map and XRAI map, and what is shown at 1 to 5 %."""

import json

import numpy as np

from ct_importance.metrics.xrai.regions import xrai_regions
from ct_importance.metrics.xrai.storage import unpack_segments
from ct_importance.report.figures.examples import choose_examples, map_of_slice, row_of_slice
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

PERCENTAGES = (1, 2, 3, 4, 5)

with job_log(snakemake.log[0]), plt.rc_context(RC):
    examples = choose_examples(
        snakemake.input.slices,
        snakemake.input.predictions,
        json.loads(snakemake.params.example_slices),
    )
    row = examples[max(examples)]
    importance = map_of_slice(snakemake.input.maps, row["slice_id"])
    packed = row_of_slice(snakemake.input.segments, row["slice_id"])["segments"]
    heat = xrai_regions(importance, unpack_segments(packed, row["image"].shape)).heat

    figure = plt.figure(figsize=(DOUBLE_COLUMN, DOUBLE_COLUMN * 0.52))
    top, bottom = figure.subfigures(2, 1, height_ratios=[5, 4.2])
    axes = top.subplots(1, 4)
    show_slice(axes[0], row["image"])
    show_mask(axes[1], row["mask"])
    show_map(axes[2], importance)
    show_map(axes[3], heat)
    name = display_name(snakemake.params.estimator)
    for panel, title in zip(axes, ("Slice", "Mask", name, "XRAI regions of it"), strict=True):
        bare(panel, title)
    for panel, percentage in zip(bottom.subplots(1, 5), PERCENTAGES, strict=True):
        shown = heat >= np.percentile(heat, 100 - percentage)
        show_slice(panel, np.where(shown, row["image"], 0.0))
        panel.contour(row["mask"], levels=[0.5], colors="#E69F00", linewidths=0.5)
        bare(panel, f"{percentage} % ({100 * shown.mean():.1f} % shown)")
    save_figure(figure, snakemake.output)
