"""Figures of the curves of many estimators stay readable."""

import pandas as pd
import pytest
from ct_importance.report.figures._of_metric import IN_COLOUR, MOST_CURVES
from ct_importance.report.figures.figure5_roc_curves import RocCurves
from matplotlib import pyplot as plt

from ct_importance.metrics.jobs import ChosenMetric
from ct_importance.plugins import names
from ct_importance.report.style import OTHERS, legend_below, line_styles, plot_with_band

MANY = tuple(names("estimator")[: MOST_CURVES + 4])


def figure_of(estimators):
    roc = ChosenMetric(name="roc", method="roc", options={})
    return RocCurves(metric=roc, estimators=estimators)


def values_of(estimators):
    """The later the better, of absolute maps; of original ones the other way round."""
    rows = [(name, place, -place) for place, name in enumerate(estimators)]
    wide = pd.DataFrame(rows, columns=["estimator", "absolute", "original"])
    return wide.melt("estimator", var_name="variant")


def test_of_many_the_best_have_colours():
    figure = figure_of(MANY)
    styles, own = figure.styles(values_of(MANY)), line_styles(MANY)
    coloured = [name for name, style in styles.items() if style is not OTHERS]
    assert coloured == list(MANY[-IN_COLOUR:])
    assert all(styles[name] == own[name] for name in coloured)
    assert f"The {IN_COLOUR} estimators with the best values" in figure.notes


def test_few_all_have_colours():
    few = MANY[:MOST_CURVES]
    assert figure_of(few).styles(values_of(few)) == line_styles(few)
    assert "in colour" not in figure_of(few).notes


@pytest.fixture
def axes():
    figure, axes = plt.subplots()
    yield axes
    plt.close(figure)


def test_the_others_share_a_line_of_the_legend_and_have_no_bands(axes):
    styles = figure_of(MANY).styles(values_of(MANY))
    curve = pd.DataFrame({"x": [0, 1], "y": [0, 1], "y_low": [0, 0], "y_high": [1, 1]})
    for style in styles.values():
        plot_with_band(axes, curve, "x", "y", style)
    assert (len(axes.lines), len(axes.collections)) == (len(MANY), IN_COLOUR)
    with plt.rc_context({"figure.constrained_layout.use": True}):
        legend_below(axes.figure, styles)
    (legend,) = axes.figure.legends
    texts = [text.get_text() for text in legend.get_texts()]
    assert len(texts) == IN_COLOUR + 1
    assert texts[-1] == "others"
