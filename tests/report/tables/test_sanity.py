import pandas as pd
import pytest

from ct_importance.io.table_file import write_frame
from ct_importance.metrics.jobs import ChosenMetric
from ct_importance.report.tables.agreement import rank_table
from ct_importance.report.tables.sanity import read_verdicts, say_failures, with_verdicts

METRICS = [
    ChosenMetric(name=name, method=method, options={})
    for name, method in (
        *(("fidelity", "fidelity"), ("randomised_weights", "randomised_weights")),
        *(("roc", "roc"), ("another", "randomised_weights")),
    )
]


@pytest.fixture
def values(tmp_path):
    """By the first, edges fail; by the other, edges and, as absolute values, the gradient."""
    tables = []
    for name, of_gradient in (("first", 0.0), ("other", 0.5)):
        rows = [
            ("edges", "original", 1.0, 0.4, 0.3),
            ("edges", "absolute", 1.0, 0.4, 0.3),
            ("gradient", "original", 0.0, 0.0, -0.1),
            ("gradient", "absolute", 0.6, 0.6, of_gradient),
        ]
        columns = ["estimator", "variant", "value", "excess", "excess_low"]
        tables.append(tmp_path / f"{name}.parquet")
        write_frame(tables[-1], pd.DataFrame(rows, columns=columns))
    return tables


def test_who_fails_one_metric_fails(values):
    found = read_verdicts(METRICS, values)
    by_key = found.set_index(["variant", "estimator"])
    assert by_key["sanity"].to_dict() == {
        ("original", "edges"): "fails",
        ("absolute", "edges"): "fails",
        ("original", "gradient"): "passes",
        ("absolute", "gradient"): "fails",
    }
    assert by_key.loc[("absolute", "gradient"), "failed"] == ["another"]
    assert say_failures(found) == [
        "Randomised Weights, original values: edges fail.",
        "Randomised Weights, absolute values: edges fail.",
        "another, original values: edges fail.",
        "another, absolute values: edges and gradient fail.",
    ]


def ranks():
    rows = [("original", "roc", name, rank) for rank, name in enumerate(("edges", "gradient"), 1)]
    table = pd.DataFrame(rows, columns=["variant", "metric", "estimator", "rank"])
    return table.assign(rank_low=1, rank_high=2)


def test_verdicts_stand_beside_the_ranks(values):
    table = with_verdicts(ranks(), read_verdicts(METRICS, values))
    assert rank_table(table, "original") == (
        ["Estimator", "ROC", "Sanity"],
        [["edges", "1 [1, 2]", "fails"], ["gradient", "2 [1, 2]", "passes"]],
    )


def test_without_a_metric_of_sanity_ranks_are_as_they_were():
    found = read_verdicts(METRICS[:1], [])
    pd.testing.assert_frame_equal(with_verdicts(ranks(), found), ranks())
    assert say_failures(found) == []
