import pandas as pd
import pytest

from ct_importance.report.names import metric_name
from ct_importance.report.sentences import (
    ordinal,
    say_answer,
    say_classifiers,
    say_disagreement,
    say_taus,
    say_warnings,
)


def ranks(shown=(), **by_metric):
    """Ranks by metric; the tests leave no other place in the metrics that are `shown`."""
    rows = []
    for metric, of_estimators in by_metric.items():
        for estimator, rank in of_estimators.items():
            ends = (rank, rank) if metric in shown else (1, len(of_estimators))
            rows.append(["absolute", metric, estimator, float(rank), *ends])
    columns = ["variant", "metric", "estimator", "rank", "rank_low", "rank_high"]
    return pd.DataFrame(rows, columns=columns)


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
        ["fidelity", "dice"],
        fidelity={"smoothgrad": 1, "random": 2, "integrated_gradients": 4, "mine": 3},
        dice={"smoothgrad": 1, "random": 4, "integrated_gradients": 2, "mine": 3},
    )
    assert say_disagreement(table, "absolute") == [
        "By absolute values, the highest value for every metric is that of SmoothGrad; the tests "
        "show that no other is as high.",
        "By absolute values, Integrated Gradients ranks 2nd for Dice but last for Fidelity, "
        "of 4 estimators; the tests bear this out.",
        "By absolute values, Random ranks 2nd for Fidelity but last for Dice, of 4 estimators; "
        "the tests bear this out.",
    ]


def test_the_answer_names_who_leads_who_may_and_who_fails():
    table = ranks(
        ["roc"],
        roc={"grad_cam": 1, "occlusion": 2, "smoothgrad": 3, "random": 4},
        dice={"grad_cam": 1, "random": 2, "occlusion": 3, "smoothgrad": 4},
        fidelity={"grad_cam": 2, "occlusion": 1, "smoothgrad": 3, "random": 4},
    )
    table.loc[(table["metric"] == "dice") & (table["rank"] > 2), "rank_low"] = 3

    assert say_answer(table, ["random"]) == (
        "By absolute values, Grad-CAM leads by ROC; Grad-CAM leads, but cannot be told apart from "
        "the control Random by Dice; Occlusion leads, but no other can be told apart from it "
        "by Fidelity."
    )
    sane = table[table["metric"] == "roc"].assign(metric="randomised_weights", verdict="passes")
    judged = pd.concat([table[table["metric"] == "roc"].assign(verdict=""), sane])
    assert say_answer(judged) == (
        "By absolute values, Grad-CAM leads by ROC; all pass the test of sanity."
    )
    judged.loc[(judged.verdict == "passes") & (judged["rank"] > 2), "verdict"] = "fails"
    assert say_answer(judged).endswith("; Random and SmoothGrad fail the test of sanity.")
    some = say_answer(judged, ["random"])
    assert some.endswith("; SmoothGrad fails the test of sanity, as controls do.")
    none = say_answer(judged, ["random", "smoothgrad"])
    assert none.endswith("; no estimator but the controls fails the test of sanity.")


def test_where_a_control_leads_the_answer_names_the_first_of_the_estimators():
    table = ranks(["roc"], roc={"centre": 1, "grad_cam": 2, "random": 3})
    assert say_answer(table, ["centre", "random"]) == (
        "By absolute values, the control Centre leads (of the estimators Grad-CAM) by ROC."
    )
    only_controls = table[table["estimator"] != "grad_cam"]
    assert "of the estimators" not in say_answer(only_controls, ["centre", "random"])


def test_the_answer_where_it_is_short_or_long():
    equal = ranks(["roc"], roc={"a": 1.5, "b": 1.5, "c": 3})
    assert say_answer(equal) == "By absolute values, a and b lead with equal values by ROC."
    many = ranks(roc={f"e{place}": place for place in range(1, 9)})
    many.loc[many["rank"] == 8, "rank_low"] = 8
    assert "apart from e2, e3, e4, e5 and 2 more by ROC." in say_answer(many)
    original = equal.assign(variant="original")
    assert say_answer(original).startswith("By original values, a and b lead")
    assert say_answer(equal[:1]) == ""


