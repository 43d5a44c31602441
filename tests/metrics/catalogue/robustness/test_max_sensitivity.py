from dataclasses import replace

import numpy as np
import pytest
import torch
from captum.attr import InputXGradient
from captum.metrics import sensitivity_max
from torch import nn

from ct_importance.cohort.variations.copying import with_noise
from ct_importance.compute.randomness import generator_for
from ct_importance.metrics.metric import Sample
from ct_importance.plugins import load
from tests.metrics.images import point_of, random_maps, smooth_image

METRIC = load("metric", "max_sensitivity")()
SHAPE = (16, 16)
SAMPLE = Sample("slice", "patient", 1)


def points(importance, variations, scores=None):
    scores = np.zeros((len(variations) + 1, 2)) if scores is None else scores
    sample = replace(SAMPLE, variations=np.stack(variations), scores=np.float32(scores))
    return point_of(METRIC, sample, importance)


@pytest.fixture(scope="module")
def network():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layers = (nn.Conv2d(1, 4, 3), nn.Softplus(), nn.Flatten(), nn.Linear(4 * 14 * 14, 1))
        return nn.Sequential(*layers).eval()


def test_it_is_captums(network):
    image = smooth_image(SHAPE)
    copies = [with_noise(image, 0.02, generator_for("noise", n)) for n in range(10)]

    def explain(images):
        return (InputXGradient(network).attribute(images[0].requires_grad_(), target=0).detach(),)

    def maps(images):
        return explain([torch.from_numpy(np.stack(images))[:, None]])[0][:, 0].numpy()

    expected = sensitivity_max(
        explain,
        torch.from_numpy(image)[None, None],
        perturb_func=lambda *_: (torch.from_numpy(np.stack(copies))[:, None],),
        n_perturb_samples=10,
    )
    found = points(maps([image])[0], maps(copies))["original"]
    assert found["largest"] == pytest.approx(float(expected[0]), rel=1e-6)
    assert 0 < found["mean"] < found["largest"]


def test_a_map_that_stays_beats_one_that_moves_and_one_that_is_drawn_anew():
    own = random_maps(SHAPE, 0)["noise"]
    a_little = [own + 0.1 * random_maps(SHAPE, seed)["noise"] for seed in (1, 2)]
    anew = [random_maps(SHAPE, seed)["noise"] for seed in (1, 2)]
    found = [points(own, it)["original"]["largest"] for it in ([own, own], a_little, anew)]
    merits = METRIC.merit(np.array(found))
    assert merits[0] == 0
    assert merits[0] > merits[1] > merits[2]
    assert found[2] == pytest.approx(2**0.5, rel=0.1)


def test_absolute_values_are_compared_with_absolute_values():
    own = random_maps(SHAPE, 0)["noise"]
    found = points(own, [-own])
    assert found["original"]["largest"] == pytest.approx(2)
    assert found["absolute"]["largest"] == 0


def test_how_far_the_answer_moved_stands_beside():
    own = random_maps(SHAPE, 0)["noise"]
    # Taken for class 0, whose score falls by 0.5 at most.
    found = points(own, [own, own], [[2, 1, 0], [1.5, 9, 0], [2.25, 1, 0]])["original"]
    assert found["answer_change"] == 0.5


def test_a_map_of_zeros_changes_by_what_comes():
    found = points(np.zeros(SHAPE), [np.ones(SHAPE)])["original"]
    assert found["largest"] == 16


def test_copies_of_equal_noise_are_shared():
    other = load("metric", "prediction_saliency_correlation")(radii=[0.02], copies=10)
    assert other.variations == METRIC.variations
    assert [it.name for it in METRIC.variations] == ["radii_0.02-copies_10-test_20"]
