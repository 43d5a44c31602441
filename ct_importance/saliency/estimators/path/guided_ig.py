"""Guided IG: Integrated Gradients along a path that avoids steep places."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from ct_importance.saliency.estimator import Batch, Cost, Estimator, References

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import torch
    from numpy.typing import NDArray

CLOSE = 1e-9
"""Distances that differ by less are equal."""


class GuidedIG(Estimator):
    """sum over a path from black of (dS/dx) dx, pixels of small gradient first (algorithm 1).

    (Kapishnikov et al. 2021.) Each step moves the share of the pixels whose gradients are
    smallest, and keeps within a distance of the straight path. Steps follow each other, so that one
    slice is computed at a time: it is slow. The path depends on the network: where gradients are
    noise, so is the path. More steps do not close the gap to S(x) - S(black): pixels leap across
    their band in one step, however many there are; a smaller max_distance closes it.
    """

    title: ClassVar[str] = "Guided IG"
    colour: ClassVar[str] = "#B8336A"
    dashes: ClassVar[tuple[float, ...]] = (10, 1, 2, 1)
    reference: ClassVar[str] = "Kapishnikov et al. 2021, arXiv 2106.09788"
    complete: ClassVar[str] = "S(x) - S(the grey that the path starts at)"

    steps: int = Field(200, ge=2, le=10_000)
    """Points of the path."""
    fraction: float = Field(0.25, gt=0, le=1)
    """Share of the pixels that a step moves."""
    max_distance: float = Field(0.02, ge=0, le=1)
    """How far a pixel may be from the straight path, as a share of it; 0: Integrated Gradients."""
    reference_value: float = Field(0.0, ge=0, le=1)
    """Grey value that the path starts at."""

    def cost(self) -> Cost:
        """Return a gradient per step."""
        return Cost(forward=self.steps, backward=self.steps)

    def references(self, batch: Batch) -> References:
        """Return the image that the path starts at."""
        from ct_importance.saliency.completeness import grey

        return grey(batch, self.reference_value)

    def attribute(self, batch: Batch) -> torch.Tensor:
        """Return the sum over the path, (N, C, *space)."""
        import numpy as np
        import torch

        from ct_importance.saliency.gradients import input_gradient

        # One at a time: rounding that depends on the others could lead to another path.
        maps = []
        for image, target in zip(batch.images, batch.targets, strict=True):

            def gradient(
                point: NDArray[np.float64],
                image: torch.Tensor = image,
                target: torch.Tensor = target,
            ) -> NDArray[np.float64]:
                points = torch.from_numpy(point).to(image)[None]
                found: torch.Tensor = input_gradient(batch.scores, points, target[None])[0]
                return found.double().cpu().numpy()

            end = image.detach().double().cpu().numpy()
            start = np.full_like(end, self.reference_value)
            maps.append(torch.from_numpy(self._walk(start, end, gradient)).to(image))
        return torch.stack(maps)

    def _walk(
        self,
        start: NDArray[np.float64],
        end: NDArray[np.float64],
        gradient: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    ) -> NDArray[np.float64]:
        """Return the sum of gradient times movement over the path."""
        import numpy as np

        x, total = start.copy(), np.abs(end - start).sum()
        found = np.zeros_like(end)
        for step in range(self.steps):
            actual = gradient(x)
            share = (step + 1) / self.steps
            before = x.copy()
            x = self._moved(x, start, end, actual, share, total * (1 - share))
            found += (x - before) * actual
        return found

    def _moved(
        self,
        x: NDArray[np.float64],
        start: NDArray[np.float64],
        end: NDArray[np.float64],
        actual: NDArray[np.float64],
        share: float,
        wanted: float,
    ) -> NDArray[np.float64]:
        """Return the next point of the path, at a wanted L1 distance from its end."""
        import numpy as np

        x, whole = x.copy(), end - start
        least, most = max(share - self.max_distance, 0.0), min(share + self.max_distance, 1.0)
        lowest, highest = start + whole * least, start + whole * most
        # A pixel that has no way to go is never behind.
        progress = np.divide(x - start, whole, out=np.full_like(x, most), where=whole != 0)
        behind = progress < least
        x[behind] = lowest[behind]
        size = np.abs(actual)
        while not np.isclose(distance := np.abs(x - end).sum(), wanted, CLOSE, CLOSE):
            size[x == highest] = np.inf
            threshold = np.quantile(size, self.fraction, method="lower")
            chosen = (size <= threshold) & np.isfinite(size)
            possible = np.abs(x - highest)[chosen].sum()
            if possible <= 0:
                break
            portion = (distance - wanted) / possible
            if portion <= 1:
                x[chosen] += (highest - x)[chosen] * portion
                break
            x[chosen] = highest[chosen]
        return x
