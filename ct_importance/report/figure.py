"""The contract of a figure: what it shows, which tables it reads, and which runs have it.

A figure is one class in a module of ``ct_importance/report/figures/``, in folders or not, which is
named as its files.
Its fields hold all that it must know of a run beside its tables: a change of one of them draws it
again, and a change of anything else does not.

The Snakefile loads these classes, so their modules import matplotlib and pandas inside functions
only.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Self

from ct_importance.cohort.options import PlantedOptions
from ct_importance.errors import InputError
from ct_importance.io.paths import StrPath
from ct_importance.metrics.jobs import ChosenMetric
from ct_importance.options import Declared
from ct_importance.plugins import load, name_of, names
from ct_importance.report.options import ReportOptions
from ct_importance.statistics.options import StatisticsOptions
from ct_importance.task import Task, key_of

if TYPE_CHECKING:
    from matplotlib import figure

    from ct_importance.metrics.metric import Metric

Tables = Mapping[str, StrPath]
"""The tables that a figure reads, by name."""

OF_RUN = ("slices", "predictions", "training", "segments", "ranks")
OF_METRIC = ("values", "curves", "comparisons", "ceiling")
TABLES = (*OF_RUN, "maps", *OF_METRIC)
"""What a figure can read; `maps` are those of its field ``estimator``, and the last four those of
its field ``metric``."""
ACROSS = ("slices", "segments", "ranks", "flips", "truth", "knew")
"""What a figure of all classifiers can read; ``ranks`` then has the column ``classifier``. The last
three are of signs (`ct_importance.statistics.planted`), of runs that put them on slices."""


@dataclass(frozen=True)
class Outline:
    """A run, as far as figures ask for it."""

    estimators: tuple[str, ...]
    """Names of their entries, in their order."""
    metrics: Mapping[str, ChosenMetric]
    """By the name of the entry."""
    has_masks: bool
    """Whether slices can have masks."""
    is_trained_here: bool
    """Whether the classifier is trained by the run, not brought by the user."""
    task: Task
    statistics: StatisticsOptions
    report: ReportOptions
    controls: tuple[str, ...] = ()
    """Estimators that know nothing of the classifier."""
    classifiers: tuple[str, ...] = ()
    """Names of those that a figure `across` shows; of the others' one, nothing depends on it."""
    across: bool = False
    """Whether figures of all classifiers together are asked for, not those of each."""
    planted: Mapping[str, PlantedOptions] = field(default_factory=dict)
    """Of these, those that see a sign, and which."""

    @property
    def example_slices(self) -> dict[str, str]:
        """The slices that the user wants to see, by `Task.keys`."""
        return {key_of(name): slice_id for name, slice_id in self.report.example_slices.items()}

    @property
    def against_signs(self) -> dict[str, Metric]:
        """The metrics that say what maps show of a sign, by the name of the entry."""
        metrics = {name: it.metric for name, it in self.metrics.items()}
        return {name: metric for name, metric in metrics.items() if metric.tells_of_sign}

    def estimator(self, chosen: str | None, usual: str) -> str:
        """Return the estimator a figure shows: the chosen, else the usual, else the first."""
        return chosen or (usual if usual in self.estimators else self.estimators[0])


class Figure(Declared, ABC):
    """A figure."""

    title: ClassVar[str]
    """What it shows, in a few words."""
    caption: ClassVar[str]
    """What a reader must know to read it, as plain text."""
    number: ClassVar[str] = ""
    """Of the paper's figure, if it is one of them."""
    category: ClassVar[str] = "Figures"
    """Where the report lists it."""
    reads: ClassVar[tuple[str, ...]]
    """Of `TABLES`: what it is drawn from."""
    across: ClassVar[bool] = False
    """Whether it shows all classifiers of a run together: such figures stand beside those of each.
    It can read `ACROSS`."""

    @classmethod
    @abstractmethod
    def of_run(cls, run: Outline) -> list[Self]:
        """Return the figures of this kind that a run has: none where it lacks what they show."""

    @property
    def name(self) -> str:
        """Name of its files; a class of which a run has several gives each one of its own."""
        return name_of(type(self))

    @property
    def notes(self) -> str:
        """Sentences that its fields add to the caption."""
        return ""

    @property
    def heading(self) -> str:
        """What its files and the list of captions call it."""
        title = self.title[0].upper() + self.title[1:]
        return f"Figure {self.number}: {title}" if self.number else title

    @property
    def whole_caption(self) -> str:
        """The caption, with its notes."""
        return f"{self.caption} {self.notes}".strip()

    @property
    def labels(self) -> dict[str, str]:
        """What the report lists it as, by column; alike in all figures of a category."""
        return {"figure": self.number or self.name, "shows": self.title}

    @abstractmethod
    def draw(self, tables: Tables) -> figure.Figure:
        """Return the figure, drawn with the settings of `ct_importance.report.style`.

        Args:
            tables: Those it `reads`.

        Raises:
            InputError: If the tables do not hold what it shows.
        """


def figures_of(run: Outline) -> dict[str, Figure]:
    """Return the figures of a run, by the name of their files, sorted.

    Args:
        run: One classifier of it; or, for the figures `across`, all.

    Raises:
        InputError: If one reads a table that there is not, or does not say whose, or two have the
            same name.
    """
    found: dict[str, Figure] = {}
    kinds = {kind: load("figure", kind) for kind in names("figure")}
    for kind, figure in kinds.items():
        for one in figure.of_run(run) if figure.across == run.across else ():
            _check_reads(kind, one)
            if one.name in found:
                raise InputError(
                    f"the figures {name_of(type(found[one.name]))!r} and {kind!r} are both named "
                    f"{one.name!r}; give one of them another `name`"
                )
            found[one.name] = one
    return dict(sorted(found.items()))


def _check_reads(kind: str, one: Figure) -> None:
    known = ACROSS if one.across else TABLES
    for table in one.reads:
        if table not in known:
            raise InputError(
                f"the figure {kind!r} reads {table}; there are {', '.join(known)} "
                "(ct_importance/report/figure.py)"
            )
        owner = {"maps": "estimator", **dict.fromkeys(OF_METRIC, "metric")}.get(table)
        if owner and owner not in type(one).model_fields:
            raise InputError(
                f"the figure {kind!r} reads {table} and does not say whose: give it a field "
                f"`{owner}` (ct_importance/report/figure.py)"
            )
