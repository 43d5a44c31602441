"""Integrated Gradients from one uniform reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from ct_importance.options import Declared
from ct_importance.saliency.estimator import Batch, Cost, References, Shared

if TYPE_CHECKING:
    import torch


class Steps(Declared):
    """Terms of the right Riemann sum."""

    steps: int = Field(25, ge=2, le=10_000)  # captum refuses 1
    """Points on the way from a reference to the image (the paper's m)."""


class PathGradients(Steps, Shared):
    """(x - x') * 1/m * sum_{k=1..m} dS(x' + k/m (x - x'))/dx (paper, section 2)."""

    maps: ClassVar[tuple[str, ...]] = ("integral",)
    complete: ClassVar[str] = "S(x) - S(x')"

    reference: float
    """Value of the uniform image x' the path begins at: 0 for black, 1 for white."""

    def cost(self) -> Cost:
        """Return a gradient per step."""
        return Cost(forward=self.steps, backward=self.steps)

    def references(self, batch: Batch) -> References:
        """Return the uniform image."""
        from ct_importance.saliency.completeness import grey

        return grey(batch, self.reference)

    def compute(self, batch: Batch) -> dict[str, torch.Tensor]:
        """Return ``integral``, (N, C, *space)."""
        from captum.attr import IntegratedGradients

        from ct_importance.saliency.gradients import in_passes

        method = IntegratedGradients(batch.scores)

        def attribute(images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
            integral: torch.Tensor = method.attribute(
                images,
                baselines=self.reference,
                target=targets,
                n_steps=self.steps,
                method="riemann_right",
                internal_batch_size=batch.images_per_pass,
            )
            return integral

        return {"integral": in_passes(attribute, batch)}
