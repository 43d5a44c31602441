"""Expected Gradients: Integrated Gradients over training slices (paper, section 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from ct_importance.saliency.estimator import Batch, Cost, Estimator, References

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import torch

    from ct_importance.saliency.gradients import Sample

MOST_COMPARED = 256
"""Of training slices, when the sum of a map is compared with the difference of scores."""


class ExpectedGradients(Estimator):
    """The mean of (x - x') * dS(x' + a (x - x'))/dx (Erion et al. 2021).

    Reference x' is a training slice drawn with replacement, a is drawn from [0, 1). Sampled here
    rather than by captum's GradientShap, whose draws depend on the batch.
    """

    title: ClassVar[str] = "Expected Gradients"
    colour: ClassVar[str] = "#009E73"
    dashes: ClassVar[tuple[float, ...]] = (7, 1, 1, 1)
    reference: ClassVar[str] = "Erion et al. 2021, arXiv 1906.10670"
    complete: ClassVar[str] = "S(x) - the mean S of training slices, in the mean over draws"
    needs: ClassVar[frozenset[str]] = frozenset({"training_images"})

    samples: int = Field(25, ge=1, le=10_000)
    """Pairs of a training slice and a point on the way from it to the image."""

    def cost(self) -> Cost:
        """Return a gradient per sample."""
        return Cost(forward=self.samples, backward=self.samples)

    def references(self, batch: Batch) -> References:
        """Return training slices, evenly spaced ones where there are many."""
        import torch

        slices = batch.training_slices()
        chosen = slices[:: -(-len(slices) // MOST_COMPARED)]
        return References(torch.from_numpy(chosen[:, None]).to(batch.images))

    def attribute(self, batch: Batch) -> torch.Tensor:
        """Return the mean over the samples, (N, C, *space).

        Raises:
            InputError: If there are no training slices.
        """
        from ct_importance.saliency.gradients import mean_over_samples

        return mean_over_samples(batch, self._samples(batch, batch.training_slices()), self.samples)

    def _samples(self, batch: Batch, references: np.ndarray) -> Iterator[Sample]:
        import torch

        from ct_importance.compute.randomness import generator_for
        from ct_importance.saliency.gradients import Sample

        for index, (image, slice_id) in enumerate(zip(batch.images, batch.slice_ids, strict=True)):
            generator = generator_for(batch.seed, slice_id, batch.name)
            chosen = generator.integers(len(references), size=self.samples)
            positions = generator.random(self.samples)
            for row, position in zip(chosen, positions.tolist(), strict=True):
                reference = torch.tensor(
                    references[row][None], dtype=image.dtype, device=image.device
                )
                difference = image - reference
                yield Sample(index, reference + position * difference, difference)
