"""Attributions of captum by name, for what has no estimator of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import Field, model_validator

from ct_importance.saliency.captum_signatures import SIGNATURES, Name, Signature
from ct_importance.saliency.estimator import Batch, Cost, References
from ct_importance.saliency.layers.estimator import OfLayer

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

WITHOUT_GRADIENTS = frozenset(
    ("FeatureAblation", "KernelShap", "LayerActivation", "ShapleyValueSampling")
)


class Captum(OfLayer):
    """What captum's class of the name ``attribution`` computes (Kokhlikyan et al. 2020).

    One slice at a time. Of layers, the channels are summed and enlarged to the grid of the slice.
    Left out is what depends on other slices of a batch, and what hooks modules (deconvolution,
    guided methods, DeepLIFT, LRP): it is wrong, without a word, for operations that are called as
    functions. Left out, too, is its Lime, whose penalty makes all importance 0 where scores
    are small. Each attribution misleads in its own way: see captum's pages.
    """

    title: ClassVar[str] = "Captum"
    colour: ClassVar[str] = "#5A3E85"
    dashes: ClassVar[tuple[float, ...]] = (2, 1, 5, 1)
    reference: ClassVar[str] = "Kokhlikyan et al. 2020, arXiv 2009.07896"

    complete: ClassVar[str] = "S(x) - S(baseline), of IntegratedGradients"

    attribution: Name
    """The class of captum.attr."""
    arguments: dict[str, bool | int | float | str] = {}
    """Arguments of the class and of its attribute(), by captum's names."""
    baseline: float = Field(0.0, ge=0, le=1)
    """Grey value that pixels are compared with or replaced by, where there is a reference."""
    grid: int = Field(8, ge=1, le=256)
    """Squares along a side of the slice that pixels are grouped in, where features are hidden."""

    @property
    def signature(self) -> Signature:
        """What the attribution can be told."""
        return SIGNATURES[self.attribution]

    @model_validator(mode="after")
    def _are_what_it_takes(self) -> Self:
        known = self.signature.made_with | self.signature.options
        for name, value in self.arguments.items():
            if name not in known:
                raise ValueError(
                    f"arguments.{name}: {self.attribution} takes {', '.join(known) or 'none'}"
                )
            kind = type(known[name])
            if type(value) is not kind and not (kind is float and type(value) is int):
                raise ValueError(f"arguments.{name}: must be of the kind of {known[name]!r}")
            if name in ("n_steps", "n_samples") and int(value) < 2:
                raise ValueError(f"arguments.{name}: must be at least 2")
        if self.signature.takes_layer != (self.layer is not None):
            wants = "needs a layer" if self.layer is None else "takes no layer"
            raise ValueError(f"layer: {self.attribution} {wants}")
        return self

    @property
    def is_complete(self) -> bool:
        """Whether its map is to sum up to a difference of scores."""
        times_input = bool(self.arguments.get("multiply_by_inputs", True))
        return self.attribution == "IntegratedGradients" and times_input and super().is_complete

    def references(self, batch: Batch) -> References:
        """Return the baseline."""
        from ct_importance.saliency.completeness import grey

        return grey(batch, self.baseline)

    @property
    def wants(self) -> frozenset[str]:
        """Layers, if it looks at one."""
        return self.needs if self.signature.takes_layer else frozenset()

    def cost(self) -> Cost:
        """Return the passes, but for one or two at the ends of a path."""
        options = self.signature.options | self.arguments
        passes = int(options.get("n_steps", 1)) * int(options.get("n_samples", 1))
        if self.attribution == "ShapleyValueSampling":
            passes *= self.grid**2
        elif self.attribution == "FeatureAblation":
            passes = self.grid**2 + 1
        return Cost(passes, 0 if self.attribution in WITHOUT_GRADIENTS else passes)

    def attribute(self, batch: Batch) -> torch.Tensor:
        """Return the attribution of each slice, (N, C, *space).

        Raises:
            InputError: If the layer does not answer with maps.
        """
        import torch

        from ct_importance.compute.randomness import seed_for
        from ct_importance.saliency.seeding import seeded

        images, targets = torch.as_tensor(batch.images), torch.as_tensor(batch.targets)
        method, options = self._method(batch), self._options(batch, images)
        maps = []
        for slice_id, image, target in zip(batch.slice_ids, images, targets, strict=True):
            if self.attribution != "LayerActivation":
                options["target"] = int(target)
            with seeded(seed_for(batch.seed, slice_id, batch.name), image.device):
                points = image.detach().clone()[None].requires_grad_(not self.only_asks)
                found: Any = method.attribute(points, **options)
            found = found[0] if isinstance(found, tuple) else found
            maps.append(self._in_grid(batch, found.detach(), image)[0])
        return torch.stack(maps)

    def _method(self, batch: Batch) -> Any:
        from captum import attr

        known = self.signature.made_with
        given = {name: value for name, value in self.arguments.items() if name in known}
        made = getattr(attr, self.attribution)
        if self.layer is None:
            return made(_asking(batch) if self.only_asks else batch.scores, **given)
        assert batch.classifier is not None, "it is given to an estimator that looks at layers"
        return made(batch.built, batch.classifier.layer(self.layer), **given)

    def _options(self, batch: Batch, images: torch.Tensor) -> dict[str, Any]:
        signature, at_once = self.signature, batch.images_per_pass
        options: dict[str, Any] = {
            name: value for name, value in self.arguments.items() if name in signature.options
        }
        if signature.takes_baselines:
            options["baselines"] = self.baseline
        if "n_steps" in signature.options:
            options["internal_batch_size"] = max(2, at_once)
        if signature.takes_features:
            options["feature_mask"] = self._squares(images)
            options["perturbations_per_eval"] = at_once
        return options

    def _squares(self, images: torch.Tensor) -> torch.Tensor:
        """Return the number of the square of each pixel, (1, 1, H, W), from 0 without a gap."""
        import torch

        rows, columns = (
            torch.arange(size, device=images.device) * self.grid // size
            for size in images.shape[2:]
        )
        squares = rows[:, None] * self.grid + columns
        numbers: torch.Tensor = squares.unique(return_inverse=True)[1]
        return numbers[None, None]

    def _in_grid(self, batch: Batch, found: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
        if self.layer is None:
            return found.to(image.dtype)
        from ct_importance.errors import InputError
        from ct_importance.saliency.layers.grid import as_maps, grid_of, upsampled

        grid = grid_of(found.shape, (1, *image.shape))
        if grid is None:
            raise InputError(
                f"{batch.name}: layer {self.layer!r} answers with "
                f"{' x '.join(map(str, found.shape[1:]))}, in which places cannot be told apart"
            )
        return upsampled(as_maps(found, grid).sum(dim=1), image.shape)


def _asking(batch: Batch) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return the scores of a batch of arrays as a function of tensors."""
    import torch

    def scores(images: torch.Tensor) -> torch.Tensor:
        return torch.as_tensor(batch.scores(images.detach().numpy()))

    return scores
