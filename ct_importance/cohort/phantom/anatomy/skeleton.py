"""Bones of a synthetic patient.

Ribs and clavicles are tubes in space. Spine, sternum and scapulae, which hardly change from one
millimetre to the next, are drawn anew in every slice. Coordinates: see `pose`.
"""

from dataclasses import dataclass

import numpy as np

from ct_importance.cohort.phantom.anatomy.shapes import (
    Ellipsoid,
    Shape,
    Tubes,
    chain,
    join,
    tube_through,
)
from ct_importance.cohort.phantom.anatomy.thorax import CAGE_AT, on_cage

Point = tuple[float | np.ndarray, float | np.ndarray]
"""x and y, mm."""

VERTEBRA_HEIGHT = 23.0
FIRST_RIB_HEIGHT = 98.0
# Middle of the vertebral bodies (the kyphosis): z, y.
SPINE_COURSE = ([-200, -100, 0, 60, 130], [52, 60, 61, 55, 38])
MANUBRIUM_TOP, STERNUM_END = 84.0, -72.0

# Scapula: z, angle of its medial and of its lateral border, distance from the cage.
SCAPULA = np.array([[-46, 37, 33, 16], [-15, 45, 28, 19], [25, 55, 22, 21], [118, 64, 10, 24]])


@dataclass(frozen=True)
class Skeleton:
    """The bones that are drawn once per patient."""

    ribs: Shape
    cartilage: Shape
    clavicles: Shape


@dataclass(frozen=True)
class Spine:
    """One slice of the spine."""

    body: Shape
    arch: Shape
    canal: Shape
    cord: Shape
    bony: float
    """1 within a vertebral body, 0 within a disc."""


def draw_skeleton(rng: np.random.Generator) -> Skeleton:
    """Return the bones of a random patient."""
    fall = float(np.clip(rng.normal(1.0, 0.08), 0.8, 1.2))
    ribs, cartilage = [], []
    for number in range(12):
        for side in (-1, 1):
            ribs.append(_rib(number, side, fall))
            if number < 10:
                cartilage.append(_cartilage(number, side, fall))
    clavicles = [
        tube_through(
            [
                (side * 17, -56, 72, 8),
                (side * 45, -54, 86, 6),
                (side * 90, -34, 106, 6),
                (side * 135, 0, 130, 7),
            ]
        )
        for side in (-1, 1)
    ]
    return Skeleton(Shape(join(ribs)), Shape(join(cartilage)), Shape(join(clavicles)))


def spine_at(z: float) -> Spine:
    """Return the slice of the spine at height z."""
    level = (FIRST_RIB_HEIGHT - z) / VERTEBRA_HEIGHT
    to_disc = abs(level - np.floor(level) - 0.5) * 2  # 0 in the middle of a vertebra, 1 in a disc
    centre = float(np.interp(z, *SPINE_COURSE))
    growth = float(np.interp(z, [-180, 110], [1.2, 0.84]))
    width, depth = 17.0 * growth * (0.94 + 0.08 * to_disc**2), 13.5 * growth
    back = centre + depth
    bony = float(np.clip((0.86 - to_disc) / 0.12, 0, 1))
    # Pedicles leave from the upper half, transverse processes behind them, the spinous process
    # hangs down a level.
    pedicle = max(0.2, 1 - to_disc) ** 0.5
    tip = back + 21 + 13 * (0.55 + 0.45 * np.cos(2 * np.pi * (level - 0.9)))
    segments = [((0, back + 19), (0, tip), 3.2, 2.4)]
    for side in (-1, 1):
        segments += [
            ((side * (width - 4), back - 3), (side * 13, back + 10), 4.0 * pedicle, 4.4 * pedicle),
            ((side * 13, back + 10), (0, back + 20), 4.0, 3.6),
            ((side * 14, back + 11), (side * 33, back + 20), 4.4 * pedicle, 3.4 * pedicle),
        ]
    return Spine(
        body=_ellipse(0, centre, width, depth, z),
        arch=Shape(join([_segment(*segment, z) for segment in segments])),
        canal=_ellipse(0, back + 7.5, 10.5, 9.0, z),
        cord=_ellipse(0, back + 7.5, 5.5, 4.5, z),
        bony=bony,
    )


