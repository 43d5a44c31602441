"""A network known by name: trained here, or with weights of the user."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from ct_importance.classifier.options import TrainingOptions
from ct_importance.classifier.source import Source
from ct_importance.cohort.options import ExtractionOptions
from ct_importance.io.paths import StrPath

if TYPE_CHECKING:
    import torch

    from ct_importance.classifier.classifier import Classifier


class Architecture(Source):
    """The paper's ResNet-50, with one input channel and one output neuron (section 1)."""

    title: ClassVar[str] = "a network known by name"

    architecture: Literal["resnet50"]
    """The network; by default the one that the entry is named after."""
    weights: str | None = Field(None, min_length=1)
    """File of a trained network to use instead of training one; null: train. Relative paths start
    at the folder in which the workflow runs."""
    training: TrainingOptions = TrainingOptions()
    """How to train; without effect when weights are given."""

    @property
    def is_trained_here(self) -> bool:
        """Whether no weights are given."""
        return self.weights is None

    def files(self) -> dict[str, str]:
        """Return the file of the weights, if it is given."""
        return {} if self.weights is None else {"weights": self.weights}

    def check(self, preparation: ExtractionOptions) -> None:
        """Check the weights without torch.

        Raises:
            InputError: If they are not those of the network, or damaged.
        """
        from ct_importance.classifier.weights import read_weights

        if self.weights is not None:
            read_weights(self.weights, preparation.image_size, preparation.hu_window)

    def train(
        self,
        slices: StrPath,
        preparation: ExtractionOptions,
        seed: int,
        classifier: StrPath,
        history: StrPath,
    ) -> None:
        """Train the network on the slices of the training patients.

        Raises:
            InputError: If there are no training slices, or slices of one class only.
        """
        from ct_importance.classifier.fitting import fit_classifier

        fit_classifier(self.training, preparation, seed, slices, classifier, history)

    def take_over(self, preparation: ExtractionOptions, classifier: StrPath) -> None:
        """Check the user's weights and write them as those of a network trained here.

        Raises:
            InputError: If they are not those of the network, or damaged.
        """
        from ct_importance.classifier.store import import_weights, save_classifier

        assert self.weights is not None
        size, window = preparation.image_size, preparation.hu_window
        save_classifier(classifier, import_weights(self.weights, size, window), size, window)

    def load(self, classifier: StrPath, device: torch.device | str = "cpu") -> Classifier:
        """Return the classifier, on a device.

        Raises:
            InputError: If the file is missing or damaged.
        """
        from ct_importance.classifier.classifier import Classifier
        from ct_importance.classifier.store import load_classifier

        return Classifier(load_classifier(classifier, device=device))
