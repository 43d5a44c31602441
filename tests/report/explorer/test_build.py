"""The explorer's page: what it holds."""

import base64
import io
import json
import re

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from ct_importance.errors import InputError
from ct_importance.metrics.catalogue.faithfulness.fidelity import Fidelity
from ct_importance.report.explorer.levels import rank_regions
from ct_importance.saliency.xrai.regions import xrai_regions
from ct_importance.task import Task
from tests.metrics.summary import summarise_points
from tests.report.explorer.small_run import (
    ESTIMATORS,
    OPTIONS,
    build_page,
    importance_of,
    make_run,
    of_three_classes,
)

ELEMENT = re.compile(r'<script type="application/json" id="([\w-]+)">(.*?)</script>', re.DOTALL)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def page(run, tmp_path_factory):
    return build_page(tmp_path_factory.mktemp("page") / "explorer.html", run[0])


def contents(path):
    return {name: json.loads(text) for name, text in ELEMENT.findall(path.read_text())}


def pixels(encoded):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))).convert("L"))


def numbers(encoded):
    return np.frombuffer(base64.b64decode(encoded), "<f4")


def test_every_slice_comes_with_its_pictures(run, page):
    _, subjects, _ = run
    content = contents(page)

    assert [entry["slice_id"] for entry in content["index"]["slices"]] == [
        one.slice_id for one in subjects
    ]
    for number, one in enumerate(subjects):
        packed = content[f"slice-{number}"]
        assert np.abs(pixels(packed["image"]) / 255 - one.image).max() <= 0.5 / 255 + 1e-6
        if one.mask.any():
            np.testing.assert_array_equal(pixels(packed["mask"]) > 127, one.mask)
        else:
            assert packed["mask"] is None


def test_maps_come_back_within_their_levels(page):
    content = contents(page)
    for number in range(4):
        for estimator in ESTIMATORS:
            importance = importance_of(estimator, number)
            packed = content[f"slice-{number}"]["maps"][estimator]
            back = numbers(packed["values"])[pixels(packed["levels"])]
            assert (np.diff(back.ravel()[importance.argsort(axis=None)]) >= 0).all()
            assert np.abs(back - importance).mean() < 0.02 * importance.std()
            limit = content[f"slice-{number}"]["limits"][estimator]
            assert limit == pytest.approx(np.percentile(np.abs(importance), 99.5), rel=1e-3)


def test_regions_are_those_of_xrai_for_both_variants(run, page):
    _, subjects, segments = run
    content = contents(page)
    for number in (0, 2):
        packed = content[f"slice-{number}"]["regions"]
        signed = importance_of("integrated_gradients_bw", number)
        for variant, importance in (("original", signed), ("absolute", np.abs(signed))):
            regions = xrai_regions(importance, segments[subjects[number].slice_id])
            ranks, values, sizes = rank_regions(regions)
            found = packed["integrated_gradients_bw"][variant]
            np.testing.assert_array_equal(pixels(found["levels"]), ranks)
            np.testing.assert_array_equal(numbers(found["values"]), values)
            assert found["sizes"] == sizes.tolist()
        assert list(packed["smoothgrad_squared"]) == ["original"]
    assert content["slice-1"]["regions"] == {}


def test_scores_are_those_of_the_tables(run, page):
    sources, *_ = run
    content = contents(page)
    entries = {entry["slice_id"]: entry for entry in content["index"]["slices"]}
    for estimator in ESTIMATORS:
        roc = pd.read_parquet(sources.roc[estimator]).drop_duplicates(["slice_id", "variant"])
        for row in roc.itertuples():
            scores = entries[row.slice_id]["scores"][estimator][row.variant]
            assert scores["auc"] == pytest.approx(row.auc_exact, abs=5e-5)
        dice = pd.read_parquet(sources.dice[estimator])
        for (slice_id, variant), rows in dice.groupby(["slice_id", "variant"]):
            number = list(entries).index(slice_id)
            assert entries[slice_id]["scores"][estimator][variant]["dsc"] == pytest.approx(
                rows["dsc"].max(), abs=5e-5
            )
            curve = content[f"slice-{number}"]["curves"][estimator][variant]["dsc"]
            np.testing.assert_allclose(np.array(curve) / 1000, rows["dsc"], atol=5e-4)
        points = pd.read_parquet(sources.fidelity[estimator])
        for number, slice_id in enumerate(entries):
            rows = points[(points.slice_id == slice_id) & (points.variant == "absolute")]
            expected = summarise_points(Fidelity(), rows)["value"].item()
            scores = entries[slice_id]["scores"][estimator]["absolute"]
            assert scores["fidelity"] == pytest.approx(expected, abs=1e-3)
            curve = content[f"slice-{number}"]["curves"][estimator]["absolute"]
            lif = rows.loc[rows.order == "lif", "logit"]
            np.testing.assert_allclose(curve["lif"], lif, atol=0.0051)
    assert content["index"]["percentages"] == list(OPTIONS["dice"]["percentages"])
    assert content["index"]["fractions"] == [0, 0.25, 0.5, 0.75, 1]


