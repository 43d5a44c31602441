"""Integrated Gradients from one uniform reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from ct_importance.saliency.estimator import Context, PartOptions

if TYPE_CHECKING:
    import torch

MAPS = ("integral",)


class Options(PartOptions):
    """Where the path begins, and the points on it."""

    reference: float
    """Value of the uniform image x' the path begins at: 0 for black, 1 for white."""
    steps: int = Field(ge=2)  # captum refuses 1
    """m, number of terms of the right Riemann sum."""


def gradient_passes(options: Options) -> int:
    """Return the number of gradients of each slice."""
    return options.steps


def compute_part(
    classifier: torch.nn.Module, images: torch.Tensor, context: Context[Options]
) -> dict[str, torch.Tensor]:
    """Return (x - x') * 1/m * sum_{k=1..m} dS(x' + k/m (x - x'))/dx (paper, section 2).

    Args:
        classifier: Maps (N, 1, H, W) to S, (N,).
        images: x, (N, 1, H, W).
        context: See `ct_importance.saliency.estimator.Context`.

    Returns:
        ``integral``, (N, H, W).
    """
    from captum.attr import IntegratedGradients

    from ct_importance.saliency.gradients import in_passes

    method = IntegratedGradients(classifier)

    def attribute(part: torch.Tensor) -> torch.Tensor:
        return method.attribute(
            part,
            baselines=context.options.reference,
            n_steps=context.options.steps,
            method="riemann_right",
            internal_batch_size=context.images_per_pass,
        )

    return {"integral": in_passes(attribute, images, context.images_per_pass)}
