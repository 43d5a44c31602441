"""A run of another task than the paper's: nothing that it says is about contrast agent."""

import json
from dataclasses import replace

import pandas as pd
import pytest

from ct_importance.io.table_file import write_frame
from ct_importance.metrics.jobs import ChosenMetric
from ct_importance.report.figure import figures_of
from ct_importance.report.jobs import ClassifierOfRun, SummaryJob
from ct_importance.report.landing import landing_text, readme_text
from ct_importance.report.style import RC, plt
from ct_importance.report.summary import RunFiles, summarise_run, write_summary
from ct_importance.statistics.options import StatisticsOptions
from ct_importance.task import Task
from tests.report.explorer.small_run import build_page, make_run
from tests.report.tables.test_write_table import write
from tests.report.test_figure import RUN

EMPTY = {
    "ranks": ["variant", "metric", "estimator", "value", "rank", "rank_low", "rank_high"],
    "taus": ["variant", "first", "second", "tau", "tau_low", "tau_high"],
}
RANKED = {
    "classifier": ["once", "twice"],
    **{"variant": "absolute", "metric": "mine", "estimator": "random", "value": 1.0},
    **{"rank": 1.0, "rank_low": 1.0, "rank_high": 1.0},
}
AGREED = {
    **{"metric": "mine", "what": "classifiers", "variant": "absolute", "first": "once"},
    **{"second": "twice", "estimators": 2, "value": 0.5, "low": 0.25, "high": 1.0},
}
LESIONS = Task(classes=("healthy", "lesion"), fill=(0.5, 0.0))
BAD = {
    "fills": [
        {"fill": 0.5, "logit": -1.0, "agrees": False},
        {"fill": 0.0, "logit": 1.0, "agrees": False},
    ],
    "test": {"n": 4, "balanced_accuracy": 0.6, "sensitivity": 0.6, "specificity": 0.6},
    "train": {"n": 4, "balanced_accuracy": 0.6, "sensitivity": 0.6, "specificity": 0.6},
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("run"))[0]


def blind(**columns):
    """Values that make a table warn of both classes."""
    return {
        "estimator": "random",
        "variant": ["original", "absolute", "x", "y", "z", "w"],
        **{"value_healthy": 0.0, "value_lesion": 4.0},
        **{"accuracy_lesion": 1.0, "first_accuracy_lesion": 0.0},
        **columns,
    }


def test_a_table(tmp_path):
    made = write(tmp_path, BAD, task=LESIONS, **blind())

    text = made.markdown.read_text()
    for told in (
        "answers an all-black image with 'healthy', and it does not",
        "answers an all-grey (0.5) image with 'lesion', and it does not",
        'Slices of class "healthy" add nothing',
        'Slices of class "lesion" are answered wrongly',
        "of class 'lesion' in black",
    ):
        assert told in text
    for path in (made.markdown, made.html, made.latex, tmp_path / "job.log"):
        assert "contrast" not in path.read_text().lower()


def test_a_table_of_one_class(tmp_path):
    text = write(tmp_path, task=LESIONS, classes="0").markdown.read_text()

    assert 'All slices are of class "healthy"' in text
    assert "contrast" not in text.lower()


def test_the_first_page_and_the_summary(run, tmp_path):
    made = write(tmp_path, BAD, task=LESIONS, **blind())
    for name, columns in EMPTY.items():
        write_frame(tmp_path / f"{name}.parquet", pd.DataFrame(columns=columns))
    job = SummaryJob(
        config={"run": "lesions", "seed": 0},
        classifiers=(ClassifierOfRun(name="resnet50", trainings=1, is_trained_here=True),),
        metrics=(ChosenMetric(name="fidelity", method="fidelity", options={}),),
        statistics=StatisticsOptions(),
        task=LESIONS,
    )
    files = RunFiles(
        across=[],
        planted=[],
        slices=run.slices,
        classifiers=[run.predictions[0]],
        predictions=[run.predictions[0]],
        evaluations=[tmp_path / "evaluation.json"],
        ranks=[tmp_path / "ranks.parquet"],
        taus=[tmp_path / "taus.parquet"],
        values=[tmp_path / "values.parquet"],
        tables=[made.csv],
        markdown=[made.markdown],
        environments=[],
    )

    found = summarise_run(job, files)

    assert found["data"]["slices_by_class"] == {"healthy": 2, "lesion": 2}
    for text in (
        json.dumps(found),
        landing_text(found),
        readme_text(found, {"resnet50": [made.markdown.read_text()]}),
    ):
        assert "contrast" not in text.lower()
    assert 'They are 2 of class "healthy" and 2 of class "lesion".' in landing_text(found)


