import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ct_importance.metrics.averaging import PatientSums
from ct_importance.statistics.agreement import kendall_tau, rank_by_metrics, tau_between_trainings
from ct_importance.statistics.options import StatisticsOptions

OPTIONS = StatisticsOptions(resamples=400)


class Mean:
    """A metric whose value is the mean of one number per slice."""

    balanced = False

    @staticmethod
    def merit(values):
        return values

    @staticmethod
    def summarise(curves):
        return {"value": curves.means["number"][:, 0]}


class LowMean(Mean):
    """One of which the lowest value is the best."""

    @staticmethod
    def merit(values):
        return -values


def sums(by_estimator, patients):
    return {
        (estimator, "original"): [
            PatientSums(
                patients=tuple(patients),
                classes=(0,),
                counts=np.ones((1, len(patients))),
                positions={},
                sums={"number": np.asarray(of_training, float)[None, :, None]},
            )
            for of_training in np.atleast_2d(numbers)
        ]
        for estimator, numbers in by_estimator.items()
    }


def compared(of_metric, differing=()):
    """Comparisons of a metric of which these pairs, e.g. "ab", differ."""
    names = sorted({estimator for estimator, _ in of_metric})
    return pd.DataFrame(
        [
            {
                "first": first,
                "first_variant": "original",
                "second": second,
                "second_variant": "original",
                "p_holm": 0.05 if first + second in differing else 0.051,
            }
            for first, second in itertools.combinations(names, 2)
        ]
    )


def rank(differing=(), lower=(), **metrics):
    modules = {name: LowMean if name in lower else Mean for name in metrics}
    comparisons = {name: compared(sums, differing) for name, sums in metrics.items()}
    return rank_by_metrics(modules, metrics, comparisons, OPTIONS, seed=0)


@pytest.mark.parametrize("levels", [3, 1000])
def test_tau_is_that_of_scipy(levels):
    first, second = np.random.default_rng(0).integers(0, levels, (2, 30, 7))
    expected = [stats.kendalltau(*pair).statistic for pair in zip(first, second, strict=True)]

    np.testing.assert_allclose(kendall_tau(first, second), expected, atol=1e-12)


def test_tau_of_equal_values_or_one_estimator_is_not_defined():
    assert np.isnan(kendall_tau(np.ones((1, 3)), np.arange(3)[None])).all()
    assert np.isnan(kendall_tau(np.ones((2, 1)), np.ones((2, 1)))).all()


def test_ranks_start_with_the_best_and_ties_share_theirs():
    found = rank(one=sums({"a": [1, 1], "b": [3, 3], "c": [1, 1 + 1e-15], "d": [0, 0]}, "pq"))

    ranks = found.ranks.set_index("estimator")["rank"].to_dict()
    assert ranks == {"b": 1, "a": 2.5, "c": 2.5, "d": 4}
    assert found.taus.empty


def test_metrics_that_rank_alike_or_the_other_way():
    rng = np.random.default_rng(0)
    patients = [f"p{number}" for number in range(20)]
    noise = 0.1 * rng.normal(size=(3, 20))
    up = {name: place + noise[place] for place, name in enumerate("abc")}
    down = {name: -values for name, values in up.items()}
    found = rank(
        one=sums(up, patients), other=sums(up, patients), reversed=sums(down, patients)
    ).taus.set_index(["first", "second"])

    assert found.loc[("one", "other"), ["tau", "tau_low", "tau_high"]].tolist() == [1, 1, 1]
    assert found.loc[("one", "reversed"), ["tau", "tau_low", "tau_high"]].tolist() == [-1, -1, -1]


@pytest.mark.parametrize(
    ("differing", "places"),
    [
        ((), {"a": [1, 1, 4], "b": [2, 1, 4], "c": [3, 1, 4], "d": [4, 1, 4]}),
        (("ad", "bd"), {"a": [1, 1, 3], "b": [2, 1, 3], "c": [3, 1, 4], "d": [4, 3, 4]}),
        (("ab", "ac", "ad"), {"a": [1, 1, 1], "b": [2, 2, 4], "c": [3, 2, 4], "d": [4, 2, 4]}),
        (
            ("ab", "ac", "ad", "bc", "bd", "cd"),
            {"a": [1, 1, 1], "b": [2, 2, 2], "c": [3, 3, 3], "d": [4, 4, 4]},
        ),
    ],
)
def test_places_are_those_that_the_tests_leave(differing, places):
    # The ranks of these numbers are the same in every resample.
    numbers = {name: [9 - place] * 5 for place, name in enumerate("abcd")}
    found = rank(differing, one=sums(numbers, "pqrst")).ranks.set_index("estimator")

    assert found[["rank", "rank_low", "rank_high"]].T.to_dict("list") == places


