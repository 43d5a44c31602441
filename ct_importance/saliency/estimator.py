"""What an importance estimator is given, and what its module must define.

An estimator is one module in ``ct_importance/saliency/estimators/``, named as its ``method`` in
config.yaml. Every one defines

- ``Options``: a subclass of `EstimatorOptions` with its keys;
- ``FOLLOWS_PREDICTION``: whether its maps are negated where the classifier predicts class 0, so
  that positive means "for the prediction made";
and, to do all of its work by itself,

- ``NEEDS_TRAINING_SLICES``: whether ``context.training_images`` must be there;
- ``compute_importance(classifier, images, context)``: from the explained activation, a module that
  maps (N, 1, H, W) to (N,), and images (N, 1, H, W) float32 in [0, 1] on ``context.device`` to maps
  (N, H, W). Parameters of the classifier require no gradient;
- ``gradient_passes(options)``: how many gradients it takes of each slice, for the table of costs.

or, to use work that other estimators need as well and that is then done once,

- ``parts(options)``: by a name of its choice, each `Part` it is made of;
- ``combine(parts)``: from the maps (H, W) of one slice, ``parts[name][map]``, to the map (H, W).

A kind of part is one module in ``ct_importance/saliency/shared/`` that defines

- ``Options``: a subclass of `PartOptions`;
- ``MAPS``: the names of the maps it gives of each slice;
- ``compute_part(classifier, images, context)``: like ``compute_importance``, but to a dict of maps;
- ``gradient_passes(options)``: as above.

The Snakefile imports these modules to validate options, so they import torch and captum inside
functions only, as does this module.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from ct_importance.errors import InputError
from ct_importance.options import Options

if TYPE_CHECKING:
    import numpy as np
    import torch


class EstimatorOptions(Options):
    """Base class of the options of an estimator."""


class PartOptions(Options):
    """Base class of the options of a kind of part."""


@dataclass(frozen=True)
class Part:
    """Work that several estimators share; equal parts are computed once."""

    kind: str
    """Name of its module."""
    options: Mapping[str, float]

    @property
    def name(self) -> str:
        """Name of its table, e.g. ``path_gradients-reference_0.0-steps_25``."""
        options = (f"{key}_{value}" for key, value in sorted(self.options.items()))
        return re.sub(r"[^\w.-]", "_", "-".join([self.kind, *options]))


AnyOptions = TypeVar("AnyOptions", bound=EstimatorOptions | PartOptions)


@dataclass(frozen=True)
class Context(Generic[AnyOptions]):
    """What an estimator or a part may use besides the classifier and the images."""

    options: AnyOptions
    """Its options."""
    seed: int
    """Seed of the run."""
    name: str
    """Name of the estimator's entry in config.yaml, or kind of the part."""
    slice_ids: Sequence[str]
    """One per image. Random numbers for an image depend on seed, slice_id and name alone
    (`ct_importance.compute.randomness`): its map then never depends on the batch."""
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
            f"{context.name}: needs training slices as references, and the split has none; "
            "give the cohort training patients, or remove this estimator"
        )
    return images
