"""The contract of a source of classifiers: where a network comes from, and how it is loaded."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Literal

from ct_importance.cohort.options import ExtractionOptions
from ct_importance.io.paths import StrPath
from ct_importance.options import Declared

if TYPE_CHECKING:
    import torch

    from ct_importance.classifier.classifier import Classifier


class Source(Declared, ABC):
    """Where a classifier comes from; its fields are its keys in config.yaml.

    Objects are made while the workflow is read, so torch is imported inside functions only.
    """

    title: ClassVar[str]
    """What it is, in a few words, for the pages of a run."""

    precision: Literal["float32", "tf32", "bfloat16"] = "float32"
    """How exactly the network is computed, for predictions, maps and metrics. Products of tf32
    (GPUs only) keep 10 bits, those of bfloat16 keep 7: faster, and less exact."""

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
            InputError: If there are no training slices, or slices of one class only.
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
