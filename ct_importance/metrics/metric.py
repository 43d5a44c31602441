"""The contract of a metric, which measures how good an importance map is.

A metric is one class in a module of ``ct_importance/metrics/catalogue/<category>/``, which is named
as its ``method`` in config.yaml; its fields are its keys there.

The Snakefile loads these classes to check the configuration, so their modules import NumPy and
pydantic only, everything else inside functions.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from ct_importance.metrics.variations.variation import Subset, Toggled, Variation
from ct_importance.options import Declared
from ct_importance.saliency.estimator import Cost
from ct_importance.task import DEFAULT_TASK, Fill, Task

if TYPE_CHECKING:
    from ct_importance.classifier.forward.runtime import Answers, Forward
    from ct_importance.classifier.source import Head

Maps = dict[str, np.ndarray]
"""Importance maps of one slice by variant, each (H, W) and finite."""

Points = dict[str, np.ndarray]
"""Columns of one variant's points, all of one length."""


Category = Literal["faithfulness", "localisation", "robustness", "complexity", "sanity"]
"""What a metric asks of a map: that it tells what the classifier looks at, that it agrees with the
masks of experts, that it stays as it is where the slice hardly changes, that it is easy to read, or
that it changes where the classifier does. Each has a folder of that name."""


@dataclass(frozen=True)
class Sample:
    """One slice, with what is known about it."""

    slice_id: str
    patient_id: str
    label: int
    """Its true class, an index into the classes of the task."""
    image: NDArray[np.float32] | None = None
    """(H, W) float32 in [0, 1]."""
    mask: NDArray[np.bool_] | None = None
    """(H, W) bool, True where experts see what tells the classes apart; of slices `planted`, where
    a sign was put on the slice."""
    segments: NDArray[np.bool_] | None = None
    """(K, H, W) bool, see `ct_importance.saliency.xrai.segments.segment_image`."""
    is_training: bool = False
    """Whether the patient is one that the classifier is trained on."""
    variations: NDArray[np.float32] | None = None
    """(V, H, W): the maps by the same estimator of each of `Metric.variations` in turn."""
    scores: NDArray[np.float32] | None = None
    """(1 + V, K): the score of each class, of the slice and of each of these."""
    others: NDArray[np.float32] | None = None
    """(P, H, W): maps by the last of these variations of slices of other patients, by chance."""
    readers: NDArray[np.bool_] | None = None
    """(R, H, W) bool, the masks of two experts or more who marked the slice; a metric then sees
    each of them as `mask`, one by one. None where one did: `mask` is theirs."""


@dataclass(frozen=True)
class Probe:
    """Gives a metric the classifier and random numbers."""

    seed: int
    """Seed of the run."""
    classifier: Forward | None = None
    """Tells the scores of the classes."""
    fill: tuple[Fill, ...] = DEFAULT_TASK.fill
    """What hides each class in an image."""
    head: Head | None = None
    """How scores become probabilities; None: a logit where there are two classes, else softmax."""

    def probabilities(self, scores: Answers) -> NDArray[np.float64]:
        """Return the probability of each class, (N, K), of the scores (N, K)."""
        from ct_importance.classifier.forward.answers import probabilities

        usual: Head = "logit" if scores.shape[1] == 2 else "softmax"
        return probabilities(scores, self.head or usual)


@dataclass(frozen=True)
class Curves:
    """Points averaged over slices, at K positions, for each of B resamples of the patients."""

    positions: Mapping[str, np.ndarray]
    """By position column, (K,)."""
    means: Mapping[str, np.ndarray]
    """By averaged column, (B, K)."""


