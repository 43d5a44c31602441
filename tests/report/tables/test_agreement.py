import numpy as np
import pandas as pd
import pytest

from ct_importance.report.tables.agreement import (
    agreement_with_paper,
    paper_rank_table,
    rank_table,
    tau_table,
)
from ct_importance.report.tables.paper import PAPER, compare_with_paper
from tests.estimators import PAPER as OF_THE_PAPER


def papers_ranks(sign=1):
    rows = [
        {"variant": variant, "metric": metric, "estimator": name, "value": sign * pair[place]}
        for place, variant in enumerate(("original", "absolute"))
        for metric, of_metric in PAPER.items()
        for name, pair in of_metric.items()
    ]
    return pd.DataFrame(rows).assign(rank=1.0, rank_low=1.0, rank_high=2.0)


def test_the_papers_numbers_are_of_the_estimators_there_are():
    for metric, of_metric in PAPER.items():
        missing = set(OF_THE_PAPER) - set(of_metric)
        assert missing == ({"random"} if metric == "roc" else set())


def test_the_paper_agrees_with_itself():
    same = compare_with_paper(papers_ranks())

    np.testing.assert_array_equal(same["rank"], same["paper_rank"])
    assert {row[3] for row in agreement_with_paper(papers_ranks())[1]} == {"1.00"}
    assert {row[3] for row in agreement_with_paper(papers_ranks(-1))[1]} == {"−1.00"}


def test_estimators_that_the_paper_lacks_are_left_out_of_the_comparison():
    mine = papers_ranks().query("estimator == 'smoothgrad'").assign(estimator="mine", value=9.0)
    both = compare_with_paper(pd.concat([papers_ranks(), mine]))

    assert "mine" not in set(both["estimator"])
    assert compare_with_paper(mine).empty


def test_a_row_per_estimator_best_mean_rank_first():
    ranks = pd.DataFrame(
        {
            "variant": "absolute",
            "metric": ["roc", "roc", "mine", "mine"],
            "estimator": ["random", "smoothgrad"] * 2,
            "value": [0.9, 0.8, 0.7, 0.2],
            "rank": [1.0, 2.0, 1.5, 1.5],
            "rank_low": [1.0, 2.0, 1.0, 1.0],
            "rank_high": [1.0, 2.0, 2.0, 2.0],
        }
    )
    header, rows = rank_table(ranks, "absolute")

    assert header == ["Estimator", "ROC", "mine"]
    assert rows == [["Random", "1 [1, 1]", "1.5 [1, 2]"], ["SmoothGrad", "2 [2, 2]", "1.5 [1, 2]"]]


def test_ranks_beside_the_papers_are_among_the_estimators_that_both_rank():
    ranks = pd.DataFrame(
        {
            "variant": "original",
            "metric": ["fidelity"] * 3 + ["roc"] * 2,
            "estimator": ["mine", "smoothgrad", "deconvolution", "random", "smoothgrad"],
            "value": [9.0, 2.0, 3.0, 0.9, 0.5],
        }
    )
    header, rows = paper_rank_table(ranks, "original")

    assert header == ["Estimator", "Fidelity", "ROC"]
    assert rows == [["Deconvolution", "1 / 2", "–"], ["SmoothGrad", "2 / 1", "1 / 1"]]
    assert paper_rank_table(ranks.query("estimator == 'mine'"), "original")[1] == []


@pytest.mark.parametrize(
    ("ends", "text"), [((-0.5, 1), "0.25 [−0.50, 1.00]"), ((np.nan, np.nan), "0.25")]
)
def test_tau_has_its_interval_if_there_is_one(ends, text):
    taus = pd.DataFrame(
        [("absolute", "fidelity", "dice", 0.25, *ends)],
        columns=["variant", "first", "second", "tau", "tau_low", "tau_high"],
    )
    assert tau_table(taus)[1] == [["Fidelity and Dice", "absolute", text]]
