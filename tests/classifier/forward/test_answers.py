import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import balanced_accuracy_score

from ct_importance.classifier.forward.answers import (
    balanced_accuracy,
    logits,
    margins,
    predicted_classes,
)
from ct_importance.classifier.forward.runtime import as_scores

FINITE = st.floats(-(2.0**100), 2.0**100, width=32)


@given(arrays(np.float32, (4, 1), elements=FINITE))
def test_one_logit_comes_back_to_the_last_bit(outputs):
    scores = as_scores(outputs)
    assert logits(scores).tobytes() == outputs[:, 0].tobytes()
    assert predicted_classes(scores).tolist() == (outputs[:, 0] > 0).astype(int).tolist()


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_a_margin_is_above_0_where_the_class_is_predicted(classes):
    scores = np.random.default_rng(0).normal(size=(50, classes)).astype(np.float32)
    for label in range(classes):
        of_class = margins(scores, label)
        assert ((of_class > 0) == (predicted_classes(scores) == label)).all()
        assert of_class.dtype == np.float32


class TestAccuracy:
    def test_classes_count_the_same_whatever_their_size(self):
        labels = np.array([1, 0, 0, 0, 0])
        assert balanced_accuracy(np.zeros(5), labels) == 0.5
        assert balanced_accuracy(np.array([1, 1, 0, 0, 0]), labels) == (1 + 0.75) / 2

    def test_without_slices_there_is_no_accuracy(self):
        assert math.isnan(balanced_accuracy(np.empty(0), np.empty(0, int)))

    @pytest.mark.filterwarnings("ignore:y_pred contains classes")
    @pytest.mark.parametrize("there", [3, 2])
    def test_it_is_that_of_scikit_learn_also_where_classes_are_missing(self, there):
        random = np.random.default_rng(0)
        labels, predicted = random.integers(there, size=40), random.integers(3, size=40)
        expected = balanced_accuracy_score(labels, predicted)
        assert balanced_accuracy(predicted, labels, 3) == pytest.approx(expected)
