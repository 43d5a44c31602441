"""Agreement of classifiers whose rankings are known."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ct_importance.io.table_file import write_frame
from ct_importance.metrics.jobs import ChosenMetric
from ct_importance.statistics.concordance import agreement_of_classifiers, chance_tau, kendall_w
from ct_importance.statistics.jobs import ConcordanceJob
from ct_importance.statistics.options import StatisticsOptions
from tests.report.scripts import run_script
from tests.statistics.test_agreement import LowMean, Mean, sums

OPTIONS = StatisticsOptions(resamples=300)
PATIENTS = [f"p{number}" for number in range(12)]


def numbers(places, trainings=1, seed=0):
    """Numbers (S, P) around the place of each estimator, too near to it to change a rank."""
    rng = np.random.default_rng(seed)
    shape = (trainings, len(PATIENTS))
    return {name: place + 0.01 * rng.normal(size=shape) for name, place in places.items()}


def agreed(metric=Mean, **classifiers):
    found = agreement_of_classifiers(metric, classifiers, OPTIONS, seed=0)
    return found.set_index(["what", "first", "second"])[["value", "low", "high", "estimators"]]


UP = {"a": 1, "b": 2, "c": 3}
DOWN = {"a": 3, "b": 2, "c": 1}


@pytest.mark.parametrize("metric", [Mean, LowMean])
def test_classifiers_that_rank_alike_or_the_other_way(metric):
    found = agreed(
        metric,
        one=sums(numbers(UP), PATIENTS),
        two=sums(numbers(UP, seed=1), PATIENTS),
        three=sums(numbers(DOWN), PATIENTS),
    )

    assert found.loc["classifiers"].to_dict("index") == {
        ("one", "two"): {"value": 1, "low": 1, "high": 1, "estimators": 3},
        ("one", "three"): {"value": -1, "low": -1, "high": -1, "estimators": 3},
        ("two", "three"): {"value": -1, "low": -1, "high": -1, "estimators": 3},
    }
    assert found.loc[("all", "", "")].tolist() == pytest.approx([1 / 9, 1 / 9, 1 / 9, 3])
    assert "trainings" not in found.index  # there is one of each


def test_two_classifiers_have_no_concordance_of_all():
    found = agreed(one=sums(numbers(UP), PATIENTS), two=sums(numbers(DOWN), PATIENTS))

    assert found.index.tolist() == [("classifiers", "one", "two")]


def test_patients_are_drawn_together():
    """Numbers that are noise rank in every resample as they do in the other classifier's."""
    rng = np.random.default_rng(1)
    noise = {name: rng.normal(size=12) for name in "abcd"}
    found = agreed(one=sums(noise, PATIENTS), two=sums(noise, PATIENTS))

    assert found.iloc[0].tolist() == [1, 1, 1, 4]


def test_trainings_are_drawn_for_each_classifier_alone():
    """Of equal numbers, so that resamples of the same trainings would agree always."""
    rng = np.random.default_rng(2)
    noise = {name: np.repeat(rng.normal(size=(3, 1)), 12, axis=1) for name in "abcde"}
    found = agreed(one=sums(noise, PATIENTS), two=sums(noise, PATIENTS))

    assert found.loc[("classifiers", "one", "two"), "value"] == 1
    assert found.loc[("classifiers", "one", "two"), "low"] < 0.8


def test_single_trainings_are_compared_with_those_of_the_other_and_of_the_same():
    by_training = {
        "a": np.repeat([[1.0], [3.0]], 12, axis=1),
        "b": np.repeat([[2.0], [2.1]], 12, axis=1),
        "c": np.repeat([[3.0], [1.0]], 12, axis=1),
    }
    found = agreed(one=sums(by_training, PATIENTS), two=sums(numbers(UP), PATIENTS)).loc[
        "trainings"
    ]["value"]

    # Of one against two: 1 and -1; of the two trainings of one: -1; of two, there is one.
    assert found.to_dict() == {("one", "one"): -1, ("one", "two"): 0}


def test_estimators_that_one_classifier_lacks_are_left_out():
    more = numbers(UP | {"d": 0, "e": 9})
    found = agreed(one=sums(more, PATIENTS), two=sums(numbers(UP), PATIENTS))

    assert found.iloc[0].tolist() == [1, 1, 1, 3]
    with_none = agreed(one=sums(more, PATIENTS), two=sums({"x": [1] * 12}, PATIENTS))
    assert with_none.empty


