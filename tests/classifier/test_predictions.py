import math

import numpy as np
import pytest
import torch
from torch import nn

from ct_importance.classifier.predictions import (
    balanced_accuracy,
    evaluation_summary,
    fill_answers,
    predict_logits,
    reference_answers,
)

CPU = torch.device("cpu")


class MeanNetwork(nn.Module):
    """f(x) = sign * (mean of x - 0.5)."""

    def __init__(self, sign: float = 1.0) -> None:
        super().__init__()
        self.sign = sign
        self.sizes = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.sizes.append(len(x))
        return self.sign * (x.mean(dim=(2, 3)) - 0.5)


class TestPredictLogits:
    def test_gives_one_logit_per_image_in_order(self, images):
        logits = predict_logits(MeanNetwork(), images, CPU)
        np.testing.assert_allclose(logits, images.mean((1, 2)) - 0.5, atol=1e-6)
        assert logits.dtype == np.float32

    def test_large_sets_are_taken_in_passes(self):
        network, images = MeanNetwork(), np.zeros((20, 224, 224), np.float32)
        assert predict_logits(network, images, CPU).shape == (20,)
        assert max(network.sizes) < 20
        assert sum(network.sizes) == 20

    def test_read_only_arrays_and_no_images(self, images):
        images = images.copy()
        images.flags.writeable = False
        assert predict_logits(MeanNetwork(), images, CPU).shape == (3,)
        assert predict_logits(MeanNetwork(), images[:0], CPU).shape == (0,)

    def test_does_not_depend_on_the_other_images(self, network, images):
        together = predict_logits(network, images, CPU)
        alone = [predict_logits(network, images[i : i + 1], CPU)[0] for i in range(3)]
        np.testing.assert_allclose(together, alone, rtol=1e-5)


class TestReferenceAnswers:
    def test_black_and_white(self):
        assert reference_answers(MeanNetwork(), 8, 6, CPU) == {
            "black_logit": -0.5,
            "white_logit": 0.5,
            "black_agrees": True,
            "white_agrees": True,
        }

    def test_a_classifier_that_answers_the_other_way(self):
        answers = reference_answers(MeanNetwork(sign=-1), 8, 6, CPU)
        assert not answers["black_agrees"]
        assert not answers["white_agrees"]

    def test_a_logit_of_zero_is_without_contrast(self):
        answers = reference_answers(MeanNetwork(sign=0), 8, 6, CPU)
        assert answers["black_agrees"]
        assert not answers["white_agrees"]

    def test_it_follows_from_what_hides_each_class(self):
        swapped = reference_answers(MeanNetwork(), 8, 6, CPU, (0.0, 1.0))
        assert not swapped["black_agrees"]  # black hides class 0, and is answered with it
        assert not swapped["white_agrees"]
        greys = reference_answers(MeanNetwork(sign=-1), 8, 6, CPU, (0.25, 0.25))
        assert greys["black_agrees"]
        assert greys["white_agrees"]

    def test_any_grey_may_hide_a_class(self):
        assert fill_answers(MeanNetwork(), 8, 6, CPU, (0.75, 0.25)) == [
            {"fill": 0.75, "logit": 0.25, "agrees": True},
            {"fill": 0.25, "logit": -0.25, "agrees": True},
        ]
        both = fill_answers(MeanNetwork(), 8, 6, CPU, (0.25, 0.25))
        assert [it["agrees"] for it in both] == [False, True]


class TestAccuracy:
    def test_classes_count_the_same_whatever_their_size(self):
        labels = np.array([1, 0, 0, 0, 0])
        assert balanced_accuracy(np.array([-1.0, -1, -1, -1, -1]), labels) == 0.5
        assert balanced_accuracy(np.array([1.0, 1, -1, -1, -1]), labels) == (1 + 0.75) / 2

    def test_zero_is_class_0(self):
        assert balanced_accuracy(np.zeros(2), np.array([0, 1])) == 0.5
        assert balanced_accuracy(np.zeros(1), np.array([0])) == 1

    def test_without_slices_there_is_no_accuracy(self):
        assert math.isnan(balanced_accuracy(np.empty(0), np.empty(0, int)))

    def test_summary(self):
        logits, labels = np.array([2.0, -1, 0.5, -3, -2]), np.array([1, 1, 0, 0, 0])
        summary = evaluation_summary(logits, labels)
        assert summary == {
            "n": 5,
            "n_by_class": [3, 2],
            "accuracy": 0.6,
            "balanced_accuracy": pytest.approx((0.5 + 2 / 3) / 2),
            "sensitivity": 0.5,
            "specificity": pytest.approx(2 / 3),
        }

    def test_summary_of_one_class_or_none(self):
        summary = evaluation_summary(np.array([1.0]), np.array([1]))
        assert summary["specificity"] is None
        assert summary["balanced_accuracy"] == summary["sensitivity"] == 1
        empty = evaluation_summary(np.empty(0), np.empty(0, int))
        assert empty["n"] == 0
        assert {empty[key] for key in empty if not key.startswith("n")} == {None}
