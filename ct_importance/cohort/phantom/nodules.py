"""Nodules of the lung: one on a slice, solid or of ground glass, whose mask is its outline."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from ct_importance.cohort.options import NODULES

NONE, SOLID, GROUND_GLASS = NODULES
RADII = (9.0, 18.0)
"""Of the farthest point of the outline, mm. Diameters are 14 to 28 mm: nodules are below 30."""
MARGIN = 2.0
"""Lung around a nodule, mm."""
TISSUE = 35.0
"""Hounsfield units of what it is made of."""
DENSITY = {SOLID: 1.0, GROUND_GLASS: 0.35}
"""Share of the air and blood of the lung that gives way; vessels are seen through ground glass."""
EDGE = {SOLID: 1.0, GROUND_GLASS: 3.0}
"""Over how many mm the border goes from outside to inside, if a pixel is not wider."""


@dataclass(frozen=True)
class Shown:
    """A slice with a nodule, or without one."""

    hu: NDArray[np.float32]
    """(rows, columns)."""
    kind: str
    """Of `NODULES`."""
    mask: NDArray[np.bool_]
    """(rows, columns): more than half of the pixel is in the nodule."""


def kinds_of(slices: int, rng: np.random.Generator) -> list[str]:
    """Return what each slice of a patient is to show: each kind equally often, in random order."""
    return [NODULES[int(kind)] for kind in rng.permutation(np.arange(slices) % len(NODULES))]


def with_nodule(
    hu: NDArray[np.float32],
    lung: NDArray[np.float32],
    kind: str,
    spacing: float,
    rng: np.random.Generator,
) -> Shown:
    """Draw a nodule at a random place in the lung.

    Args:
        hu: (rows, columns), before the scanner's blur.
        lung: (rows, columns) share of each pixel in the lungs.
        kind: Of `NODULES`.
        spacing: Size of a pixel, mm.
        rng: Draws size, place and outline.

    Returns:
        The slice; as it was, of the first kind, where the lungs have no room for the nodule.
    """
    radius = float(rng.uniform(*RADII))
    depth = distance_transform_edt(np.pad(lung > 0.95, 1))[1:-1, 1:-1] * spacing
    places = np.argwhere(depth > radius + MARGIN)
    if kind == NONE or not len(places):
        return Shown(hu, NONE, np.zeros(hu.shape, bool))
    row, column = places[rng.integers(len(places))] + rng.uniform(-0.5, 0.5, size=2)
    down = (np.arange(hu.shape[0]) - row)[:, None] * spacing
    right = (np.arange(hu.shape[1]) - column)[None] * spacing
    angle = np.arctan2(down, right)
    outline = 1 + sum(
        float(rng.uniform(0.03, 0.1)) * np.sin(lobes * angle + rng.uniform(0, 2 * np.pi))
        for lobes in (2, 3, 5)
    )
    # Lobes reach out by 0.3 at most: then the nodule is the smaller, so that it stays in the lung.
    distance = np.hypot(down, right) - radius / 1.3 * outline
    inside = np.clip(0.5 - distance / max(EDGE[kind], 1.2 * spacing), 0, 1)
    share = (DENSITY[kind] * inside).astype(np.float32)
    return Shown(hu + share * (np.float32(TISSUE) - hu), kind, inside > 0.5)
