import itertools

import numpy as np
import pandas as pd
import pytest

from ct_importance.io.table_file import write_frame
from ct_importance.report.figures.classifiers import LOOKS, Classifiers
from ct_importance.report.jobs import FigureJob
from ct_importance.report.style import DOUBLE_COLUMN
from tests.report.scripts import run_script
from tests.report.test_style import contrast, distance


def ranks_of(classifiers, estimators, metrics=("fidelity", "roc")):
    """Ranks that shift by one place from classifier to classifier."""
    return pd.DataFrame(
        [
            {
                **{"classifier": classifier, "variant": variant, "metric": metric},
                **{"estimator": f"e{number}", "rank": (number + shift) % estimators + 1.0},
            }
            for shift, classifier in enumerate(classifiers)
            for variant in ("original", "absolute")
            for metric in metrics
            for number in range(estimators)
        ]
    )


@pytest.fixture
def drawn(draw, tmp_path):
    def draw_classifiers(ranks, controls=()):
        write_frame(tmp_path / "ranks.parquet", ranks)
        return draw(Classifiers(controls=controls), {"ranks": tmp_path / "ranks.parquet"})

    return draw_classifiers


def markers(axes):
    """Rank and height of each marker of a panel, by shape."""
    found = {}
    for line in axes.lines:
        place = line.get_xydata()[0]
        if line.get_marker() != "None" and not np.isnan(place[0]):
            found.setdefault(line.get_marker(), []).append(place)
    return found


@pytest.mark.parametrize("estimators", [8, 25])
@pytest.mark.parametrize("classifiers", [2, 3])
def test_every_rank_has_a_marker_of_its_own(drawn, classifiers, estimators):
    figure = drawn(ranks_of("abc"[:classifiers], estimators))

    assert len(figure.axes) == 4
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == list("abc"[:classifiers])
    for axes in figure.axes:
        found = markers(axes)
        assert len(found) == classifiers
        assert all(
            sorted(rank for rank, _ in places) == list(range(1, estimators + 1))
            for places in found.values()
        )
        heights = np.concatenate([[height for _, height in places] for places in found.values()])
        assert len(set(heights.round(6))) == classifiers * estimators
    width, height = figure.get_size_inches()
    assert width == pytest.approx(DOUBLE_COLUMN)
    assert height < 9  # of a page, with room for a caption
    pitch = 72 * figure.axes[0].get_position().height * height / estimators
    assert pitch > 7  # the size of the names, in points


def test_equal_ranks_and_gaps(drawn):
    ranks = ranks_of("ab", 3)
    ranks["rank"] = 1.5
    gap = (ranks["classifier"] == "b") & (ranks["metric"] == "roc")
    missing = ranks["estimator"].eq("e2") & ranks["classifier"].eq("a")
    figure = drawn(ranks[~gap & ~missing])

    fidelity, roc = figure.axes[:2]
    assert [len(places) for places in markers(fidelity).values()] == [2, 3]
    assert [len(places) for places in markers(roc).values()] == [2]
    assert [label.get_text() for label in fidelity.get_yticklabels()] == ["e0", "e1", "e2"]


def test_controls_are_marked(drawn):
    figure = drawn(ranks_of("ab", 3), controls=("e1",))

    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert sorted(labels) == ["e0", "e1†", "e2"]


def test_looks_are_safe_with_any_colour_vision_and_all_different():
    colours, shapes = zip(*LOOKS, strict=True)

    assert min(map(contrast, colours)) >= 3
    assert len(set(colours)) == len(set(shapes)) == len(LOOKS)
    # Shapes tell apart what colours do not.
    assert min(distance(*pair) for pair in itertools.combinations(colours, 2)) > 9


def test_the_rule_draws_it(tmp_path):
    write_frame(tmp_path / "ranks.parquet", ranks_of(("densenet", "resnet50"), 3))
    output = {suffix: tmp_path / f"classifiers.{suffix}" for suffix in ("svg", "pdf", "png")}
    run_script(
        "plot_classifiers",
        FigureJob(kind="classifiers", options={"controls": ()}),
        log=tmp_path / "log",
        input={"ranks": tmp_path / "ranks.parquet"},
        output=output,
    )

    picture = output["svg"].read_text()
    assert all(name in picture for name in ("densenet", "Fidelity", "(b) Absolute values"))
    assert all(path.stat().st_size > 1000 for path in output.values())
