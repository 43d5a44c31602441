"""The grid of a volume: where its voxels and its slices lie in the patient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ct_importance.cohort.dicom.geometry import SliceGeometry
from ct_importance.cohort.rejection import RejectedFile

LARGEST_COSINE = 0.01
"""Between axes at right angles, whose directions are rounded in the file."""


@dataclass(frozen=True, eq=False)
class VolumeGrid:
    """The grid of a volume; axes are numbered as in the file, the fastest first."""

    size: tuple[int, int, int]
    to_patient: NDArray[np.float64]
    """Matrix (4, 4) from voxel indices to LPS, mm."""

    @property
    def spacing(self) -> NDArray[np.float64]:
        """Millimetres between voxels along each axis, (3,)."""
        lengths: NDArray[np.float64] = np.linalg.norm(self.to_patient[:3, :3], axis=0)
        return lengths

    @property
    def directions(self) -> NDArray[np.float64]:
        """Unit vectors in LPS, a column per axis, (3, 3)."""
        return self.to_patient[:3, :3] / self.spacing

    @property
    def axes(self) -> tuple[int, int, int]:
        """The axes along rows (to the side), along columns (to the back) and across slices."""
        directions = self.directions
        across = int(np.argmax(np.abs(directions[2])))
        in_plane = [axis for axis in range(3) if axis != across]
        along_row = max(in_plane, key=lambda axis: abs(directions[0, axis]))
        along_column = next(axis for axis in in_plane if axis != along_row)
        return along_row, along_column, across

    @property
    def frames(self) -> int:
        """Number of slices."""
        return self.size[self.axes[2]]

    def check_right_angles(self) -> None:
        """Check that slices are rectangles, straight above each other.

        Raises:
            RejectedFile: If the axes are not at right angles.
        """
        cosines = self.directions.T @ self.directions - np.eye(3)
        if np.abs(cosines).max() > LARGEST_COSINE:
            raise RejectedFile("axes of the volume are not at right angles")

    def geometry(self, frame: int) -> SliceGeometry:
        """Return where a slice lies."""
        along_row, along_column, across = self.axes
        origin = self.to_patient[:3, 3] + frame * self.to_patient[:3, across]
        return SliceGeometry(
            rows=self.size[along_column],
            columns=self.size[along_row],
            origin=tuple(map(float, origin)),
            orientation=tuple(map(float, self.directions[:, [along_row, along_column]].T.ravel())),
            spacing=(float(self.spacing[along_column]), float(self.spacing[along_row])),
        )
