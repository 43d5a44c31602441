"""The slice being painted: Hounsfield units, and the share of blood in each pixel."""

import numpy as np

from ct_importance.cohort.phantom.anatomy.pose import Plane

# Hounsfield units of what contrast agent does not change.
AIR, LUNG, FAT, MUSCLE, SKIN, WATER, CARTILAGE = -1000, -865, -102, 54, 10, 8, 95
CORTICAL, SPONGY, DISC, PLAQUE = 720, 230, 85, 850


class Canvas:
    """The image so far, and the blood in it."""

    def __init__(self, plane: Plane) -> None:
        """Start with air."""
        self.hu = np.full(plane.x.shape, AIR, dtype=np.float32)
        self.pools = np.zeros(plane.x.shape, dtype=np.float32)
        self.width = np.float32(1.2 * plane.pixel)

    def edge(self, distance: np.ndarray) -> np.ndarray:
        """Return the share of each pixel with a distance below 0."""
        return np.clip(np.float32(0.5) - distance / self.width, 0, 1)

    def paint(self, coverage: np.ndarray, hu: float | np.ndarray) -> None:
        """Cover what lies below."""
        self.hu += coverage * (hu - self.hu)

    def fill(self, distance: np.ndarray, hu: float | np.ndarray, blood: bool | None = None) -> None:
        """Cover what lies below where a distance is below 0.

        Args:
            distance: (N, N), mm.
            hu: Of the tissue.
            blood: Whether the tissue is blood, or not, or None if it does not touch blood.
        """
        # Most structures are small: work on the rows and columns that they touch.
        rows = np.flatnonzero(distance.min(1) < self.width / 2)
        if len(rows) == 0:
            return
        band = distance[rows[0] : rows[-1] + 1]
        columns = np.flatnonzero(band.min(0) < self.width / 2)
        box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        coverage = self.edge(distance[box])
        below = self.hu[box]
        below += coverage * ((hu[box] if isinstance(hu, np.ndarray) else hu) - below)
        if blood is not None:
            pools = self.pools[box]
            pools += coverage * (np.float32(blood) - pools)
