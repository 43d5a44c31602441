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
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

from pydantic import Field

from ct_importance.errors import InputError
from ct_importance.options import Declared, Options
from ct_importance.plugins import name_of

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from torch import nn

    from ct_importance.classifier.classifier import Classifier

Target = str
"""The class whose score is explained: ``predicted`` (of each slice), ``true`` (its label), ``last``
(of the task's classes; of two, the score is then the logit) or the name of a class. Of more than
two classes, an entry that names none explains the predicted."""


class Cost(NamedTuple):
    """Passes through the classifier for one slice."""

    forward: int = 0
    backward: int = 0

    def __add__(self, other: Cost) -> Cost:  # type: ignore[override]
        """Return the passes of both."""
        return Cost(self.forward + other.forward, self.backward + other.backward)

    def __mul__(self, times: int) -> Cost:  # type: ignore[override]
        """Return the passes of several."""
        return Cost(self.forward * times, self.backward * times)


class References(NamedTuple):
    """Images whose mean score, taken from that of a slice, is what a complete map sums up to."""

    images: Any
    """(M, C, *space), the same for all slices; or (N, C, *space), one of each slice."""
    are_own: bool = False
    """Whether each slice has its own."""


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
    """(N, C, *space) float32 in [0, 1], on the device of the classifier; an array for an estimator
    that only asks (`Estimator.only_asks`)."""
    targets: torch.Tensor
    """(N,) int64: the class of each image whose score is explained."""
    scores: nn.Module
    """Maps images (n, C, *space) to the explained activation of each class, (n, K). Its parameters
    require no gradient. For an estimator that only asks, both are arrays: the passes are then taken
    by the fastest runtime there is, and torch need not be imported."""
    images_per_pass: int
    """Most images in one forward and backward pass, which bounds the memory."""
    training_images: Callable[[], NDArray[np.float32]] | None = None
    """Reads the training slices (M, *space), float32 in [0, 1]."""
    training_masks: Callable[[], NDArray[np.bool_]] | None = None
    """Reads the masks of training patients' slices (M, *space), of those that have one."""
    given_map: Callable[[str], NDArray[np.float32]] | None = None
    """Returns the map of a slice that was made elsewhere, (*space), by its id; for an estimator
    that needs ``"given_maps"``."""
    classifier: Classifier | None = None
    """The network as it was built, with the names of its layers, for an estimator that needs
    ``"layers"``. What `scores` asks is the same network in a faster form."""
    built: nn.Module | None = None
    """The same as `scores`, but asks `classifier`: hooks on its layers see these passes."""
    segments: Sequence[NDArray[np.bool_]] | None = None
    """Of each image (K, *space), see `ct_importance.saliency.xrai.segments.segment_image`, for an
    estimator that needs ``"segments"``."""

    def training_slices(self) -> NDArray[np.float32]:
        """Return the training slices (M, *space).

        Raises:
            InputError: If there are none.
        """
        what, remedy = "training slices as references", "give the cohort training patients"
        images: NDArray[np.float32] = self._of_training(self.training_images, what, remedy)
        return images

    def masks_of_training(self) -> NDArray[np.bool_]:
        """Return the masks of training patients' slices (M, *space).

        Raises:
            InputError: If there are none.
        """
        what, remedy = "masks of training slices", "give training patients masks"
        masks: NDArray[np.bool_] = self._of_training(self.training_masks, what, remedy)
        return masks

    def _of_training(self, read: Callable[[], Any] | None, what: str, remedy: str) -> Any:
        found = read() if read else None
        if found is None or not len(found):
            raise InputError(
                f"{self.name}: needs {what}, and the split has none; {remedy}, or leave it out: "
                f"estimators: {{{self.name}: null}}"
            )
        return found


class Shared(Declared, ABC):
    """Work that several estimators share; that of equal options is done once.

    A kind of shared work is one class in a module of ``ct_importance/saliency/shared/``.
    """

    maps: ClassVar[tuple[str, ...]]
    """Names of the maps it gives of each slice."""

    complete: ClassVar[str] = ""
    """What its maps sum up to, see `Estimator.complete`."""

    target: Target
    """The class whose score is explained."""

    @property
    def is_complete(self) -> bool:
        """Whether its maps sum up to a difference of scores."""
        return bool(self.complete)

    def references(self, batch: Batch) -> References:
        """Return what a slice is compared with; asked only of work that is complete."""
        raise NotImplementedError

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


