"""A run with signs of two doses, from pixels to the page that says which metric knew."""

import json
import shutil

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from scipy.ndimage import generic_gradient_magnitude, sobel

from ct_importance.io.image_table import read_images
from ct_importance.io.slices import PLANTED, iterate_slices
from ct_importance.notebook.run import open_run
from tests.workflow.project import SLOW, TINY, Project, copy_project

TRAINING = {"epochs": 2, "batch_size": 4, "test_every": 1}
SIGN = {"sign": "line", "in_class": "contrast"}


def classifier(**planted):
    return {"architecture": "resnet50", "training": TRAINING, "planted": SIGN | planted}


OVERLAY = TINY | {
    "classifiers": {
        "resnet50": None,
        "none": classifier(dose=0),
        "half": classifier(dose=0.5),
    },
    "estimators": {
        **dict.fromkeys(SLOW),
        "expected_gradients": {"samples": 2},  # reads training slices
        "segment_ablation": {},  # reads segments
        "sobel_edges": {},
    },
    "metrics": {
        "fidelity": {"step": 0.25},
        "roc": {"thresholds": 10},
        "dice": None,
        "sensitivity": {"slices": "planted"},
        "planted_roc": {"method": "roc", "slices": "planted", "thresholds": 10},
        "planted_likeness": {},
        "max_sensitivity": {"copies": 1, "sample": 3},
    },
}
PAGE = "results/tiny/tables/planted.md"
FIGURES = [f"results/tiny/figures/planted_{it}.svg" for it in ("sensitivity", "metrics")]
WANTED = ["--", PAGE, *FIGURES, "results/tiny/summary.json"]
WANTED += ["results/tiny/half/explorer.html", "results/tiny/explorer.html"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Project:
    project = copy_project(tmp_path_factory.mktemp("planted") / "project", OVERLAY)
    project.run(*WANTED)
    return project


@pytest.fixture
def project(finished, tmp_path) -> Project:
    shutil.copytree(finished.folder, tmp_path / "copy", copy_function=shutil.copy2)
    return Project(tmp_path / "copy")


def rows_of(path, *columns, subset="all"):
    return {row["slice_id"]: row for row in iterate_slices(path, [subset], columns)}


def test_a_sign_changes_its_pixels_and_nothing_else(finished):
    plain = rows_of(finished.results / "slices.parquet", "image", "mask")
    planted = rows_of(
        finished.results / "planted" / "line" / "slices.parquet", "image", "mask", PLANTED
    )
    assert plain.keys() == planted.keys()
    for name, row in planted.items():
        change = np.abs(row["image"] - plain[name]["image"])
        assert change[row[PLANTED]].min() >= change.max() / 2
        assert change[~row[PLANTED]].max() < change.max() / 2
        np.testing.assert_array_equal(row["mask"], plain[name]["mask"])


def test_each_classifier_sees_its_dose_and_both_are_tested_alike(finished):
    seen = {}
    for name, dose in (("none", "0"), ("half", "0.5")):
        folder = finished.results / "planted" / f"line_contrast_{dose}"
        listed = pq.read_table(folder / "slices.parquet").to_pandas()
        assert set(listed.loc[listed.planted, "label"]) == {1}
        seen[name] = listed.groupby("split")["planted"].sum().to_dict()
    assert seen["none"]["train"] == 0 < seen["half"]["train"]
    assert seen["none"]["test"] == seen["half"]["test"] > 0


@pytest.mark.parametrize(
    ("folder", "seen"), [("1", "slices"), ("1/toggled/planted_all", "toggled/planted")]
)
def test_maps_are_of_the_slices_that_the_classifier_sees(finished, folder, seen):
    """Maps of edges know the slice alone; on slices without the sign they are others."""
    planted = finished.results / "planted" / "line_contrast_0.5"
    path = finished.results / "half" / folder / "saliency" / "sobel_edges.parquet"
    ids = pq.read_table(path, columns=["slice_id"])["slice_id"].to_pylist()
    maps = dict(zip(ids, read_images(path, "importance"), strict=True))
    images = rows_of(planted / f"{seen}.parquet", "image")
    for name in rows_of(planted / "slices.parquet", subset="planted"):
        edges = generic_gradient_magnitude(images[name]["image"], sobel)
        np.testing.assert_allclose(maps[name], edges, atol=1e-5)


def test_what_is_said_of_flips_is_what_the_classifier_answers(finished):
    flips = pd.read_parquet(finished.results / "statistics" / "flips.parquet")
    for name in ("none", "half"):
        folder = finished.results / name / "1"
        seen = pd.read_parquet(folder / "predictions.parquet").set_index("slice_id")
        other = pd.read_parquet(folder / "toggled" / "test_all" / "predictions.parquet")
        other = other.set_index("slice_id")
        before = seen.loc[other.index]
        changed = before.predicted != other.predicted
        for label, what in ((1, "removed"), (0, "added")):
            (row,) = flips[(flips.classifier == name) & (flips.what == what)].itertuples()
            of = changed[before.label == label]
            assert (row.slices, row.flipped) == (len(of), of.sum())
        images = {
            it: rows_of(finished.results / "planted" / f"line_contrast_{dose}" / it, "image")
            for it in ("slices.parquet", "toggled/test.parquet")
            for dose in [{"none": "0", "half": "0.5"}[name]]
        }
        for slice_id, row in images["toggled/test.parquet"].items():
            assert (row["image"] != images["slices.parquet"][slice_id]["image"]).any()


def test_the_page_says_who_flips(finished):
    page = (finished.folder / PAGE).read_text()
    assert "Do classifiers use the sign" in page
    assert "| none | line, 0 % | taken away |" in page
    whole = pd.read_csv(finished.results / "tables" / "planted.csv")
    assert {"flips"} <= set(whole["what"])


def test_a_control_is_the_same_map_of_test_slices_whatever_the_dose(finished):
    one, other = (
        read_images(
            finished.results / name / "1" / "saliency" / "sobel_edges.parquet", "importance"
        )
        for name in ("none", "half")
    )
    np.testing.assert_array_equal(one[0], other[0])


def test_a_notebook_gives_slices_and_signs_of_a_classifier(finished):
    run = open_run(finished.results)
    signs = run.signs(classifier="half")
    assert signs.any(axis=(1, 2)).all()
    listed = finished.results / "planted" / "line_contrast_0.5" / "slices.parquet"
    some = list(rows_of(listed, subset="planted"))
    plain, seen = run.images(some), run.images(some, "half")
    assert (plain != seen).any(axis=(1, 2)).all()


def test_another_dose_leaves_all_others_as_they_are(project):
    overlay = dict(json.loads(json.dumps(OVERLAY)))
    overlay["classifiers"]["half"]["planted"]["dose"] = 1
    project.configure(overlay)
    jobs = project.planned_jobs(*WANTED)
    kinds = [job.partition("(")[0] for job in jobs]
    assert "dose_slices" in kinds
    assert not {"extract_slices", "extract_planted", "generate_phantom"} & set(kinds)
    assert kinds.count("train_classifier") == 1
