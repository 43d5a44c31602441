import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from ct_importance.metrics.jobs import ChosenMetric
from ct_importance.report.figures.differences import Differences
from ct_importance.report.jobs import FigureJob
from ct_importance.report.style import SINGLE_COLUMN
from ct_importance.statistics.options import StatisticsOptions
from tests.report.scripts import run_script

BAR = "stroke: #444444"
ESTIMATORS = ["smoothgrad", "random", "mine"]


def plot(folder, patients, letters, **columns):
    """Run the rule's script on estimators that could not be shown to differ; return its SVG."""
    rows = [
        {
            "estimator": name,
            "variant": variant,
            "value": place / 10,
            "value_low": place / 10 - 0.1,
            "value_high": place / 10 + 0.1,
            "letters": letters,
            "patients": patients,
        }
        for place, name in enumerate(ESTIMATORS)
        for variant in ("original", "absolute")
    ]
    pd.DataFrame(rows).assign(**columns).to_parquet(folder / "values.parquet")
    columns = ["first", "first_variant", "second", "second_variant", "p_holm"]
    pd.DataFrame(columns=columns).to_parquet(folder / "comparisons.parquet")
    figure = Differences(
        metric=ChosenMetric(name="roc", method="roc", options={}),
        variant="absolute",
        estimators=tuple(ESTIMATORS),
        controls=("random",),
        statistics=StatisticsOptions(),
    )
    run_script(
        "plot_figure",
        FigureJob(kind="differences", options=figure.model_dump()),
        log=folder / "job.log",
        input={name: folder / f"{name}.parquet" for name in ("values", "comparisons")},
        output={suffix: folder / f"absolute.{suffix}" for suffix in ("svg", "pdf", "png")},
    )
    return (folder / "absolute.svg").read_text()


def test_bars_join_what_could_not_be_shown_to_differ(tmp_path):
    picture = plot(tmp_path, patients=12, letters="a")

    assert BAR in picture
    assert "No test" not in picture
    assert ">Random†<" in picture


@pytest.mark.parametrize("patients", [1, 5])
def test_where_no_test_is_possible_there_are_no_bars(tmp_path, patients):
    picture = plot(tmp_path, patients=patients, letters="")

    assert BAR not in picture
    assert "No test possible" in picture
    assert f"with {patients} patient" in picture


@pytest.mark.parametrize(
    ("columns", "is_known"), [({}, True), ({"chance": 0.2}, True), ({"chance": np.nan}, False)]
)
def test_a_line_shows_chance_where_it_is_known(tmp_path, columns, is_known):
    picture = plot(tmp_path, patients=12, letters="a", **columns)
    assert ("#bbbbbb" in picture) == is_known


def test_an_undefined_value_is_a_word(tmp_path):
    assert "undefined" not in plot(tmp_path, patients=12, letters="a")
    gone = [0.1, 0.1, 0.2, 0.2, 0.3, np.nan]
    picture = plot(tmp_path, 12, "a", value=gone, value_low=gone, value_high=gone)
    assert picture.count("undefined") == 1


@pytest.mark.parametrize(("members", "wider"), [(6, 0), (26, 0.11 * 19)])
def test_many_groups_make_it_wider(tmp_path, members, wider):
    """Of estimators of which only neighbours could not be told apart."""
    estimators = [f"mine_{number:02d}" for number in range(members)]
    places = np.linspace(1, 0, members)
    values = {"value": places, "value_low": places, "value_high": places}
    frame = pd.DataFrame({"estimator": estimators, "variant": "absolute", "patients": 60, **values})
    frame.to_parquet(tmp_path / "values.parquet")
    pairs = [
        {"first": one, "second": other, "p_holm": 0.5 if gap == 1 else 0.001}
        for at, one in enumerate(estimators)
        for gap, other in enumerate(estimators[at + 1 :], start=1)
    ]
    of_both = {"first_variant": "absolute", "second_variant": "absolute"}
    pd.DataFrame(pairs).assign(**of_both).to_parquet(tmp_path / "comparisons.parquet")
    figure = Differences(
        metric=ChosenMetric(name="roc", method="roc", options={}),
        variant="absolute",
        estimators=tuple(estimators),
        controls=(),
        statistics=StatisticsOptions(permutations=10_000),
    )
    drawn = figure.draw({name: tmp_path / f"{name}.parquet" for name in ("values", "comparisons")})
    assert drawn.get_figwidth() == pytest.approx(SINGLE_COLUMN + wider)
    plt.close(drawn)
