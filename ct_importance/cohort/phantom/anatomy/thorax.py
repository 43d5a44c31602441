"""The cage, chest wall and diaphragm of a synthetic patient.

Coordinates are anatomical millimetres, see `pose`.
"""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator

from ct_importance.cohort.phantom.anatomy.pose import Plane

# Inner surface of the ribs: z, half width, depth in front of and behind the origin.
CAGE = np.array(
    [
        [130, 52, 30, 74],
        [100, 78, 36, 82],
        [60, 106, 62, 88],
        [0, 126, 88, 93],
        [-60, 135, 98, 95],
        [-120, 138, 102, 94],
        [-200, 132, 104, 90],
    ],
    dtype=float,
)
CAGE_EXPONENT = 2.3
CAGE_AT = PchipInterpolator(CAGE[::-1, 0], CAGE[::-1, 1:])

# Muscles of the chest wall: angle from the left-right axis towards the back (degrees), its width,
# thickness (mm), height of the middle (mm), half extent along z (mm).
WALL_MUSCLES = (
    (-55, 22, 15, 30, 42),  # pectorals
    (22, 26, 12, -5, 75),  # latissimus dorsi and serratus anterior
    (46, 21, 28, 62, 52),  # muscles of the scapula
    (10, 36, 66, 132, 62),  # shoulder
    (79, 11, 20, -30, 400),  # erector spinae
)
CHEST_WALL = 11.0  # ribs and the muscles between them, mm


@dataclass(frozen=True)
class Habitus:
    """Build of a patient."""

    fat: float
    """Thickness under the skin at the flank, mm."""
    muscle: float
    """Thickness relative to the standard person."""
    female: bool
    breast: float
    """Size relative to the standard person."""
    dome_height: tuple[float, float]
    """Height of the right and the left dome of the diaphragm, mm."""

    def reaches_abdomen(self, z: float) -> bool:
        """Return whether a slice at height z cuts the diaphragm or what lies below."""
        return z < max(self.dome_height) + 10


def draw_habitus(rng: np.random.Generator) -> Habitus:
    """Return the build of a random patient."""
    female = bool(rng.random() < 0.5)
    breath = rng.normal(0, 7)
    return Habitus(
        fat=float(np.clip(rng.lognormal(np.log(14 if female else 11), 0.45), 5, 32)),
        muscle=float(np.clip(rng.normal(0.85 if female else 1.08, 0.12), 0.6, 1.4)),
        female=female,
        breast=float(rng.uniform(0.75, 1.15)),
        dome_height=(-92 + breath, -104 + breath + rng.normal(0, 4)),
    )


def outside_cage(x: np.ndarray, y: np.ndarray, z: float | np.ndarray) -> np.ndarray:
    """Return the radial distance to the inner surface of the ribs, mm, negative inside."""
    half_width, front, back = np.moveaxis(CAGE_AT(z).astype(np.float32), -1, 0)
    depth = np.where(y < 0, front, back)
    sideways = _power(np.abs(x / half_width), CAGE_EXPONENT)
    relative = _power(sideways + _power(np.abs(y / depth), CAGE_EXPONENT), 1 / CAGE_EXPONENT)
    distance: np.ndarray = np.hypot(x, y) * (1 - 1 / np.maximum(relative, 1e-3))
    return distance


def _power(base: np.ndarray, exponent: float) -> np.ndarray:
    # NumPy has fast single-precision exp and log, but no such power.
    power: np.ndarray = np.exp(exponent * np.log(np.maximum(base, 1e-9)))
    return power


def wall_layers(habitus: Habitus, plane: Plane) -> tuple[np.ndarray, np.ndarray]:
    """Return the thickness of muscle and of fat outside the cage at every pixel, mm."""
    degrees = np.linspace(-90, 90, 721, dtype=np.float32)
    muscle = np.full(len(degrees), CHEST_WALL, dtype=np.float32)
    for angle, width, thickness, height, extent in WALL_MUSCLES:
        along = np.exp(-(((plane.z - height) / extent) ** 2))
        bump = np.exp(-(((degrees - angle) / width) ** 2))
        muscle += habitus.muscle * thickness * along * bump
    # Fat is thin over the spine and the sternum, thick at the flanks and towards the belly.
    fat = habitus.fat * (0.55 + 0.6 * np.cos(np.deg2rad(degrees)) ** 2)
    fat *= 1 + 0.35 / (1 + np.exp((plane.z + 90) / 25))
    angle = np.arctan2(plane.y, np.abs(plane.x))
    nearest = np.rint(angle * np.float32(720 / np.pi)).astype(np.intp) + 360
    return muscle[nearest], fat[nearest]


def below_diaphragm(
    habitus: Habitus, x: np.ndarray, y: np.ndarray, z: float | np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the height of the diaphragm over each point (mm) and its steepness."""
    half = np.float32(80)
    right, left = habitus.dome_height
    dome = np.float32(right) + np.float32(left - right) / (1 + np.exp(-x / np.float32(14)))
    side = (np.abs(x) - np.float32(62)) / half
    # Between the domes the diaphragm is flat: the heart lies on it.
    side = np.where(side < 0, side * np.float32(0.3), side)
    back_fall, front_fall = np.float32(88), np.float32(34)
    forward = (y + np.float32(8)) / np.float32(88)
    fall = np.where(forward < 0, front_fall, back_fall)
    height = dome - 95 * side**2 - fall * forward**2 - z
    steepness = np.hypot(190 * side / half, 2 * fall * forward / np.float32(88))
    return height, steepness


def above_apex(x: np.ndarray, y: np.ndarray, z: float | np.ndarray) -> np.ndarray:
    """Return the distance above the cupola of the pleura, mm, negative inside the lung."""
    sideways = (np.abs(x) - np.float32(40)) / np.float32(30)
    forward = (y - np.float32(28)) / np.float32(44)
    above: np.ndarray = z - (np.float32(118) - 22 * (sideways**2 + forward**2))
    return above


def on_cage(
    angle: float | np.ndarray, z: float | np.ndarray, outward: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return x and y of points on the left `outward` mm outside the cage.

    Args:
        angle: From the left-right axis towards the back, degrees.
        z: Height, mm.
        outward: Radial distance from the cage, mm.
    """
    cos, sin = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    half_width, front, back = np.moveaxis(CAGE_AT(z), -1, 0)
    relative = (cos / half_width) ** CAGE_EXPONENT
    relative += np.abs(sin / np.where(sin < 0, front, back)) ** CAGE_EXPONENT
    radius = relative ** (-1 / CAGE_EXPONENT) + outward
    return radius * cos, radius * sin
