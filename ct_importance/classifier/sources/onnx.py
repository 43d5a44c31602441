"""A network of the user as a graph of ONNX, from which every framework exports."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

from pydantic import Field, model_validator

from ct_importance.classifier.source import Source
from ct_importance.cohort.options import ExtractionOptions
from ct_importance.errors import InputError, first_line
from ct_importance.io.atomic import replacing
from ct_importance.io.paths import StrPath

if TYPE_CHECKING:
    import torch
    from onnx import ModelProto

    from ct_importance.classifier.classifier import Classifier


class Onnx(Source):
    """A network as a graph of ONNX, which is asked, but gives no gradients.

    It maps slices (N, 1, H, W) in [0, 1], any number of them, or what `channels` and the keys
    beside it make of them, to an output per class (N, K), or of two classes to one logit (N, 1).
    """

    title: ClassVar[str] = "a graph of ONNX"
    gives_gradients: ClassVar[bool] = False

    onnx: str = Field(min_length=1)
    """File of the graph, with a batch of any size and all weights in it. Relative paths start at
    the folder in which the workflow runs."""

    @model_validator(mode="after")
    def _is_computed_as_it_is(self) -> Self:
        if self.precision != "float32":
            raise ValueError("precision: a graph of ONNX is computed as it is; leave it out")
        return self

    @property
    def has_one_logit(self) -> bool:
        """Whether two outputs are made one."""
        return self.classes == 2 and self.head != "multilabel"

    def files(self) -> dict[str, str]:
        """Return the file of the graph."""
        return {"onnx": self.onnx}

    def check(self, preparation: ExtractionOptions) -> None:
        """Check what the graph takes and answers, and what it is made of, without running it.

        Raises:
            InputError: If it does not fit, needs other files or operators that are none of ONNX.
        """
        self._read(preparation)

    def take_over(self, preparation: ExtractionOptions, classifier: StrPath) -> None:
        """Ask the graph, and write it as one that takes slices and answers with a logit or classes.

        Raises:
            InputError: If it cannot be run, or its answers are not as they must be.
        """
        from ct_importance.classifier.networks.answers import check_answers
        from ct_importance.classifier.networks.exported.onnx_graph import (
            as_one_logit,
            check_numbers,
            taking_slices,
        )
        from ct_importance.classifier.networks.exported.onnx_network import OnnxNetwork

        model = self._read(preparation)
        check_numbers(self.onnx, model)
        model = taking_slices(self.onnx, model, self, preparation.hu_window)
        try:
            network = OnnxNetwork(model.SerializeToString(), threads=1)
        except InputError as error:
            reason = first_line(error.__cause__ or error)
            raise InputError(
                f"{self.onnx}: ONNX Runtime cannot run it ({reason}); export it with "
                "opset_version=17"
            ) from error
        outputs = check_answers(network, preparation.image_size, self.onnx, self.outputs)
        if outputs == 2 and self.has_one_logit:
            model = as_one_logit(model)
        with replacing(classifier) as temporary:
            temporary.write_bytes(model.SerializeToString(deterministic=True))

    def load(self, classifier: StrPath, device: torch.device | str = "cpu") -> Classifier:
        """Return the classifier; on whatever device slices are, it is asked on the CPU.

        Raises:
            InputError: If the file is missing or damaged.
        """
        import torch

        from ct_importance.classifier.classifier import classifier_of
        from ct_importance.classifier.networks.exported.onnx_network import OnnxNetwork

        network = OnnxNetwork(classifier, torch.get_num_threads())
        return classifier_of(network, 1 if self.has_one_logit else self.classes, self.head)

    def graph(self, classifier: StrPath, image_size: int) -> bytes:
        """Return the graph, as `take_over` wrote it."""
        return Path(classifier).read_bytes()

    def _read(self, preparation: ExtractionOptions) -> ModelProto:
        from ct_importance.classifier.networks.exported.onnx_graph import read_graph

        return read_graph(self.onnx, self.taken(preparation.image_size), self.outputs)
