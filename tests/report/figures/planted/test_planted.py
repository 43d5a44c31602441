"""Figures of signs: a panel per classifier, a row per estimator or metric."""

import numpy as np
import pandas as pd
import pytest

from ct_importance.io.table_file import write_frame
from ct_importance.report.figures.planted.planted_metrics import PlantedMetrics
from ct_importance.report.figures.planted.planted_truth import PlantedTruth
from ct_importance.report.style import DOUBLE_COLUMN
from tests.report.test_style import contrast

PLANTED = {
    "full": {"sign": "marker", "dose": 1.0, "in_class": "contrast"},
    "half": {"sign": "marker", "dose": 0.5, "in_class": "contrast"},
    "moved": {"sign": "offset", "dose": 1.0, "in_class": "contrast"},
    "none": {"sign": "marker", "dose": 0.0, "in_class": "contrast"},
}
VALUES = {"occlusion": 0.9, "grad_cam": 0.5, "random": 0.1}
TAUS = {"fidelity": 0.6, "roc": -0.4}


def rows(classifiers, values, columns, key, value):
    return pd.DataFrame(
        [
            {"classifier": name, "variant": variant, key: one, value: number, **columns}
            | {f"{value}_low": number - 0.1, f"{value}_high": number + 0.1}
            for name in classifiers
            for variant in ("original", "absolute")
            for one, number in values.items()
        ]
    )


@pytest.fixture
def tables(tmp_path):
    flips = pd.DataFrame(
        [
            {"classifier": name, "what": what, "slices": 12, "flipped": 0 if name == "none" else 9}
            for name in PLANTED
            for what in ("removed", "added")
        ]
    )
    used = ["full", "half"]
    truth = rows([*used, "moved"], VALUES, {"metric": "mass", "chance": 0.1}, "estimator", "value")
    # Of the control, all is the other way round: it does not count for the order.
    moved = truth["classifier"] == "moved"
    truth.loc[moved, "value"] = 5 * (1 - truth.loc[moved, "value"])
    knew = rows(used, TAUS, {"truth": "mass"}, "metric", "tau")
    found = {"flips": flips, "truth": truth, "knew": knew}
    for name, table in found.items():
        write_frame(tmp_path / f"{name}.parquet", table)
    return {name: tmp_path / f"{name}.parquet" for name in found}


def shown(axes):
    """Values by marker face, from the top."""
    found = {}
    for line in axes.lines:
        if line.get_marker() == "o":
            x, y = line.get_xydata()[0]
            found.setdefault(line.get_markerfacecolor(), []).append((y, round(x, 6)))
    return [[x for _, x in sorted(points)] for points in found.values()]


def labels(figure):
    return [text.get_text() for text in figure.axes[0].get_yticklabels()]


def test_what_maps_show(draw, tables):
    of = PlantedTruth(metric="mass", unit="mass", planted=PLANTED, controls=("random",))
    figure = draw(of, tables)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert [title.split("\n")[0] for title in titles] == ["none", "half", "full", "moved"]
    assert "marker, 50 %\nflips 9 of 12" in titles[1]
    assert "offset, 100 %, no place" in titles[3]
    assert labels(figure) == ["Occlusion", "Grad-CAM", "Random†"]
    none, half, *_ = figure.axes
    assert [text.get_text() for text in none.texts] == ["not used"]
    assert shown(half) == [[0.9, 0.5, 0.1]] * 2
    chance = [line for line in half.lines if line.get_linestyle() == "--"]
    assert chance[0].get_xdata()[0] == pytest.approx(0.1)
    assert figure.get_size_inches()[0] == pytest.approx(DOUBLE_COLUMN)


def test_which_metric_knew(draw, tables):
    figure = draw(PlantedMetrics(truth="mass", unit="mass", planted=PLANTED), tables)
    titles = [axes.get_title(loc="left").split("\n")[0] for axes in figure.axes]
    assert titles == ["half", "full"]
    assert labels(figure) == ["Fidelity", "ROC"]
    assert shown(figure.axes[0]) == [[0.6, -0.4]] * 2


def test_without_flips_there_are_empty_panels_and_no_error(draw, tables, tmp_path):
    for name in ("truth", "knew"):
        empty = pd.read_parquet(tables[name]).iloc[:0]
        write_frame(tmp_path / f"no_{name}.parquet", empty)
        tables[name] = tmp_path / f"no_{name}.parquet"
    truth = PlantedTruth(metric="mass", unit="mass", planted=PLANTED, controls=())
    figure = draw(truth, tables)
    assert all(axes.texts[0].get_text() == "not used" for axes in figure.axes)
    (panel,) = draw(PlantedMetrics(truth="mass", unit="mass", planted=PLANTED), tables).axes
    assert "no answer flips" in panel.get_title(loc="left")


def test_nothing_overlaps_and_colours_can_be_seen(draw, tables):
    figure = draw(PlantedMetrics(truth="mass", unit="mass", planted=PLANTED), tables)
    figure.canvas.draw()
    below = figure.axes[0].xaxis.label.get_window_extent()
    legend = figure.legends[0].get_window_extent()
    assert not below.overlaps(legend)
    for line in figure.axes[0].lines:
        if line.get_marker() == "o":
            assert contrast(line.get_color()) >= 3
    assert np.isfinite(below.bounds).all()
