"""What is known of estimators (Adebayo et al. 2018; Nie et al. 2018), found again on the phantom.

The gradient, SmoothGrad and integrated gradients pass; deconvolution and guided backpropagation
fail: they draw the slice, whatever the classifier has learnt.
"""

import copy

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from ct_importance.classifier.networks.randomised import randomise
from ct_importance.cohort.phantom.anatomy.render import draw_patient, render
from ct_importance.cohort.phantom.contrast import tissues
from ct_importance.metrics.evaluate import evaluate_slice
from ct_importance.metrics.metric import Probe, Sample
from ct_importance.plugins import load
from tests.metrics.summary import summarise_points
from tests.saliency.networks import compute

METRIC = load("metric", "randomised_weights")(layers=[1])
PATIENTS, SIZE = 12, 64
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def slices():
    """Two of each patient, every other with contrast agent: (N, 1, H, W) in [0, 1]."""
    images = []
    for number in range(PATIENTS):
        name = (0, f"P{number}")
        patient = draw_patient(name, (-60.0, 60.0), SIZE, 10.0)
        blood = tissues(number % 2 == 1, f"P{number}", 0)
        for height in (-20.0, 20.0):
            images.append((render(patient, height, blood).hu + 200) / 600)
    return torch.from_numpy(np.clip(images, 0, 1).astype(np.float32))[:, None]


@pytest.fixture(scope="module")
def trained(slices):
    """A small network that tells them apart."""
    labels = torch.arange(PATIENTS).repeat_interleave(2) % 2
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layers = []
        for one, other in ((1, 32), (32, 64)):
            layers += [nn.Conv2d(one, other, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        network = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 1))
        optimiser = torch.optim.Adam(network.parameters(), lr=0.003)
        for _ in range(60):
            optimiser.zero_grad()
            logits = network(slices)[:, 0]
            nn.functional.binary_cross_entropy_with_logits(logits, labels.float()).backward()
            optimiser.step()
    network.eval().requires_grad_(False)
    assert ((network(slices)[:, 0] > 0) == labels.bool()).float().mean() > 0.9
    return network


def verdict(method, trained, slices):
    """What the metric says of an estimator, by variant."""
    forgetful = copy.deepcopy(trained)
    randomise(forgetful, 1, seed=0)
    targets = torch.ones(len(slices), dtype=torch.int64)
    before, after = (
        np.asarray(compute(method, network, slices, targets, images_per_pass=24))[:, 0]
        for network in (trained, forgetful)
    )
    rows = []
    for number, importance in enumerate(before):
        others = after[[(number + 2 * step) % len(after) for step in (1, 3, 5)]]
        of_slice = {"variations": after[[number]], "others": others}
        sample = Sample(str(number), str(number // 2), 1, **of_slice)
        for variant, points in evaluate_slice(METRIC, sample, importance, Probe(0)).items():
            key = {"patient_id": sample.patient_id, "label": 1, "variant": variant}
            rows.append(pd.DataFrame(key | points))
    values = summarise_points(METRIC, pd.concat(rows)).to_dict("records")
    return {row["variant"]: METRIC.verdict(row) for row in values}


@pytest.mark.parametrize("method", ["backpropagation", "smoothgrad", "integrated_gradients"])
def test_gradients_pass(method, trained, slices):
    assert verdict(method, trained, slices)["original"] == "passes"


@pytest.mark.parametrize("method", ["deconvolution", "guided_backprop", "sobel_edges", "random"])
def test_what_draws_the_slice_fails(method, trained, slices):
    assert verdict(method, trained, slices)["original"] == "fails"


def test_what_is_multiplied_by_the_slice_fails_as_absolute_values(trained, slices):
    found = verdict("input_x_gradient", trained, slices)
    assert found == {"original": "passes", "absolute": "fails"}
