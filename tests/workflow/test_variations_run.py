"""A run with metrics that compare with other weights and with noisy copies, and what runs again."""

import shutil

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from ct_importance.io.image_table import read_images
from tests.workflow.project import SLOW, TINY, Project, copy_project

RANDOMISED = "1/randomised/layers_1-test_3"
NOISY = "1/noisy/radii_0.02_0.1-copies_2-test_3"
VARIED = ("randomised_weights", "max_sensitivity", "prediction_saliency_correlation")
OVERLAY = TINY | {
    "estimators": {
        **dict.fromkeys(SLOW),
        "expected_gradients": {"samples": 2},  # reads training slices
        "segment_ablation": {},  # reads segments
    },
    "metrics": {
        **{"fidelity": None, "dice": None, "roc": {"thresholds": 10}},
        "randomised_weights": {"layers": [1], "sample": 3},
        "max_sensitivity": {"copies": 2, "sample": 3},
        "prediction_saliency_correlation": {"radii": [0.02, 0.1], "copies": 2, "sample": 3},
    },
}
TABLES = [f"results/tiny/resnet50/tables/{name}.md" for name in (*VARIED, "agreement")]
WANTED = ["--", *TABLES]
ESTIMATORS = ("backpropagation", "expected_gradients", "random", "segment_ablation")


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Project:
    project = copy_project(tmp_path_factory.mktemp("varied") / "project", OVERLAY)
    project.run(*WANTED)
    return project


@pytest.fixture
def project(finished, tmp_path) -> Project:
    shutil.copytree(finished.folder, tmp_path / "copy", copy_function=shutil.copy2)
    return Project(tmp_path / "copy")


def edit(project, path):
    with open(project.folder / path, "a") as file:
        file.write("\n# An edit.\n")


def test_maps_of_variations_are_of_the_chosen_slices(finished):
    chosen = pq.read_table(finished.results / "cohort" / "chosen" / "test_3.parquet")
    ids = chosen["slice_id"].to_pylist()
    assert len(ids) == 3
    for name in ESTIMATORS:
        found = pq.read_table(finished.classifier / RANDOMISED / "saliency" / f"{name}.parquet")
        assert found["slice_id"].to_pylist() == ids
        copies = pq.read_table(finished.classifier / NOISY / "saliency" / f"{name}.parquet")
        expected = [f"{it}#copy{number}" for it in ids for number in (1, 2, 3, 4)]
        assert copies["slice_id"].to_pylist() == expected


def test_controls_do_not_change_with_the_weights_and_others_do(finished):
    own = pq.read_table(finished.training / "saliency" / "random.parquet")["slice_id"].to_pylist()
    chosen = pq.read_table(finished.results / "cohort" / "chosen" / "test_3.parquet")
    rows = [own.index(it) for it in chosen["slice_id"].to_pylist()]
    same = {}
    for name in ESTIMATORS:
        before, after = (
            read_images(folder / "saliency" / f"{name}.parquet", "importance")
            for folder in (finished.training, finished.classifier / RANDOMISED)
        )
        same[name] = np.array_equal(before[rows], after)
    assert same == dict.fromkeys(ESTIMATORS, False) | {"random": True}


def test_values_go_through_the_same_statistics(finished):
    for metric in VARIED:
        values = pd.read_parquet(finished.classifier / "statistics" / metric / "values.parquet")
        assert set(values["estimator"]) == set(ESTIMATORS)
        assert values["value"].notna().all()
        assert (values["slices"] == 3).all()
        assert (finished.classifier / "tables" / f"{metric}.md").exists()
    ranks = pd.read_csv(finished.classifier / "tables" / "ranks.csv")
    assert set(VARIED) < set(ranks["metric"])
    assert set(ranks[ranks["estimator"] == "random"]["sanity"]) == {"fails"}
    assert "Sanity" in (finished.classifier / "tables" / "agreement.md").read_text()


def test_nothing_changed_nothing_runs(project):
    assert project.planned_jobs(*WANTED) == set()


def varied_jobs(estimator, folder):
    return f"compute_importance({folder}, {estimator})"


def test_one_estimator_redoes_its_share_alone(project):
    estimators = OVERLAY["estimators"] | {"expected_gradients": {"samples": 3}}
    project.configure(OVERLAY | {"estimators": estimators})
    planned = project.planned_jobs(*WANTED)
    maps = {job for job in planned if job.startswith("compute_importance")}
    assert maps == {
        "compute_importance(expected_gradients)",
        *(varied_jobs("expected_gradients", folder) for folder in (RANDOMISED, NOISY)),
        varied_jobs("expected_gradients", "1/noisy/radii_0.02-copies_2-test_3"),
    }
    points = {job for job in planned if job.startswith("evaluate_importance")}
    assert points == {f"evaluate_importance({it}, expected_gradients)" for it in ("roc", *VARIED)}
    assert not any(job.startswith(("randomise", "copy", "choose", "predict")) for job in planned)


def test_how_layers_are_randomised_changes_what_follows_from_it_alone(project):
    edit(project, "ct_importance/classifier/networks/randomised.py")
    planned = project.planned_jobs(*WANTED)
    assert "randomise_classifier(layers_1-test_3)" in planned
    looking = {it for it in ESTIMATORS if it != "random"}
    maps = {job for job in planned if job.startswith("compute_importance")}
    assert maps == {varied_jobs(it, RANDOMISED) for it in looking}
    points = {job for job in planned if job.startswith("evaluate_importance")}
    assert points == {f"evaluate_importance(randomised_weights, {it})" for it in looking}
    assert not any("noisy" in job for job in planned)


def test_without_noisy_copies_what_is_left_stays(project):
    project.configure(OVERLAY | {"metrics": OVERLAY["metrics"] | dict.fromkeys(VARIED[1:])})
    planned = project.planned_jobs("--", "results/tiny/resnet50/tables/agreement.md")
    assert planned == {"rank_estimators", "write_agreement"}
