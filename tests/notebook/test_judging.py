import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

import ct_importance as ct
from ct_importance.classifier.forward.onnx_runtime import OnnxForward
from ct_importance.classifier.forward.torch_runtime import TorchForward
from ct_importance.errors import InputError
from ct_importance.statistics.options import StatisticsOptions
from ct_importance.task import Task
from tests.metrics.images import Linear, smooth_image

SHAPE = (24, 24)
QUICK = StatisticsOptions(resamples=200, permutations=200)


@pytest.fixture
def known():
    """Ten slices of five patients, masks, and a linear classifier that looks at the masks alone."""
    images = np.stack([smooth_image(SHAPE, number) for number in range(10)])
    mask = np.zeros(SHAPE, bool)
    mask[8:16, 8:18] = True
    images[::2, mask] = np.clip(images[::2, mask] + 0.5, 0, 1)
    weights = np.where(mask, 1.0, 0.0).astype(np.float32)
    threshold = float(np.median((images * weights).sum((1, 2))))
    return images, np.stack([mask] * 10), weights, threshold


def judge(known, maps, metrics, **others):
    images, masks, weights, threshold = known

    def answer(batch):
        return (batch * weights).sum((1, 2))[:, None] - threshold

    return ct.evaluate(maps, images, masks, answer, metrics, statistics=QUICK, **others)


def oracle(known):
    return known[0] * known[2]


def test_roc_is_that_of_scikit_learn(known):
    maps = np.random.default_rng(1).normal(size=known[0].shape).astype("f4") + known[1]
    found = judge(known, maps, {"roc": {}})

    row = found.values.query("variant == 'original'").iloc[0]
    exact = [
        roc_auc_score(mask.ravel(), importance.ravel())
        for mask, importance in zip(known[1], maps, strict=True)
    ]
    assert row["metric"] == "roc"
    assert row["estimator"] == "map"
    assert row["auc_exact"] == pytest.approx(np.mean(exact), abs=1e-6)
    assert row["value_low"] <= row["value"] <= row["value_high"]


def test_the_truth_is_above_chance_and_chance_above_its_opposite(known):
    maps = {
        "truth": known[1].astype("f4"),
        "random": np.random.default_rng(2).random(known[0].shape),
        "opposite": -known[1].astype("f4"),
    }
    found = judge(known, maps, ["fidelity", "roc", "relevance_rank"])

    signed = found.values[found.values.variant == "original"]
    for metric, rows in signed.groupby("metric"):
        value = rows.set_index("estimator").value
        assert value["truth"] > value["random"] > value["opposite"] - 1e-9, metric
        assert value["truth"] > value["opposite"], metric
    assert set(found.curves) == set(found.comparisons) == set(signed.metric)
    assert len(found.points["roc"]["truth"].slice_id.unique()) == 10


def test_a_classifier_is_a_function_a_forward_or_a_file(known, tmp_path):
    import torch

    images, _, weights, threshold = known
    network = Linear(weights, threshold)
    graph = tmp_path / "forward.onnx"
    torch.onnx.export(
        network,
        torch.zeros(2, 1, *SHAPE),
        graph,
        dynamo=False,
        input_names=["images"],
        dynamic_axes={"images": {0: "batch"}},
    )
    asked = [
        lambda batch: (batch * weights).sum((1, 2))[:, None] - threshold,
        TorchForward(network),
        OnnxForward(graph, 1),
        graph,
        str(graph),
    ]
    values = [
        ct.evaluate(oracle(known), images, None, it, ["fidelity"], statistics=QUICK).values.value
        for it in asked
    ]
    for value in values[1:]:
        np.testing.assert_allclose(value, values[0], atol=1e-6)


@pytest.mark.parametrize("fill", ["by_class", "mean"])
def test_one_logit_is_two_of_half_its_size(known, fill):
    images, _, weights, threshold = known

    def one(batch):
        return (batch * weights).sum((1, 2))[:, None] - threshold

    def two(batch):
        return np.concatenate([-one(batch) / 2, one(batch) / 2], axis=1)

    metrics = {"fidelity": {"fill": fill, "answer": "probability"}}
    first, second = (
        ct.evaluate(
            oracle(known), images, classifier=it, metrics=metrics, head=head, statistics=QUICK
        )
        for it, head in ((one, "logit"), (two, "softmax"))
    )
    np.testing.assert_allclose(first.values.value, second.values.value, atol=1e-6)


