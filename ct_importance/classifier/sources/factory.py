"""A network of the user: a function in a Python file, and weights."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from ct_importance.classifier.source import Source
from ct_importance.cohort.options import ExtractionOptions
from ct_importance.errors import InputError
from ct_importance.io.digests import file_digest
from ct_importance.io.paths import StrPath

if TYPE_CHECKING:
    import torch

    from ct_importance.classifier.classifier import Classifier


class Factory(Source):
    """A network that a function of the user builds; the user's code runs in each job that asks it.

    It maps slices (N, 1, H, W) in [0, 1], or what `channels` and the keys beside it make of them,
    to an output per class (N, K), or of two classes to one logit (N, 1).
    """

    title: ClassVar[str] = "a network built by a function of the user"

    factory: str = Field(pattern=r"^.+\.py:[A-Za-z_][A-Za-z0-9_]*$")
    """FILE.py:function, which is called without arguments and returns a torch.nn.Module. The file
    stands alone: what it imports must be installed. Relative paths start at the folder in which the
    workflow runs."""
    weights: str = Field(min_length=1)
    """File with its state dict: safetensors, or torch.save, in which no code is run."""

    @property
    def file(self) -> str:
        """The Python file."""
        return self.factory.rpartition(":")[0]

    @property
    def function(self) -> str:
        """The name of the function."""
        return self.factory.rpartition(":")[2]

    def files(self) -> dict[str, str]:
        """Return the Python file and the weights."""
        return {"factory": self.file, "weights": self.weights}

    def check(self, preparation: ExtractionOptions) -> None:
        """Check that the file is Python and the weights are tensors by name, running neither.

        Raises:
            InputError: If they are not.
        """
        from ct_importance.classifier.networks.state import read_state

        try:
            ast.parse(Path(self.file).read_bytes(), self.file)
        except (SyntaxError, ValueError) as error:
            line = getattr(error, "lineno", None)
            where = f" (line {line})" if line else ""
            raise InputError(f"{self.file}: is no Python: {error.args[0]}{where}") from error
        size, window = preparation.image_size, preparation.hu_window
        read_state(self.weights, size, window, self._made())

    def take_over(self, preparation: ExtractionOptions, classifier: StrPath) -> None:
        """Build the network, give it the weights, ask it, and write its weights.

        Raises:
            InputError: If the function raises or returns something else, or the weights or the
                answers are not as they must be.
        """
        from ct_importance.classifier.networks.answers import check_answers
        from ct_importance.classifier.networks.factory import build
        from ct_importance.classifier.networks.input import prepared
        from ct_importance.classifier.store import fill_network, save_classifier

        size, window = preparation.image_size, preparation.hu_window
        network = build(self.file, self.function)
        fill_network(network, self.weights, self._made(), self.factory, size, window)
        seen = prepared(network, self, window)
        outputs = check_answers(seen, size, self.factory, self.outputs)
        save_classifier(classifier, network, size, window, self._made() | {"outputs": outputs})

    def load(self, classifier: StrPath, device: torch.device | str = "cpu") -> Classifier:
        """Return the classifier, on a device.

        Raises:
            InputError: If the file is missing or damaged, or the function's has changed since.
        """
        from ct_importance.classifier.classifier import classifier_of
        from ct_importance.classifier.networks.factory import build
        from ct_importance.classifier.networks.state import read_made
        from ct_importance.classifier.store import load_network

        made = read_made(classifier)
        if made.get("digest") != file_digest(self.file):
            raise InputError(
                f"{self.file}: has changed since the classifier was taken over; run again"
            )
        network = load_network(
            build(self.file, self.function), classifier, self._made(), self.factory, self
        )
        return classifier_of(network.to(device), made["outputs"], self.head)

    def _made(self) -> dict[str, Any]:
        name = f"{Path(self.file).name}:{self.function}"
        return {"factory": name, "digest": file_digest(self.file), **self.input}
