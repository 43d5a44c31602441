import pandas as pd
import pytest

from ct_importance.metrics.jobs import ChosenMetric
from ct_importance.report.figures.differences import Differences
from ct_importance.report.jobs import FigureJob
from ct_importance.statistics.options import StatisticsOptions
from tests.report.scripts import run_script

BAR = "stroke: #444444"
ESTIMATORS = ["smoothgrad", "random", "mine"]


def plot(folder, patients, letters):
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
    pd.DataFrame(rows).to_parquet(folder / "values.parquet")
    columns = ["first", "first_variant", "second", "second_variant", "p_holm"]
    pd.DataFrame(columns=columns).to_parquet(folder / "comparisons.parquet")
    figure = Differences(
        metric=ChosenMetric(name="roc", method="roc", options={}),
        variant="absolute",
        estimators=tuple(ESTIMATORS),
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


@pytest.mark.parametrize("patients", [1, 5])
def test_where_no_test_is_possible_there_are_no_bars(tmp_path, patients):
    picture = plot(tmp_path, patients=patients, letters="")

    assert BAR not in picture
    assert "No test possible" in picture
    assert f"with {patients} patient" in picture
