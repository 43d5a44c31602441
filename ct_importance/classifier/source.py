"""The contract of a source of classifiers: where a network comes from, and how it is loaded."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator
from pydantic.json_schema import SkipJsonSchema

from ct_importance.classifier.options import InputOptions
from ct_importance.cohort.options import ExtractionOptions, PlantedOptions
from ct_importance.io.paths import StrPath
from ct_importance.options import Declared
from ct_importance.task import MOST_CLASSES

if TYPE_CHECKING:
    import torch

    from ct_importance.classifier.classifier import Classifier


Head = Literal["logit", "softmax", "multilabel"]
"""How a network answers: one number, above 0 for the last of two classes; a number per class, of
which softmax makes probabilities; a number per class, of each of which a sigmoid makes one."""


class Source(InputOptions, Declared, ABC):
    """Where a classifier comes from; its fields are its keys in config.yaml.

    What the network sees of a slice (`InputOptions`) is put in front of it by `train` and `load`
    (`ct_importance.classifier.networks.input.prepared`), so that it takes slices for all that ask.

    Objects are made while the workflow is read, so torch is imported inside functions only.
    """

    title: ClassVar[str]
    """What it is, in a few words, for the pages of a run."""
    gives_gradients: ClassVar[bool] = True
    """Whether estimators may differentiate it; otherwise it is only asked."""

    classes: SkipJsonSchema[int] = Field(2, ge=2, le=MOST_CLASSES)
    """How many classes the task has; it is no key: the configuration fills it in."""
    head: Head | None = None
    """How the outputs are read: `logit`, one that argues for the second of two classes; `softmax`,
    one per class; `multilabel`, one per class, each with a sigmoid of its own. null: a logit or two
    outputs with softmax where there are two classes, softmax where there are more."""
    precision: Literal["float32", "tf32", "bfloat16"] = "float32"
    """How exactly the network is computed, for predictions, maps and metrics. Products of tf32
    (GPUs only) keep 10 bits, those of bfloat16 keep 7: faster, and less exact."""

    planted: PlantedOptions | None = None
    """A sign of known place on slices of one class, {sign, in_class, dose}, before the classifier
    sees them: then it is known what a map of it should show (docs/planted.md). null: none."""

    @field_validator("head")
    @classmethod
    def _one_logit_tells_two_classes(cls, head: Head | None, given: ValidationInfo) -> Head | None:
        if head == "logit" and given.data.get("classes", 2) > 2:
            raise ValueError("one logit tells two classes apart: take softmax or multilabel")
        return head

    @property
    def outputs(self) -> tuple[int, ...]:
        """How many outputs the network may have; of a network trained here, the first counts."""
        if self.head == "logit":
            return (1,)
        return (1, 2) if self.head is None and self.classes == 2 else (self.classes,)

    @property
    def reading(self) -> Head:
        """How probabilities come of scores; two outputs with softmax are read as one logit."""
        if self.head == "multilabel":
            return self.head
        return "softmax" if self.classes > 2 else "logit"

    @property
    def parts(self) -> frozenset[str] | None:
        """What its network is known to be made of while the workflow is read; None: unknown.

        Only what not every estimator can explain (`ct_importance.classifier.networks.by_name`).
        """
        return None

    @property
    def is_trained_here(self) -> bool:
        """Whether `train` makes it, once per replicate; otherwise `take_over` does, once."""
        return False

    def files(self) -> dict[str, str]:
        """Return the user's files that it is made of, by the key that names them.

        Relative paths start at the folder in which the workflow runs.
        """
        return {}

    def check(self, preparation: ExtractionOptions) -> None:
        """Check the user's files while the workflow is read, in well under a second.

        Args:
            preparation: Size and HU window of the slices.

        Raises:
            InputError: If one cannot be used, with the reason and the remedy.
        """

    def check_classes(self, classes: Sequence[str]) -> None:
        """Check what the user's files say of the classes while the workflow is read.

        Args:
            classes: Their names in the task, by label.

        Raises:
            InputError: If they are others.
        """

    def train(
        self,
        slices: StrPath,
        preparation: ExtractionOptions,
        seed: int,
        classifier: StrPath,
        history: StrPath,
    ) -> None:
        """Train the network on the slices of the training patients, and write its file.

        Args:
            slices: The list of slices.
            preparation: Size and HU window of the slices.
            seed: That of the replicate.
            classifier: The file to write, which `load` reads.
            history: The table to write: a row per epoch (`ct_importance.classifier.fitting`).

        Raises:
            InputError: If there are no training slices, or none of a class.
        """
        raise NotImplementedError(f"{type(self).__name__} is not trained here")

    @abstractmethod
    def take_over(self, preparation: ExtractionOptions, classifier: StrPath) -> None:
        """Check the user's files once more, and write what later jobs load.

        Args:
            preparation: Size and HU window of the slices.
            classifier: The file to write, which `load` reads.

        Raises:
            InputError: If a file cannot be used.
        """

    @abstractmethod
    def load(self, classifier: StrPath, device: torch.device | str = "cpu") -> Classifier:
        """Return the classifier that `train` or `take_over` wrote, on a device.

        Raises:
            InputError: If the file is missing or damaged.
        """

    def graph(self, classifier: StrPath, image_size: int) -> bytes:
        """Return the classifier as a graph of ONNX, for forward passes on a CPU; empty if none is.

        Args:
            classifier: The file that `train` or `take_over` wrote.
            image_size: Rows and columns of a slice.

        Raises:
            InputError: If the file is missing or damaged.
        """
        from ct_importance.classifier.forward.export import graph_of

        return graph_of(self.load(classifier).network, image_size)
