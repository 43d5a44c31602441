import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from ct_importance.errors import InputError
from ct_importance.metrics import evaluate
from ct_importance.metrics.metric import Probe, Sample
from ct_importance.plugins import load, modules
from ct_importance.saliency.xrai.segments import segment_image
from tests.metrics.images import Linear, asking, random_maps, smooth_image
from tests.metrics.summary import summarise_points

METRICS = {name: load("metric", name)() for name in ("fidelity", "roc", "dice")}
SHAPE = (64, 48)


@pytest.fixture(scope="module")
def slices():
    """Five slices with signed maps, the last one with a map that has no negative values."""
    image = smooth_image(SHAPE)
    segments = segment_image(image)
    mask = image > np.quantile(image, 0.9)
    made = []
    for index in range(5):
        one = Sample(f"slice {index}", f"patient {index // 2}", index % 2, image, mask, segments)
        maps = random_maps(SHAPE, seed=index)
        made.append((one, maps["squared" if index == 4 else "smooth"].astype(np.float32)))
    return made


def probe():
    classifier = Linear(np.ones(SHAPE), threshold=0.5 * SHAPE[0] * SHAPE[1])
    return asking(classifier)


@pytest.mark.parametrize("name", METRICS)
def test_table_has_every_slice_variant_and_point(name, slices, tmp_path, monkeypatch):
    monkeypatch.setattr(evaluate, "ROWS_PER_GROUP", 2)
    metric = METRICS[name]
    path = tmp_path / "table.parquet"
    evaluate.evaluate_estimator(metric, iter(slices), probe(), path)
    with pq.ParquetFile(path) as file:
        assert file.num_row_groups == 3
        assert file.schema_arrow.equals(evaluate.points_schema(metric))
    rows = pd.read_parquet(path)
    for one, importance in slices:
        of_slice = rows[rows["slice_id"] == one.slice_id]
        assert set(of_slice["label"]) == {one.label}
        assert set(of_slice["patient_id"]) == {one.patient_id}
        maps = {"original": importance, "absolute": np.abs(importance)}
        for variant, points in metric.evaluate(one, maps, probe()).items():
            stored = of_slice[of_slice["variant"] == variant]
            for column in metric.point_columns:
                np.testing.assert_array_equal(stored[column], points[column])


@pytest.mark.parametrize("name", METRICS)
def test_summary_has_a_row_per_variant(name, slices, tmp_path):
    metric = METRICS[name]
    path = tmp_path / "table.parquet"
    evaluate.evaluate_estimator(metric, slices, probe(), path)
    summary = summarise_points(metric, pd.read_parquet(path))
    assert summary["variant"].tolist() == ["original", "absolute"]
    assert summary["value"].notna().all()


@pytest.mark.parametrize("name", METRICS)
def test_table_is_the_same_byte_for_byte(name, slices, tmp_path):
    metric = METRICS[name]
    for path in (tmp_path / "a", tmp_path / "b"):
        evaluate.evaluate_estimator(metric, slices, probe(), path)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_map_without_negative_values_is_evaluated_once(slices):
    one, importance = slices[4]
    classifier = Linear(np.ones(SHAPE))
    points = evaluate.evaluate_slice(METRICS["fidelity"], one, importance, asking(classifier))
    assert classifier.images_seen == 2 + 2 * 39
    assert list(points) == ["original", "absolute"]
    assert points["original"] is points["absolute"]


def test_slices_are_taken_one_at_a_time(slices, tmp_path):
    evaluated = []

    class Metric:
        needs = frozenset()
        point_columns = {"point": "int64"}

        @staticmethod
        def evaluate(one, maps, probe):
            evaluated.append(one.slice_id)
            return {variant: {"point": np.arange(2)} for variant in maps}

    def stream():
        for index, pair in enumerate(slices):
            assert len(evaluated) == index
            yield pair

    evaluate.evaluate_estimator(Metric, stream(), probe(), tmp_path / "table")
    assert len(evaluated) == len(slices)


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_map_that_is_not_finite_is_refused_and_leaves_no_file(name, value, slices, tmp_path):
    metric = METRICS[name]
    one, importance = slices[1]
    spoilt = importance.copy()
    spoilt[3, 4] = value
    with pytest.raises(InputError, match=r"slice 1: .*not finite"):
        evaluate.evaluate_estimator(metric, [slices[0], (one, spoilt)], probe(), tmp_path / "table")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["roc", "dice"])
def test_empty_mask_is_refused_by_the_name_of_its_slice(name, slices):
    one, importance = slices[0]
    empty = Sample("bare", "p", 1, one.image, np.zeros(SHAPE, bool), one.segments)
    with pytest.raises(InputError, match="slice bare: the mask is empty"):
        evaluate.evaluate_slice(METRICS[name], empty, importance, probe())


@pytest.mark.parametrize(
    ("name", "lacking"),
    [("fidelity", "image"), ("roc", "mask"), ("dice", "mask"), ("dice", "segments")],
)
def test_what_a_metric_needs_must_be_there(name, lacking, slices):
    one, importance = slices[0]
    bare = replace(one, slice_id="bare", **{lacking: None})
    with pytest.raises(InputError, match=f"slice bare: no {lacking} given, which"):
        evaluate.evaluate_slice(METRICS[name], bare, importance, probe())


@pytest.mark.parametrize("name", METRICS)
def test_what_a_metric_does_not_need_is_not_read(name, slices):
    metric, (one, importance) = METRICS[name], slices[0]
    kept = dict.fromkeys({"image", "mask", "segments"} - metric.needs)
    for variant, points in evaluate.evaluate_slice(
        metric, replace(one, **kept), importance, probe()
    ).items():
        expected = evaluate.evaluate_slice(metric, one, importance, probe())[variant]
        for column in metric.point_columns:
            np.testing.assert_array_equal(points[column], expected[column])


def test_fidelity_needs_a_classifier(slices):
    with pytest.raises(InputError, match="no classifier given"):
        evaluate.evaluate_slice(METRICS["fidelity"], *slices[0], Probe(0))


@pytest.mark.parametrize("name", ["image", "mask", "segments"])
def test_map_of_another_shape_is_refused(name, slices):
    one, importance = slices[0]
    others = dict.fromkeys({"image", "mask", "segments"} - {name})

    class Metric:
        needs = frozenset({name})

    with pytest.raises(
        InputError, match=rf"slice 0: map of shape \(48, 64\), {name} of \(64, 48\)"
    ):
        evaluate.evaluate_slice(Metric, replace(one, **others), importance.T, probe())


def test_a_share_without_slices_gives_an_empty_table(tmp_path):
    evaluate.evaluate_estimator(METRICS["roc"], [], probe(), tmp_path / "table")
    table = pq.read_table(tmp_path / "table")
    assert table.num_rows == 0
    assert table.schema.equals(evaluate.points_schema(METRICS["roc"]))


@pytest.mark.parametrize("name", METRICS)
def test_importing_a_metric_is_light(name):
    heavy = {"torch", "pandas", "skimage", "scipy", "pyarrow"}
    found = f"', '.join({heavy!r} & sys.modules.keys())"
    module = modules("metric")[name]
    code = f"import sys, {module}; sys.exit({found} or None)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
