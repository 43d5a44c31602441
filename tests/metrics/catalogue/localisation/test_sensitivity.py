"""The share of the mask that is shown, against scikit-learn's recall."""

import numpy as np
import pytest
from sklearn.metrics import recall_score

from ct_importance.metrics.catalogue.localisation.sensitivity import Sensitivity
from ct_importance.metrics.metric import Probe, Sample
from ct_importance.metrics.top_pixels import top_count


@pytest.mark.parametrize("top", [0.02, 0.1, 0.5])
def test_it_is_the_recall_of_the_top_pixels(top):
    rng = np.random.default_rng(1)
    importance, mask = rng.random((20, 30)), rng.random((20, 30)) < 0.1
    count = top_count(top, importance.size)
    shown = importance >= np.sort(importance.ravel())[-count]
    sample = Sample("slice", "patient", 1, mask=mask)
    points = Sensitivity(top=top).evaluate(sample, {"original": importance}, Probe(0))["original"]
    expected = recall_score(mask.ravel(), shown.ravel())
    assert points["score"].tolist() == [pytest.approx(expected, abs=1e-12)]
    assert points["chance"].tolist() == [pytest.approx(count / importance.size)]
