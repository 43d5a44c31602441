import numpy as np
import pytest

from ct_importance.metrics.averaging import values_of_trainings
from ct_importance.statistics.components import (
    components_of_values,
    pseudo_values,
    variance_components,
)
from tests.statistics.crossed import METRICS, Mean, crossed, sums_of_curves, sums_of_numbers

PARTS = ("training", "patient", "rest")


@pytest.mark.parametrize("deviations", [(1, 1, 1), (0.5, 2, 1), (2, 0.5, 1)])
def test_known_components_are_found_and_95_percent_intervals_hold_them(deviations):
    rng = np.random.default_rng(0)
    found = [variance_components(crossed(6, 20, deviations, rng), 0.95) for _ in range(1500)]
    for name, deviation in zip(PARTS, deviations, strict=True):
        variance, low, high = np.array([of[name] for of in found]).T
        assert variance.mean() == pytest.approx(deviation**2, rel=0.08)
        assert 0.93 <= ((low <= deviation**2) & (deviation**2 <= high)).mean() <= 0.97


def test_a_component_that_is_not_there_is_never_below_0():
    rng = np.random.default_rng(0)
    found = [variance_components(crossed(3, 20, (0, 1, 2), rng), 0.95) for _ in range(200)]
    of_training = np.array([of["training"] for of in found])

    assert of_training.min() == 0
    assert (of_training[:, 0] == 0).mean() > 0.4
    assert (of_training[:, 1] == 0).mean() > 0.9


def test_it_is_the_analysis_of_variance_by_hand():
    table = np.array([[1.0, 2, 6], [3, 5, 7]])
    # Means of rows 3 and 5, of columns 2, 3.5 and 6.5, of all 4: mean squares 6, 10.5 and 0.5.
    found = {name: numbers[0] for name, numbers in variance_components(table, 0.95).items()}

    assert found == pytest.approx({"rest": 0.5, "training": 5.5 / 3, "patient": 5.0})


def test_pseudo_values_of_a_mean_are_the_numbers_of_the_patients():
    numbers = np.random.default_rng(0).normal(size=(3, 7))

    np.testing.assert_allclose(pseudo_values(Mean, sums_of_numbers(numbers)), numbers)


@pytest.mark.parametrize("name", METRICS)
def test_pseudo_values_tell_how_far_the_value_of_other_patients_and_trainings_lies(name):
    rng = np.random.default_rng(1)
    metric, deviations = METRICS[name], (0.4, 0.5, 0.4)
    many = [sums_of_curves(name, crossed(4, 30, deviations, rng)) for _ in range(200)]
    values = [values_of_trainings(metric, one).mean() for one in many]
    parts = [variance_components(pseudo_values(metric, one), 0.95) for one in many]
    training, patient, rest = (np.mean([of[name][0] for of in parts]) for name in PARTS)

    expected = training / 4 + patient / 30 + rest / 120
    assert np.var(values, ddof=1) == pytest.approx(expected, rel=0.35)
    # All three are there: the test would pass by itself if one were most of it.
    assert min(training / 4, patient / 30) > 0.1 * expected


def test_a_row_per_component_of_each_estimator_and_variant():
    rng = np.random.default_rng(0)
    sums = {
        (name, variant): sums_of_curves("roc", crossed(3, 8, (1, 1, 1), rng))
        for name in "ab"
        for variant in ("original", "absolute")
    }
    found = components_of_values(METRICS["roc"], sums, 0.95)

    assert found["component"].tolist() == list(PARTS) * 4
    assert found[["estimator", "variant"]].drop_duplicates().to_numpy().tolist() == list(
        map(list, sums)
    )
    assert (found["low"] <= found["variance"]).all()
    assert (found["variance"] <= found["high"]).all()


@pytest.mark.parametrize(("name", "rows"), [("fidelity", 0), ("roc", 3)])
def test_a_mean_of_classes_needs_two_patients_of_each(name, rows):
    trainings = sums_of_curves(name, crossed(2, 3, (1, 1, 1), np.random.default_rng(0)))

    assert len(components_of_values(METRICS[name], {("a", "original"): trainings}, 0.95)) == rows


def test_one_patient_has_no_components():
    trainings = sums_of_curves("roc", np.zeros((2, 1)))
    assert components_of_values(METRICS["roc"], {("a", "original"): trainings}, 0.95).empty


def test_a_value_that_hangs_on_one_patient_has_no_components():
    class Ratio(Mean):
        @staticmethod
        def summarise(curves):
            number = curves.means["number"][:, 0]
            return {"value": np.where(number > 0, number, np.nan)}

    numbers = np.array([[3.0, 0, 0], [2, 0, 0]])
    sums = {("a", "original"): sums_of_numbers(numbers)}
    assert len(components_of_values(Mean, sums, 0.95)) == len(PARTS)
    assert components_of_values(Ratio, sums, 0.95).empty