def test_the_summary_tells_of_several_trainings(run, tmp_path):
    made = write(tmp_path, BAD)
    pd.DataFrame({"what": ["maps"], "value": [0.5]}).to_csv(tmp_path / "stability.csv")
    (tmp_path / "stability.md").write_text("Maps are alike.\n")
    for name, columns in EMPTY.items():
        write_frame(tmp_path / f"{name}.parquet", pd.DataFrame(columns=columns))
    pair = {"twice": 2, "once": 1}
    write_frame(tmp_path / "all_ranks.parquet", pd.DataFrame(RANKED))
    write_frame(tmp_path / "agreement.parquet", pd.DataFrame([AGREED]))
    job = SummaryJob(
        config={"run": "pair", "seed": 0},
        classifiers=tuple(
            ClassifierOfRun(name=name, trainings=count, is_trained_here=True)
            for name, count in pair.items()
        ),
        metrics=(ChosenMetric(name="fidelity", method="fidelity", options={}),),
        statistics=StatisticsOptions(),
        task=Task(),
    )
    files = RunFiles(
        across=[tmp_path / "all_ranks.parquet", tmp_path / "agreement.parquet"],
        planted=[],
        slices=run.slices,
        classifiers=[run.predictions[0]] * 3,
        predictions=[run.predictions[0]] * 3,
        evaluations=[tmp_path / "evaluation.json"] * 3,
        ranks=[tmp_path / "ranks.parquet"] * 2,
        taus=[tmp_path / "taus.parquet"] * 2,
        values=[tmp_path / "values.parquet"] * 2,
        tables=[made.csv, tmp_path / "stability.csv", made.csv],
        markdown=[made.markdown, tmp_path / "stability.md", made.markdown],
        environments=[],
    )
    summary, readme = tmp_path / "summary.json", tmp_path / "README.md"
    write_summary(job, files, summary, readme, tmp_path / "report.rst")

    found = json.loads(summary.read_text())["classifiers"]
    assert found["twice"]["tables"]["stability"][0]["value"] == 0.5
    assert list(found["once"]["tables"]) == ["table1_fidelity"]
    across = json.loads(summary.read_text())["across_classifiers"]
    assert "once and twice rank the estimators partly alike" in across["findings"][0]
    assert across["agreement"][0]["value"] == 0.5
    assert across["findings"][0] in readme.read_text()
    assert "tables/classifiers.md" in readme.read_text()
    assert "Maps are alike." in readme.read_text().split("Tables: once")[0]


def test_the_explorer(run, tmp_path):
    page = build_page(tmp_path / "page.html", run, task=LESIONS).read_text()

    assert '"classes":["healthy","lesion"]' in page
    assert "contrast" not in page.lower()


def test_captions_and_rows_of_figures(run):
    outline = replace(RUN, task=LESIONS, estimators=tuple(run.maps))
    figures = figures_of(outline)
    for figure in figures.values():
        told = [figure.caption, figure.notes, *figure.labels.values()]
        assert "contrast" not in " ".join(told).lower()
    figure = figures["figure1_examples"]
    tables = {"slices": run.slices, "predictions": run.predictions[0]}
    with plt.rc_context(RC):
        drawn = figure.draw(tables | {"maps": run.maps[figure.estimator]})
    rows = {axes.get_ylabel() for axes in drawn.axes} - {""}
    plt.close(drawn)

    assert rows == {"Healthy", "Lesion"}
