"""Insertion, deletion and sufficiency against plain loops over masked images."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from ct_importance.metrics.catalogue.faithfulness.deletion import Deletion
from ct_importance.metrics.catalogue.faithfulness.insertion import Insertion
from ct_importance.metrics.catalogue.faithfulness.sufficiency import Sufficiency
from ct_importance.metrics.evaluate import evaluate_slice
from ct_importance.saliency.estimator import Cost
from tests.metrics.images import Linear, asking, random_maps, sample, smooth_image
from tests.metrics.known_truth import OUTPUTS, setting
from tests.quantus_metrics import quantus

SHAPE = (20, 20)
ONE = sample(smooth_image(SHAPE))
MAP = random_maps(SHAPE)["noise"].astype(np.float32)
WEIGHTS = np.random.default_rng(3).normal(size=SHAPE) / 10


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def probabilities(shown, threshold):
    """Of the class predicted of the whole slice, for each image of a list."""
    sign = 1 if (WEIGHTS * ONE.image).sum() > threshold else -1
    return np.array([sigmoid(sign * ((WEIGHTS * image).sum() - threshold)) for image in shown])


def only(count, most_important, fill):
    """The slice with all but `count` pixels filled, the most or the least important ones."""
    order = np.argsort(-MAP if most_important else MAP, axis=None)
    image = np.array(fill, copy=True).ravel()
    image[order[:count]] = ONE.image.ravel()[order[:count]]
    return image.reshape(SHAPE)


@pytest.mark.parametrize("threshold", [-0.2, 0.2])
@pytest.mark.parametrize("fill", ["mean", "blur", "noisy_linear", "by_class"])
def test_they_are_what_a_plain_loop_gives(threshold, fill):
    asked = asking(Linear(WEIGHTS, threshold))
    replaced = Deletion(fill=fill).fill.of(ONE, asked)

    def probability_of(counts, most_important):
        if callable(replaced):
            order = np.argsort(-MAP if most_important else MAP, axis=None)
            ranks = np.empty(MAP.size, int)
            ranks[order] = np.arange(MAP.size)
            masks = ranks.reshape(1, *SHAPE) >= np.array(counts)[:, None, None]
            return probabilities(replaced(masks), threshold)
        whole = np.broadcast_to(np.asarray(replaced, np.float32), SHAPE)
        return probabilities([only(it, most_important, whole) for it in counts], threshold)

    shown = [0, 100, 200, 300, 400]
    maps = {"original": MAP}
    insertion = Insertion(step=0.25, fill=fill).evaluate(ONE, maps, asked)["original"]
    np.testing.assert_allclose(insertion["probability"], probability_of(shown, True), rtol=1e-5)
    deletion = Deletion(step=0.25, fill=fill).evaluate(ONE, maps, asked)["original"]
    expected = probability_of(shown[::-1], False)
    np.testing.assert_allclose(deletion["probability"], expected, rtol=1e-5)
    assert (
        insertion["fraction"].tolist() == deletion["fraction"].tolist() == [0, 0.25, 0.5, 0.75, 1]
    )
    kept = Sufficiency(shares=(0.05, 0.5), fill=fill).evaluate(ONE, maps, asked)["original"]
    whole, *partly = probability_of([400, 20, 200], True)
    np.testing.assert_allclose(kept["lost"], whole - np.array(partly), atol=1e-6)


@pytest.mark.parametrize(
    "metric", [Deletion(step=0.1, first=(0.02,)), Insertion(step=0.1), Sufficiency()]
)
def test_their_cost_is_what_a_map_with_both_signs_takes(metric):
    network = Linear(WEIGHTS)
    evaluate_slice(metric, ONE, MAP, asking(network))
    assert metric.cost(Cost()) == Cost(forward=network.images_seen)


@pytest.mark.parametrize("metric", [Deletion(step=0.1), Insertion(step=0.1), Sufficiency()])
@pytest.mark.parametrize("fill", ["mean", "noisy_linear"])
def test_batches_change_nothing(metric, fill):
    asked = asking(Linear(WEIGHTS))
    points = [
        type(metric)(**metric.model_dump() | {"batch": batch, "fill": fill}).evaluate(
            ONE, {"original": MAP}, asked
        )["original"]
        for batch in (1, 7, None)
    ]
    for one in points[1:]:
        for column in one:
            np.testing.assert_allclose(one[column], points[0][column], atol=1e-6)


@pytest.mark.parametrize("head", OUTPUTS)
def test_the_class_is_the_one_predicted_whatever_the_label_is(head):
    known = setting(OUTPUTS[head], slices=3)
    one, truth = known.samples[1], known.truths[1]
    mistaken = sample(one.image, label=0)
    for metric in (Deletion(step=0.25), Insertion(step=0.25), Sufficiency()):
        found = metric.evaluate(mistaken, {"original": truth}, known.probe)["original"]
        own = metric.evaluate(sample(one.image, label=1), {"original": truth}, known.probe)
        for column, values in own["original"].items():
            np.testing.assert_array_equal(found[column], values)


def test_insertion_and_deletion_by_hand():
    # Only the first pixel counts: with it, the probability is sure, without it, 1 - sure.
    one = sample(np.ones((2, 2)))
    asked = asking(Linear([[4, 0], [0, 0]], threshold=2))
    sure = sigmoid(2)
    importance = {"original": np.array([[4.0, 3.0], [2.0, 1.0]])}
    black = {"method": "constant"}
    deleted = Deletion(step=0.25, fill=black).evaluate(one, importance, asked)["original"]
    np.testing.assert_allclose(deleted["probability"], [sure] + [1 - sure] * 4, rtol=1e-6)
    shown = Insertion(step=0.25, fill=black).evaluate(one, importance, asked)["original"]
    np.testing.assert_allclose(shown["probability"], [1 - sure] + [sure] * 4, rtol=1e-6)
    kept = Sufficiency(shares=(0.25,), fill=black).evaluate(one, importance, asked)["original"]
    np.testing.assert_allclose(kept["lost"], 0, atol=1e-6)


@pytest.mark.parametrize("shares", [(), (0.5, 0.1), (0,), (1,)])
def test_shares_must_rise(shares):
    with pytest.raises(ValidationError, match="rising shares"):
        Sufficiency(shares=shares)


class ThreeClasses(torch.nn.Module):
    """Three outputs of a linear network."""

    def __init__(self):
        super().__init__()
        weights = np.random.default_rng(5).normal(size=(3, *SHAPE)) / 4
        self.weights = torch.nn.Parameter(torch.from_numpy(weights).float())

    def forward(self, images):
        return torch.einsum("nhw,khw->nk", images[:, 0], self.weights)


def test_deletion_is_pixel_flipping_of_quantus():
    network = ThreeClasses().eval()
    predicted = network(torch.from_numpy(ONE.image)[None, None]).argmax().item()
    flipping = quantus().PixelFlipping(
        **{"features_in_step": 40, "perturb_baseline": 0.0, "abs": False, "normalise": False},
        disable_warnings=True,
    )
    (curve,) = flipping(
        model=network,
        x_batch=ONE.image[None, None],
        y_batch=np.array([predicted]),
        a_batch=MAP[None, None],
        softmax=True,
        device="cpu",
    )
    metric = Deletion(step=0.1, fill={"method": "constant"})
    found = metric.evaluate(ONE, {"original": MAP}, asking(network))["original"]
    # Its curve starts after the first step.
    np.testing.assert_allclose(found["probability"][1:], curve, rtol=1e-5)