@pytest.mark.parametrize(
    ("shown", "where"),
    [([], "any metric"), (["fidelity"], "Dice"), (["fidelity", "dice"], None)],
)
def test_what_the_tests_do_not_show_is_said_to_be_open(shown, where):
    table = ranks(shown, fidelity={"a": 1, "b": 2, "c": 3}, dice={"a": 1, "c": 2, "b": 3})
    (sentence,) = say_disagreement(table, "absolute")

    open_end = f"that no other is as high could not be shown for {where}."
    closed_end = "the tests show that no other is as high."
    assert sentence.endswith(open_end if where else closed_end)


@pytest.mark.parametrize(
    ("shown", "end"),
    [
        (["fidelity", "dice"], "the tests bear this out."),
        (["dice"], "the tests do not exclude chance."),
        ([], "the tests do not exclude chance."),
    ],
)
def test_ranks_that_may_be_chance_are_said_to(shown, end):
    table = ranks(shown, fidelity={"a": 1, "b": 2, "c": 3}, dice={"a": 3, "b": 2, "c": 1})

    assert say_disagreement(table, "absolute")[1] == (
        f"By absolute values, a ranks 1st for Fidelity but last for Dice, of 3 estimators; {end}"
    )


def test_estimators_that_share_the_highest_value_are_not_shown_to_be_best():
    table = ranks(["roc", "dice"], roc={"a": 1.5, "b": 1.5}, dice={"a": 1, "b": 2})

    assert say_disagreement(table, "absolute") == [
        "By absolute values, the highest value for every metric is that of a; that no other is as "
        "high could not be shown for ROC."
    ]


def test_no_estimator_that_is_best_for_all():
    table = ranks(fidelity={"a": 1, "b": 2}, roc={"a": 1, "b": 2}, dice={"a": 2, "b": 1})

    assert say_disagreement(table, "absolute") == [
        "By absolute values, the highest value is that of a for Fidelity and ROC, that of b for "
        "Dice; that no other is as high could not be shown for any metric."
    ]


def test_of_one_metric_or_estimator_there_is_nothing_to_say():
    assert say_disagreement(ranks(dice={"a": 1, "b": 2}), "absolute") == []
    assert say_disagreement(ranks(dice={"a": 1}, roc={"a": 1}), "absolute") == []


def taus(tau, low=None, high=None):
    row = {"variant": "original", "first": "fidelity", "second": "mine", "tau": tau}
    return pd.DataFrame([row | {"tau_low": low, "tau_high": high}], dtype=object).astype(
        {"tau": float, "tau_low": float, "tau_high": float}
    )


@pytest.mark.parametrize(
    ("tau", "low", "high", "words"),
    [
        (0.9, 0.8, 1, "Fidelity and mine rank the estimators much alike"),
        (0.9, 0.1, 1, "Fidelity and mine rank the estimators partly alike"),
        (-0.7, -0.9, -0.1, "Fidelity and mine rank the estimators partly the other way round"),
        (
            0.0,
            -0.82,
            0.82,
            "whether Fidelity and mine rank the estimators alike could not be shown",
        ),
        (0.9, 0.0, 1, "whether Fidelity and mine rank the estimators alike could not be shown"),
        (0.1, -0.1, 0.2, "whether Fidelity and mine rank the estimators alike could not be shown"),
    ],
)
def test_agreement_is_said_only_as_far_as_its_interval_shows_it(tau, low, high, words):
    numbers = [f"{number:.2f}".replace("-", "−") for number in (tau, low, high)]

    assert say_taus(taus(tau, low, high), "original") == [
        f"By original values, {words} (Kendall's tau {numbers[0]}, interval {numbers[1]} to "
        f"{numbers[2]})."
    ]


def test_agreement_without_interval_is_not_shown():
    assert say_taus(taus(0.9), "original") == [
        "By original values, whether Fidelity and mine rank the estimators alike could not be "
        "shown (Kendall's tau 0.90, no interval)."
    ]
    assert say_taus(taus(None), "original") == say_taus(taus(0.9), "absolute") == []


def test_of_many_pairs_the_ends_and_their_numbers_are_told():
    pairs = [("a", "b", 0.9, 0.8, 1.0), ("a", "c", -0.5, -0.7, -0.2)]
    pairs += [("a", f"d{number}", 0.1, -0.2, 0.3) for number in range(6)]
    columns = ["first", "second", "tau", "tau_low", "tau_high"]
    table = pd.DataFrame(pairs, columns=columns).assign(variant="original")
    told = say_taus(table, "original")
    assert told[0] == (
        "By original values, 1 of 8 pairs of metrics rank the estimators more alike than by "
        "chance, 1 the other way round; of 6 neither could be shown."
    )
    assert [sentence.split("(")[1] for sentence in told[1:]] == [
        "Kendall's tau 0.90, interval 0.80 to 1.00).",
        "Kendall's tau −0.50, interval −0.70 to −0.20).",
    ]
    assert len(say_taus(table[:6], "original")) == 6


