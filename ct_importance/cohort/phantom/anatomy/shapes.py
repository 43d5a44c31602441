"""Tubes and ellipsoids in space, and their distance to the pixels of an axial slice.

Coordinates are anatomical millimetres (x to the patient's left, y to the back, z to the head).
Structures are drawn inside their bounding boxes only, and the pieces of all tubes of a structure
at once, so that hundreds of vessels cost a few milliseconds per slice.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import PchipInterpolator

from ct_importance.cohort.phantom.anatomy.pose import Plane

FAR = 60.0  # mm: the distance of pixels outside every bounding box
PATCH_HALF_SIZES = (2, 4, 6, 9, 13, 19, 28, 41, 60, 90, 135, 200, 300, 450, 700)


@dataclass(frozen=True)
class Tubes:
    """Straight pieces with round cross-sections: axis from start to end, radius linear between."""

    start: np.ndarray
    """(K, 3) mm."""
    end: np.ndarray
    """(K, 3) mm."""
    start_radius: np.ndarray
    """(K,) mm."""
    end_radius: np.ndarray
    """(K,) mm."""

    def take(self, chosen: np.ndarray) -> "Tubes":
        """Return the chosen pieces."""
        return Tubes(
            self.start[chosen],
            self.end[chosen],
            self.start_radius[chosen],
            self.end_radius[chosen],
        )


NO_TUBES = Tubes(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros(0), np.zeros(0))


@dataclass(frozen=True)
class Ellipsoid:
    """A solid ellipsoid."""

    centre: np.ndarray
    """(3,) mm."""
    radii: np.ndarray
    """(3,) mm."""
    axes: np.ndarray = field(default_factory=lambda: np.eye(3))
    """(3, 3), a unit vector per row."""


@dataclass(frozen=True)
class Shape:
    """The union of tubes and ellipsoids."""

    tubes: Tubes = NO_TUBES
    ellipsoids: tuple[Ellipsoid, ...] = ()


def tube_through(points: ArrayLike, step: float = 4.0) -> Tubes:
    """Return a smooth tube through (x, y, z, radius) points, in pieces of about `step` mm."""
    through = np.asarray(points, dtype=float)
    length = np.linalg.norm(np.diff(through[:, :3], axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(length)])
    samples = np.linspace(0, along[-1], max(2, round(along[-1] / step) + 1))
    return chain(PchipInterpolator(along, through)(samples))


def chain(points: np.ndarray) -> Tubes:
    """Return straight pieces from each (x, y, z, radius) point to the next."""
    return Tubes(points[:-1, :3], points[1:, :3], points[:-1, 3], points[1:, 3])


def join(tubes: Sequence[Tubes]) -> Tubes:
    """Return all pieces of several tubes."""
    return Tubes(
        np.concatenate([tube.start for tube in tubes]),
        np.concatenate([tube.end for tube in tubes]),
        np.concatenate([tube.start_radius for tube in tubes]),
        np.concatenate([tube.end_radius for tube in tubes]),
    )


def mirrored(centre: tuple[float, float, float], radii: tuple[float, float, float]) -> Shape:
    """Return an ellipsoid on the left and its mirror image on the right."""
    return Shape(
        ellipsoids=tuple(
            Ellipsoid(np.array(centre) * [side, 1, 1], np.array(radii)) for side in (-1, 1)
        )
    )


def distance(plane: Plane, shape: Shape, margin: float) -> np.ndarray:
    """Return the signed distance to a shape's surface, negative inside.

    Args:
        plane: The slice.
        shape: The shape.
        margin: How far outside the surface the distance must be right, mm.

    Returns:
        (N, N) float32, mm; `FAR` beyond the margin.
    """
    result = np.full(plane.x.shape, FAR, dtype=np.float32)
    for pixels, to_axis, radius in _near_pixels(plane, shape.tubes, margin):
        np.minimum.at(result.reshape(-1), pixels, to_axis - radius)
    for ellipsoid in shape.ellipsoids:
        _add_ellipsoid(result, plane, ellipsoid, margin)
    return result


def thin_coverage(plane: Plane, tubes: Tubes, width: float) -> np.ndarray:
    """Return how much of each pixel thin tubes cover, tubes thinner than a pixel included.

    Args:
        plane: The slice.
        tubes: The tubes.
        width: Over how many mm an edge goes from 0 to 1.

    Returns:
        (N, N) float32 in [0, 1].
    """
    result = np.zeros(plane.x.shape, dtype=np.float32)
    for pixels, to_axis, radius in _near_pixels(plane, tubes, width):
        edge = np.clip(0.5 - (to_axis - np.maximum(radius, width / 2)) / width, 0, 1)
        np.maximum.at(result.reshape(-1), pixels, edge * np.minimum(1, 2 * radius / width))
    return result


def _near_pixels(
    plane: Plane, tubes: Tubes, margin: float
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield flat pixel indices, distances to the axis and radii there, for groups of pieces."""
    reach = np.maximum(tubes.start_radius, tubes.end_radius) + margin
    low = np.minimum(tubes.start[:, 2], tubes.end[:, 2]) - reach
    high = np.maximum(tubes.start[:, 2], tubes.end[:, 2]) + reach
    crossing = np.flatnonzero((low <= plane.z) & (plane.z <= high))
    if len(crossing) == 0:
        return
    tubes, reach = tubes.take(crossing), reach[crossing]
    half_length = np.hypot(*(tubes.end - tubes.start)[:, :2].T) / 2
    # One pixel more, because the middle is located to the nearest pixel only.
    half_size = np.ceil((half_length + reach) / plane.pixel) + 1
    bucket = np.searchsorted(PATCH_HALF_SIZES, half_size)
    middle = (tubes.start + tubes.end) / 2
    row, column = plane.locate(middle[:, 0], middle[:, 1])
    for index in np.unique(bucket):
        group = bucket == index
        yield _patch_distances(
            plane, tubes.take(group), row[group], column[group], PATCH_HALF_SIZES[index]
        )


