import pytest

from ct_importance.report.figures._panels import best_first, label_axes, small_multiples
from ct_importance.report.style import DOUBLE_COLUMN, PAGE, RC, SINGLE_COLUMN, plt
from tests.report.tables.test_formats import summary

NAMES = {f"e{number}": f"Integrated Gradients {number}" for number in range(36)}


@pytest.fixture
def panels():
    drawn = []

    def draw(count, *arguments):
        with plt.rc_context(RC):
            drawn.append(small_multiples(dict(list(NAMES.items())[:count]), *arguments))
        return drawn[-1]

    yield draw
    for figure, _ in drawn:
        plt.close(figure)


@pytest.mark.parametrize("of_each", [1, 2])
@pytest.mark.parametrize(("count", "width"), [(1, 1), (8, 1), (13, 1), (36, 2)])
def test_panels_fit_a_page_and_do_not_overlap(panels, count, width, of_each):
    figure, found = panels(count, of_each, 2)

    across, height = figure.get_size_inches()
    assert across == pytest.approx({1: SINGLE_COLUMN, 2: DOUBLE_COLUMN}[width])
    assert height <= PAGE
    boxes = [axes.get_position() for of_name in found.values() for axes in of_name]
    assert len(boxes) == count * of_each == len(figure.axes)
    for number, box in enumerate(boxes):
        assert box.width * across * 25.4 > 15  # millimetres
        assert 0 < box.x0 < box.x1 < 1
        assert 0 < box.y0 < box.y1 < 1
        assert not any(box.overlaps(other) for other in boxes[:number])


def test_numbers_stand_at_the_left_and_below_the_last_panel_of_each_column(panels):
    figure, found = panels(5)
    figure.axes[0].set(xticks=[0, 1], yticks=[0, 1])
    label_axes(figure, "x", "y")

    left = [name for name, (it,) in found.items() if it.yaxis.get_tick_params()["labelleft"]]
    below = [name for name, (it,) in found.items() if it.xaxis.get_tick_params()["labelbottom"]]
    assert (left, below) == (["e0", "e3"], ["e2", "e3", "e4"])


def test_names_are_above_their_panels_and_no_wider(panels):
    figure, found = panels(4)
    renderer = figure.canvas.get_renderer()
    for name, (axes,) in found.items():
        (text,) = axes.texts
        assert text.get_text().replace("\n", " ") == NAMES[name]
        box, panel = text.get_window_extent(renderer), axes.get_window_extent(renderer)
        assert box.width <= panel.width
        assert panel.y1 <= box.y0 < box.y1 <= figure.bbox.height


def test_panels_come_in_the_order_of_the_table():
    values = summary(low=(0, 0.1), random=(0, 0.9), left_out=(0, 2))

    assert best_first(values, ["low", "random"], True) == {"random": "Random", "low": "low"}
    assert list(best_first(values, ["low", "random"], False)) == ["low", "random"]