def test_ties_and_one_patient():
    tied = {"a": [1], "b": [1 + 1e-15], "c": [2]}
    found = agreed(one=sums(tied, "p"), two=sums({"a": [1], "b": [2], "c": [3]}, "p"))

    tau = stats.kendalltau([1, 1, 2], [1, 2, 3]).statistic
    assert found["value"].tolist() == pytest.approx([tau])
    assert found["low"].isna().all()


def test_a_classifier_by_which_all_are_alike_has_no_ranking():
    found = agreed(
        one=sums({"a": [1] * 12, "b": [1] * 12}, PATIENTS),
        two=sums({"a": [1] * 12, "b": [2] * 12}, PATIENTS),
        three=sums({"a": [1] * 12, "b": [2] * 12}, PATIENTS),
    )["value"]

    assert found.isna().tolist() == [True, True, False, True]


@pytest.mark.parametrize("levels", [3, 1000])
def test_w_is_that_of_spearmans_correlations(levels):
    """W = (1 + (M - 1) r) / M, r the mean correlation; with ties, if each has its own spread."""
    merits = np.random.default_rng(0).integers(0, levels, (20, 2, 7))
    found = kendall_w(merits)

    ranks = [[stats.rankdata(row) for row in pair] for pair in merits]
    spread = np.array([[np.var(row) for row in pair] for pair in ranks])
    cross = np.array([np.cov(*pair, bias=True)[0, 1] for pair in ranks])
    np.testing.assert_allclose(found, 0.5 + cross / spread.sum(axis=1))
    if levels == 1000:
        rho = np.array([stats.spearmanr(*pair).statistic for pair in merits])
        np.testing.assert_allclose(found, (1 + rho) / 2)


def test_chance_is_that_of_all_permutations():
    rankings = list(itertools.permutations(range(6)))
    taus = np.array([stats.kendalltau(range(6), it).statistic for it in rankings])
    least = chance_tau(6)

    assert (np.abs(taus) >= least - 1e-9).mean() <= 0.05
    next_lower = np.abs(taus)[np.abs(taus) < least - 1e-9].max()
    assert (np.abs(taus) >= next_lower - 1e-9).mean() > 0.05
    assert np.isnan(chance_tau(4))
    assert np.isnan(chance_tau(1))


def test_tables_of_classifiers_with_other_numbers_of_trainings_are_told_apart(tmp_path):
    """Each table has one number of its own, so that one in another's place would show."""
    metric = ChosenMetric(name="roc", method="roc", options={})
    columns = [*metric.metric.point_columns]
    places = [
        (classifier, training, estimator)
        for classifier, count in {"one": 2, "two": 1}.items()
        for training in range(count)
        for estimator in ("a", "b", "c")
    ]
    # By both trainings of one: c, b, a, the best first; by that of two: a, b, c.
    exponents = dict(zip(places, [5, 4, 3, 2.5, 2, 1.5, 1, 2, 3], strict=True))
    paths = []
    for place, exponent in exponents.items():
        fpr = np.linspace(0, 1, 5)
        rows = dict.fromkeys(columns, fpr) | {"tpr": fpr ** (exponent / 6)}
        frames = [
            pd.DataFrame(rows).assign(patient_id=patient, label=1, variant="original")
            for patient in "pqr"
        ]
        paths.append(tmp_path / f"{'-'.join(map(str, place))}.parquet")
        write_frame(paths[-1], pd.concat(frames))
    ranks = []
    for name in ("one", "two"):
        ranks.append(tmp_path / f"ranks-{name}.parquet")
        write_frame(ranks[-1], pd.DataFrame({"metric": ["roc"], "estimator": [name]}))
    job = ConcordanceJob(
        trainings={"one": 2, "two": 1},
        metrics=(metric,),
        estimators=("a", "b", "c"),
        seed=0,
        statistics=OPTIONS,
    )
    output = {name: tmp_path / f"{name}.parquet" for name in ("ranks", "agreement")}
    given = {"points": paths, "ranks": ranks}
    run_script("compare_classifiers", job, log=tmp_path / "log", input=given, output=output)

    found = pd.read_parquet(output["agreement"]).set_index(["what", "first", "second"])["value"]
    assert found.to_dict() == {
        ("classifiers", "one", "two"): -1,
        ("trainings", "one", "one"): 1,
        ("trainings", "one", "two"): -1,
    }
    both = pd.read_parquet(output["ranks"])
    assert both["classifier"].tolist() == both["estimator"].tolist() == ["one", "two"]