def agreed(*rows):
    columns = ["what", "first", "second", "value", "low", "high"]
    table = pd.DataFrame(rows, columns=columns).assign(variant="absolute", metric="roc")
    return table.astype({"value": float, "low": float, "high": float})


def ranked(shown=(), **by_classifier):
    """Ranks by ROC of each classifier."""
    tables = [
        ranks(["roc"] if name in shown else [], roc=of).assign(classifier=name)
        for name, of in by_classifier.items()
    ]
    return pd.concat(tables)


def test_two_classifiers_that_agree_and_the_paper():
    table = agreed(
        ("classifiers", "one", "two", 0.9, 0.8, 1),
        ("trainings", "one", "one", 0.7, None, None),
        ("paper", "one", "", 0.5, None, None),
        ("paper", "two", "", -0.25, None, None),
    )
    same = ranked(one={"a": 1, "b": 2}, two={"a": 1, "b": 2})

    assert say_classifiers(same, table, "absolute") == [
        "By ROC of absolute values, one and two rank the estimators much alike (Kendall's tau "
        "0.90, interval 0.80 to 1.00); first is a for both, which the tests leave open; tau with "
        "the ranking of the paper is 0.50 for one and −0.25 for two."
    ]
    (alone,) = say_classifiers(same, table[table["what"] == "paper"], "absolute")
    assert alone.startswith("By ROC of absolute values, tau with the ranking of the paper is 0.50")
    assert say_classifiers(same, table, "original") == []


def test_of_three_classifiers_the_two_that_agree_least_decide():
    table = agreed(
        ("classifiers", "one", "two", 0.9, 0.8, 1),
        ("classifiers", "one", "three", 0.4, -0.1, 0.8),
        ("classifiers", "two", "three", 0.5, 0.1, 0.8),
        ("all", "", "", 0.75, 0.5, 0.9),
    )
    differing = ranked(["one"], one={"a": 1, "b": 2}, two={"a": 1.5, "b": 1.5}, three={"b": 1})
    (sentence,) = say_classifiers(differing, table, "absolute")

    assert sentence == (
        "By ROC of absolute values, whether all 3 classifiers rank the estimators alike could not "
        "be shown (Kendall's tau 0.40 to 0.90; W 0.75, interval 0.50 to 0.90); first is a for one, "
        "a and b (equal) for two and b for three, which the tests leave open for two."
    )


def test_classifiers_without_interval_or_ranking():
    table = agreed(("classifiers", "one", "two", 0.9, None, None))
    first = ranked(["one", "two"], one={"a": 1}, two={"b": 1})

    assert say_classifiers(first, table, "absolute") == [
        "By ROC of absolute values, whether one and two rank the estimators alike could not be "
        "shown (Kendall's tau 0.90, no interval); first is a for one and b for two."
    ]
    nothing = agreed(("classifiers", "one", "two", None, None, None))
    assert say_classifiers(first, nothing, "absolute") == []


def test_every_warning_is_said_once_with_its_metrics():
    of_metrics = {"fidelity": ["poor", "few"], "roc": ["poor", "few"], "mine": ["poor", "odd"]}

    assert say_warnings(["poor"], of_metrics) == ["poor", "Fidelity and ROC: few", "mine: odd"]
    assert say_warnings([], {"dice": []}) == []


def test_of_a_metric_where_lower_is_better_the_best_value_is_not_called_the_highest():
    table = ranks(["error"], error={"a": 1, "b": 2, "c": 3}, dice={"a": 1, "c": 2, "b": 3})

    assert say_disagreement(table, "absolute", lower_is_better=["error"]) == [
        "By absolute values, the best value for every metric is that of a; that no other is as "
        "good could not be shown for Dice.",
    ]
    (sentence,) = say_disagreement(table, "absolute", lower_is_better=["another"])
    assert "the highest value for every metric" in sentence


def test_metrics_are_called_by_their_title_and_other_entries_by_their_name():
    assert [metric_name(name) for name in ("fidelity", "roc", "dice")] == [
        "Fidelity",
        "ROC",
        "Dice",
    ]
    assert metric_name("fidelity_fine") == "fidelity_fine"
