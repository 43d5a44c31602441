"""A share that is given, or chosen on training slices and judged on test slices."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from sklearn.metrics import f1_score, jaccard_score

from ct_importance.metrics.averaging import mean_curves, sum_by_patient
from ct_importance.metrics.catalogue.localisation.iou import Iou
from ct_importance.metrics.catalogue.localisation.pixel_dice import PixelDice
from ct_importance.metrics.evaluate import evaluate_slice
from ct_importance.metrics.metric import Probe
from tests.metrics.images import random_maps, sample

TUNED = Iou(top="training")
RNG = np.random.default_rng(0)
MASKS = [random_maps((30, 30), seed)["smooth"] > 0.05 for seed in range(6)]
MAPS = [mask + RNG.normal(0, 1.5, mask.shape) for mask in MASKS]
SLICES = [
    replace(sample(mask=mask), patient_id=f"patient {number}", is_training=number < 4)
    for number, mask in enumerate(MASKS)
]


def sums_of(metric, slices=SLICES):
    frames = []
    for one, importance in zip(slices, MAPS, strict=False):
        points = evaluate_slice(metric, one, importance, Probe(0))["original"]
        keys = {"patient_id": one.patient_id, "label": 1, "variant": "original"}
        frames.append(pd.DataFrame(keys | points))
    return sum_by_patient(metric, pd.concat(frames))["original"]


def summary(metric, slices=SLICES, weights=None):
    return metric.summarise(mean_curves(metric, sums_of(metric, slices), weights))


def value_at(top, numbers):
    """The mean IoU of some slices at a share, in plain words."""
    found = []
    for number in numbers:
        count = max(1, int(np.floor(top * 900 + 0.5)))
        shown = MAPS[number] >= np.sort(MAPS[number], axis=None)[-count]
        both, any_of = shown & MASKS[number], shown | MASKS[number]
        found.append(both.sum() / any_of.sum())
    return np.mean(found)


def test_a_given_share_is_that_of_all_slices():
    found = summary(Iou(top=0.2))
    assert found["value"][0] == pytest.approx(value_at(0.2, range(6)))
    assert found["top"] == [0.2]


def test_the_share_is_the_best_on_training_slices_and_the_value_of_test_slices():
    (top,) = (found := summary(TUNED))["top"]
    shares = np.array([0.0025, 0.005, 0.0075, *(n / 100 for n in range(1, 51))])
    assert top == shares[np.argmax([value_at(share, range(4)) for share in shares])]
    assert found["value"][0] == pytest.approx(value_at(top, [4, 5]))
    assert found["value"][0] != pytest.approx(value_at(top, range(6)))


def test_test_slices_do_not_move_the_share():
    others = [*SLICES[:4], *(replace(one, mask=~one.mask) for one in SLICES[4:])]
    assert summary(TUNED, others)["top"] == summary(TUNED)["top"]


def test_a_resample_chooses_anew():
    weights = np.array([[1, 1, 1, 1, 1, 1], [4, 0, 0, 0, 2, 0], [1, 1, 1, 1, 0, 0]])
    found = summary(TUNED, weights=weights)
    assert found["value"][0] == summary(TUNED)["value"][0]
    assert found["value"][1] == pytest.approx(value_at(found["top"][1], [4]))
    assert np.isnan(found["value"][2]), "there is no test slice in it"


@pytest.mark.parametrize("is_training", [True, False])
def test_without_training_or_test_slices_there_is_no_value(is_training):
    found = summary(TUNED, [replace(one, is_training=is_training) for one in SLICES])
    assert np.isnan(found["value"]).all()
    assert np.isnan(found["chance"]).all()


def test_chance_is_that_of_the_share_that_is_shown():
    found = summary(TUNED)
    shown = found["top"][0]
    covered = np.array([MASKS[number].mean() for number in (4, 5)])
    expected = (covered * shown / (covered + shown - covered * shown)).mean()
    assert found["chance"][0] == pytest.approx(expected, rel=1e-3)  # of whole pixels


def test_to_choose_the_metric_needs_training_slices():
    with pytest.raises(ValidationError, match="set slices to annotated"):
        Iou(top="training", slices="annotated_test")


@pytest.mark.parametrize("top", [0, 1.1, "test"])
def test_the_share_is_one(top):
    with pytest.raises(ValidationError):
        Iou(top=top)


def test_the_curve_of_a_figure_is_that_of_the_slices_judged():
    curves = TUNED.figure_curves(mean_curves(TUNED, sums_of(TUNED)))
    at = list(curves.positions["top"]).index(0.1)
    assert curves.means["score"][0, at] == pytest.approx(value_at(0.1, [4, 5]))


OVERLAPS = pytest.mark.parametrize(
    ("metric", "expected"), [(Iou, jaccard_score), (PixelDice, f1_score)]
)


@OVERLAPS
@pytest.mark.parametrize("top", [0.01, 0.1, 0.333, 1])
def test_it_is_the_score_of_scikit_learn(metric, expected, top):
    rng = np.random.default_rng(0)
    mask = rng.random((15, 20)) < 0.2
    importance = rng.permutation(300).reshape(15, 20)
    shown = importance >= 300 - round(300 * top)
    points = metric(top=top).evaluate(sample(mask=mask), {"original": importance}, Probe(0))
    score = expected(mask.ravel(), shown.ravel())
    np.testing.assert_allclose(points["original"]["score"], [score], rtol=1e-12)


@OVERLAPS
def test_a_constant_map_is_chance(metric, expected):
    mask = np.random.default_rng(0).random((15, 20)) < 0.2
    maps = {"original": np.zeros((15, 20))}
    points = metric(top=0.25).evaluate(sample(mask=mask), maps, Probe(0))["original"]
    np.testing.assert_allclose(points["score"], points["chance"], rtol=1e-12)
    rng = np.random.default_rng(1)
    draws = [(rng.permutation(300) < 75).reshape(15, 20) for _ in range(500)]
    mean = np.mean([expected(mask.ravel(), shown.ravel()) for shown in draws])
    assert points["chance"][0] == pytest.approx(mean, abs=0.005)
