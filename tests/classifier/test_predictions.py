import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from sklearn.metrics import balanced_accuracy_score, recall_score
from torch import nn

from ct_importance.classifier import predictions
from ct_importance.classifier.forward.runtime import Forward
from ct_importance.classifier.forward.torch_runtime import TorchForward
from ct_importance.classifier.jobs import PredictionJob
from ct_importance.classifier.predictions import evaluation_summary, fill_answers
from ct_importance.errors import InputError
from ct_importance.io.image_table import image_field, write_table
from ct_importance.io.slices import FLAG_FIELDS, read_predicted, write_slice_list


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

    def test_of_three_classes_the_predicted_one_is_told(self):
        class Three(MeanNetwork):
            def forward(self, x):
                return torch.cat([super().forward(x), torch.zeros(len(x), 2)], dim=1)

        answers = fill_answers(asking(Three()), 8, 6, (1.0, 0.0, 0.0))
        assert answers == [
            {"fill": 1.0, "predicted": 0, "agrees": False},
            {"fill": 0.0, "predicted": 1, "agrees": False},
            {"fill": 0.0, "predicted": 1, "agrees": True},
        ]


class TestSummary:
    def test_of_two_classes(self):
        predicted, labels = np.array([1, 0, 1, 0, 0]), np.array([1, 1, 0, 0, 0])
        assert evaluation_summary(predicted, labels) == {
            "n": 5,
            "n_by_class": [3, 2],
            "accuracy": 0.6,
            "balanced_accuracy": pytest.approx((0.5 + 2 / 3) / 2),
            "sensitivity": 0.5,
            "specificity": pytest.approx(2 / 3),
        }

    def test_of_one_class_or_none(self):
        summary = evaluation_summary(np.array([1]), np.array([1]))
        assert summary["specificity"] is None
        assert summary["balanced_accuracy"] == summary["sensitivity"] == 1
        empty = evaluation_summary(np.empty(0, int), np.empty(0, int))
        assert empty["n"] == 0
        assert {empty[key] for key in empty if not key.startswith("n")} == {None}

    def test_of_three_classes(self):
        labels, predicted = np.array([0, 0, 2, 2, 2]), np.array([0, 1, 2, 2, 0])
        assert evaluation_summary(predicted, labels, 3) == {
            "n": 5,
            "n_by_class": [2, 0, 3],
            "accuracy": 0.6,
            "balanced_accuracy": pytest.approx((1 / 2 + 2 / 3) / 2),
            "accuracy_by_class": [0.5, None, pytest.approx(2 / 3)],
        }


OUTPUTS = np.random.default_rng(0).normal(size=(8, 3)).astype(np.float32)


class Given(Forward):
    """Answers with OUTPUTS, whatever the images."""

    device = "cpu"

    def __init__(self, outputs):
        self.given = outputs

    def _ask(self, images):
        return self.given[: len(images)]


@pytest.fixture
def predict(tmp_path, monkeypatch):
    """Run `predict_slices` on eight slices of a classifier with given outputs."""
    ids = [f"slice-{number}" for number in range(8)]

    def run(outputs, classes, head=None):
        labels = [number % classes for number in range(8)]
        shape = (4, 4)
        schema = pa.schema(
            [
                *FLAG_FIELDS,
                image_field("image", shape),
                image_field("mask", shape, "bool", nullable=True),
            ]
        )
        write_table(
            tmp_path / "slices" / "all.parquet",
            schema,
            {
                **{"slice_id": ids, "patient_id": ids, "label": labels, "split": ["test"] * 8},
                **{"sampled": [True] * 8, "annotated": [False] * 8, "mask": [None] * 8},
                "image": np.zeros((8, *shape), np.float32),
            },
        )
        write_slice_list(tmp_path / "slices.parquet", [tmp_path / "slices" / "all.parquet"])
        monkeypatch.setattr(predictions, "open_forward", lambda *_: Given(outputs))
        options = {"architecture": "resnet50", "classes": classes, "head": head}
        job = PredictionJob(
            classifier={"name": "mine", "method": "architecture", "options": options},
            image_size=4,
            fill=(0.0,) * classes,
        )
        files = [tmp_path / name for name in ("c.pt", "g.onnx", "slices.parquet", "p.parquet")]
        predictions.predict_slices(job, *files, tmp_path / "e.json", 1)
        table = pq.read_table(tmp_path / "p.parquet").to_pylist()
        return table, json.loads((tmp_path / "e.json").read_text()), np.array(labels), tmp_path

    return run


def test_a_logit_and_half_of_it_for_and_against_are_one(predict):
    logit = OUTPUTS[:, :1]
    table, summary, *_ = predict(logit, 2)
    found = [row["logit"] for row in table]
    assert found == logit[:, 0].tolist()
    assert [row["predicted"] for row in table] == (logit[:, 0] > 0).astype(int).tolist()
    expected = (1 / (1 + np.exp(-logit[:, 0].astype(np.float64)))).astype(np.float32)
    assert [row["probability"] for row in table] == expected.tolist()
    assert summary["test"]["n_by_class"] == [4, 4]


@pytest.mark.parametrize("head", ["softmax", "multilabel"])
def test_scores_and_probabilities_of_three_classes(predict, head):
    table, summary, labels, folder = predict(OUTPUTS, 3, head)
    assert [row["scores"] for row in table] == OUTPUTS.tolist()
    logits = torch.from_numpy(OUTPUTS)
    wanted = logits.softmax(1) if head == "softmax" else logits.sigmoid()
    given = np.array([row["probabilities"] for row in table])
    np.testing.assert_allclose(given, wanted, rtol=1e-6)
    predicted = np.array([row["predicted"] for row in table])
    assert predicted.tolist() == OUTPUTS.argmax(axis=1).tolist()
    assert [row["correct"] for row in table] == (predicted == labels).tolist()
    assert read_predicted(folder / "p.parquet") == {
        row["slice_id"]: row["predicted"] for row in table
    }
    accuracy = balanced_accuracy_score(labels, predicted)
    assert summary["test"]["balanced_accuracy"] == pytest.approx(accuracy)
    expected = recall_score(labels, predicted, average=None)
    np.testing.assert_allclose(summary["test"]["accuracy_by_class"], expected)


def test_of_two_labels_each_has_a_probability_of_its_own(predict):
    table, *_ = predict(OUTPUTS[:, :2], 2, "multilabel")
    own = 1 / (1 + np.exp(-OUTPUTS[:, 1].astype(np.float64)))
    np.testing.assert_allclose([row["probability"] for row in table], own, rtol=1e-6)
    above = OUTPUTS[:, 1] > OUTPUTS[:, 0]
    assert [row["logit"] > 0 for row in table] == above.tolist()
    assert [row["predicted"] for row in table] == above.astype(int).tolist()


def test_a_classifier_of_other_classes(predict):
    with pytest.raises(InputError, match="classifier mine tells 2 classes apart, and the task has"):
        predict(OUTPUTS[:, :1], 3)
