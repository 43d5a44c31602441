"""What an importance estimator is given, and what its module must define.

An estimator is one module in ``scripts/saliency/estimators/``, named as its ``method`` in
config.yaml, that defines

- ``Options``: a subclass of `EstimatorOptions` with its keys;
- ``FOLLOWS_PREDICTION``: whether its maps are negated where the classifier predicts class 0, so
  that positive means "for the prediction made";
- ``NEEDS_TRAINING_SLICES``: whether ``context.training_images`` must be there;
- ``compute_importance(classifier, images, context)``: from the explained activation, a module that
  maps (N, 1, H, W) to (N,), and images (N, 1, H, W) float32 in [0, 1] on ``context.device`` to maps
  (N, H, W). Parameters of the classifier require no gradient.

The Snakefile imports estimator modules to validate options, so they import torch and captum inside
functions only, as does this module.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from scripts.errors import InputError
from scripts.options import Options

if TYPE_CHECKING:
    import numpy as np
    import torch


class EstimatorOptions(Options):
    """Base class of the options of an estimator."""


AnyOptions = TypeVar("AnyOptions", bound=EstimatorOptions)


@dataclass(frozen=True)
class Context(Generic[AnyOptions]):
    """What an estimator may use besides the classifier and the images."""

    options: AnyOptions
    """The estimator's options."""
    seed: int
    """Seed of the run."""
    estimator: str
    """Name of the estimator's entry in config.yaml; part of its random streams."""
    slice_ids: Sequence[str]
    """One per image. Random numbers for an image are drawn from
    ``generator_for(seed, slice_id, estimator)``: its map then never depends on the batch."""
    device: torch.device
    """Where the classifier and the images are."""
    images_per_pass: int
    """Most images in one forward and backward pass, which bounds the memory."""
    training_images: np.ndarray | Callable[[], np.ndarray] | None = None
    """Training slices (M, H, W), float32 in [0, 1], or a function that reads them."""


def training_slices(context: Context) -> np.ndarray:
    """Return the training slices (M, H, W) of a context.

    Raises:
        InputError: If there are none.
    """
    images = context.training_images
    if callable(images):
        images = images()
    if images is None or not len(images):
        raise InputError(
            f"{context.estimator}: needs training slices as references, and the split has none; "
            "give the cohort training patients, or remove this estimator"
        )
    return images