def test_where_lower_is_better_the_lowest_is_first():
    numbers = {name: [place] * 5 for place, name in enumerate("abcd")}
    of_all = sums(numbers, "pqrst")
    found = rank(("ab", "ac", "ad"), ["error"], error=of_all, score=of_all)
    ranks = found.ranks.set_index(["metric", "estimator"])

    assert ranks.loc["error", "value"].to_dict() == {"a": 0, "b": 1, "c": 2, "d": 3}
    assert ranks.loc["error", "rank"].to_dict() == {"a": 1, "b": 2, "c": 3, "d": 4}
    assert ranks.loc["score", "rank"].to_dict() == {"a": 4, "b": 3, "c": 2, "d": 1}
    assert ranks.loc[("error", "a"), ["rank_low", "rank_high"]].tolist() == [1, 1]
    assert ranks.loc[("error", "b"), ["rank_low", "rank_high"]].tolist() == [2, 4]
    assert found.taus[["tau", "tau_low", "tau_high"]].to_numpy().tolist() == [[-1, -1, -1]]


def test_undefined_values_rank_last_also_where_lower_is_better():
    numbers = {"a": [1, 1], "b": [np.nan] * 2, "c": [3, 3], "d": [np.nan] * 2}
    of_all = sums(numbers, "pq")
    found = rank((), ["error"], error=of_all, score=of_all)
    ranks = found.ranks.set_index(["metric", "estimator"])

    assert ranks.loc["score", "rank"].to_dict() == {"a": 2, "b": 3.5, "c": 1, "d": 3.5}
    assert ranks.loc["error", "rank"].to_dict() == {"a": 1, "b": 3.5, "c": 2, "d": 3.5}
    np.testing.assert_array_equal(ranks.loc["error", "value"], [1, np.nan, 3, np.nan])
    # Of 5 pairs that are not tied, one is the other way round.
    assert found.taus["tau"].tolist() == [pytest.approx(3 / 5)]


def test_patients_of_two_metrics_are_drawn_together():
    # The same numbers, and one metric that knows patients beside: without resampling them together
    # the two would rank the estimators differently in many resamples.
    rng = np.random.default_rng(2)
    shared = [f"p{number}" for number in range(12)]
    numbers = {name: rng.normal(size=12) for name in "abcd"}
    more = {name: np.append(values, [0.0, 0.0]) for name, values in numbers.items()}
    found = rank(one=sums(numbers, shared), other=sums(more, [*shared, "x", "y"])).taus.iloc[0]

    assert found["tau"] == found["tau_low"] == found["tau_high"] == 1


def test_one_patient_has_ranks_in_any_place_and_tau_without_interval():
    found = rank(one=sums({"a": [1], "b": [2]}, "p"), other=sums({"a": [1], "b": [2]}, "p"))

    assert found.ranks["rank"].tolist() == [2, 1, 2, 1]
    assert found.ranks["rank_low"].tolist() == [1, 1, 1, 1]
    assert found.ranks["rank_high"].tolist() == [2, 2, 2, 2]
    assert found.taus["tau_high"].isna().all()


def test_resamples_in_which_all_estimators_are_alike_are_left_out_of_the_interval_of_tau():
    # Patients of whom one metric tells nothing: resamples of these alone have no ranking.
    patients = [f"p{number}" for number in range(4)]
    sure = sums({"a": [1, 1, 1, 1], "b": [2, 2, 2, 2]}, patients)
    found = rank(one=sure, other=sums({"a": [0, 0, 0, 0], "b": [0, 0, 1, 1]}, patients)).taus

    assert found[["tau", "tau_low", "tau_high"]].iloc[0].tolist() == [1, 1, 1]


def test_tau_between_trainings_is_that_of_their_rankings():
    values = pd.DataFrame(
        {
            "estimator": ["a", "b", "c"] * 2,
            "variant": ["original"] * 3 + ["absolute"] * 3,
            "value": 0.0,
            "value_low": 0.0,
            "value_training_1": [1.0, 2.0, 3.0, 1.0, 2.0, 3.0],
            "value_training_2": [1.0, 3.0, 2.0, 3.0, 2.0, 1.0],
            "value_training_3": [1.0, 1.0 + 1e-15, 5.0, 1.0, 1.0, 1.0],
        }
    )
    found = tau_between_trainings(values).set_index(["variant", "first", "second"])["tau"]

    assert found["original", 1, 2] == pytest.approx(1 / 3)
    assert found["original", 1, 3] == pytest.approx(2 / np.sqrt(6))
    assert found["absolute", 1, 2] == -1
    assert np.isnan(found["absolute", 1, 3])
    assert len(found) == 6
