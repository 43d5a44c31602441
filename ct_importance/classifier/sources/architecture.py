"""A network known by name: trained here, or with weights of the user."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import Field, model_validator

from ct_importance.classifier.networks.by_name import Name, check_arguments, parts_of
from ct_importance.classifier.options import TrainingOptions
from ct_importance.classifier.source import Source
from ct_importance.cohort.options import ExtractionOptions
from ct_importance.io.paths import StrPath

if TYPE_CHECKING:
    import torch
    from torch import nn

    from ct_importance.classifier.classifier import Classifier


class Architecture(Source):
    """The paper's network, or one of MONAI's.

    It answers with one logit where there are two classes, unless `head` says otherwise, and with an
    output per class where there are more.
    """

    title: ClassVar[str] = "a network known by name"

    architecture: Name
    """The network; by default the one that the entry is named after: resnet50 is the paper's
    (section 1), monai.* those of MONAI, which `make install-monai` installs."""
    arguments: dict[str, Any] = {}
    """What a network of MONAI is built with, beside channels, outputs and two dimensions."""
    weights: str | None = Field(None, min_length=1)
    """File of a trained network to use instead of training one; null: train. Relative paths start
    at the folder in which the workflow runs."""
    training: TrainingOptions = TrainingOptions()
    """How to train; without effect when weights are given."""

    @model_validator(mode="after")
    def _arguments_are_known(self) -> Self:
        shape = self.number_of_channels, self.number_of_outputs
        check_arguments(self.architecture, self.arguments, *shape)
        return self

    @property
    def number_of_outputs(self) -> int:
        """How many numbers the network answers."""
        return self.outputs[0]

    @property
    def made(self) -> dict[str, Any] | None:
        """What the network is made of; None: the paper's ResNet-50, for slices as they are."""
        several = {} if self.number_of_outputs == 1 else {"outputs": self.number_of_outputs}
        if self.architecture == "resnet50" and not self.input and not several:
            return None
        named = {"architecture": self.architecture, "arguments": self.arguments}
        return {**named, **several, **self.input}

    def build(self, preparation: ExtractionOptions) -> nn.Module:
        """Return the network with random weights, for slices prepared like this.

        Raises:
            InputError: If MONAI is not installed or refuses the arguments, or what it builds does
                not answer slices as the task needs.
        """
        from ct_importance.classifier.networks.answers import check_answers
        from ct_importance.classifier.networks.input import prepared

        network = prepared(self._build(), self, preparation.hu_window)
        if self.made is not None:
            size = preparation.image_size
            check_answers(network.eval(), size, self.architecture, (self.number_of_outputs,))
        return network

    def _build(self) -> nn.Module:
        """Return the network with random weights, without what is in front of it."""
        from ct_importance.classifier.networks.by_name import build

        shape = self.number_of_channels, self.number_of_outputs
        return build(self.architecture, self.arguments, *shape)

    @property
    def parts(self) -> frozenset[str] | None:
        """What the network is made of."""
        return parts_of(self.architecture, self.arguments)

    @property
    def is_trained_here(self) -> bool:
        """Whether no weights are given."""
        return self.weights is None

    def files(self) -> dict[str, str]:
        """Return the file of the weights, if it is given."""
        return {} if self.weights is None else {"weights": self.weights}

    def check(self, preparation: ExtractionOptions) -> None:
        """Check the weights without torch: those of MONAI's networks but for their shapes.

        Raises:
            InputError: If MONAI is needed and not installed, or the weights are damaged or of
                another network.
        """
        from ct_importance.classifier.networks.by_name import check_installed
        from ct_importance.classifier.networks.state import read_state
        from ct_importance.classifier.weights import read_weights

        check_installed(self.architecture)
        size, window = preparation.image_size, preparation.hu_window
        if self.weights is None:
            return
        if self.architecture == "resnet50":
            shape = self.number_of_channels, self.number_of_outputs
            read_weights(self.weights, size, window, False, self.made, *shape)
        else:
            read_state(self.weights, size, window, self.made)

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
            InputError: If there are no training slices, or none of a class.
        """
        from ct_importance.classifier.fitting import fit_classifier

        fit_classifier(
            *(self.training, preparation, seed, slices, classifier, history),
            *(lambda: self.build(preparation), self.made, self.classes, self.head),
        )

    def take_over(self, preparation: ExtractionOptions, classifier: StrPath) -> None:
        """Check the user's weights and write them as those of a network trained here.

        Raises:
            InputError: If they are not those of the network, or damaged.
        """
        from ct_importance.classifier.networks.answers import check_answers
        from ct_importance.classifier.networks.input import prepared
        from ct_importance.classifier.store import fill_network, import_weights, save_classifier

        assert self.weights is not None
        size, window = preparation.image_size, preparation.hu_window
        if self.made is None:
            network = import_weights(self.weights, size, window)
        else:
            what = f"{self.weights}, weights of {self.architecture}"
            network = self._build()
            fill_network(network, self.weights, self.made, self.architecture, size, window)
            seen = prepared(network, self, window)
            check_answers(seen, size, what, (self.number_of_outputs,))
        save_classifier(classifier, network, size, window, self.made)

    def load(self, classifier: StrPath, device: torch.device | str = "cpu") -> Classifier:
        """Return the classifier, on a device.

        Raises:
            InputError: If the file is missing or damaged, or of another network.
        """
        from ct_importance.classifier.classifier import Classifier, classifier_of
        from ct_importance.classifier.store import load_classifier, load_network

        if self.made is None:
            return Classifier(load_classifier(classifier, device=device))
        network = load_network(self._build(), classifier, self.made, self.architecture, self)
        return classifier_of(network.to(device), self.number_of_outputs, self.head)
