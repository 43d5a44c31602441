"""Where a patient lies in the scanner: the map between pixels and anatomical coordinates.

Anatomical millimetres are those of a standard person (x to the left, y to the back, z to the
head, 0 at the carina). A patient is that person scaled, gently bent, rotated and moved.
"""

import math
import operator
from dataclasses import dataclass
from functools import reduce

import numpy as np


@dataclass(frozen=True)
class Pose:
    """Size, bending, rotation and position of a patient.

    Plain floats, because NumPy's would turn the float32 pixels into float64.
    """

    scale: list[float]
    """(3,) size relative to the standard person."""
    rotation: float
    """About the long axis, radians."""
    shift: list[float]
    """(2,) of the standard origin against the scanner's axis, mm."""
    amplitude: list[list[float]]
    """(2, W) of W bending waves in x and y, mm."""
    wave: list[list[list[float]]]
    """(2, W, 3) wave vectors, radians per mm."""
    phase: list[list[float]]
    """(2, W) radians."""

    def to_anatomy(
        self, right: np.ndarray, down: np.ndarray, z: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return anatomical x, y of points in the scanner (mm from its axis) at anatomical z."""
        cos, sin = math.cos(self.rotation), math.sin(self.rotation)
        right, down = right - self.shift[0], down - self.shift[1]
        x = (cos * right + sin * down) / self.scale[0]
        y = (cos * down - sin * right) / self.scale[1]
        bend_x, bend_y = self._bend(x, y, z)
        return x + bend_x, y + bend_y

    def to_scanner(self, x: np.ndarray, y: np.ndarray, z: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the points in the scanner of anatomical points, right to a third of a mm."""
        straight_x, straight_y = x, y
        for _ in range(2):  # the bend is gentle: its inverse is a fixed point, soon reached
            bend_x, bend_y = self._bend(straight_x, straight_y, z)
            straight_x, straight_y = x - bend_x, y - bend_y
        straight_x, straight_y = straight_x * self.scale[0], straight_y * self.scale[1]
        cos, sin = math.cos(self.rotation), math.sin(self.rotation)
        right = cos * straight_x - sin * straight_y + self.shift[0]
        down = sin * straight_x + cos * straight_y + self.shift[1]
        return right, down

    def _bend(self, x: np.ndarray, y: np.ndarray, z: float) -> tuple[np.ndarray, np.ndarray]:
        right, down = (
            reduce(
                operator.add,
                (
                    size * np.sin(kx * x + ky * y + (kz * z + phase))
                    for size, (kx, ky, kz), phase in zip(*waves, strict=True)
                ),
            )
            for waves in zip(self.amplitude, self.wave, self.phase, strict=True)
        )
        return right, down


def draw_pose(rng: np.random.Generator) -> Pose:
    """Return the pose of a random patient."""
    size = rng.normal(1.0, 0.04)
    waves = 2
    direction = rng.normal(size=(2, waves, 3))
    direction /= np.linalg.norm(direction, axis=-1, keepdims=True)
    wavelength = rng.uniform(90, 220, size=(2, waves, 1))
    return Pose(
        scale=np.clip(size * rng.normal(1.0, 0.035, size=3), 0.86, 1.14).tolist(),
        rotation=float(np.clip(rng.normal(0, 0.06), -0.14, 0.14)),
        shift=np.clip(rng.normal(0, 6, size=2), -14, 14).tolist(),
        amplitude=rng.uniform(0.8, 2.2, size=(2, waves)).tolist(),
        wave=(2 * np.pi * direction / wavelength).tolist(),
        phase=rng.uniform(0, 2 * np.pi, size=(2, waves)).tolist(),
    )


@dataclass(frozen=True)
class Plane:
    """The pixels of one axial slice in anatomical coordinates."""

    x: np.ndarray
    """(N, N) float32, mm."""
    y: np.ndarray
    """(N, N) float32, mm."""
    z: float
    """Height, mm."""
    pixel: float
    """Size of a pixel in anatomical mm."""
    spacing: float
    """Size of a pixel in the scanner, mm."""
    pose: Pose

    def locate(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return row and column (integers, perhaps outside the image) nearest to each point."""
        right, down = self.pose.to_scanner(x, y, self.z)
        middle = (len(self.x) - 1) / 2
        row = np.rint(down / self.spacing + middle).astype(int)
        column = np.rint(right / self.spacing + middle).astype(int)
        return row, column


def plane_at(pose: Pose, z: float, matrix: int, spacing: float) -> Plane:
    """Return the slice at anatomical height z, centred on the scanner's axis.

    Args:
        pose: Of the patient.
        z: Anatomical height, mm.
        matrix: Rows and columns.
        spacing: Size of a pixel, mm.
    """
    offsets = ((np.arange(matrix) - (matrix - 1) / 2) * spacing).astype(np.float32)
    x, y = pose.to_anatomy(offsets[None, :], offsets[:, None], z)
    pixel = spacing / float(np.sqrt(pose.scale[0] * pose.scale[1]))
    return Plane(x.astype(np.float32), y.astype(np.float32), z, pixel, spacing, pose)
