"""XRAI as an estimator."""

import numpy as np
import pydantic
import pytest
import torch

from ct_importance.classifier.classifier import Classifier
from ct_importance.errors import InputError
from ct_importance.plugins import load
from ct_importance.saliency.explain import importance_of
from ct_importance.saliency.xrai.regions import xrai_regions
from ct_importance.saliency.xrai.segments import segment_image
from tests.metrics.images import smooth_image
from tests.saliency.networks import batch_of, conv_network, overlapping_blocks
from tests.saliency.xrai.test_regions import reference_heat

BLOCKS = overlapping_blocks(32, 32)


@pytest.fixture
def maps_of():
    """A function from an estimator, an image (H, W) and its segments to the map (H, W)."""

    def maps(estimator, image, segments=None):
        batch = batch_of(
            estimator,
            Classifier(conv_network()),
            torch.from_numpy(image)[None, None],
            torch.tensor([1]),
            name="mine",
            seed=0,
            slice_ids=["one"],
            images_per_pass=8,
            segments=None if segments is None else [segments],
        )
        return np.asarray(importance_of(estimator, batch))[0, 0]

    return maps


def xrai(method="integrated_gradients_bw", **options):
    return load("estimator", "xrai")(base={"method": method, **options})


def test_maps_are_the_references_in_full_mode(maps_of):
    """PyPI's saliency segments the slice itself, and is given the same attribution."""
    image = smooth_image((224, 224), seed=1)
    attribution = maps_of(load("estimator", "integrated_gradients_bw")(steps=2), image)
    found = maps_of(xrai(steps=2), image, segment_image(image))
    expected = reference_heat(image, attribution)
    scale = abs(expected).max()
    np.testing.assert_allclose(found / scale, expected / scale, rtol=0, atol=1e-6)
    assert len(np.unique(found)) < 200


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("backpropagation", {}),
        ("backpropagation", {"blur": 2.0}),
        ("integrated_gradients", {"steps": 2, "smooth": {"samples": 2}}),
        ("occlusion", {"window": 0.25, "stride": 0.25}),
    ],
)
def test_the_base_can_be_any_estimator(maps_of, method, options):
    from ct_importance.saliency.explain import finished

    image = smooth_image((32, 32), seed=2)
    base = load("estimator", method)(**options, target="predicted")
    plain = finished(base, maps_of(base, image, BLOCKS)[None])[0]
    found = maps_of(xrai(method, **options), image, BLOCKS)
    np.testing.assert_allclose(found, xrai_regions(plain, BLOCKS).heat, rtol=1e-6)


def test_it_costs_and_needs_what_its_base_does():
    default = load("estimator", "xrai")()
    base = load("estimator", "integrated_gradients_bw")()
    assert default.passes == base.passes
    assert [work.name for work in default.works.values()] == [
        work.name for work in base.works.values()
    ]
    assert default.wants == {"segments"}
    assert xrai("expected_gradients").wants == {"segments", "training_images"}
    assert not default.only_asks
    assert xrai("occlusion").only_asks
    last = load("estimator", "xrai")(target="last")
    assert last.built_on.target == "last"


def test_it_cannot_be_right_where_its_base_cannot(monkeypatch):
    def refuse(self, classifier):
        raise InputError("not for this network")

    monkeypatch.setattr(load("estimator", "deconvolution"), "check", refuse)
    with pytest.raises(InputError, match="not for this network"):
        xrai("deconvolution").check(Classifier(conv_network()))


@pytest.mark.parametrize(
    ("base", "message"),
    [
        ({}, "base: give the method of an estimator"),
        ({"method": "random", "target": "last"}, "its target is that of xrai"),
        ({"method": "integrated"}, "no estimator 'integrated'; there are"),
        ({"method": "smoothgrad", "sampels": 3}, "base.sampels: Extra inputs"),
    ],
)
def test_a_wrong_base_is_refused(base, message):
    with pytest.raises(pydantic.ValidationError, match=message):
        load("estimator", "xrai")(base=base)
