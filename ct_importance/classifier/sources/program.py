"""A network of the user as a program of torch.export, which needs none of the user's code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from ct_importance.classifier.source import Source
from ct_importance.cohort.options import ExtractionOptions
from ct_importance.io.paths import StrPath

if TYPE_CHECKING:
    import torch

    from ct_importance.classifier.classifier import Classifier
    from ct_importance.classifier.networks.exported.program import Exported


class Program(Source):
    """A network as a program that torch.export.save wrote; nothing in the file is run.

    It maps slices (N, 1, H, W) in [0, 1], any number of them, or what `channels` and the keys
    beside it make of them, to an output per class (N, K), or of two classes to one logit (N, 1).
    """

    title: ClassVar[str] = "a program of torch.export"

    program: str = Field(min_length=1)
    """File of torch.export.save, with a batch of any size. Relative paths start at the folder in
    which the workflow runs."""

    def files(self) -> dict[str, str]:
        """Return the file of the program."""
        return {"program": self.program}

    def check(self, preparation: ExtractionOptions) -> None:
        """Check what the program takes and answers, and what it is made of, without torch.

        Raises:
            InputError: If it does not fit, or holds more than operators and plain tensors.
        """
        self._read(preparation)

    def take_over(self, preparation: ExtractionOptions, classifier: StrPath) -> None:
        """Read the program, ask it, and write its operators and tensors.

        Raises:
            InputError: If it or its answers are not as they must be.
        """
        from ct_importance.classifier.networks.answers import check_answers
        from ct_importance.classifier.networks.exported.graph import build
        from ct_importance.classifier.networks.exported.program import numbers_of
        from ct_importance.classifier.networks.input import prepared
        from ct_importance.classifier.store import save_classifier

        size, window = preparation.image_size, preparation.hu_window
        program = self._read(preparation)
        tensors = list(numbers_of(self.program, program.tensors).values())
        network = build(program.graph, tensors, self.program)
        seen = prepared(network, self, window)
        outputs = check_answers(seen, size, self.program, self.outputs)
        made = {**self._made(), "graph": program.graph, "outputs": outputs}
        save_classifier(classifier, network, size, window, made)

    def load(self, classifier: StrPath, device: torch.device | str = "cpu") -> Classifier:
        """Return the classifier, on a device.

        Raises:
            InputError: If the file is missing or damaged.
        """
        from ct_importance.classifier.classifier import classifier_of
        from ct_importance.classifier.networks.exported.graph import build
        from ct_importance.classifier.networks.exported.program import numbers_of
        from ct_importance.classifier.networks.input import prepared
        from ct_importance.classifier.networks.state import (
            read_hu_window,
            read_made,
            read_state,
        )

        made = read_made(classifier)
        values = numbers_of(classifier, read_state(classifier, made=self._made(), own=True))
        tensors = [values[f"tensor_{number}"] for number in range(len(values))]
        network = build(made["graph"], tensors, self.program, device)
        seen = prepared(network, self, read_hu_window(classifier) if self.windows else ())
        return classifier_of(seen.to(device), made["outputs"], self.head)

    def _made(self) -> dict[str, Any]:
        return {"source": "program", **self.input}

    def _read(self, preparation: ExtractionOptions) -> Exported:
        from ct_importance.classifier.networks.exported.program import EXPORT, read_program
        from ct_importance.classifier.networks.exported.shapes import check_shapes

        program = read_program(self.program)
        check_shapes(
            *(self.program, program.image, program.answer),
            *(self.taken(preparation.image_size), self.outputs, EXPORT),
        )
        return program
