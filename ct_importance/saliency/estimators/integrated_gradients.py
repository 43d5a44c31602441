"""Integrated Gradients with a black reference (paper, section 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from ct_importance.saliency.estimator import EstimatorOptions, Part

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

FOLLOWS_PREDICTION = True


class Options(EstimatorOptions):
    """Options of Integrated Gradients."""

    steps: int = Field(25, ge=2, le=10_000)  # captum refuses 1
    """Points on the way from the reference to the image (the paper's m)."""


def parts(options: Options) -> dict[str, Part]:
    """Return the path from black, which the estimator with two references uses too."""
    return {"black": Part("path_gradients", {"reference": 0.0, "steps": options.steps})}


def combine(parts: Mapping[str, Mapping[str, np.ndarray]]) -> np.ndarray:
    """Return Integrated Gradients from black, (H, W) (Sundararajan et al. 2017, equation 3)."""
    return parts["black"]["integral"]
