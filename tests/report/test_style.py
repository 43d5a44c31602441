import itertools

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from ct_importance.plugins import names
from ct_importance.report.style import (
    OTHER_COLOURS,
    OTHER_DASHES,
    RC,
    bare,
    legend_below,
    line_styles,
    plot_with_band,
    save_figure,
    show_map,
)
from tests.plug_in import installed
from tests.test_plugins import ESTIMATOR

# Okabe and Ito (2008) without their yellow, which is too light for lines; a grey; and of Paul Tol's
# muted scheme, made for the same purpose, what none of them resembles.
SAFE = {
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#0072B2", "#D55E00", "#CC79A7", "#7F7F7F",
    "#332288", "#AA4499", "#999933", "#882255",
}  # fmt: skip


# Lines of the paper's estimators, which its figures and those of earlier runs have.
PAPER = {
    "smoothgrad_squared": ("#0072B2", "-"),
    "smoothgrad": ("#56B4E9", (0, (5, 1))),
    "integrated_gradients_bw": ("#D55E00", (0, (9, 1.5))),
    "integrated_gradients": ("#E69F00", (0, (2.5, 1))),
    "expected_gradients": ("#009E73", (0, (7, 1, 1, 1))),
    "backpropagation": ("#CC79A7", (0, (7, 1, 1, 1, 1, 1))),
    "deconvolution": ("#000000", (0, (3, 1, 1, 1))),
    "random": ("#7F7F7F", (0, (1, 1.2))),
}


def looks():
    """Colour and dashes of every estimator of the project."""
    styles = line_styles(names("estimator")).items()
    return {name: (style["color"], style["linestyle"]) for name, style in styles}


def test_estimators_of_the_paper_look_as_there():
    assert looks().items() >= PAPER.items()


def test_colours_of_the_paper_are_safe_with_any_colour_vision_and_all_different():
    colours = [colour for colour, _ in PAPER.values()] + OTHER_COLOURS

    assert set(colours) <= SAFE
    assert len(set(colours)) == len(colours)


def test_all_other_colours_are_seen_on_white():
    for name, (colour, _) in looks().items():
        linear = [
            channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
            for channel in (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
        ]
        luminance = np.dot([0.2126, 0.7152, 0.0722], linear)  # of WCAG
        assert name in PAPER or 1.05 / (luminance + 0.05) >= 3, name


def test_dashes_tell_the_estimators_of_the_paper_apart_in_grey():
    dashes = [dashes for _, dashes in PAPER.values()]

    assert len(set(dashes)) == len(dashes)
    assert len(set(OTHER_DASHES)) == len(OTHER_DASHES)


def test_an_estimator_of_another_package_has_the_colour_of_its_class(tmp_path):
    source = ESTIMATOR.replace('"#112233"', '"#123456"')
    points = {"ct_importance.estimators": {"brightness": "others.brightness"}}
    with installed(tmp_path, "others", {"brightness": source}, points):
        styles = line_styles(["brightness", "twice"])

    assert styles["brightness"] == {"color": "#123456", "linestyle": "-", "label": "Brightness"}
    assert styles["twice"]["color"] == OTHER_COLOURS[0]


def test_sixteen_other_estimators_can_be_told_apart():
    styles = line_styles([f"mine_{number}" for number in range(16)])
    looks = {(style["color"], style["linestyle"]) for style in styles.values()}

    assert len(looks) == 16
    assert len(line_styles([f"mine_{number}" for number in range(40)])) == 40


def test_styles_come_in_the_order_of_the_configuration():
    for labels in itertools.permutations(["random", "mine", "smoothgrad"]):
        assert list(line_styles(labels)) == list(labels)


def test_an_estimator_of_the_paper_looks_the_same_whatever_runs_beside_it():
    alone = line_styles(["smoothgrad"])["smoothgrad"]

    assert line_styles(["mine", "random", "smoothgrad"])["smoothgrad"] == alone
    assert alone["label"] == "SmoothGrad"


@pytest.fixture
def figure():
    with plt.rc_context(RC):
        figure, axes = plt.subplots()
        axes.plot([0, 1], [0, 1], label="a")
        yield figure
    plt.close(figure)


def test_equal_figures_are_equal_bytes_without_date_or_version(tmp_path):
    saved = []
    for folder in ("first", "second"):
        with plt.rc_context(RC):
            figure, axes = plt.subplots()
            axes.plot([0, 1], [0, 1], label="a")
            figure.text(0.5, 0.5, "text")
            paths = [tmp_path / folder / f"figure.{suffix}" for suffix in ("svg", "pdf", "png")]
            save_figure(figure, paths)
        saved.append([path.read_bytes() for path in paths])

    assert saved[0] == saved[1]
    assert [content[:4] for content in saved[0]] == [b"<?xm", b"%PDF", b"\x89PNG"]
    import matplotlib

    assert not any(f"v{matplotlib.__version__}".encode() in content for content in saved[0])


def test_saving_closes_the_figure(figure, tmp_path):
    save_figure(figure, [tmp_path / "figure.png"])

    assert figure.number not in plt.get_fignums()


def shown(figure, importance):
    axes = figure.axes[0]
    show_map(axes, np.array(importance, float))
    return axes.images[-1]


def test_a_map_of_two_signs_has_white_at_zero(figure):
    image = shown(figure, [[-1.0, 0.5], [0.0, 0.25]])

    assert image.get_cmap().name == "RdBu_r"
    assert image.norm.vmin == -image.norm.vmax < 0


def test_a_map_of_one_sign_starts_at_black(figure):
    image = shown(figure, [[0.0, 0.5], [0.1, 0.25]])

    assert image.get_cmap().name == "inferno"
    assert image.norm.vmin == 0 < image.norm.vmax


def test_single_pixels_do_not_darken_a_map(figure):
    importance = np.ones((50, 50))
    importance[0, 0] = 1000

    assert shown(figure, importance).norm.vmax == 1


def test_an_empty_map_can_be_shown(figure):
    image = shown(figure, np.zeros((2, 2)))

    assert image.norm.vmin < image.norm.vmax


def test_an_image_keeps_its_title_when_its_frame_goes(figure):
    axes = figure.axes[0]
    bare(axes, "Slice")

    assert axes.get_title() == "Slice"
    assert not axes.get_xticks().size
    assert not any(spine.get_visible() for spine in axes.spines.values())


def test_one_legend_names_every_estimator(figure):
    styles = line_styles(["random", "smoothgrad", "mine"])
    legend_below(figure, styles)

    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["Random", "SmoothGrad", "mine"]


def test_a_curve_lies_over_the_band_of_its_intervals(figure):
    axes = figure.axes[0]
    axes.clear()
    curve = pd.DataFrame({"x": [0, 1], "y": [1, 2], "y_low": [0.5, 1], "y_high": [2, 4]})
    plot_with_band(axes, curve, "x", "y", line_styles(["random"])["random"])

    (band,), (line,) = axes.collections, axes.lines
    assert line.get_zorder() > band.get_zorder()
    assert line.get_color() == PAPER["random"][0]
    corners = {tuple(point) for point in band.get_paths()[0].vertices}
    assert {(0, 0.5), (0, 2), (1, 1), (1, 4)} <= corners
