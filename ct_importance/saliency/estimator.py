"""The contract of an importance estimator, and of work that several of them share.

An estimator is one class in a module of ``ct_importance/saliency/estimators/``, which is named as
its ``method`` in config.yaml; its fields are its keys there. It either takes the passes through the
classifier itself, in `Estimator.attribute`, or names them in `Estimator.shared`: work that others
may want too, which is then done once and handed to ``attribute``.

The Snakefile loads these classes to check the configuration, so their modules import torch and
captum inside functions only, as does this one.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from ct_importance.errors import InputError
from ct_importance.options import Declared
from ct_importance.plugins import name_of

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from torch import nn

Target = str
"""The class whose score is explained: ``predicted`` (of each slice), ``true`` (its label), ``last``
(of the task's classes; of two, the score is then the logit) or the name of a class."""


class Cost(NamedTuple):
    """Passes through the classifier for one slice."""

    forward: int = 0
    backward: int = 0

    def __add__(self, other: Cost) -> Cost:  # type: ignore[override]
        """Return the passes of both."""
        return Cost(self.forward + other.forward, self.backward + other.backward)


@dataclass(frozen=True)
class Batch:
    """Slices to explain, with all that an estimator needs."""

    name: str
    """Name of the estimator's entry in config.yaml, or kind of the shared work."""
    seed: int
    """Seed of the run."""
    slice_ids: Sequence[str]
    """One per image. Random numbers for an image depend on seed, slice_id and name alone
    (`ct_importance.compute.randomness`): its map then never depends on the batch."""
    images: torch.Tensor
    """(N, C, *space) float32 in [0, 1], on the device of the classifier."""
    targets: torch.Tensor
    """(N,) int64: the class of each image whose score is explained."""
    scores: nn.Module
    """Maps images (n, C, *space) to the explained activation of each class, (n, K). Its parameters
    require no gradient."""
    images_per_pass: int
    """Most images in one forward and backward pass, which bounds the memory."""
    training_images: Callable[[], NDArray[np.float32]] | None = None
    """Reads the training slices (M, *space), float32 in [0, 1]."""

    def training_slices(self) -> NDArray[np.float32]:
        """Return the training slices (M, *space).

        Raises:
            InputError: If there are none.
        """
        images = self.training_images() if self.training_images else None
        if images is None or not len(images):
            raise InputError(
                f"{self.name}: needs training slices as references, and the split has none; "
                "give the cohort training patients, or remove this estimator"
            )
        return images


class Shared(Declared, ABC):
    """Work that several estimators share; that of equal options is done once.

    A kind of shared work is one class in a module of ``ct_importance/saliency/shared/``.
    """

    maps: ClassVar[tuple[str, ...]]
    """Names of the maps it gives of each slice."""

    target: Target
    """The class whose score is explained."""

    @abstractmethod
    def cost(self) -> Cost:
        """Return the passes it takes of each slice."""

    @abstractmethod
    def compute(self, batch: Batch) -> dict[str, torch.Tensor]:
        """Return its maps by name, each (N, C, *space)."""

    @property
    def kind(self) -> str:
        """Its name among the plug-ins."""
        return name_of(type(self))

    @property
    def name(self) -> str:
        """Name of its table.

        Example:
            >>> from ct_importance.saliency.shared.noisy_gradients import NoisyGradients
            >>> NoisyGradients(samples=5, noise=0.1, target="last").name
            'noisy_gradients-noise_0.1-samples_5-target_last'
        """
        options = (f"{key}_{value}" for key, value in sorted(self.model_dump().items()))
        return re.sub(r"[^\w.-]", "_", "-".join([self.kind, *options]))


class Estimator(Declared, ABC):
    """An importance estimator; its fields are its keys in config.yaml."""

    title: ClassVar[str]
    """Its name in tables and figures."""
    colour: ClassVar[str]
    """Its colour in figures, as #rrggbb."""
    dashes: ClassVar[tuple[float, ...]] = ()
    """Its line in figures: lengths of dashes and gaps, in line widths; empty for a solid line."""
    reference: ClassVar[str]
    """Where it is defined."""
    needs: ClassVar[frozenset[str]] = frozenset()
    """Of ``"training_images"``: what it reads beside the slices."""

    target: Target = "predicted"
    """The class whose score is explained: predicted, true, last (of the task's classes) or the
    name of a class."""

    def shared(self) -> Mapping[str, Shared]:
        """Return the work it shares with others, by the names under which it wants the results."""
        return {}

    @abstractmethod
    def cost(self) -> Cost:
        """Return the passes it takes of each slice, those of shared work included."""

    @abstractmethod
    def attribute(self, batch: Batch, *args: Any, **shared: Any) -> torch.Tensor:
        """Return the importance of each pixel for the score of the target.

        An estimator takes the batch and the work that it shares, no other arguments.

        Args:
            batch: The slices.
            *args: None; so that type checkers let a subclass name what it shares.
            **shared: By the names of `shared`, the maps of that work by name: each a
                dict[str, torch.Tensor] of (N, C, *space). The batch then has no images, and no
                classifier.

        Returns:
            (N, C, *space).
        """
