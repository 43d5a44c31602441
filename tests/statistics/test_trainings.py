"""Values, intervals and comparisons of several trainings of a classifier."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ct_importance.metrics.averaging import mean_curves, values_of_trainings
from ct_importance.statistics.agreement import rank_by_metrics
from ct_importance.statistics.comparisons import permutation_p_value, sign_flips
from ct_importance.statistics.estimates import estimate_values, read_sums
from ct_importance.statistics.intervals import (
    crossed_interval,
    interval,
    resample_patients,
    resample_trainings,
)
from ct_importance.statistics.options import StatisticsOptions
from tests.metrics.test_averaging import points
from tests.statistics.crossed import METRICS, Mean, crossed, sums_of_curves, sums_of_numbers

FEW = StatisticsOptions(resamples=300, permutations=300)


def covered(metric, trainings, truth, seed):
    """Whether the crossed interval holds the truth, and whether that of the patients does."""
    counts = trainings[0].counts
    weights = resample_patients(counts, 300, seed)
    by_training = values_of_trainings(metric, trainings)
    resampled = values_of_trainings(metric, trainings, weights).mean(axis=0)[:, None]
    patients = counts.sum(axis=1) if metric.balanced else [counts.shape[1]]
    arguments = (resampled, 0.95, patients)
    found = (
        crossed_interval(by_training, *arguments),
        interval(by_training.mean(axis=0), *arguments),
    )
    return [low[0] <= truth <= high[0] for low, high in found]


@pytest.mark.parametrize("trainings", [2, 3, 5])
def test_95_percent_intervals_hold_the_truth_of_other_trainings_and_patients(trainings):
    rng = np.random.default_rng(trainings)
    found = [
        covered(Mean, sums_of_numbers(crossed(trainings, 30, (1, 1, 1), rng)), 0, number)
        for number in range(1000)
    ]
    both, patients_alone = np.mean(found, axis=0)

    assert 0.93 <= both <= 0.98
    assert patients_alone < 0.7


@pytest.mark.parametrize("name", METRICS)
def test_they_do_for_values_of_curves(name):
    rng = np.random.default_rng(5)
    metric, deviations = METRICS[name], (0.5, 0.5, 0.3)
    many = sums_of_curves(name, crossed(400, 2000, deviations, rng))
    truth = values_of_trainings(metric, many).mean()
    found = [
        covered(metric, sums_of_curves(name, crossed(3, 30, deviations, rng)), truth, number)
        for number in range(300)
    ]
    both, patients_alone = np.mean(found, axis=0)

    assert 0.92 <= both <= 0.99
    assert patients_alone < 0.75


def test_where_all_trainings_are_one_the_interval_is_that_of_the_patients():
    replicates = np.random.default_rng(0).normal(size=(500, 2))
    alone = interval(np.zeros(2), replicates, 0.95, [20])

    np.testing.assert_array_equal(crossed_interval(np.zeros((3, 2)), replicates, 0.95, [20]), alone)


def test_where_patients_do_not_differ_it_is_students_interval_of_the_trainings():
    values = np.array([[1.0], [2.0], [4.0]])
    low, high = crossed_interval(values, np.full((100, 1), values.mean()), 0.95, [20])
    expected = stats.t.interval(0.95, 2, values.mean(), stats.sem(values[:, 0]))

    np.testing.assert_allclose([low[0], high[0]], expected)


def test_one_training_has_the_interval_of_its_patients_to_the_last_bit():
    rng = np.random.default_rng(0)
    (sums,) = sums_of_curves("dice", rng.normal(size=(1, 12)))
    metric = METRICS["dice"]
    found = estimate_values(metric, {("a", "original"): [sums]}, FEW, seed=0)
    exact, resampled = (
        metric.summarise(mean_curves(metric, sums, weights))["value"]
        for weights in (None, resample_patients(sums.counts, FEW.resamples, 0))
    )
    expected = exact, *interval(exact, resampled[:, None], FEW.confidence, [12])

    row = found.values.iloc[0]
    assert row[["value", "value_low", "value_high"]].tolist() == [of[0] for of in expected]
    assert not any("training_1" in name for name in found.values)


@pytest.mark.parametrize("name", METRICS)
def test_values_are_means_over_trainings_of_the_value_of_each(name, tmp_path):
    metric = METRICS[name]
    for seed in (0, 1):
        points(name, patients=12, seed=seed).to_parquet(tmp_path / f"{seed}")
    single = [read_sums(metric, {"it": [tmp_path / f"{seed}"]}) for seed in (0, 1)]
    both = read_sums(metric, {"it": [tmp_path / "0", tmp_path / "1"]})
    found, *of_one = (estimate_values(metric, sums, FEW, seed=0) for sums in (both, *single))

    values = [of.values["value"].to_numpy() for of in of_one]
    np.testing.assert_allclose(found.values["value"], np.mean(values, axis=0))
    for number, of in enumerate(values, 1):
        np.testing.assert_array_equal(found.values[f"value_training_{number}"], of)
    # The maximum of a mean curve lies below the mean of the maxima.
    widths = [of.values["value_high"] - of.values["value_low"] for of in (found, *of_one)]
    assert (widths[0] > np.maximum(*widths[1:])).any()
    shown = [column for column in found.curves if f"{column}_low" in found.curves]
    for column in shown:
        expected = np.mean([of.curves[column] for of in of_one], axis=0)
        np.testing.assert_allclose(found.curves[column], expected)


def p_value(first, second, permutations=2000):
    pairs = [sums_of_numbers(np.atleast_2d(numbers)) for numbers in (first, second)]
    return permutation_p_value(Mean, *pairs, sign_flips(np.shape(first)[-1], permutations, seed=0))


def test_a_difference_that_changes_its_sign_between_trainings_is_not_shown():
    rng = np.random.default_rng(0)
    noise = 0.01 * rng.normal(size=(12, 30))
    shift = np.full((12, 1), 1.0)
    assert p_value(noise + shift, np.zeros((12, 30))) < 0.01
    shift[0] = -0.1
    assert p_value(noise + shift, np.zeros((12, 30))) == 1


def test_equal_trainings_have_the_p_value_of_one():
    rng = np.random.default_rng(1)
    first, second = rng.normal(0.4, 1, 12), rng.normal(0, 1, 12)
    thrice = p_value(np.tile(first, (3, 1)), np.tile(second, (3, 1)), 5000)

    assert thrice == pytest.approx(p_value(first, second, 5000), abs=1e-9)


def test_where_patients_agree_it_is_the_paired_t_test_of_the_trainings():
    # All patients say the same, and they are many: no permutation comes close.
    differences = np.array([1.0, 1.5, 1.2, 0.9])
    found = p_value(np.repeat(differences[:, None], 900, axis=1), np.zeros((4, 900)))

    assert found == pytest.approx(stats.ttest_1samp(differences, 0).pvalue, rel=0.1)
    assert found > stats.ttest_1samp(differences, 0).pvalue


@pytest.mark.parametrize("deviations", [(1, 1, 1), (0, 1, 1), (1, 3, 0.5), (2, 0.2, 1)])
@pytest.mark.parametrize("trainings", [3, 6])
def test_without_a_difference_p_values_are_as_small_as_they_say(trainings, deviations):
    rng = np.random.default_rng(3)
    found = [
        p_value(crossed(trainings, 15, deviations, rng), np.zeros((trainings, 15)), 300)
        for _ in range(150)
    ]
    for level in (0.05, 0.2):
        assert np.mean(np.array(found) <= level) <= level + 2.5 * np.sqrt(level * (1 - level) / 150)


def test_trainings_are_drawn_one_less_than_there_are():
    shares = resample_trainings(4, 20_000, seed=0)

    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert set((3 * shares).round().ravel()) == {0, 1, 2, 3}
    values = np.array([0.0, 1.0, 5.0, 2.0])
    assert (shares @ values).var() == pytest.approx(values.var(ddof=1) / 4, rel=0.03)
    assert (resample_trainings(1, 5, seed=0) == 1).all()


def test_the_interval_of_tau_knows_of_trainings():
    # Each training ranks alike for all patients, and each otherwise.
    def of(order):
        numbers = {name: [[place] * 6 for place in order[name]] for name in order}
        return {(name, "original"): sums_of_numbers(np.array(of)) for name, of in numbers.items()}

    class Merit(Mean):
        @staticmethod
        def merit(values):
            return values

    sums = {
        "one": of({"a": [1, 1, 1], "b": [2, 2, 2], "c": [3, 3, 3]}),
        "other": of({"a": [1, 9, 1], "b": [2, 2, 2], "c": [3, 3, 3]}),
    }
    pairs = [
        [first, "original", second, "original", 1.0]
        for first, second in itertools.combinations("abc", 2)
    ]
    names = ["first", "first_variant", "second", "second_variant", "p_holm"]
    comparisons = dict.fromkeys(sums, pd.DataFrame(pairs, columns=names))
    found = rank_by_metrics(dict.fromkeys(sums, Merit), sums, comparisons, FEW, seed=0)

    ranks = found.ranks.set_index(["metric", "estimator"])
    assert ranks.loc["other", "value"].to_dict() == pytest.approx({"a": 11 / 3, "b": 2, "c": 3})
    row = found.taus.iloc[0]
    assert (row["tau_low"], row["tau_high"]) == (pytest.approx(-1 / 3), 1)
