from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from skimage.metrics import structural_similarity

from ct_importance.metrics.metric import Sample
from ct_importance.plugins import load
from tests.metrics.images import point_of, random_maps
from tests.metrics.summary import summarise_points

METRIC = load("metric", "prediction_saliency_correlation")()
SHAPE = (16, 16)
STRENGTHS = np.linspace(0.02, 0.5, 12)


def noise(seed):
    return random_maps(SHAPE, seed)["noise"]


def points(importance, variations, changes, classes=2):
    """One point of a slice whose score changes so far with each copy."""
    scores = np.zeros((len(changes) + 1, classes), np.float32)
    scores[0, 0] = 3
    scores[1:, 0] = 3 - np.asarray(changes)
    if classes == 2:
        scores[:, 1] = -scores[:, 0]
    sample = Sample("slice", "patient", 1)
    sample = replace(sample, variations=np.stack(variations), scores=scores)
    return point_of(METRIC, sample, importance)


def moved(own, strengths):
    return [own + 2 * strength * noise(9) for strength in strengths]


@pytest.mark.parametrize("classes", [2, 3])
def test_it_is_the_correlation_of_both_changes(classes):
    own, answers = noise(0), np.random.default_rng(0).random(12)
    after = moved(own, STRENGTHS)
    found = points(own, after, answers, classes)["original"]
    scaled = [it / np.abs(it).max() for it in (own, *after)]
    changes = [1 - structural_similarity(scaled[0], it, data_range=2) for it in scaled[1:]]
    assert found["correlation"] == pytest.approx(np.corrcoef(changes, answers)[0, 1], abs=1e-6)
    assert found["map_change"] == pytest.approx(np.mean(changes))
    assert found["answer_change"] == pytest.approx(answers.mean(), rel=1e-5)


def test_a_map_that_follows_the_answer_beats_chance_and_chance_its_opposite():
    own = noise(0)
    follows, opposite = (moved(own, it) for it in (STRENGTHS, STRENGTHS[::-1]))
    by_chance = [noise(seed) for seed in range(100, 112)]
    found = [
        points(own, it, STRENGTHS)["original"]["correlation"]
        for it in (follows, by_chance, opposite)
    ]
    merits = METRIC.merit(np.array(found))
    assert merits[0] > 0.9
    assert abs(merits[1]) < 0.6
    assert merits[2] < -0.9


def test_the_sign_of_the_change_counts_for_nothing():
    own, signs = noise(0), np.where(np.arange(12) % 2, 1, -1)
    after = moved(own, STRENGTHS)
    one, other = (points(own, after, it)["original"] for it in (STRENGTHS, signs * STRENGTHS))
    assert one["correlation"] == pytest.approx(other["correlation"], abs=1e-6)


def test_slices_without_a_correlation_are_left_out_and_counted():
    own = noise(0)
    rows = []
    for number, after in enumerate((moved(own, STRENGTHS), [own] * 12)):
        found = points(own, after, STRENGTHS)["original"]
        key = {"slice_id": str(number), "patient_id": str(number), "label": 1}
        rows.append(key | {"variant": "original"} | found)
    assert [row["defined"] for row in rows] == [True, False]
    found = summarise_points(METRIC, pd.DataFrame(rows)).iloc[0]
    assert found["value"] == pytest.approx(rows[0]["correlation"])
    assert found["undefined"] == pytest.approx(0.5)


def test_an_answer_that_never_moves_is_undefined():
    found = points(noise(0), moved(noise(0), STRENGTHS), np.zeros(12))["original"]
    assert (found["correlation"], found["defined"]) == (0, False)