def sternum_at(z: float) -> Shape:
    """Return the slice of the sternum at height z."""
    if not STERNUM_END < z < MANUBRIUM_TOP:
        return Shape()
    ends = min(1.0, (z - STERNUM_END) / 14, (MANUBRIUM_TOP - z) / 10)
    width = float(np.interp(z, [STERNUM_END, -20, 38, 74], [13, 18, 15, 30]))
    front = float(CAGE_AT(z)[1])
    return _ellipse(0, -front - 4, width * np.sqrt(ends), 6.5 * np.sqrt(ends), z)


def scapulae_at(z: float) -> Shape:
    """Return the slice of the shoulder blades at height z."""
    if z < SCAPULA[0, 0]:
        return Shape()
    medial, lateral, outward = (
        float(np.interp(z, SCAPULA[:, 0], column)) for column in SCAPULA[:, 1:].T
    )
    thin = 2.6 * min(1.0, (z - SCAPULA[0, 0]) / 15)
    inner, outer = on_cage(medial, z, outward), on_cage(lateral, z, outward)
    middle = (0.4 * inner[0] + 0.6 * outer[0], 0.4 * inner[1] + 0.6 * outer[1])
    segments = [(inner, middle, thin, 0.7 * thin), (middle, outer, 0.7 * thin, 2.0 * thin)]
    if z > 55:
        spine = on_cage((medial + lateral) / 2 - 4, z, outward + 26)
        segments.append((middle, spine, 2.0, 3.5))
    return Shape(
        join(
            [
                _segment((side * a[0], a[1]), (side * b[0], b[1]), first, last, z)
                for a, b, first, last in segments
                for side in (-1, 1)
            ]
        )
    )


def _rib(number: int, side: int, fall: float) -> Tubes:
    """Return a rib from its head at the spine around the cage; it falls towards the front."""
    top = FIRST_RIB_HEIGHT - VERTEBRA_HEIGHT * number
    head = (side * 16, np.interp(top, *SPINE_COURSE) + 12, top + 2, 4.0)
    angle = np.linspace(74, _front_angle(number), 32)
    z = _rib_height(number, angle, fall)
    x, y = on_cage(angle, z, 6.0)
    shaft = np.stack([side * x, y, z, np.full(len(z), 4.6)], axis=1)
    return chain(np.vstack([head, shaft]))


def _cartilage(number: int, side: int, fall: float) -> Tubes:
    """Return the cartilage from the end of a rib up to the sternum."""
    start = _front_angle(number)
    bottom = _rib_height(number, start, fall)
    top = max(STERNUM_END + 8, 62 - 19.0 * number)
    share = np.linspace(0, 1, 8)
    z = bottom + (top - bottom) * share
    x, y = on_cage(start + (-82 - start) * share, z, 6.0)
    return chain(np.stack([side * x, y, z, np.full(len(z), 5.2)], axis=1))


def _front_angle(number: int) -> float:
    return float(np.interp(number, [0, 7, 9, 10, 11], [-62, -56, -40, 0, 35]))


def _rib_height(number: int, angle: float | np.ndarray, fall: float) -> np.ndarray:
    drop = fall * np.interp(number, [0, 2, 7, 11], [28, 55, 92, 75])
    top = FIRST_RIB_HEIGHT - VERTEBRA_HEIGHT * number
    height: np.ndarray = top - drop * ((74 - angle) / 136) ** 1.2
    return height


def _ellipse(x: float, y: float, width: float, depth: float, z: float) -> Shape:
    """Return a cylinder, long enough to look the same in a slice, with this cross-section."""
    return Shape(ellipsoids=(Ellipsoid(np.array([x, y, z]), np.array([width, depth, 1e4])),))


def _segment(start: Point, end: Point, first: float, last: float, z: float) -> Tubes:
    """Return a piece that lies in the slice at z."""
    return Tubes(
        np.array([[*start, z]]), np.array([[*end, z]]), np.array([first]), np.array([last])
    )