def test_a_page_holds_no_more_slices_than_wanted_those_with_masks_first(run, tmp_path):
    index = contents(build_page(tmp_path / "page.html", run[0], limit=3))["index"]

    assert [entry["slice_id"] for entry in index["slices"]] == ["slice-0", "slice-1", "slice-2"]
    assert index["explained"] == 4


def test_a_run_without_masks_has_fidelity_only(tmp_path):
    sources, *_ = make_run(tmp_path, ["fidelity"], masks=False)

    content = contents(build_page(tmp_path / "page.html", sources))

    assert content["index"]["percentages"] is None
    assert content["index"]["has_auc"] is False
    assert content["slice-0"]["mask"] is None
    assert content["slice-0"]["regions"] == {}
    scores = content["index"]["slices"][0]["scores"]["integrated_gradients_bw"]
    assert scores["original"].keys() == {"fidelity"}


def test_a_run_with_masks_but_without_fidelity(tmp_path):
    sources, *_ = make_run(tmp_path, ["roc"])

    content = contents(build_page(tmp_path / "page.html", sources))

    assert content["index"]["fractions"] is None
    assert content["slice-0"]["regions"] == {}
    scores = content["index"]["slices"][0]["scores"]["integrated_gradients_bw"]
    assert scores["absolute"].keys() == {"auc"}
    assert content["index"]["slices"][1]["scores"] == {}


def test_equal_runs_give_equal_pages(run, page, tmp_path):
    assert build_page(tmp_path / "again.html", run[0]).read_bytes() == page.read_bytes()


def test_a_page_asks_for_nothing_outside_itself(page):
    text = ELEMENT.sub("", page.read_text())

    assert re.findall(r'(?:src|href)="(?!#|data:)[^"]*"|url\(|@import|fetch\(', text) == []
    assert re.findall(r"https?://(?!www\.w3\.org/2000/svg)", text) == []
    assert "default-src 'none'" in text


def test_a_page_tells_of_slices_what_the_tables_do_and_no_more(page):
    content = contents(page)
    allowed = {"slice_id", "patient_id", "label", "split", "annotated", "logit", "correct"}

    for entry in content["index"]["slices"]:
        assert entry.keys() == allowed | {"scores"}
    for number in range(4):
        kinds = {"image", "mask", "maps", "limits", "regions", "curves"}
        assert content[f"slice-{number}"].keys() == kinds


def test_identifiers_cannot_end_the_element_they_are_in(run, tmp_path):
    path = build_page(tmp_path / "page.html", run[0], run="a</script><b>")

    assert contents(path)["index"]["run"] == "a</script><b>"
    assert "</script><b>" not in path.read_text()


def test_no_slice_with_maps_is_answered_with_where_to_look(run, tmp_path):
    with pytest.raises(InputError, match=r"no slice to show.*rejected\.parquet"):
        build_page(tmp_path / "page.html", run[0], limit=0)
    assert not (tmp_path / "page.html").exists()


def test_a_map_that_is_missing_is_named(run, tmp_path):
    sources, *_ = make_run(tmp_path / "other")
    path = sources.maps["integrated_gradients_bw"]
    pd.read_parquet(path).iloc[:2].to_parquet(path)

    with pytest.raises(InputError, match="slice slice-2 is missing"):
        build_page(tmp_path / "page.html", sources)


def test_of_three_classes_each_slice_has_an_answer_and_its_probability(run, tmp_path):
    task = Task(classes=("native", "arterial", "venous"), fill=(1.0, 0.0, 0.0))
    sources = of_three_classes(run[0], tmp_path)
    slices = contents(build_page(tmp_path / "page.html", sources, task=task))["index"]["slices"]
    assert [(it["answer"], it["probability"], it["correct"]) for it in slices] == [
        (0, 0.1, True),
        (2, 0.775, False),
        (1, 0.125, True),
        (2, 0.775, False),
    ]
