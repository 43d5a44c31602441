"""The contract of figures, and what each must keep of it."""

from dataclasses import replace

import pytest

from ct_importance.errors import InputError
from ct_importance.metrics.jobs import ChosenMetric
from ct_importance.plugins import names
from ct_importance.report.figure import ACROSS, TABLES, Outline, figures_of
from ct_importance.report.jobs import FigureJob
from ct_importance.report.options import ReportOptions
from ct_importance.statistics.options import StatisticsOptions
from ct_importance.task import DEFAULT_TASK
from tests.plug_in import installed

METRICS = {
    name: ChosenMetric(name=name, method=name, options={}) for name in ("fidelity", "roc", "dice")
}
RUN = Outline(
    estimators=tuple(names("estimator")),
    metrics=METRICS,
    has_masks=True,
    is_trained_here=True,
    task=DEFAULT_TASK,
    statistics=StatisticsOptions(),
    report=ReportOptions(),
)
OF_SEVERAL = replace(RUN, classifiers=("densenet", "resnet50"), across=True)
FIGURE = """
from typing import ClassVar

from ct_importance.report.figure import Figure


class Glow(Figure):
    '''How bright it is.'''

    title: ClassVar[str] = "brightness"
    caption: ClassVar[str] = "Brightness."
    reads: ClassVar[tuple[str, ...]] = ("ranks",)

    @classmethod
    def of_run(cls, run):
        return [cls()]

    def draw(self, tables):
        raise NotImplementedError
"""


def of_another_package(folder, source):
    points = {"ct_importance.figures": {"glow": "others.glow"}}
    return installed(folder, "others", {"glow": source}, points)


@pytest.mark.parametrize(
    ("run", "name"),
    [(run, name) for run in (RUN, OF_SEVERAL) for name in figures_of(run)],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_figure_says_what_it_shows_and_is_the_same_after_its_way_to_the_script(run, name):
    figure = figures_of(run)[name]

    assert set(figure.reads) <= set(ACROSS if figure.across else TABLES)
    assert figure.caption.endswith(".")
    assert all(figure.labels.values())
    kind = type(figure).__module__.rpartition(".")[2]
    job = FigureJob(kind=kind, options=figure.model_dump())
    assert FigureJob.model_validate_json(job.model_dump_json()).figure == figure


def test_figures_of_a_category_have_the_same_columns_in_the_report():
    columns = {}
    for figure in figures_of(RUN).values():
        columns.setdefault(figure.category, set()).add(tuple(figure.labels))

    assert sorted(columns) == ["Agreement", "Differences", "Figures"]
    assert all(len(found) == 1 for found in columns.values())


def test_a_figure_of_another_package_is_one_of_all(tmp_path):
    here = figures_of(RUN)
    with of_another_package(tmp_path, FIGURE):
        found = figures_of(RUN)
        assert list(found) == sorted([*here, "glow"])
        assert found["glow"].labels == {"figure": "glow", "shows": "brightness"}
    assert list(figures_of(RUN)) == list(here)


def test_figures_across_are_those_of_several_classifiers_and_no_others(tmp_path):
    across = FIGURE.replace("    reads", "    across: ClassVar[bool] = True\n    reads")
    with of_another_package(tmp_path, across):
        assert list(figures_of(OF_SEVERAL)) == ["classifiers", "glow"]
        assert "glow" not in figures_of(RUN)
    assert figures_of(replace(RUN, classifiers=("resnet50",), across=True)) == {}


def test_a_figure_across_reads_nothing_of_one_classifier(tmp_path):
    across = FIGURE.replace("    reads", "    across: ClassVar[bool] = True\n    reads")
    with (
        of_another_package(tmp_path, across.replace('("ranks",)', '("predictions",)')),
        pytest.raises(InputError, match="reads predictions; there are slices, segments, ranks"),
    ):
        figures_of(OF_SEVERAL)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('("ranks",)', '("rank",)', "the figure 'glow' reads rank; there are slices, predictions"),
        (
            "    @classmethod",
            "    @property\n    def name(self):\n        return 'ranks'\n\n    @classmethod",
            "the figures 'glow' and 'ranks' are both named 'ranks'; give one of them",
        ),
        (
            '("ranks",)',
            '("maps",)',
            "reads maps and does not say whose: give it a field `estimator`",
        ),
        ('("ranks",)', '("curves",)', "reads curves and does not say whose: .* field `metric`"),
        ("def of_run", "def of_runs", "Glow does not define of_run; ct_importance/report/figure"),
        (
            '    title: ClassVar[str] = "brightness"\n',
            "",
            "Glow does not define title; ct_importance/report/figure.py says",
        ),
    ],
)
def test_what_is_no_figure_is_refused(tmp_path, old, new, message):
    assert old in FIGURE
    with (
        of_another_package(tmp_path, FIGURE.replace(old, new)),
        pytest.raises(InputError, match=message),
    ):
        figures_of(RUN)
