"""Estimators that hide parts of a slice, against captum, scikit-learn and the definition."""

import numpy as np
import pytest
import torch
from captum.attr import FeatureAblation, KernelShap, ShapleyValues
from sklearn.linear_model import Ridge
from sklearn.metrics import pairwise_distances

from ct_importance.compute.randomness import generator_for
from ct_importance.plugins import load
from ct_importance.saliency.perturbation.parts import parts_of_segments, superpixels
from tests.saliency.networks import conv_network, overlapping_blocks
from tests.saliency.perturbation.conftest import SLICE_IDS
from tests.saliency.perturbation.test_shapley import by_definition

BLOCKS = overlapping_blocks(64, 64, 32)  # 4 parts, and all of them
METHODS = ("kernel_shap", "lime", "segment_ablation")


def feature_mask(segments=BLOCKS, most=50):
    return torch.from_numpy(parts_of_segments(segments, most))[None, None]


def test_ablation_is_captums(network, slices, maps_of, agree):
    found = maps_of("segment_ablation", network, BLOCKS, fill=0.2)
    expected = FeatureAblation(network).attribute(
        slices, baselines=0.2, feature_mask=feature_mask()
    )
    agree(found, expected[:, 0])


def test_kernel_shap_with_all_coalitions_is_the_definition(network, slices, maps_of, agree):
    found = maps_of("kernel_shap", network, BLOCKS, fill="black", samples=14)
    mask = feature_mask()[0, 0]
    all_shown = (np.arange(16)[:, None] >> np.arange(4) & 1).astype(bool)
    variants = torch.stack([slices[0] * torch.from_numpy(shown)[mask] for shown in all_shown])
    scores = network(variants)[:, 0].double().numpy()
    values = by_definition(lambda shown: scores[shown @ (1 << np.arange(4))], 4)
    agree(found[0], values[mask])


def test_kernel_shap_with_all_coalitions_has_captums_shapley_values(slices, maps_of, agree):
    network = conv_network()
    found = maps_of("kernel_shap", network, BLOCKS, fill="black", samples=100)
    expected = ShapleyValues(network).attribute(
        slices[:1], target=0, feature_mask=feature_mask(), perturbations_per_eval=4
    )
    agree(found[:1], expected[:, 0])


def test_kernel_shap_is_what_captums_comes_near_to(slices, maps_of):
    """It draws coalitions, and meets those of few parts again and again."""
    network = conv_network()
    found = maps_of("kernel_shap", network, BLOCKS, fill="black")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        expected = KernelShap(network).attribute(
            slices[:1], target=0, feature_mask=feature_mask(), n_samples=300
        )[0, 0]
    assert abs(found[0] - expected.numpy()).max() < 0.05 * abs(found[0]).max()


@pytest.mark.parametrize("segments", ["xrai", "slic"])
@pytest.mark.parametrize("samples", [30, 2000])
def test_kernel_shap_adds_up_to_the_change_of_the_score(slices, maps_of, segments, samples):
    network = conv_network()
    found = maps_of(
        "kernel_shap", network, overlapping_blocks(64, 64), segments=segments, samples=samples,
        parts=10, fill="white",
    )  # fmt: skip
    labels = (
        parts_of_segments(overlapping_blocks(64, 64), 10)
        if segments == "xrai"
        else superpixels(slices[0, 0].numpy(), 10)
    )
    values = [found[0][labels == part] for part in range(labels.max() + 1)]
    assert all((value == value[0]).all() for value in values)
    change = network(slices[:1]) - network(torch.ones_like(slices[:1]))
    assert sum(value[0] for value in values) == pytest.approx(change.item(), abs=1e-5)


def test_lime_is_ridge_regression_on_the_same_samples(network, slices, maps_of, agree):
    found = maps_of("lime", network, BLOCKS, samples=12, penalty=0.5, width=0.4)
    mask = feature_mask()[0, 0]
    for slice_id, image, importance in zip(SLICE_IDS, slices, found, strict=True):
        shown = generator_for(0, slice_id, "lime").random((12, 4)) < 0.5
        shown[0] = True
        variants = [torch.where(torch.from_numpy(it)[mask], image, 0.5) for it in shown]
        distances = pairwise_distances(shown.astype(float), np.ones((1, 4)), "cosine").ravel()
        weights = np.sqrt(np.exp(-(distances**2) / 0.4**2))
        ridge = Ridge(alpha=0.5).fit(
            shown, network(torch.stack(variants))[:, 0].double(), sample_weight=weights
        )
        agree(importance, ridge.coef_[mask])


def test_superpixels_need_no_segments():
    for method in METHODS:
        estimator = load("estimator", method)
        assert estimator().wants == {"segments"}
        assert estimator(segments="slic").wants == frozenset()
        assert estimator(segments="slic").only_asks


def test_superpixels_are_of_each_slice(slices, maps_of, agree):
    network = conv_network()
    found = maps_of("segment_ablation", network, segments="slic", parts=12, fill="black")
    for index, image in enumerate(slices):
        labels = superpixels(image[0].numpy(), 12)
        expected = FeatureAblation(network).attribute(
            image[None], feature_mask=torch.from_numpy(labels)[None, None]
        )
        agree(found[index], expected[0, 0])
