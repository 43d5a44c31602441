import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from scipy.stats import spearmanr
from skimage.metrics import structural_similarity

from ct_importance.metrics.evaluate import evaluate_slice
from ct_importance.metrics.metric import Curves, Probe, Sample
from ct_importance.plugins import load
from tests.metrics.images import random_maps
from tests.metrics.summary import summarise_points

METRIC = load("metric", "randomised_weights")(layers=[0.5, 1])
SAMPLE = Sample("slice", "patient", 1)
SHAPE = (24, 24)


def of(kind, seed):
    return random_maps(SHAPE, seed)[kind].astype(np.float32)


def points(importance, variations, others):
    sample = replace(SAMPLE, variations=np.stack(variations), others=np.stack(others))
    return evaluate_slice(METRIC, sample, importance, Probe(0))


def test_similarities_are_those_of_their_libraries():
    own, after, others = of("smooth", 0), [of("smooth", 1), of("noise", 2)], [of("smooth", 3)]
    found = points(own, after, others)["original"]
    scaled = [it / np.abs(it).max() for it in map(np.float64, (own, *after, *others))]
    ssim = [structural_similarity(scaled[0], it, data_range=2) for it in scaled[1:]]
    rank = [spearmanr(own.ravel(), it.ravel()).statistic for it in (*after, *others)]
    np.testing.assert_allclose(found["ssim"], ssim[:2], atol=1e-9)
    np.testing.assert_allclose(found["spearman"], rank[:2], atol=1e-9)
    np.testing.assert_allclose(found["ssim_of_patients"], [ssim[2]] * 2, atol=1e-9)
    np.testing.assert_allclose(found["spearman_of_patients"], [rank[2]] * 2, atol=1e-9)


def test_absolute_values_are_compared_with_absolute_values():
    own, others = of("smooth", 0), [of("smooth", 3)]
    found = points(own, [-own, -own], others)
    assert found["original"]["spearman"].tolist() == [-1, -1]
    assert found["absolute"]["ssim"].tolist() == [1, 1]
    # Of a map without negative values, too, if only that of the randomised classifier has some.
    squared = of("squared", 0)
    found = points(squared, [squared, -squared], others)
    assert found["original"]["spearman"].tolist() == [1, -1]
    assert found["absolute"]["spearman"].tolist() == [1, 1]


def curves(spearman, of_patients):
    names = ("ssim", "ssim_of_patients")
    means = {name: np.zeros((1, 2)) for name in names}
    means |= {"spearman": np.array([spearman])}
    means |= {"spearman_of_patients": np.array([[of_patients] * 2])}
    return Curves({"layers": np.array([0.5, 1])}, means)


def test_the_value_is_that_of_all_layers_and_lower_is_better():
    found = METRIC.summarise(curves([0.9, 0.2], 0.3))
    assert found["value"].tolist() == [0.2]
    assert found["excess"] == pytest.approx([-0.1])
    assert METRIC.merit(np.array([0.2])) > METRIC.merit(np.array([0.9]))


@pytest.mark.parametrize(
    ("spearman", "of_patients", "verdict"),
    [
        (0.2, 0.3, "passes"),
        (0.45, 0.3, "fails"),
        # The same map for all slices, as a control can have.
        (1.0, 1.0, "fails"),
        # A little more alike is no more than the outline of a patient.
        (0.34, 0.3, "passes"),
    ],
)
def test_who_follows_the_slice_fails(spearman, of_patients, verdict):
    found = METRIC.summarise(curves([0.9, spearman], of_patients))
    assert METRIC.verdict({name: float(it[0]) for name, it in found.items()}) == verdict


@pytest.mark.parametrize(("low", "verdict"), [(0.05, "passes"), (0.1, "fails"), (np.nan, "fails")])
def test_all_of_the_interval_must_show_it_where_there_is_one(low, verdict):
    assert METRIC.verdict({"value": 0.3, "excess": 0.2, "excess_low": low}) == verdict


def test_what_changes_nothing_fails_and_what_changes_all_passes():
    verdicts = {}
    for name in ("edges", "learnt"):
        rows = []
        for number in range(6):
            own, others = of("noise", number), [of("noise", 50 + number)]
            after = own if name == "edges" else of("noise", 100 + number)
            found = points(own, [own, after], others)["original"]
            key = {"slice_id": str(number), "patient_id": str(number), "label": 1}
            rows.append(pd.DataFrame(key | {"variant": "original"} | found))
        verdicts[name] = METRIC.verdict(summarise_points(METRIC, pd.concat(rows)).iloc[0])
    assert verdicts == {"edges": "fails", "learnt": "passes"}


@pytest.mark.parametrize("layers", [[0.5], [1, 0.5], [0, 1], [0.5, 0.5, 1], []])
def test_shares_rise_to_all_layers(layers):
    with pytest.raises(ValidationError, match=re.escape("layers")):
        load("metric", "randomised_weights")(layers=layers)


def test_the_variations_are_of_the_metrics_slices():
    metric = load("metric", "randomised_weights")(slices="annotated", sample=None, layers=[0.25, 1])
    names = [it.name for it in metric.variations]
    assert names == ["layers_0.25-annotated_all", "layers_1-annotated_all"]
    assert "25%, 100%" in metric.describe()