def test_three_classes_need_a_task_that_names_them(known):
    images, _, weights, threshold = known

    def three(batch):
        logit = (batch * weights).sum((1, 2))[:, None] - threshold
        return np.concatenate([-logit, 0 * logit, logit], axis=1)

    with pytest.raises(InputError, match="3 classes apart, and `task` names 2"):
        ct.evaluate(images, images, classifier=three, metrics=["fidelity"])
    task = Task(classes=("low", "middle", "high"), fill=("mean", "mean", "mean"))
    maps = {"truth": oracle(known), "opposite": -oracle(known)}
    found = ct.evaluate(
        maps, images, None, three, ["fidelity"], labels=None, task=task, statistics=QUICK
    ).values
    value = found[found.variant == "original"].set_index("estimator").value
    assert value["truth"] > 0 > value["opposite"]


def test_slices_without_a_mask_are_left_to_metrics_that_need_none(known):
    masks = [*known[1][:6], None, np.zeros(SHAPE, bool), np.ones(SHAPE, bool), None]
    images = known[0]
    found = ct.evaluate(images, images, masks, metrics=["roc", "sparseness"], statistics=QUICK)

    slices = found.values.groupby("metric").slices.first()
    assert slices.to_dict() == {"roc": 6, "sparseness": 10}


def test_entries_of_one_metric_have_names_of_their_own(known):
    metrics = {"top_5": {"method": "top_k", "k": 0.05}, "top_20": {"method": "top_k", "k": 0.2}}
    found = judge(known, oracle(known), metrics)
    assert set(found.values.metric) == {"top_5", "top_20"}


def test_random_numbers_depend_on_the_ids_and_not_on_the_order(known):
    images, masks, _, _ = known
    flat = np.zeros_like(images)  # all pixels are tied
    ids = [f"slice {number}" for number in range(10)]
    given = {"labels": [0, 1] * 5, "patients": ids, "slice_ids": ids}
    found = judge(known, flat, ["fidelity"], **given).points["fidelity"]["map"]
    turned = {name: values[::-1] for name, values in given.items()}
    other = judge((images[::-1], masks, *known[2:]), flat, ["fidelity"], **turned)

    keys = ["slice_id", "variant", "order", "fraction"]
    again = other.points["fidelity"]["map"].sort_values(keys, ignore_index=True)
    assert found.sort_values(keys, ignore_index=True).equals(again)


WRONG = {
    "maps: there are none": {"maps": {}},
    "has shape \\(24, 24\\)": {"maps": np.zeros(SHAPE)},
    "images: has shape": {"images": np.zeros((9, *SHAPE))},
    "values are from 0 to 1": {"images": np.full((10, *SHAPE), 255.0)},
    "masks: 3 are given for 10 maps": {"masks": np.ones((3, *SHAPE), bool)},
    "labels: 2 are given": {"labels": [0, 1]},
    "labels: are from 0 to 1": {"labels": [2] * 10},
    "an id comes twice": {"slice_ids": ["same"] * 10},
    "fidelity needs the classifier": {"classifier": None},
    "fidelity needs the slices": {"images": None},
    "roc needs masks": {"masks": None},
    "gives an array of shape \\(10,\\)": {"classifier": lambda batch: batch.mean((1, 2))},
    "metrics.roc.threshold: 'threshold' is not known; did you mean 'thresholds'": {
        "metrics": {"roc": {"threshold": 5}}
    },
    "iou chooses what it shows on training slices": {"metrics": {"iou": {"top": "training"}}},
    "name one at least": {"metrics": []},
    "no metric 'rock'": {"metrics": ["rock"]},
    "missing.onnx": {"classifier": "missing.onnx"},
}


@pytest.mark.parametrize("said", WRONG)
def test_what_does_not_fit_is_said(known, said):
    images, masks, weights, _ = known
    given = {
        "maps": images,
        "images": images,
        "masks": masks,
        "classifier": lambda batch: (batch * weights).sum((1, 2))[:, None],
        "metrics": ["fidelity", "roc"],
    }
    with pytest.raises((InputError, FileNotFoundError), match=said):
        ct.evaluate(**given | WRONG[said])
