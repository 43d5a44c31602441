import logging
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from ct_importance.errors import InputError
from ct_importance.saliency.estimator import Part
from ct_importance.saliency.explain import compute_maps, compute_parts, importance_of
from ct_importance.saliency.finishing import combine_maps
from ct_importance.saliency.registry import (
    available_estimators,
    is_composed,
    load_estimator,
    parts_of,
)
from ct_importance.saliency.target import ExplainedScore
from tests.saliency.networks import LinearNetwork, conv_network

FOLLOWING = {"integrated_gradients", "integrated_gradients_bw", "expected_gradients"}


@pytest.fixture
def batches(images):
    array = images[:, 0].numpy()
    ids = [f"slice {i}" for i in range(5)]
    return [(ids[:3], array[:3]), (ids[3:], array[3:])]


@pytest.fixture
def logits():
    return {"slice 0": 2.0, "slice 1": -2.0, "slice 2": 0.0, "slice 3": -0.1, "slice 4": 0.1}


def stub(function, follows=False):
    return SimpleNamespace(
        FOLLOWS_PREDICTION=follows, NEEDS_TRAINING_SLICES=False, compute_importance=function
    )


COMPOSED = [name for name in available_estimators() if is_composed(load_estimator(name))]


class TestSign:
    @pytest.mark.parametrize("method", available_estimators())
    def test_three_estimators_follow_the_prediction(
        self, method, batches, logits, images, make_context
    ):
        network, estimator = conv_network(), load_estimator(method)
        context = make_context(method)
        plain = importance_of(estimator, ExplainedScore(network), images, context).numpy()
        found = list(compute_maps(estimator, network, batches, logits, context))
        assert [ids for ids, _ in found] == [ids for ids, _ in batches]
        maps = np.concatenate([maps for _, maps in found])
        signs = np.array([1, -1, -1, -1, 1] if method in FOLLOWING else [1] * 5)
        scale = np.abs(plain).max()
        np.testing.assert_allclose(maps / scale, plain * signs[:, None, None] / scale, atol=1e-6)
        assert maps.dtype == np.float32

    def test_a_slice_without_prediction_is_an_error(self, batches, make_context):
        estimator = load_estimator("integrated_gradients")
        context = make_context("integrated_gradients")
        with pytest.raises(InputError, match="no prediction for slice slice 1"):
            next(compute_maps(estimator, LinearNetwork(32), batches, {"slice 0": 1}, context))

    def test_other_estimators_need_no_prediction(self, batches, make_context):
        estimator, context = load_estimator("smoothgrad"), make_context("smoothgrad")
        assert len(list(compute_maps(estimator, LinearNetwork(32), batches, {}, context))) == 2


class TestChecks:
    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    def test_values_that_are_not_finite_are_an_error(self, value, batches, make_context):
        def broken(classifier, images, context):
            maps = torch.rand(len(images), 32, 32)
            maps[1, 4, 5] = value
            return maps

        context = make_context("random", name="my_estimator")
        with pytest.raises(InputError, match=r"my_estimator: .*slice slice 1 .*not finite"):
            next(compute_maps(stub(broken), LinearNetwork(32), batches, {}, context))

    def test_nan_weights_are_noticed(self, batches, make_context):
        network = LinearNetwork(32)
        network.weight[3, 3] = torch.nan
        with pytest.raises(InputError, match=r"backpropagation: .*slice 0"):
            next(
                compute_maps(
                    load_estimator("backpropagation"),
                    network,
                    batches,
                    {},
                    make_context("backpropagation"),
                )
            )

    def test_another_shape_is_an_error(self, batches, make_context):
        flat = stub(lambda classifier, images, context: torch.rand(len(images), 32))
        with pytest.raises(ValueError, match=r"maps of \(3, 32\), images of \(3, 32, 32\)"):
            next(compute_maps(flat, LinearNetwork(32), batches, {}, make_context("random")))

    def test_a_constant_map_is_kept_with_a_warning(self, batches, make_context, caplog):
        network = LinearNetwork(32, bias=1e4)
        estimator, context = load_estimator("backpropagation"), make_context("backpropagation")
        with caplog.at_level(logging.WARNING):
            found = list(compute_maps(estimator, network, batches, {}, context, "probability"))
        assert not any(maps.any() for _, maps in found)
        assert len(caplog.records) == 5
        assert "backpropagation: the importance map of slice slice 0 is constant" in caplog.text

    def test_training_slices_are_read_once(self, batches, logits, training_images, make_context):
        calls = []

        def read():
            calls.append(1)
            return training_images

        context = make_context("expected_gradients")
        estimator = load_estimator("expected_gradients")
        lazy = replace(context, training_images=read)
        found = compute_maps(estimator, LinearNetwork(32), batches, logits, lazy)
        expected = compute_maps(estimator, LinearNetwork(32), batches, logits, context)
        for (_, maps), (_, reference) in zip(found, expected, strict=True):
            assert np.array_equal(maps, reference)
        assert len(calls) == 1

    @pytest.mark.parametrize("nothing", [None, np.empty((0, 32, 32), np.float32)])
    def test_lacking_training_slices_are_an_error(self, nothing, batches, logits, make_context):
        context = replace(make_context("expected_gradients"), training_images=nothing)
        estimator = load_estimator("expected_gradients")
        with pytest.raises(InputError, match="expected_gradients: needs training slices"):
            next(compute_maps(estimator, LinearNetwork(32), batches, logits, context))


class TestParts:
    """What the rules compute_part and combine_parts do, against all at once."""

    @pytest.mark.parametrize("method", COMPOSED)
    def test_parts_of_batches_combine_to_the_maps(self, method, batches, logits, make_context):
        network, estimator = conv_network(), load_estimator(method)
        context = make_context(method)
        expected = [
            importance
            for _, maps in compute_maps(estimator, network, batches, logits, context)
            for importance in maps
        ]
        parts = {
            name: [
                (slice_id, {key: values[row] for key, values in maps.items()})
                for slice_ids, maps in compute_parts(part, network, batches, context)
                for row, slice_id in enumerate(slice_ids)
            ]
            for name, part in parts_of(estimator, context.options).items()
        }
        slices = [
            (rows[0][0], dict(zip(parts, (maps for _, maps in rows), strict=True)))
            for rows in zip(*parts.values(), strict=True)
        ]

        found = list(combine_maps(estimator, method, slices, logits))

        assert [slice_id for slice_id, _ in found] == list(logits)
        np.testing.assert_array_equal([importance for _, importance in found], expected)

    def test_a_part_with_values_that_are_not_finite_is_named(self, batches, make_context):
        network = LinearNetwork(32)
        network.weight[3, 3] = torch.nan
        part = Part("path_gradients", {"reference": 0.0, "steps": 2})
        with pytest.raises(InputError, match=r"path_gradients-reference_0.0-steps_2: .*slice 0"):
            next(compute_parts(part, network, batches, make_context("random")))


@pytest.mark.parametrize("method", available_estimators())
def test_every_bit_is_the_same_however_the_batches_are_shared(
    method, batches, logits, make_context
):
    network, estimator = conv_network(), load_estimator(method)
    context = make_context(method, images_per_pass=4)
    whole = list(compute_maps(estimator, network, batches, logits, context))

    shares = [
        *compute_maps(estimator, network, batches[:1], logits, context),
        *compute_maps(estimator, network, batches[1:], logits, context),
    ]

    for (ids, maps), (other_ids, other_maps) in zip(whole, shares, strict=True):
        assert ids == other_ids
        np.testing.assert_array_equal(maps, other_maps)
