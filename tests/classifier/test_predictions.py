import math

import numpy as np
import pytest
import torch
from torch import nn

from ct_importance.classifier.forward.torch_runtime import TorchForward
from ct_importance.classifier.predictions import (
    balanced_accuracy,
    evaluation_summary,
    fill_answers,
)


class MeanNetwork(nn.Module):
    """f(x) = sign * (mean of x - 0.5)."""

    def __init__(self, sign: float = 1.0) -> None:
        super().__init__()
        self.sign = sign

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.sign * (x.mean(dim=(2, 3)) - 0.5)


def asking(network):
    return TorchForward(network.eval())


class TestFillAnswers:
    def test_a_class_is_hidden_by_what_is_answered_with_another(self):
        assert fill_answers(asking(MeanNetwork()), 8, 6, (1.0, 0.0)) == [
            {"fill": 1.0, "logit": 0.5, "agrees": True},
            {"fill": 0.0, "logit": -0.5, "agrees": True},
        ]

    def test_a_classifier_that_answers_the_other_way(self):
        answers = fill_answers(asking(MeanNetwork(sign=-1)), 8, 6, (1.0, 0.0))
        assert [it["agrees"] for it in answers] == [False, False]

    def test_a_logit_of_zero_is_the_first_class(self):
        answers = fill_answers(asking(MeanNetwork(sign=0)), 8, 6, (1.0, 0.0))
        assert [it["agrees"] for it in answers] == [False, True]

    def test_any_grey_may_hide_a_class(self):
        assert fill_answers(asking(MeanNetwork()), 8, 6, (0.75, 0.25)) == [
            {"fill": 0.75, "logit": 0.25, "agrees": True},
            {"fill": 0.25, "logit": -0.25, "agrees": True},
        ]
        both = fill_answers(asking(MeanNetwork()), 8, 6, (0.25, 0.25))
        assert [it["agrees"] for it in both] == [False, True]

    def test_the_mean_of_a_slice_is_no_image_of_one_grey(self):
        answers = fill_answers(asking(MeanNetwork()), 8, 6, ("mean", 0.25))
        assert answers == [None, {"fill": 0.25, "logit": -0.25, "agrees": True}]
        assert fill_answers(asking(MeanNetwork()), 8, 6, ("mean", "mean")) == [None, None]


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
