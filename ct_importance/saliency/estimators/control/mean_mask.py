"""The mean mask of the training patients: where the structure usually lies."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ct_importance.saliency.estimator import Batch, Cost, Estimator

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class MeanMask(Estimator):
    """The share of the training patients' masks that hold a pixel.

    The same map for every slice (Arun et al. 2021). On slices of training patients it has seen the
    mask that it is judged by: there it is better than it should be, so compare values of test
    patients (``value_test`` in the details of tables).
    """

    title: ClassVar[str] = "Mean training mask"
    colour: ClassVar[str] = "#8C8C8C"
    dashes: ClassVar[tuple[float, ...]] = (6, 1, 2, 1)
    reference: ClassVar[str] = "Arun et al. 2021, doi 10.1148/ryai.2021200267"
    needs: ClassVar[frozenset[str]] = frozenset({"training_masks"})
    is_control: ClassVar[bool] = True

    def cost(self) -> Cost:
        """Return nothing: no pass is taken."""
        return Cost()

    def attribute(self, batch: Batch) -> NDArray[np.float32]:
        """Return the same map for each slice, (N, C, *space).

        Raises:
            InputError: If no slice of a training patient has a mask.
        """
        import numpy as np

        mean = batch.masks_of_training().mean(axis=0, dtype=np.float32)
        return np.broadcast_to(mean, batch.images.shape).copy()
