"""Integrated Gradients with black and white references (paper, section 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from ct_importance.saliency.estimator import EstimatorOptions, Part

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

FOLLOWS_PREDICTION = True


class Options(EstimatorOptions):
    """Options of Integrated Gradients with two references."""

    steps: int = Field(25, ge=2, le=10_000)  # captum refuses 1
    """Points on the way from each reference to the image (the paper's m)."""


def parts(options: Options) -> dict[str, Part]:
    """Return the path from black, which Integrated Gradients uses too, and that from white."""
    return {
        name: Part("path_gradients", {"reference": reference, "steps": options.steps})
        for name, reference in (("black", 0.0), ("white", 1.0))
    }


def combine(parts: Mapping[str, Mapping[str, np.ndarray]]) -> np.ndarray:
    """Return the mean of Integrated Gradients from black and from white, (H, W).

    With black alone, black pixels can never be important (Kapishnikov et al. 2019).
    """
    return (parts["black"]["integral"] + parts["white"]["integral"]) / 2
