import pandas as pd
import pytest

from ct_importance.plugins import load
from ct_importance.report.tables.agreement import rank_table
from ct_importance.report.tables.notes import without_width
from ct_importance.report.tables.sanity import say_failures
from ct_importance.statistics.together import by_mean_rank
from ct_importance.statistics.verdicts import of_merit, pairs_of_merit, sanity_of, with_verdicts

SANE = load("metric", "randomised_weights")()
METRICS = {"roc": load("metric", "roc")(), "randomised_weights": SANE, "another": SANE}


def values(of_gradient):
    """Edges fail by it, and the gradient as absolute values, if that is much."""
    rows = [
        ("edges", "original", 1.0, 0.4, 0.3),
        ("edges", "absolute", 1.0, 0.4, 0.3),
        ("gradient", "original", 0.0, 0.0, -0.1),
        ("gradient", "absolute", 0.6, 0.6, of_gradient),
    ]
    columns = ["estimator", "variant", "value", "excess", "excess_low"]
    return pd.DataFrame(rows, columns=columns)


def ranks(*metrics):
    rows = [
        (variant, metric, name, float(rank))
        for variant in ("original", "absolute")
        for metric in metrics
        for rank, name in enumerate(("edges", "gradient"), 1)
    ]
    table = pd.DataFrame(rows, columns=["variant", "metric", "estimator", "rank"])
    return table.assign(rank_low=1, rank_high=2)


@pytest.fixture
def judged():
    tables = {"randomised_weights": values(0.0), "another": values(0.5)}
    return with_verdicts(ranks(*METRICS), METRICS, tables)


def test_who_fails_one_metric_fails(judged):
    assert sanity_of(judged) == {
        ("original", "edges"): "fails",
        ("absolute", "edges"): "fails",
        ("original", "gradient"): "passes",
        ("absolute", "gradient"): "fails",
    }
    assert (judged[judged["metric"] == "roc"]["verdict"] == "").all()
    assert say_failures(judged) == [
        "Randomised Weights, original values: edges fails.",
        "Randomised Weights, absolute values: edges fails.",
        "another, original values: edges fails.",
        "another, absolute values: edges and gradient fail.",
    ]


def test_verdicts_stand_beside_the_ranks(judged):
    assert rank_table(judged[judged["metric"] != "another"], "absolute") == (
        ["Estimator", "ROC", "Randomised Weights", "Sanity"],
        [
            ["edges", "1 [1, 2]", "1 [1, 2]", "fails"],
            ["gradient", "2 [1, 2]", "2 [1, 2]", "passes"],
        ],
    )


def test_without_a_metric_of_sanity_ranks_are_as_they_were():
    table = with_verdicts(ranks("roc"), {"roc": METRICS["roc"]}, {})
    pd.testing.assert_frame_equal(table, ranks("roc"))
    assert sanity_of(table) == {}
    assert say_failures(table) == []


@pytest.mark.parametrize(("metric", "said"), [("randomised_weights", False), ("roc", True)])
def test_a_map_that_never_changes_is_certainly_the_same(metric, said):
    table = values(0.0).assign(value_low=lambda it: it["value"], value_high=lambda it: it["value"])
    (note,) = without_width(METRICS[metric], table)
    assert ("edges (original)" in note) == said
    assert "gradient (original)" in note


def test_a_test_of_sanity_is_no_merit_where_there_is_another_metric(judged):
    assert set(of_merit(judged)["metric"]) == {"roc"}
    alone = judged[judged["metric"] != "roc"]
    assert set(of_merit(alone)["metric"]) == {"randomised_weights", "another"}
    taus = pd.DataFrame({"first": ["roc", "roc"], "second": ["another", "roc"]})
    assert list(pairs_of_merit(taus, judged).index) == [1]
    turned = judged["rank"].where(judged["metric"] == "roc", 9 * (judged["estimator"] == "edges"))
    assert by_mean_rank(judged.assign(rank=turned)) == ["edges", "gradient"]
