"""A run of three classes, from a CSV with their names to tables with a part of each."""

import csv
import json

import pandas as pd
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import balanced_accuracy_score

from ct_importance.cohort.options import PhantomOptions
from ct_importance.cohort.phantom.cohort import write_phantom_cohort
from tests.workflow.project import TINY, copy_project

PHASES = ["native", "arterial", "low"]
ESTIMATORS = {
    "random": {},
    "backpropagation": {},
    "of_true": {"method": "backpropagation", "target": "true"},
    "of_last": {"method": "backpropagation", "target": "last"},
    "of_low": {"method": "backpropagation", "target": "low"},
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The slices of the phantom's patients under three names, two patients to train on of each."""
    folder = tmp_path_factory.mktemp("three")
    options = PhantomOptions(patients=12, slices=6, matrix=64, annotated_slices=1)
    write_phantom_cohort(folder / "data", options, seed=0, workers=1)
    patients = sorted(path.name for path in (folder / "data" / "dicom").iterdir())
    with open(folder / "phases.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["patient_id", "phase"])
        writer.writerows((name, PHASES[n % 3]) for n, name in enumerate(patients))
    labels = {"csv": str(folder / "phases.csv"), "label_column": "phase"}
    data = folder / "data"
    dataset = {"dicom": str(data / "dicom"), "masks": str(data / "masks"), "labels": labels}
    project = copy_project(
        folder / "project",
        {
            "run": "tiny",
            "task": {"classes": PHASES, "fill": [1.0, 0.0, "mean"]},
            "cohort": {
                "datasets": {"phases": dataset},
                "test_fraction": 0.5,
                "slices_per_patient": {"train": 2, "test": 1},
                "image_size": 32,
            },
            "classifiers": {"resnet50": {"training": {"epochs": 1, "batch_size": 4}}},
            "estimators": dict.fromkeys(TINY["estimators"])
            | {"deconvolution": None, "integrated_gradients_bw": None}
            | ESTIMATORS,
            "metrics": {"fidelity": {"step": 0.25}, "roc": {"thresholds": 10}, "dice": None},
            "statistics": TINY["statistics"],
        },
    )
    found = ["tables/table1_fidelity.md", "tables/table2_auc.md", "explorer.html"]
    found += ["figures/figure1_examples.svg", "figures/figure4_fidelity_curves.svg"]
    project.run("results/tiny/README.md", *(f"results/tiny/resnet50/{it}" for it in found))
    return project


def test_each_side_has_slices_of_each_class(finished):
    slices = pq.read_table(finished.results / "slices.parquet").to_pandas()
    found = slices.groupby("split")["label"].agg(set)
    assert found.to_dict() == {"train": {0, 1, 2}, "test": {0, 1, 2}}
    patients = slices.groupby(["split", "label"])["patient_id"].nunique()
    assert set(patients) == {2}


def test_the_predicted_class_is_the_one_of_the_highest_score(finished):
    predictions = pq.read_table(finished.training / "predictions.parquet").to_pandas()
    scores = pd.DataFrame(predictions["scores"].to_list())
    assert predictions["predicted"].tolist() == scores.idxmax(axis=1).tolist()
    assert (predictions["correct"] == (predictions["predicted"] == predictions["label"])).all()
    tested = predictions[(predictions["split"] == "test") & predictions["sampled"]]
    evaluation = json.loads((finished.training / "evaluation.json").read_text())
    expected = balanced_accuracy_score(tested["label"], tested["predicted"])
    assert evaluation["test"]["balanced_accuracy"] == pytest.approx(expected)
    assert evaluation["test"]["n_by_class"] == [2, 2, 2]
    assert [fill and fill["fill"] for fill in evaluation["fills"]] == [1.0, 0.0, None]


def test_the_class_that_is_explained(finished):
    def maps(name):
        table = pq.read_table(finished.training / "saliency" / f"{name}.parquet").to_pydict()
        return dict(zip(table["slice_id"], table["importance"], strict=True))

    rows = pq.read_table(finished.training / "predictions.parquet").to_pylist()
    answers = {row["slice_id"]: row for row in rows}
    predicted, true, last = maps("backpropagation"), maps("of_true"), maps("of_last")
    assert last == maps("of_low")
    for slice_id, row in answers.items():
        if slice_id in predicted:
            assert (predicted[slice_id] == true[slice_id]) == row["correct"]
            assert (predicted[slice_id] == last[slice_id]) == (row["predicted"] == 2)


@pytest.mark.parametrize("table", ["table1_fidelity", "table2_auc"])
def test_tables_have_a_part_of_each_class(finished, table):
    rows = pd.read_csv(finished.classifier / "tables" / f"{table}.csv")
    assert set(rows["estimator"]) == set(ESTIMATORS)
    ends = ["native", "arterial", "class_low"]
    for end in ends:
        assert rows[f"absolute_{end}"].notna().all()
        assert (rows[f"absolute_{end}_low"] <= rows[f"absolute_{end}_high"]).all()
    if table == "table1_fidelity":
        mean = rows[[f"absolute_{end}" for end in ends]].mean(axis=1)
        assert rows["absolute"].tolist() == pytest.approx(mean.tolist())
    text = (finished.classifier / "tables" / f"{table}.md").read_text()
    for title in ('Class "native"', 'Class "arterial"', 'Class "low"'):
        assert f"| **{title}** | | |" in text


def test_pages_tell_of_three_classes(finished):
    readme = (finished.results / "README.md").read_text()
    assert 'test slices (of class "native" ' in readme.replace("\\", "")
    assert (finished.classifier / "explorer.html").stat().st_size > 10_000
    for figure in ("figure1_examples", "figure4_fidelity_curves"):
        assert (finished.classifier / "figures" / f"{figure}.svg").is_file()
