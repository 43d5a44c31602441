"""A graph of ONNX as a module of torch, for forward passes alone."""

from __future__ import annotations

import torch
from torch import nn

from ct_importance.classifier.forward.onnx_runtime import OnnxForward
from ct_importance.io.paths import StrPath


class OnnxNetwork(nn.Module):
    """Asks ONNX Runtime on the CPU, wherever images are; it gives no gradients."""

    def __init__(self, graph: StrPath | bytes, threads: int) -> None:
        """Open a graph that maps slices (N, 1, H, W) to outputs (N, O).

        Args:
            graph: The file, or what it holds.
            threads: CPU threads to use.

        Raises:
            InputError: If it is missing, or cannot be run.
        """
        super().__init__()
        self._forward = OnnxForward(graph, threads)
        self.eval()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map slices to outputs."""
        answers = self._forward.outputs(x.detach()[:, 0].cpu().numpy(), batch=len(x))
        return torch.from_numpy(answers).to(x.device)
