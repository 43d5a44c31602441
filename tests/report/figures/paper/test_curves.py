"""Figures 4 to 6: a panel per estimator, best first, with the values of its table."""

import numpy as np
import pandas as pd
import pytest

from ct_importance.metrics.jobs import ChosenMetric
from ct_importance.plugins import load
from ct_importance.report.style import LIF, MIF

VALUES = {"mine": (0.2, 0.4), "smoothgrad": (0.9, 0.8), "random": (0.5, 0.5)}
VARIANTS = ("original", "absolute")


def tables_of(folder, columns):
    """Tables of values and curves; a column of the curves is given by a function of the value."""
    keys = [
        {"estimator": name, "variant": variant, "value": value}
        for name, both in VALUES.items()
        for variant, value in zip(VARIANTS, both, strict=True)
    ]
    counts = {"slices": 8, "patients": 4, "training_slices": 2, "training_patients": 1}
    values = pd.DataFrame(keys).assign(**counts)
    values["value_low"] = values["value_high"] = values.value
    curves = pd.concat(
        pd.DataFrame({"estimator": row.estimator, "variant": row.variant} | columns(row.value))
        for row in values.itertuples()
    )
    for name in set(curves) - {"estimator", "variant", "order"}:
        curves[f"{name}_low"], curves[f"{name}_high"] = curves[name] - 0.1, curves[name] + 0.1
    paths = {name: folder / f"{name}.parquet" for name in ("values", "curves", "ceiling")}
    values.to_parquet(paths["values"])
    curves.to_parquet(paths["curves"])
    curves[curves.estimator == "smoothgrad"].to_parquet(paths["ceiling"])
    return paths


@pytest.fixture
def drawn(draw, tmp_path):
    def draw_curves(kind, metric, columns):
        options = {"answer": "accuracy"} if metric == "fidelity" else {}
        chosen = ChosenMetric(name=metric, method=metric, options=options)
        shown = load("figure", kind)(metric=chosen, estimators=tuple(VALUES))
        return draw(shown, tables_of(tmp_path, columns))

    return draw_curves


def texts(figure):
    return [[text.get_text() for text in axes.texts] for axes in figure.axes]


def test_curves_of_fidelity_have_one_neutral_pair_and_their_area_its_sign(drawn):
    def columns(value):
        ends = {"fraction": [0.0, 1.0] * 2, "order": ["mif", "mif", "lif", "lif"]}
        return ends | {"accuracy": [0.5, 0.5, value, value]}

    figure = drawn("figure4_fidelity_curves", "fidelity", columns)

    assert texts(figure) == [
        *(["SmoothGrad", "original: 0.9"], ["absolute: 0.8"]),
        *(["Random", "original: 0.5"], ["absolute: 0.5"]),
        *(["mine", "original: 0.2"], ["absolute: 0.4"]),
    ]
    for axes in figure.axes:
        assert [line.get_color() for line in axes.lines] == [LIF["color"], MIF["color"]]
        low, high = axes.get_ylim()
        assert low < 0 < 1 < high  # lines at the ends do not lie under the axes
    hatched = [
        any(one.get_hatch() and one.get_paths() for one in axes.collections) for axes in figure.axes
    ]
    assert hatched == [False, False, False, False, True, True]


@pytest.mark.parametrize(
    ("kind", "metric", "x", "y"),
    [
        ("figure5_roc_curves", "roc", "fpr", "tpr"),
        ("figure6_dice_curves", "dice", "shown_percentage", "dsc"),
    ],
)
def test_both_variants_share_a_panel(drawn, kind, metric, x, y):
    figure = drawn(kind, metric, lambda value: {x: [1.4, 20.0, 100.0], y: [0, value, value]})

    assert texts(figure) == [
        ["SmoothGrad", "0.90", "0.80"],
        ["Random", "0.50", "0.50"],
        ["mine", "0.20", "0.40"],
    ]
    for axes, name in zip(figure.axes, ("smoothgrad", "random", "mine"), strict=True):
        for line, value in zip(axes.lines, VALUES[name], strict=False):
            np.testing.assert_allclose(line.get_xdata(), [1.4, 20, 100])
            np.testing.assert_allclose(line.get_ydata(), [0, value, value])
        assert axes.get_ylim()[0] < 0
    said = [text.get_text() for text in figure.texts]
    assert "2 of the 8 slices and 1 of the 4 patients are training ones." in said


def test_dice_is_shown_over_what_was_really_displayed(drawn):
    figure = drawn(
        *("figure6_dice_curves", "dice"),
        lambda value: {"shown_percentage": [1.4, 100.0], "percentage": [1.0, 100], "dsc": value},
    )

    assert all(line.get_xdata()[0] == 1.4 for axes in figure.axes for line in axes.lines)
    assert "share of the slice displayed (%)" in [text.get_text() for text in figure.texts]
