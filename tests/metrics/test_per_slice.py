"""A number per slice: what is undefined is left out of the mean."""

from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

from ct_importance.metrics.averaging import mean_curves, sum_by_patient
from ct_importance.metrics.evaluate import evaluate_slice
from ct_importance.metrics.metric import Probe, Sample
from ct_importance.metrics.per_slice import PerSlice
from ct_importance.statistics.intervals import interval, resample_patients

PROBE = Probe(seed=0)


class Corner(PerSlice):
    """The first pixel, where it is not 0."""

    title: ClassVar[str] = "Corner"
    chance_of_slice: ClassVar[str] = "the share of the slice that the mask covers"
    needs: ClassVar[frozenset[str]] = frozenset({"mask"})

    def score(self, sample, importance, probe):
        return float(importance[0, 0]) or np.nan

    def chance_of(self, sample):
        return sample.mask.mean()

    def describe(self, task=None):
        return "The first pixel."


def sums_of(maps):
    """Sums over maps of slices of one patient, by variant."""
    rows = []
    for number, importance in enumerate(maps):
        mask = np.zeros((2, 2), bool)
        mask.ravel()[: 1 + number % 2] = True
        sample = Sample(f"slice{number}", "patient", 1, mask=mask)
        for variant, points in evaluate_slice(Corner(), sample, importance, PROBE).items():
            keys = {"patient_id": "patient", "label": 1, "variant": variant}
            rows.append(pd.DataFrame(keys | points))
    return sum_by_patient(Corner(), pd.concat(rows))


def summary(maps):
    """What maps of one patient add up to, by variant."""
    sums = sums_of(maps)
    return {name: Corner().summarise(mean_curves(Corner(), of)) for name, of in sums.items()}


def filled(value):
    return np.full((2, 2), value, np.float32)


def test_a_slice_without_a_number_is_left_out_and_counted():
    found = summary([filled(2), filled(0), filled(0), filled(4)])["original"]
    assert found["value"] == [3]
    assert found["undefined"] == [0.5]


def test_chance_is_that_of_all_slices():
    assert summary([filled(2), filled(0)])["original"]["chance"] == [(0.25 + 0.5) / 2]


def test_where_no_slice_has_a_number_there_is_no_value():
    found = summary([filled(0), filled(0)])["original"]
    assert np.isnan(found["value"]).all()
    assert found["undefined"] == [1]


def test_absolute_values_are_judged_beside():
    found = summary([filled(-2), filled(1)])
    assert found["original"]["value"] == [-0.5]
    assert found["absolute"]["value"] == [1.5]


def test_the_one_point_of_its_curve_is_the_value():
    curves = mean_curves(Corner(), sums_of([filled(2), filled(0)])["original"])
    assert Corner().figure_curves(curves).means["score"] == [[2]]


def test_chance_that_is_the_same_for_all_slices_is_no_detail():
    class Half(Corner):
        chance_of_slice = ""
        chance = 0.5

        def chance_of(self, sample):
            return PerSlice.chance_of(self, sample)

    sample = Sample("slice", "patient", 1, mask=np.eye(2, dtype=bool))
    points = evaluate_slice(Half(), sample, filled(1), PROBE)["original"]
    assert points["chance"] == [0.5]
    assert "chance" not in Half().summarise(mean_curves(Half(), sums_of([filled(1)])["original"]))


@pytest.mark.parametrize("score", [0.0, -1.0])
def test_zero_and_negative_numbers_are_numbers(score):
    class Constant(Corner):
        def score(self, sample, importance, probe):
            return score

    sample = Sample("slice", "patient", 1, mask=np.eye(2, dtype=bool))
    points = evaluate_slice(Constant(), sample, filled(1), PROBE)["original"]
    assert points["score"] == [score]
    assert points["defined"] == [1]


@pytest.mark.parametrize(
    ("patients", "draw", "truth", "expected"),
    [
        (30, lambda rng: rng.beta(2, 5, 30), 2 / 7, 0.953),
        (30, lambda rng: rng.beta(0.5, 5, 30), 0.5 / 5.5, 0.930),
        (12, lambda rng: rng.beta(2, 5, 12), 2 / 7, 0.944),
        (12, lambda rng: rng.beta(0.5, 5, 12), 0.5 / 5.5, 0.894),
        (30, lambda rng: rng.random(30) < 0.8, 0.8, 0.966),
        (12, lambda rng: rng.random(12) < 0.8, 0.8, 0.931),
    ],
)
def test_intervals_hold_the_truth_as_often_as_captions_say(patients, draw, truth, expected):
    rng = np.random.default_rng(0)
    weights = resample_patients(np.ones((1, patients)), 1000, seed=0) / patients
    held = []
    for numbers in (draw(rng).astype(float) for _ in range(2000)):
        estimate = np.array([numbers.mean()])
        (low,), (high,) = interval(estimate, (weights @ numbers)[:, None], 0.95, [patients])
        held.append(low - 1e-12 <= truth <= high + 1e-12)
    assert np.mean(held) == pytest.approx(expected, abs=0.015)
