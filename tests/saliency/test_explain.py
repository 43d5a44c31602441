import logging
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
import torch

from ct_importance.classifier.classifier import Classifier
from ct_importance.errors import InputError
from ct_importance.plugins import load, names
from ct_importance.saliency.completeness import Completeness
from ct_importance.saliency.estimator import Cost, Estimator
from ct_importance.saliency.explain import (
    combine_maps,
    compute_maps,
    compute_shared,
    importance_of,
    maps_of,
)
from ct_importance.saliency.shared.path_gradients import PathGradients
from ct_importance.saliency.target import Targets
from tests.estimators import PAPER
from tests.saliency.networks import ANY_NETWORK, LinearNetwork, batch_of, conv_network, quick

CLASSES = ("no contrast", "contrast")
FOLLOWING = {"integrated_gradients", "integrated_gradients_bw", "expected_gradients"}
SHARING = [name for name in names("estimator") if quick(name).shared()]


class Stub(Estimator):
    """An estimator whose maps are those of a function of its test."""

    title: ClassVar[str] = "Stub"
    colour: ClassVar[str] = "#000000"
    reference: ClassVar[str] = "none"
    maps: ClassVar = None

    def cost(self):
        return Cost(1, 1)

    def attribute(self, batch):
        return type(self).maps(batch)


@pytest.fixture
def stub(monkeypatch):
    def make(function):
        monkeypatch.setattr(Stub, "maps", staticmethod(function))
        return Stub()

    return make


@pytest.fixture
def predicted():
    return {"slice 0": 1, "slice 1": 0, "slice 2": 0, "slice 3": 0, "slice 4": 1}


@pytest.fixture
def batches(images, training_images, predicted):
    """A function that makes two batches of the five images: (network, estimator, ...)."""

    def make(network, estimator, activation="logit", **options):
        ids = [f"slice {i}" for i in range(5)]
        targets = Targets("estimator", estimator.target, CLASSES, predicted)
        return [
            batch_of(
                estimator,
                Classifier(network),
                images[part],
                torch.from_numpy(targets.of(ids[part])),
                activation,
                slice_ids=ids[part],
                **{
                    "name": "estimator",
                    "seed": 1,
                    "images_per_pass": 8,
                    "training_images": lambda: training_images,
                    "training_masks": lambda: training_images > 0.5,
                }
                | options,
            )
            for part in (slice(3), slice(3, 5))
        ]

    return make


class TestTarget:
    @pytest.mark.parametrize("method", PAPER)
    def test_explaining_the_predicted_class_is_the_papers_rule_of_signs(
        self, method, batches, predicted
    ):
        """Negated where class 0 is predicted, for three estimators (section 2), bit by bit."""
        network, estimator = conv_network(), load("estimator", method)()
        found = np.concatenate(
            [maps for _, maps in compute_maps(estimator, batches(network, estimator))]
        )
        of_logit = estimator.model_copy(update={"target": "last"})
        plain = np.concatenate(
            [maps for _, maps in compute_maps(of_logit, batches(network, of_logit))]
        )
        follows = method in FOLLOWING
        signs = np.array([1 if label or not follows else -1 for label in predicted.values()])
        np.testing.assert_array_equal(found, plain * signs[:, None, None])
        assert found.dtype == np.float32
        assert (estimator.target == "predicted") == follows

    @pytest.mark.parametrize(
        ("target", "expected"),
        [
            ("predicted", [1, 0, 0]),
            ("last", [1, 1, 1]),
            ("contrast", [1, 1, 1]),
            ("no contrast", [0, 0, 0]),
            ("true", [1, 0, 0]),
        ],
    )
    def test_classes_of_a_target(self, target, expected, predicted):
        targets = Targets("estimator", target, CLASSES, predicted)
        assert targets.of(["slice 0", "slice 1", "slice 2"]).tolist() == expected

    @pytest.mark.parametrize(("target", "what"), [("predicted", "prediction"), ("true", "label")])
    def test_a_slice_of_unknown_class_is_an_error(self, target, what):
        targets = Targets("estimator", target, CLASSES, {"slice 0": 1})
        with pytest.raises(InputError, match=f"estimator: no {what} for slice slice 1"):
            targets.of(["slice 0", "slice 1"])