class Smooth(Options):
    """How the maps of noisy copies of a slice are averaged (Smilkov et al. 2017, section 3)."""

    samples: int = Field(15, ge=1, le=10_000)
    """Noisy copies of each slice."""
    noise: float = Field(0.15, ge=0)
    """Standard deviation of the noise, as a fraction of the range of the slice's pixels."""
    power: Literal[1, 2] = 1
    """1: the mean of the maps (SmoothGrad); 2: of their squares (SmoothGrad-squared)."""


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
    """Of ``"training_images"``, ``"training_masks"``, ``"given_maps"``, ``"layers"`` and
    ``"segments"``: what it is given beside slices."""
    complete: ClassVar[str] = ""
    """What the map of a slice sums up to by its definition, as ``"S(x) - S(black)"``; "" where that
    is no difference of scores. How far it is from that is measured in each run."""
    is_control: ClassVar[bool] = False
    """Whether it knows nothing of the classifier: what an estimator must surpass to tell of it."""

    target: Target = "predicted"
    """The class whose score is explained: predicted, true, last (of the task's classes) or the
    name of a class."""

    smooth: Smooth | None = None
    """Average the maps of noisy copies of each slice; null: the map of the slice itself."""
    blur: float | None = Field(None, gt=0, le=1000)
    """Standard deviation, in pixels, of a Gaussian that its map is blurred with; null: as it is."""

    def shared(self) -> Mapping[str, Shared]:
        """Return the work it shares with others, by the names under which it wants the results."""
        return {}

    @property
    def works(self) -> Mapping[str, Shared]:
        """The work that is done once for it and others; none of noisy copies, which are its own."""
        return {} if self.smooth else self.shared()

    @abstractmethod
    def cost(self) -> Cost:
        """Return the passes that a map takes, those of shared work included."""

    @property
    def wants(self) -> frozenset[str]:
        """What it needs with these options."""
        return self.needs

    @property
    def built_on(self) -> Estimator | None:
        """The estimator that its maps are made of, if there is one."""
        return None

    @property
    def passes(self) -> Cost:
        """The passes it takes of each slice."""
        return self.cost() * (self.smooth.samples if self.smooth else 1)

    @property
    def is_complete(self) -> bool:
        """Whether its map, with these options, is to sum up to a difference of scores."""
        return bool(self.complete) and self.smooth is None and self.blur is None

    def references(self, batch: Batch) -> References:
        """Return what a slice is compared with.

        It is asked only of an estimator that is complete and takes its passes itself; shared work
        has its own (`Shared.references`).
        """
        raise NotImplementedError

    @property
    def takes_gradients(self) -> bool:
        """Whether it needs a network that gradients can be taken of."""
        return self.cost().backward > 0

    @property
    def only_asks(self) -> bool:
        """Whether answers are all it wants of a classifier: any network will do, in any form."""
        return not self.takes_gradients and "layers" not in self.wants

    @property
    def looks(self) -> bool:
        """Whether its maps depend on the classifier at all."""
        return any(self.passes) or "layers" in self.wants

    def unfit(self, parts: frozenset[str]) -> str | None:
        """Return why its maps cannot be right for a network; None if nothing speaks against it.

        It is asked while the workflow is read, where the network is known by then. What shows when
        the network is loaded is for `check`, what shows in a pass for `attribute`.

        Args:
            parts: What the network has (`ct_importance.classifier.source.Source.parts`).
        """
        return None

    @property
    def given_folder(self) -> str | None:
        """Folder of the user with its maps, if they were made elsewhere."""
        return None

    def check(self, classifier: Classifier) -> None:
        """Check that its maps can be right for a network, before any is computed.

        Raises:
            InputError: If they cannot, with the reason.
        """

    @abstractmethod
    def attribute(
        self, batch: Batch, *args: Any, **shared: Any
    ) -> torch.Tensor | NDArray[np.float32]:
        """Return the importance of each pixel for the score of the target.

        An estimator takes the batch and the work that it shares, no other arguments.

        Args:
            batch: The slices.
            *args: None; so that type checkers let a subclass name what it shares.
            **shared: By the names of `shared`, the maps of that work by name: each a
                dict[str, torch.Tensor] of (N, C, *space). The batch then has no images, and no
                classifier.

        Returns:
            (N, C, *space): a tensor, or an array if it only asks.
        """
