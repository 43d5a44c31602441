"""Integrated Gradients from one reference, shared by its two estimators."""

from __future__ import annotations

import torch
from captum.attr import IntegratedGradients
from torch import nn

from scripts.saliency.gradients import in_passes


def integrate_gradients(
    classifier: nn.Module,
    images: torch.Tensor,
    reference: float,
    steps: int,
    images_per_pass: int,
) -> torch.Tensor:
    """Return (x - x') * 1/m * sum_{k=1..m} dS(x' + k/m (x - x'))/dx (paper, section 2).

    Args:
        classifier: Maps (N, 1, H, W) to S, (N,).
        images: x, (N, 1, H, W).
        reference: Value of the uniform image x': 0 for black, 1 for white.
        steps: m, number of terms of the right Riemann sum.
        images_per_pass: Most points in one forward and backward pass.

    Returns:
        (N, H, W).
    """
    method = IntegratedGradients(classifier)

    def attribute(part: torch.Tensor) -> torch.Tensor:
        return method.attribute(
            part,
            baselines=reference,
            n_steps=steps,
            method="riemann_right",
            internal_batch_size=images_per_pass,
        )

    return in_passes(attribute, images, images_per_pass)
