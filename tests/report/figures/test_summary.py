import pandas as pd
import pytest

from ct_importance.io.table_file import write_frame
from ct_importance.report.figures.summary import STRUCK, Summary

COLUMNS = ["variant", "metric", "estimator", "rank", "rank_low", "rank_high"]


@pytest.fixture
def ranks(tmp_path):
    """By the mean of its ranks, the gradient is first and edges are last."""
    by_metric = {"roc": (1, 2, 3), "prediction_saliency_correlation": (2.5, 1, 2.5)}
    names = ("backpropagation", "smoothgrad", "sobel_edges")
    rows = [
        (variant, metric, name, rank, 1, 3)
        for variant in ("original", "absolute")
        for metric, of_metric in by_metric.items()
        for name, rank in zip(names, of_metric, strict=True)
    ]
    table = pd.DataFrame(rows, columns=COLUMNS)
    path = tmp_path / "ranks.parquet"
    write_frame(path, table)
    return table, path


@pytest.fixture
def drawn(draw):
    def draw_summary(path, variant="original"):
        return draw(Summary(variant=variant, controls=("sobel_edges",)), {"ranks": path})

    return draw_summary


def texts(labels):
    return [label.get_text() for label in labels]


def test_estimators_are_in_the_order_of_their_mean_ranks_and_controls_are_marked(ranks, drawn):
    (axes,) = drawn(ranks[1]).axes
    assert texts(axes.get_yticklabels()) == ["SmoothGrad", "Backpropagation", "Sobel edges†"]
    assert texts(axes.get_xticklabels()) == ["ROC", "Prediction-Saliency\nCorrelation"]
    written = {(text.get_position(), text.get_text()) for text in axes.texts}
    assert len(written) == 6
    assert ((0, 1), "1 [1, 3]") in written
    assert ((1, 1), "2.5 [1, 3]") in written


def test_who_fails_a_test_of_sanity_is_struck_out_where_it_fails(ranks, drawn):
    table, path = ranks
    fails = (table["estimator"] == "sobel_edges") & (table["variant"] == "original")
    judged = table["metric"] == "roc"
    verdict = fails.map({True: "fails", False: "passes"}).where(judged, "")
    write_frame(path, table.assign(verdict=verdict))
    (axes,) = drawn(path).axes
    assert texts(axes.get_yticklabels())[2].replace(STRUCK, "") == "Sobel edges†"
    assert [STRUCK in it for it in texts(axes.get_yticklabels())] == [False, False, True]
    (axes,) = drawn(path, "absolute").axes
    assert not any(STRUCK in it for it in texts(axes.get_yticklabels()))
