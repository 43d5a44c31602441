import itertools

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from ct_importance.plugins import names
from ct_importance.report.style import (
    LIF,
    MIF,
    OTHER_COLOURS,
    OTHER_DASHES,
    OUTLINE,
    RC,
    bare,
    legend_below,
    line_styles,
    plot_with_band,
    save_figure,
    show_map,
    show_outline,
)
from tests.plug_in import installed
from tests.test_plugins import ESTIMATOR

# Lines of the paper's estimators: of Okabe and Ito (2008) those that are seen on white; in place of
# their orange and sky blue a brown and a blue; a grey.
PAPER = {
    "smoothgrad_squared": ("#0072B2", "-"),
    "smoothgrad": ("#2F97E8", (0, (5, 1))),
    "integrated_gradients_bw": ("#D55E00", (0, (9, 1.5))),
    "integrated_gradients": ("#7A4A00", (0, (2.5, 1))),
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


# Machado, Oliveira and Fernandes 2009, table 1: linear RGB as seen with severity 1.
SEEN = {
    "by all cones": np.eye(3),
    "by deuteranopes": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
}
TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)


def linear(colour):
    """Linear RGB of a colour of sRGB."""
    channels = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def contrast(colour):
    """To white, as WCAG 2 defines it."""
    return 1.05 / (TO_XYZ[1] @ linear(colour) + 0.05)


def distance(first, second):
    """Of two colours in CIELAB (1976), as the eye sees them that tells them apart least."""

    def lab(colour, seen):
        xyz = TO_XYZ @ np.clip(seen @ linear(colour), 0, 1) / [0.95047, 1, 1.08883]
        x, y, z = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz * (29 / 6) ** 2 / 3 + 4 / 29)
        return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])

    return min(np.linalg.norm(lab(first, seen) - lab(second, seen)) for seen in SEEN.values())


def differ_in_dashes(first, second):
    """Whether dashes are of another number, or one of them is longer by two fifths."""
    lengths = [[1] if dashes == "-" else dashes[1] for dashes in (first, second)]
    if len({*map(len, lengths)}) > 1:
        return True
    return any(max(pair) >= 1.4 * min(pair) for pair in zip(*lengths, strict=True))


def test_the_simulation_of_deuteranopia_is_the_known_one():
    """Of two reds and greens that all but look alike then; blue and yellow stay apart."""
    assert contrast("#000000") == pytest.approx(21)
    assert contrast("#767676") == pytest.approx(4.54, abs=0.01)
    assert distance("#000000", "#FFFFFF") == pytest.approx(100, abs=0.1)
    assert distance("#B35900", "#808000") < 20 < distance("#0000FF", "#FFFF00")
    for matrix in SEEN.values():
        np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=2e-6)  # grey stays grey


def test_all_colours_of_lines_are_seen_on_white():
    colours = {name: colour for name, (colour, _) in looks().items()}
    colours |= {colour: colour for colour in OTHER_COLOURS}
    colours |= {name: style["color"] for name, style in {"mif": MIF, "lif": LIF}.items()}

    assert {name for name, colour in colours.items() if contrast(colour) < 3} == set()


def test_lines_of_any_two_estimators_stay_apart_under_deuteranopia():
    """By colour or by dashes: there are more estimators than colours that stay apart."""
    found = looks()
    alike = {
        (one, other)
        for one, other in itertools.combinations(found, 2)
        if distance(found[one][0], found[other][0]) < 15
        and not differ_in_dashes(found[one][1], found[other][1])
    }
    assert alike == set()


def test_dashes_and_colour_tell_entries_of_the_users_from_each_other():
    found = line_styles([f"mine_{number}" for number in range(16)]).values()
    for one, other in itertools.combinations(found, 2):
        assert distance(one["color"], other["color"]) > 15 or differ_in_dashes(
            one["linestyle"], other["linestyle"]
        )


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
    assert not any(f"v{matplotlib.__version__}".encode() in content for content in saved[0])


def test_an_svg_has_a_title_and_names_fonts_that_other_machines_have(tmp_path, figure, caplog):
    paths = [tmp_path / f"figure.{suffix}" for suffix in ("svg", "pdf", "png")]
    save_figure(figure, paths, "Figure 5: ROC & <masks>")

    picture = paths[0].read_text()
    assert "<title>Figure 5: ROC &amp; &lt;masks&gt;</title>" in picture
    assert "'DejaVu Sans', 'Verdana', 'Arial', 'Helvetica', sans-serif" in picture
    assert not caplog.records  # of fonts that this machine lacks
    with Image.open(paths[2]) as opened:
        assert opened.info["Title"] == "Figure 5: ROC & <masks>"
        assert round(opened.info["dpi"][0]) == 300


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


def test_a_bar_says_which_colour_is_which_importance(figure):
    axes = figure.axes[0]
    show_map(axes, np.array([[-1.0, 0.5], [0.0, 0.25]]), with_bar=True)

    (bar,) = axes.child_axes
    assert [text.get_text() for text in bar.get_xticklabels()] == ["−0.99", "0", "0.99"]


@pytest.mark.parametrize("share", [0, 0.3, 1])
def test_the_outline_of_a_mask_is_not_a_colour_of_maps(figure, share):
    axes = figure.axes[0]
    show_outline(axes, np.arange(100).reshape(10, 10) < 100 * share)

    assert bool(axes.collections) == (0 < share < 1)
    for name in ("inferno", "gray", "RdBu_r"):
        colours = matplotlib.colormaps[name](np.linspace(0, 1, 256))
        worst = min(distance(OUTLINE, matplotlib.colors.to_hex(colour)) for colour in colours)
        assert worst > (10 if name == "RdBu_r" else 20), name  # there its dark edges help


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
    legend_below(figure, styles.values())

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
