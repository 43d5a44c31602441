"""SmoothGrad-squared: the mean of squared gradients of noisy copies (paper, section 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from ct_importance.saliency.estimator import EstimatorOptions, Part

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

FOLLOWS_PREDICTION = False


class Options(EstimatorOptions):
    """Options of SmoothGrad-squared."""

    samples: int = Field(15, ge=1, le=10_000)
    """Noisy copies of each slice (the paper's n)."""
    noise: float = Field(0.15, ge=0)
    """Standard deviation of the noise, as a fraction of the range of the slice's pixels."""


def parts(options: Options) -> dict[str, Part]:
    """Return the gradients of noisy copies, which SmoothGrad uses too."""
    return {"noisy": Part("noisy_gradients", options.model_dump())}


def combine(parts: Mapping[str, Mapping[str, np.ndarray]]) -> np.ndarray:
    """Return the mean of (dS(x + N(0, s^2))/dx)^2, (H, W), never negative (Hooker et al. 2019)."""
    return parts["noisy"]["mean_square"]