def of_variant(variant: str, maps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return maps of variations as a variant has them: as they are, or as absolute values."""
    return np.abs(maps) if variant == "absolute" else maps


class Metric(Declared, ABC):
    """A metric; its fields are its keys in config.yaml."""

    title: ClassVar[str]
    """Its name in tables and figures."""
    unit: ClassVar[str]
    """What its value is, as the heads of tables and the axes of figures call it."""
    decimals: ClassVar[int]
    """Of its value in tables."""
    higher_is_better: ClassVar[bool]
    """Whether the better of two maps has the higher value."""
    category: ClassVar[Category]
    reference: ClassVar[str]
    """Where it is defined."""
    chance: ClassVar[float | None] = None
    """Value of a random map, if it is known and the same for all slices."""
    chance_of_slice: ClassVar[str] = ""
    """What a random map gets, in words, where that differs from slice to slice; `summarise` then
    returns its average over the slices as ``chance``."""
    undefined_where: ClassVar[str] = ""
    """Of which maps there is no value, in words (`ct_importance.metrics.per_slice`)."""
    needs: ClassVar[frozenset[str]]
    """Of ``"image"``, ``"mask"``, ``"segments"``, ``"classifier"`` and, of what it compares with
    (`variations`), ``"variations"``, ``"scores"`` and ``"others"``; what it names is given, the
    rest is None."""
    table: ClassVar[str]
    """Name of its table in the report."""
    balanced: ClassVar[bool]
    """Whether an average is the mean of the means of the classes, not of all slices."""
    point_columns: ClassVar[dict[str, str]]
    """Its columns per point, name to Arrow type name (``"float64"``)."""
    position_columns: ClassVar[tuple[str, ...]]
    """Those of them that say where on its curve a point is, alike in all slices."""
    mean_columns: ClassVar[tuple[str, ...]]
    """Those of them that are averaged over slices at each position."""
    reading: ClassVar[frozenset[str]] = frozenset()
    """Those of its keys that say what is read of its points, and change none of them."""

    slices: Subset = "test"
    """Slices the metric is computed on; `annotated` are those with a mask, `annotated_test` are
    those of test patients, `planted` those of test patients that a sign was put on (`planted` of a
    classifier)."""

    @property
    def is_tuned(self) -> bool:
        """Whether something is chosen on slices of training patients.

        Its value is then that of slices of test patients alone.
        """
        return False

    @property
    def heading(self) -> str:
        """What its table shows, as the caption begins; "" for the title."""
        return ""

    @property
    def coverage(self) -> str:
        """How often 95 % intervals of its value held the truth in simulations, if that is known."""
        return ""

    @property
    def averaged(self) -> tuple[str, ...]:
        """Those of `mean_columns` that are read of its points."""
        return self.mean_columns

    @property
    def evaluated(self) -> Self:
        """The metric as far as its points depend on it: what they are read by is the default."""
        return type(self)(**self.model_dump(exclude=set(self.reading)))

    @property
    def tells_of_sign(self) -> bool:
        """Whether it says what maps show of a sign that was put on slices.

        Others that are computed on such slices can be held against those that do.
        """
        compares = any(isinstance(one, Toggled) for one in self.variations)
        return self.slices == "planted" and (self.category == "localisation" or compares)

    @property
    def variations(self) -> tuple[Variation, ...]:
        """What it compares maps with; of the same slices all of them."""
        return ()

    @classmethod
    def merit(cls, values: np.ndarray) -> np.ndarray:
        """Return values of which the higher is the better; of these, the values again."""
        return values if cls.higher_is_better else -values

    def cost(self, of_map: Cost) -> Cost:
        """Return the passes through the classifier that evaluating a map takes, at most.

        They are those of the maps that it is compared with; a metric that asks the classifier says
        itself how often.

        Args:
            of_map: What a map of the estimator takes.
        """
        return of_map * sum(variation.maps for variation in self.variations)

    @abstractmethod
    def evaluate(self, sample: Sample, maps: Maps, probe: Probe) -> dict[str, Points]:
        """Return the points of one slice by variant, for the variants in ``maps``.

        Raises:
            InputError: If the slice cannot be evaluated; the caller adds which slice it is.
        """

    @abstractmethod
    def summarise(self, curves: Curves) -> dict[str, np.ndarray]:
        """Return ``value`` and the metric's details by name, each (B,).

        Args:
            curves: Averages of `averaged` at the positions, see `averaging`.
        """

    @abstractmethod
    def figure_curves(self, curves: Curves) -> Curves:
        """Return the curves that the metric's figure shows, at positions that are fixed."""

    def verdict(self, numbers: Mapping[str, float]) -> str:
        """Return what an estimator's value says of it whatever the others have: passes or fails.

        "" for a metric that only compares.

        Args:
            numbers: Its row of the table of values: ``value`` and details.
        """
        return ""

    @abstractmethod
    def describe(self, task: Task = DEFAULT_TASK) -> str:
        """Return whole sentences that say how the metric is computed with its options.

        Args:
            task: Whose classes are told apart.
        """