def _patch_distances(
    plane: Plane, tubes: Tubes, row: np.ndarray, column: np.ndarray, half_size: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    offsets = np.arange(-half_size, half_size + 1)
    size = len(plane.x)
    rows = np.clip(row[:, None] + offsets, 0, size - 1)
    columns = np.clip(column[:, None] + offsets, 0, size - 1)
    pixels = (rows[:, :, None] * size + columns[:, None, :]).reshape(len(row), -1)

    start, axis = tubes.start.astype(np.float32), (tubes.end - tubes.start).astype(np.float32)
    dx = plane.x.reshape(-1)[pixels] - start[:, :1]
    dy = plane.y.reshape(-1)[pixels] - start[:, 1:2]
    dz = np.float32(plane.z) - start[:, 2:]
    squared_length = np.maximum((axis**2).sum(1, keepdims=True), np.float32(1e-6))
    t = (dx * axis[:, :1] + dy * axis[:, 1:2] + dz * axis[:, 2:]) / squared_length
    np.clip(t, 0, 1, out=t)
    dx -= t * axis[:, :1]
    dy -= t * axis[:, 1:2]
    to_axis = np.sqrt(dx**2 + dy**2 + (dz - t * axis[:, 2:]) ** 2)
    first = tubes.start_radius.astype(np.float32)[:, None]
    change = (tubes.end_radius - tubes.start_radius).astype(np.float32)[:, None]
    return pixels, to_axis, first + t * change


def _add_ellipsoid(result: np.ndarray, plane: Plane, ellipsoid: Ellipsoid, margin: float) -> None:
    # Half extents of the ellipsoid's bounding box.
    extent = np.sqrt(((ellipsoid.radii[:, None] * ellipsoid.axes) ** 2).sum(0))
    dz = plane.z - ellipsoid.centre[2]
    if abs(dz) > extent[2] + margin:
        return
    row, column = plane.locate(ellipsoid.centre[0], ellipsoid.centre[1])
    half_rows, half_columns = (
        int(np.ceil((extent[axis] + margin) * 1.15 / plane.pixel)) + 2 for axis in (1, 0)
    )
    box = (
        slice(max(0, row - half_rows), max(0, row + half_rows + 1)),
        slice(max(0, column - half_columns), max(0, column + half_columns + 1)),
    )
    dx = plane.x[box] - np.float32(ellipsoid.centre[0])
    dy = plane.y[box] - np.float32(ellipsoid.centre[1])
    by_radius: np.ndarray | np.float32 = np.float32(1e-6)
    by_square: np.ndarray | np.float32 = np.float32(1e-6)
    for radius, (ax, ay, az) in zip(ellipsoid.radii, ellipsoid.axes, strict=True):
        local = dx * np.float32(ax) + dy * np.float32(ay) + np.float32(dz * az)
        by_radius = by_radius + (local / np.float32(radius)) ** 2
        by_square = by_square + (local / np.float32(radius**2)) ** 2
    # First-order distance to the surface: |p/r| (|p/r| - 1) / |p/r^2|.
    by_radius = np.sqrt(by_radius)
    approximate = by_radius * (by_radius - 1) / np.sqrt(by_square)
    np.minimum(result[box], approximate, out=result[box])
