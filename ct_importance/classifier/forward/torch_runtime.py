"""Asks a classifier through torch: on GPUs, and where its network is no graph of ONNX."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ct_importance.classifier.forward.runtime import Answers, Fixed, Forward, Imputed
from ct_importance.classifier.networks.folding import fold_batch_norm
from ct_importance.compute.device import (
    in_precision,
    make_deterministic,
    pick_device,
    with_less_if_needed,
)
from ct_importance.io.paths import StrPath

if TYPE_CHECKING:
    from ct_importance.classifier.source import Source


class TorchForward(Forward):
    """A network that maps images (N, 1, H, W) in [0, 1] to outputs (N, O)."""

    def __init__(self, network: nn.Module, device: torch.device | str = "cpu") -> None:
        """Ask a network as it is.

        Args:
            network: On the device, in eval mode: batch normalisation would otherwise make an answer
                depend on the other images of its batch.
            device: Where the network is.
        """
        if network.training:
            raise ValueError("the network must be in evaluation mode: call .eval()")
        self._network, self._device = network, torch.device(device)
        self.device = self._device.type

    def _ask(self, images: NDArray[np.float32]) -> Answers:
        return self._answer(torch.tensor(images).to(self._device))

    def _masking(
        self, image: NDArray[np.float32], ranks: NDArray[np.int32], fill: Fixed | Imputed
    ) -> Callable[[NDArray[np.int64]], Answers]:
        if callable(fill):
            return super()._masking(image, ranks, fill)
        pixels = torch.tensor(image, device=self._device)  # a copy: it may be read-only
        on_device = torch.as_tensor(ranks, device=self._device)
        filled = torch.tensor(fill, dtype=torch.float32, device=self._device)

        def mask(jobs: torch.Tensor) -> torch.Tensor:
            order, count = jobs.T
            masked = on_device[order] < count[:, None, None]
            return self._pass(torch.where(masked, filled, pixels))

        def ask(jobs: NDArray[np.int64]) -> Answers:
            part = torch.as_tensor(jobs, device=self._device)
            return with_less_if_needed(mask, part).cpu().numpy()

        return ask

    def _answer(self, images: torch.Tensor) -> Answers:
        return with_less_if_needed(self._pass, images).cpu().numpy()

    @torch.inference_mode()
    def _pass(self, images: torch.Tensor) -> torch.Tensor:
        answer: torch.Tensor = self._network(images[:, None])
        return answer.float()


def load_forward(source: Source, classifier: StrPath, threads: int) -> TorchForward:
    """Return a classifier on the best device there is.

    Raises:
        InputError: If its file is missing or damaged.
    """
    make_deterministic(threads)
    device = pick_device()
    fused = fold_batch_norm(source.load(classifier).network, device)
    return TorchForward(in_precision(fused, source.precision), device)