class TestChecks:
    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    def test_values_that_are_not_finite_are_an_error(self, value, batches, stub):
        def broken(batch):
            maps = torch.rand(batch.images.shape)
            maps[1, 0, 4, 5] = value
            return maps

        estimator = stub(broken)
        work = batches(LinearNetwork(32), estimator, name="my_estimator")
        with pytest.raises(InputError, match=r"my_estimator: .*slice slice 1 .*not finite"):
            next(compute_maps(estimator, work))

    def test_nan_weights_are_noticed(self, batches):
        network = LinearNetwork(32)
        network.weight[3, 3] = torch.nan
        estimator = load("estimator", "backpropagation")()
        with pytest.raises(InputError, match=r"backpropagation: .*slice 0"):
            next(compute_maps(estimator, batches(network, estimator, name="backpropagation")))

    def test_another_shape_is_an_error(self, batches, stub):
        flat = stub(lambda batch: torch.rand(len(batch.images), 1, 32))
        with pytest.raises(ValueError, match=r"maps of \(3, 1, 32\), images of \(3, 1, 32, 32\)"):
            next(compute_maps(flat, batches(LinearNetwork(32), flat)))

    def test_a_constant_map_is_kept_with_a_warning(self, batches, caplog):
        estimator = load("estimator", "backpropagation")()
        work = batches(
            LinearNetwork(32, bias=1e4), estimator, "probability", name="backpropagation"
        )
        with caplog.at_level(logging.WARNING):
            found = list(compute_maps(estimator, work))
        assert not any(maps.any() for _, maps in found)
        assert len(caplog.records) == 5
        assert "backpropagation: the importance map of slice slice 0 is constant" in caplog.text

    @pytest.mark.parametrize("nothing", [None, lambda: np.empty((0, 32, 32), np.float32)])
    def test_lacking_training_slices_are_an_error(self, nothing, batches):
        estimator = load("estimator", "expected_gradients")()
        work = batches(LinearNetwork(32), estimator, name="mine", training_images=nothing)
        with pytest.raises(InputError, match="mine: needs training slices"):
            next(compute_maps(estimator, work))


class TestShared:
    """What the rules share_passes and combine_shared do, against all at once."""

    @pytest.mark.parametrize("method", SHARING)
    def test_shared_maps_of_batches_combine_to_the_maps(self, method, batches, predicted):
        network, estimator = conv_network(), quick(method)
        work = batches(network, estimator)
        expected = np.concatenate([maps for _, maps in compute_maps(estimator, work)])
        shared = {
            name: [
                (slice_id, {key: values[row] for key, values in maps.items()})
                for slice_ids, maps in compute_shared(
                    task, [replace(batch, name=task.kind) for batch in work]
                )
                for row, slice_id in enumerate(slice_ids)
            ]
            for name, task in estimator.shared().items()
        }
        slices = [
            (rows[0][0], dict(zip(shared, (maps for _, maps in rows), strict=True)))
            for rows in zip(*shared.values(), strict=True)
        ]

        segments = (each for batch in work for each in batch.segments or ())
        of_slices = segments if estimator.wants else None
        found = list(combine_maps(estimator, method, 1, slices, of_slices))

        assert [row["slice_id"] for row in found] == list(predicted)
        np.testing.assert_array_equal([row["importance"] for row in found], expected)
        check = Completeness(estimator)
        columns = [check.columns(batch, maps_of(estimator, batch)) for batch in work]
        for name in columns[0]:
            np.testing.assert_array_equal(
                [row[name] for row in found], np.concatenate([it[name] for it in columns])
            )
        assert bool(columns[0]) == estimator.is_complete

    def test_values_that_are_not_finite_are_named(self, batches):
        network = LinearNetwork(32)
        network.weight[3, 3] = torch.nan
        work = PathGradients(reference=0.0, steps=2, target="last")
        named = r"path_gradients-reference_0.0-steps_2-target_last: .*slice 0"
        with pytest.raises(InputError, match=named):
            next(compute_shared(work, batches(network, load("estimator", "backpropagation")())))


@pytest.mark.parametrize("method", ANY_NETWORK)
def test_every_bit_is_the_same_however_the_batches_are_shared(method, batches):
    network, estimator = conv_network(), quick(method)
    work = batches(network, estimator, images_per_pass=4)
    whole = list(compute_maps(estimator, work))

    shares = [*compute_maps(estimator, work[:1]), *compute_maps(estimator, work[1:])]

    for (ids, maps), (other_ids, other_maps) in zip(whole, shares, strict=True):
        assert ids == other_ids
        np.testing.assert_array_equal(maps, other_maps)


def test_every_estimator_gives_maps_of_the_channels(batches):
    """(N, C, *space): what is stored is the sum over the channels."""
    network, estimator = conv_network(), load("estimator", "backpropagation")()
    (batch, _) = batches(network, estimator)
    importance = importance_of(estimator, batch)
    (_, maps) = next(compute_maps(estimator, [batch]))
    np.testing.assert_array_equal(maps, importance.sum(1).numpy())
