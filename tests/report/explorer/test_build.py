"""The explorer's page: what it holds."""

import io
import itertools
import json
import re

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from ct_importance.errors import InputError
from ct_importance.plugins import load
from ct_importance.report.explorer.levels import rank_regions
from ct_importance.report.explorer.scores import _value
from ct_importance.saliency.xrai.regions import xrai_regions
from ct_importance.task import Task
from tests.metrics.summary import summarise_points
from tests.report.explorer.looking import decode_bytes, decode_numbers
from tests.report.explorer.small_run import (
    ESTIMATORS,
    HU_WINDOW,
    OPTIONS,
    POSITIONS,
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
    return np.asarray(Image.open(io.BytesIO(decode_bytes(encoded))).convert("L"))


def numbers(encoded):
    return decode_numbers(encoded, "<f4")


def test_every_slice_comes_with_its_pictures(run, page):
    _, subjects, _ = run
    content = contents(page)

    assert [entry["slice_id"] for entry in content["index"]["slices"]] == [
        one.slice_id for one in subjects
    ]
    for number, one in enumerate(subjects):
        packed = content[f"slice-{number}"]
        greys = content["index"]["greys"]
        assert greys == HU_WINDOW[1] - HU_WINDOW[0] + 1
        values = (pixels(packed["image"]).astype(int) << 2) | pixels(packed["image_low"])
        assert np.abs(values / (greys - 1) - one.image).max() <= 0.5 / (greys - 1) + 1e-6
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


def test_scores_are_what_each_table_would_say_of_the_slice_alone(run, page):
    sources, *_ = run
    content = contents(page)
    entries = {entry["slice_id"]: entry for entry in content["index"]["slices"]}
    for metric, estimator in itertools.product(OPTIONS, ESTIMATORS):
        points = pd.read_parquet(sources.points[metric][estimator])
        for (slice_id, variant), rows in points.groupby(["slice_id", "variant"]):
            expected = summarise_points(load("metric", metric)(**OPTIONS[metric]), rows)["value"]
            found = entries[slice_id]["scores"][estimator][variant][metric]
            assert found == pytest.approx(expected.item(), abs=5e-4)
        measured = set(points.slice_id)
        for slice_id, entry in entries.items():
            there = metric in entry["scores"].get(estimator, {}).get("original", {})
            assert there == (slice_id in measured)


def test_curves_are_those_of_the_tables(run, page):
    sources, *_ = run
    content = contents(page)
    ids = [entry["slice_id"] for entry in content["index"]["slices"]]
    for estimator in ESTIMATORS:
        dice = pd.read_parquet(sources.points["dice"][estimator])
        for (slice_id, variant), rows in dice.groupby(["slice_id", "variant"]):
            step, text = content[f"slice-{ids.index(slice_id)}"]["curves"][estimator][variant][
                "dsc"
            ]
            curve = step * decode_numbers(text, "<i2")
            np.testing.assert_allclose(curve, rows["dsc"], atol=5e-4)
        points = pd.read_parquet(sources.points["fidelity"][estimator])
        for (slice_id, variant, order), rows in points.groupby(["slice_id", "variant", "order"]):
            step, text = content[f"slice-{ids.index(slice_id)}"]["curves"][estimator][variant][
                order
            ]
            curve = step * decode_numbers(text, "<i2")
            np.testing.assert_allclose(curve, rows["logit"], atol=0.0051)
    assert content["index"]["percentages"] == list(OPTIONS["dice"]["percentages"])
    assert content["index"]["fractions"] == [0, 0.25, 0.5, 0.75, 1]


def test_a_score_that_is_undefined_is_left_out():
    points = {"score": [0.0, 0.7], "defined": [False, True], "chance": [0.1, 0.1]}
    rows = pd.DataFrame(points)
    metric = load("metric", "auprc")()

    assert np.isnan(_value(metric, rows[:1]))
    assert _value(metric, rows[1:]) == 0.7


def test_slices_know_their_place_in_their_series(page):
    entries = contents(page)["index"]["slices"]

    assert [entry["position"] for entry in entries] == POSITIONS
    assert [entry["series"] for entry in entries] == [1, 2, 1, 2]
    assert "series_uid" not in page.read_text()


def test_it_opens_on_a_slice_with_a_mask_and_the_leading_estimator(run, tmp_path):
    sources, *_ = run
    opening = contents(build_page(tmp_path / "page.html", sources))["index"]["opening"]
    scores = {
        name: summarise_slices(sources.points["fidelity"][name], "fidelity") for name in ESTIMATORS
    }
    assert opening == {"slice": "slice-2", "estimator": max(scores, key=scores.__getitem__)}
    best = opening["estimator"]
    other = build_page(tmp_path / "page.html", sources, controls=(best,))
    assert contents(other)["index"]["opening"]["estimator"] != best


def summarise_slices(path, metric):
    """The mean over slices of what the metric's table would say of each alone."""
    rows = pd.read_parquet(path).query("variant == 'original'")
    chosen = load("metric", metric)(**OPTIONS[metric])
    values = [summarise_points(chosen, one)["value"].item() for _, one in rows.groupby("slice_id")]
    return np.mean(values)


@pytest.mark.parametrize(
    ("fill", "expected"),
    [
        ("by_class", [1.0, 0.0]),
        ("mean", ["mean", "mean"]),
        ({"method": "constant", "value": 0.25}, [0.25, 0.25]),
        ("blur", [None, None]),
    ],
)
def test_what_hides_pixels_is_said_as_far_as_it_is_one_grey(run, tmp_path, fill, expected):
    options = {"fidelity": {"fill": fill}}
    index = contents(build_page(tmp_path / "page.html", run[0], options=options))["index"]

    assert index["fill"] == expected
    assert index["fill_words"]


def test_a_page_holds_no_more_slices_than_wanted_those_with_masks_first(run, tmp_path):
    index = contents(build_page(tmp_path / "page.html", run[0], limit=3))["index"]

    assert [entry["slice_id"] for entry in index["slices"]] == ["slice-0", "slice-1", "slice-2"]
    assert index["explained"] == 4


def test_a_run_without_masks_has_fidelity_only(tmp_path):
    sources, *_ = make_run(tmp_path, ["fidelity"], masks=False)

    content = contents(build_page(tmp_path / "page.html", sources))

    assert content["index"]["percentages"] is None
    assert [metric["name"] for metric in content["index"]["metrics"]] == ["fidelity"]
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
    assert scores["absolute"].keys() == {"roc"}
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
    allowed |= {"series", "position"}

    for entry in content["index"]["slices"]:
        assert entry.keys() == allowed | {"scores"}
    for number in range(4):
        kinds = {"image", "image_low", "mask", "maps", "limits", "regions", "curves"}
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
