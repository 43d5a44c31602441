"""Does a map sum up to the difference of scores that its definition promises?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ct_importance.saliency.estimator import Batch, Estimator, References, Shared

DIFFERENCE = pa.field("difference", pa.float64(), nullable=False)
GAP = pa.field("gap", pa.float64(), nullable=False)


def grey(batch: Batch, value: float) -> References:
    """Return an image of one grey value, which all slices are compared with."""
    images: Any = batch.images[:1] * 0 + value
    return References(images)


class Differences:
    """S(x) less the mean score of what x is compared with, of the slices of a job."""

    def __init__(self, work: Estimator | Shared) -> None:
        """Take the references of an estimator, or of shared work, that is complete."""
        self._work = work
        self._common: NDArray[np.float64] | None = None

    def of(self, batch: Batch) -> NDArray[np.float64]:
        """Return the difference of each slice, (N,).

        A pass for each slice, and one for each reference: those that are the same for all slices
        are asked in the first batch only.
        """
        rows = np.arange(len(batch.slice_ids))
        targets = np.asarray(_on_cpu(batch.targets))
        found: NDArray[np.float64] = _scores(batch, batch.images)[rows, targets]
        if self._common is None:
            references = self._work.references(batch)
            scores = _scores(batch, references.images)
            if references.are_own:
                found -= scores[rows, targets]
                return found
            self._common = scores.mean(axis=0)
        found -= self._common[targets]
        return found


class Completeness:
    """How far the maps of a job are from what they are to sum up to."""

    def __init__(self, estimator: Estimator) -> None:
        """Check the maps of an estimator; of one that promises nothing, nothing is checked."""
        self._estimator = estimator
        self._works = {name: Differences(work) for name, work in estimator.works.items()}
        self._own = Differences(estimator)

    def fields(self) -> list[pa.Field]:
        """Return the columns it adds to a table of maps."""
        return [DIFFERENCE, GAP] if self._estimator.is_complete else []

    def columns(self, batch: Batch, maps: NDArray[np.float32]) -> dict[str, NDArray[np.float64]]:
        """Return ``difference``, what maps (N, *space) are to sum up to, and ``gap``.

        The gap is by how much more they sum up to.
        """
        if not self._estimator.is_complete:
            return {}
        if self._works:
            return self.combined(
                batch, {name: work.of(batch) for name, work in self._works.items()}, maps
            )
        return _columns(self._own.of(batch), maps)

    def combined(
        self, batch: Batch, of_works: dict[str, NDArray[np.float64]], maps: NDArray[np.float32]
    ) -> dict[str, NDArray[np.float64]]:
        """Return the same of maps that were combined out of shared work.

        Args:
            batch: The slices.
            of_works: What the maps of the work are to sum up to, each (N,), by the names of
                `Estimator.shared`.
            maps: (N, *space).
        """
        # Combining is linear: what the maps sum up to is combined as they are.
        works = self._estimator.works
        shared: Any = {
            name: dict.fromkeys(works[name].maps, difference)
            for name, difference in of_works.items()
        }
        differences: Any = self._estimator.attribute(batch, **shared)
        return _columns(differences, maps)


def _columns(
    difference: NDArray[np.float64], maps: NDArray[np.float32]
) -> dict[str, NDArray[np.float64]]:
    total = maps.reshape(len(maps), -1).sum(axis=1, dtype=np.float64)
    return {DIFFERENCE.name: difference, GAP.name: total - difference}


def _scores(batch: Batch, images: Any) -> NDArray[np.float64]:
    """Return the explained activation of each class, (n, K), in passes that fit."""
    size, ask = batch.images_per_pass, batch.scores
    if isinstance(images, np.ndarray):
        return _joined([ask(images[at : at + size]) for at in range(0, len(images), size)])
    import torch

    from ct_importance.compute.device import with_less_if_needed

    with torch.no_grad():
        return _joined([_on_cpu(with_less_if_needed(ask, part)) for part in images.split(size)])


def _joined(parts: list[Any]) -> NDArray[np.float64]:
    return np.concatenate([np.asarray(part, np.float64) for part in parts])


def _on_cpu(values: Any) -> Any:
    return values if isinstance(values, np.ndarray) else values.detach().cpu()
