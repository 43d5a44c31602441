"""What maps show of a sign, and which metric knew: of merits that are known."""

import numpy as np
import pytest
from scipy.stats import kendalltau

from ct_importance.metrics.metric import Curves
from ct_importance.statistics.options import StatisticsOptions
from ct_importance.statistics.planted.truth import knowing, truth_of
from tests.statistics.test_agreement import LowMean, Mean, sums

OPTIONS = StatisticsOptions(resamples=400, permutations=200)
PATIENTS = [f"p{number:02d}" for number in range(12)]


def numbers(places, seed=0):
    rng = np.random.default_rng(seed)
    return {name: place + 0.01 * rng.normal(size=len(PATIENTS)) for name, place in places.items()}


PLACES = {"a": 1, "b": 2, "c": 3, "d": 4, "random": 0}


class OfSigns(Mean):
    """One with all that a table of values asks for."""

    higher_is_better = True
    is_tuned = False
    chance = 0.5

    @staticmethod
    def figure_curves(curves):
        return Curves({}, curves.means)


def test_truth_is_the_value_of_each_estimator_with_its_interval():
    found = truth_of(
        {"mass": OfSigns()}, {"mass": sums(numbers(PLACES), PATIENTS)}, OPTIONS, seed=0
    )
    of = found.set_index("estimator")
    for name, place in PLACES.items():
        assert of.loc[name, "value"] == pytest.approx(place, abs=0.02)
        assert of.loc[name, "value_low"] < of.loc[name, "value"] < of.loc[name, "value_high"]
    assert of["slices"].eq(len(PATIENTS)).all()
    assert of["chance"].eq(0.5).all()
    assert truth_of({}, {}, OPTIONS, seed=0).empty


@pytest.mark.parametrize(("metric", "sign"), [(Mean, 1), (LowMean, -1)])
def test_a_metric_knew_whose_best_are_those_that_show_the_sign(metric, sign):
    places = {"a": 1, "b": 3, "c": 2, "d": 4, "random": 9}
    metrics = {"mass": Mean(), "other": metric()}
    truth = {"mass": sums(numbers(PLACES), PATIENTS)}
    others = {"other": sums(numbers(places, seed=1), PATIENTS)}
    found = knowing(metrics, truth, others, ["random"], OPTIONS, seed=0)
    (row,) = found.itertuples()
    expected = kendalltau([1, 2, 3, 4], [1, 3, 2, 4]).statistic * sign
    assert row.tau == pytest.approx(expected)
    assert (row.truth, row.metric, row.estimators) == ("mass", "other", 4)
    assert row.tau_low == row.tau_high == pytest.approx(expected)


def test_chance_in_the_truth_shows_in_the_interval():
    """A metric that ranks as the truth does, on patients who hardly tell the estimators apart."""
    rng = np.random.default_rng(3)
    noisy = {it: place + 6 * rng.normal(size=len(PATIENTS)) for it, place in PLACES.items()}
    metrics = {"mass": Mean(), "other": Mean()}
    truth = {"mass": sums(noisy, PATIENTS)}
    others = {"other": sums(numbers(PLACES, seed=1), PATIENTS)}
    (row,) = knowing(metrics, truth, others, [], OPTIONS, seed=0).itertuples()
    assert row.tau_low < row.tau_high


def test_without_flips_nothing_is_known():
    others = {"other": sums(numbers(PLACES), PATIENTS)}
    assert knowing({"other": Mean()}, {}, others, [], OPTIONS, seed=0).empty
