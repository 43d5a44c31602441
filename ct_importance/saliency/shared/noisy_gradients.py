"""Gradients of noisy copies of a slice: their mean, and the mean of their squares."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from ct_importance.options import Declared
from ct_importance.saliency.estimator import Batch, Cost, Estimator, Shared, Target

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

    from ct_importance.saliency.gradients import Sample


class Noise(Declared):
    """Options of the noisy copies."""

    samples: int = Field(15, ge=1, le=10_000)
    """Noisy copies of each slice (the paper's n)."""
    noise: float = Field(0.15, ge=0)
    """Standard deviation of the noise, as a fraction of the range of the slice's pixels."""


class NoisyGradients(Noise, Shared):
    """The first two moments of dS(x + N(0, s^2))/dx (Smilkov et al. 2017, section 3)."""

    maps: ClassVar[tuple[str, ...]] = ("mean", "mean_square")

    def cost(self) -> Cost:
        """Return a gradient per noisy copy."""
        return Cost(forward=self.samples, backward=self.samples)

    def compute(self, batch: Batch) -> dict[str, torch.Tensor]:
        """Return ``mean`` and ``mean_square``, each (N, C, *space)."""
        import torch

        from ct_importance.saliency.gradients import mean_over_samples

        moments = mean_over_samples(
            batch,
            self._noisy_copies(batch),
            self.samples,
            lambda gradient: torch.cat([gradient, gradient**2], dim=1),
        )
        mean, mean_square = moments.chunk(2, dim=1)
        return {"mean": mean, "mean_square": mean_square}

    def _noisy_copies(self, batch: Batch) -> Iterator[Sample]:
        """Yield x + N(0, s^2) with s = noise * (max x - min x) of each image.

        Drawn here rather than by captum's NoiseTunnel, which has one s for a whole batch and draws
        that depend on it.
        """
        import torch

        from ct_importance.compute.randomness import seed_for
        from ct_importance.saliency.gradients import Sample

        # Drawn on the device: a GPU would wait for numbers that the CPU draws.
        generator = torch.Generator(batch.images.device)
        for index, (image, slice_id) in enumerate(zip(batch.images, batch.slice_ids, strict=True)):
            generator.manual_seed(seed_for(batch.seed, slice_id, batch.name))
            deviation = self.noise * (image.max() - image.min())
            for _ in range(self.samples):
                normal = torch.randn(image.shape, generator=generator, device=image.device)
                yield Sample(index, image + deviation * normal)


class NoisyEstimator(Noise, Estimator):
    """Base of the estimators that take their map from `NoisyGradients`."""

    target: Target = "last"

    def shared(self) -> dict[str, Shared]:
        """Return the gradients of the noisy copies, which all of them share."""
        return {"noisy": self._noisy_gradients()}

    def cost(self) -> Cost:
        """Return the gradients of the noisy copies."""
        return self._noisy_gradients().cost()

    def _noisy_gradients(self) -> NoisyGradients:
        return NoisyGradients(samples=self.samples, noise=self.noise, target=self.target)
