"""Maps that were made elsewhere, read from files."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from ct_importance.saliency.estimator import Batch, Cost, Estimator

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Precomputed(Estimator):
    """The maps of a folder, in the slice's own grid: what anybody's method says, judged alike.

    Files are matched to slices as masks are. They are judged by the classifier of this run: maps
    of another network, or of other windows, say nothing of it. ``target`` changes nothing: which
    class the maps explain is for whoever made them.
    """

    title: ClassVar[str] = "Made elsewhere"
    colour: ClassVar[str] = "#44606B"
    dashes: ClassVar[tuple[float, ...]] = (3, 1, 1, 1, 1, 1)
    reference: ClassVar[str] = "of its maker; read by ct-importance (2026)"
    needs: ClassVar[frozenset[str]] = frozenset({"given_maps"})

    folder: str = Field(min_length=1)
    """Folder with the maps at any depth; a relative path starts at `data_dir`."""
    suffix: str = ""
    """What follows the id and an underscore in the names of the files, where a folder holds maps of
    several methods: of 1.2.3_mine.npy, mine."""

    @property
    def given_folder(self) -> str:
        """The folder with the maps."""
        return self.folder

    def cost(self) -> Cost:
        """Return nothing: no pass is taken."""
        return Cost()

    def attribute(self, batch: Batch) -> NDArray[np.float32]:
        """Return the maps as they were read, (N, 1, *space)."""
        import numpy as np

        assert batch.given_map is not None, "it is given to an estimator that needs it"
        return np.stack([batch.given_map(slice_id)[None] for slice_id in batch.slice_ids])
