import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Annotation

from ct_importance.io.table_file import write_frame
from ct_importance.report.figures.ranks import STRUCK, Ranks
from ct_importance.report.style import DOUBLE_COLUMN, PAGE, SINGLE_COLUMN


def ranks_of(count, metrics=("fidelity", "roc", "dice")):
    return pd.DataFrame(
        [
            {
                **{"variant": variant, "metric": metric, "estimator": f"e{number}"},
                **{"rank": number + 1.0, "rank_low": max(1, number), "rank_high": number + 1},
            }
            for variant in ("original", "absolute")
            for metric in metrics
            for number in range(count)
        ]
    )


@pytest.fixture
def drawn(draw, tmp_path):
    def draw_ranks(ranks, controls=()):
        write_frame(tmp_path / "ranks.parquet", ranks)
        names = tuple(dict.fromkeys(ranks.estimator))
        shown = Ranks(estimators=names, controls=controls)
        return draw(shown, {"ranks": tmp_path / "ranks.parquet"})

    return draw_ranks


def numbers(axes):
    return {round(text.get_position()[1]): text.get_text() for text in axes.texts}


def test_equal_values_have_one_number_upright_below_each_other(drawn):
    ranks = ranks_of(4)
    tied = ranks.estimator.isin(["e1", "e2"])
    ranks.loc[tied, ["rank", "rank_low", "rank_high"]] = 2.5, 2, 3
    figure = drawn(ranks)

    for axes in figure.axes:
        assert numbers(axes) == {0: "1", 1: "2.5", 2: "2.5", 3: "4"}
        places = [text.get_position()[0] for text in axes.texts]
        assert places == [1, 2.5, 2.5, 4]
        intervals = [tuple(line.get_xdata()) for line in axes.lines]
        assert intervals == [(1, 1), (2, 3), (2, 3), (3, 4)]


def test_rows_are_in_the_order_of_mean_ranks_and_named_once(drawn):
    ranks = ranks_of(3, ["fidelity", "roc"])
    ranks["rank"] = 4 - ranks["rank"]
    figure = drawn(ranks[~((ranks.metric == "roc") & (ranks.estimator == "e0"))])

    first, second = figure.axes[:2]
    assert [label.get_text() for label in first.get_yticklabels()] == ["e2", "e1", "e0"]
    assert second.get_yticklabels() == []
    assert (numbers(first), numbers(second)) == ({0: "1", 1: "2", 2: "3"}, {0: "1", 1: "2"})
    assert [axes.get_title() for axes in figure.axes] == ["Fidelity", "ROC"] * 2


def test_controls_are_marked(drawn):
    figure = drawn(ranks_of(3), controls=("e1",))

    labels = figure.axes[0].get_yticklabels()
    assert [label.get_text() for label in labels] == ["e0", "e1†", "e2"]


def test_who_fails_a_test_of_sanity_is_struck_out_where_it_fails(drawn):
    ranks = ranks_of(3)
    fails = (ranks.estimator == "e2") & (ranks.variant == "original")
    verdict = fails.map({True: "fails", False: "passes"}).where(ranks.metric == "roc", "")
    original, absolute = drawn(ranks.assign(verdict=verdict)).axes[::3]

    labels = [label.get_text() for label in original.get_yticklabels()]
    assert [STRUCK in label for label in labels] == [False, False, True]
    assert labels[2].replace(STRUCK, "") == "e2"
    assert not any(STRUCK in label.get_text() for label in absolute.get_yticklabels())


def test_many_metrics_have_slanted_heads_that_stay_within_the_figure(drawn):
    figure = drawn(ranks_of(3, ["prediction_saliency_correlation", *map(str, range(18))]))

    assert all(axes.get_title() == "" for axes in figure.axes)
    heads = figure.findobj(Annotation)
    assert heads[0].get_text() == "Prediction-Saliency\nCorrelation"
    assert len(heads) == 2 * 19
    width, height = figure.bbox.size
    for head in heads:
        box = head.get_window_extent()
        assert 0 <= box.x0 <= box.x1 <= width
        assert box.y1 <= height
    boxes = [axes.get_position() for axes in figure.axes]
    assert min(box.width for box in boxes) * figure.get_size_inches()[0] * 25.4 > 6  # millimetres


@pytest.mark.parametrize(
    ("estimators", "metrics", "width"),
    [
        (8, 3, SINGLE_COLUMN),
        (13, 3, SINGLE_COLUMN),
        (36, 3, DOUBLE_COLUMN),
        (13, 9, DOUBLE_COLUMN),
    ],
)
def test_it_fits_a_page_and_panels_have_room_for_numbers(drawn, estimators, metrics, width):
    figure = drawn(ranks_of(estimators, [f"m{number}" for number in range(metrics)]))

    assert len(figure.axes) == 2 * metrics
    across, height = figure.get_size_inches()
    assert across == pytest.approx(width)
    assert height <= PAGE
    boxes = [axes.get_position() for axes in figure.axes]
    assert min(box.width for box in boxes) * across * 25.4 > 10  # millimetres
    for number, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:number])
    assert np.ptp([box.height for box in boxes]) < 1e-9
