import pandas as pd
import pytest

from scripts.report.sentences import ordinal, say_disagreement, say_taus


def ranks(**by_metric):
    return pd.DataFrame(
        [
            {"variant": "absolute", "metric": metric, "estimator": estimator, "rank": float(rank)}
            for metric, of_estimators in by_metric.items()
            for estimator, rank in of_estimators.items()
        ]
    )


@pytest.mark.parametrize(
    ("rank", "count", "text"),
    [
        (1, 8, "1st"),
        (2, 8, "2nd"),
        (3, 8, "3rd"),
        (4, 8, "4th"),
        (11, 30, "11th"),
        (21, 30, "21st"),
        (8, 8, "last"),
        (1, 1, "1st"),
        (2.5, 8, "2nd to 3rd"),
    ],
)
def test_ranks_in_words(rank, count, text):
    assert ordinal(rank, count) == text


def test_what_the_metrics_disagree_on_most_is_said_first():
    table = ranks(
        fidelity={"smoothgrad": 1, "random": 2, "integrated_gradients": 4, "mine": 3},
        dice={"smoothgrad": 1, "random": 4, "integrated_gradients": 2, "mine": 3},
    )
    assert say_disagreement(table, "absolute") == [
        "By absolute values, SmoothGrad ranks first for every metric.",
        "By absolute values, Integrated Gradients ranks 2nd for Dice but last for Fidelity, "
        "of 4 estimators.",
        "By absolute values, Random ranks 2nd for Fidelity but last for Dice, of 4 estimators.",
    ]


def test_no_estimator_that_is_best_for_all():
    table = ranks(fidelity={"a": 1, "b": 2}, roc={"a": 1, "b": 2}, dice={"a": 2, "b": 1})

    assert say_disagreement(table, "absolute") == [
        "By absolute values, no estimator is best for every metric: first are a for Fidelity and "
        "ROC; b for Dice."
    ]


def test_of_one_metric_or_estimator_there_is_nothing_to_say():
    assert say_disagreement(ranks(dice={"a": 1, "b": 2}), "absolute") == []
    assert say_disagreement(ranks(dice={"a": 1}, roc={"a": 1}), "absolute") == []


@pytest.mark.parametrize(
    ("tau", "words"),
    [(0.9, "much alike"), (0.6, "partly alike"), (0.1, "differently"), (-0.7, "the other way")],
)
def test_agreement_in_words(tau, words):
    row = {"variant": "original", "first": "fidelity", "second": "mine", "tau": tau}
    with_ends = pd.DataFrame([row | {"tau_low": tau - 0.1, "tau_high": tau + 0.1}])
    without = pd.DataFrame([row | {"tau_low": None, "tau_high": None}])
    undefined = pd.DataFrame([row | {"tau": None, "tau_low": None, "tau_high": None}])

    number = f"{tau:.2f}".replace("-", "−")
    start = (
        f"By original values, Fidelity and mine rank the estimators {words} (Kendall's tau {number}"
    )
    assert say_taus(without, "original") == [f"{start})."]
    (sentence,) = say_taus(with_ends, "original")
    assert sentence.startswith(f"{start}, interval ")
    assert say_taus(undefined, "original") == say_taus(without, "absolute") == []
