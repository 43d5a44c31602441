"""Writes a network as a graph of ONNX, and checks that both answer alike."""

from __future__ import annotations

import logging
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from ct_importance.classifier.forward.onnx_runtime import OnnxForward
from ct_importance.classifier.forward.torch_runtime import TorchForward
from ct_importance.errors import first_line
from ct_importance.io.atomic import replacing
from ct_importance.io.paths import StrPath
from ct_importance.io.system_errors import explain_system_error

if TYPE_CHECKING:
    from ct_importance.classifier.jobs import ExportJob

logger = logging.getLogger(__name__)

TOLERANCE = 1e-4
"""Of answers, relative to the largest: what a graph may differ by from its network."""
OPSET = 17


def export_classifier(job: ExportJob, classifier: StrPath, graph: StrPath) -> None:
    """Write the graph of a classifier.

    Args:
        job: Which classifier.
        classifier: Its file.
        graph: The file to write; empty if the network is none that ONNX can say. It is then asked
            through torch.

    Raises:
        InputError: If the classifier cannot be read.
    """
    content = job.source.graph(classifier, job.image_size)
    with replacing(graph) as temporary:
        temporary.write_bytes(content)


def graph_of(network: nn.Module, image_size: int) -> bytes:
    """Return a network as a graph of ONNX for any number of images; empty if that cannot be.

    The same weights give the same bytes.

    Args:
        network: In eval mode, on the CPU; maps (N, 1, H, W) to outputs (N, O).
        image_size: Rows and columns of an image.
    """
    try:
        graph = _traced(network, image_size)
        difference = largest_difference(network, graph, image_size)
    except Exception as error:  # exporting runs the network's own code
        if explain_system_error(error):
            raise  # a full disk says nothing of the network
        logger.warning("asked through torch: ONNX cannot say the network (%s)", first_line(error))
        return b""
    if difference > TOLERANCE:
        logger.warning(
            "asked through torch: as a graph of ONNX its answers would differ by %.2g of the "
            "largest, more than %g",
            *(difference, TOLERANCE),
        )
        return b""
    logger.info("answers of network and graph differ by at most %.2g of the largest", difference)
    return graph


def _traced(network: nn.Module, image_size: int) -> bytes:
    images = torch.zeros(2, 1, image_size, image_size)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that constants are traced as constants
        torch.onnx.export(
            network,
            (images,),
            f"{folder}/graph.onnx",
            dynamo=False,
            opset_version=OPSET,
            input_names=["images"],
            output_names=["outputs"],
            dynamic_axes={"images": {0: "n"}, "outputs": {0: "n"}},
        )
        return Path(folder, "graph.onnx").read_bytes()


def largest_difference(network: nn.Module, graph: bytes, image_size: int) -> float:
    """Return by how much the answers of a network and of a graph differ, of the largest.

    They are asked about black, white, noise and dim noise, together and one by one: tracing keeps
    one way through a network that asks what is in an image.

    Raises:
        InputError: If the graph cannot be run.
    """
    generator = np.random.default_rng(0)
    noise = generator.random((image_size, image_size), dtype=np.float32)
    images = np.stack([np.zeros_like(noise), np.ones_like(noise), noise, noise / 4])
    exported = OnnxForward(graph, 1)
    wanted = TorchForward(network).scores(images)
    answers = (exported.scores(images, batch) for batch in (len(images), 1))
    difference = max(float(np.abs(found - wanted).max()) for found in answers)
    return difference / max(1.0, float(np.abs(wanted).max()))
