"""Heart, great vessels, airways and lung vessels of a synthetic patient.

Coordinates are anatomical millimetres, see `pose`. Sizes and courses follow a normal
adult; every patient's differ a little.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ct_importance.cohort.phantom.anatomy.shapes import Ellipsoid, Shape, Tubes, join, tube_through

Point = tuple[float, float, float]
Course = tuple[tuple[float, float, float, float], ...]
"""Of a vessel: x, y, z, radius."""

HEART_CENTRE = np.array([4.0, -8.0, -62.0])

# Chambers: centre, radii, direction of the first radius. The ventricles point to the left, the
# front and the feet.
TO_APEX: Point = (0.68, -0.56, -0.46)
CHAMBERS: dict[str, tuple[Point, Point, Point]] = {
    "left_atrium": ((5, 18, -53), (33, 18, 23), (1, 0, 0)),
    "right_atrium": ((-30, -12, -74), (24, 22, 31), (0.3, -0.9, 0.2)),
    "right_ventricle": ((16, -45, -80), (43, 21, 27), (0.88, -0.28, -0.38)),
    "left_ventricle": ((44, -14, -78), (38, 21, 22), TO_APEX),
}
APPENDAGE = ((40, -10, -36), (13, 8, 11), (0.6, -0.8, 0))
WALLS = {"left_atrium": 2.0, "right_atrium": 2.0, "right_ventricle": 3.5, "left_ventricle": 10.0}

AORTA: Course = (
    (16, -10, -54, 13),
    (4, -15, -38, 16),
    (-11, -19, -12, 16),
    (-14, -18, 16, 15.5),
    (-9, -10, 36, 15),
    (6, 8, 46, 14),
    (20, 30, 42, 13),
    (27, 45, 26, 12.5),
    (29, 50, 0, 12),
    (28, 52, -55, 11.5),
    (22, 50, -105, 11),
    (9, 42, -150, 10.5),
    (4, 38, -200, 10),
)
AORTIC_BRANCHES = (
    ((-6, -8, 44, 7), (-13, -2, 64, 6.5), (-22, 4, 86, 6)),
    ((-22, 4, 86, 5.5), (-32, 8, 104, 5), (-62, 0, 122, 4.5), (-100, 0, 132, 4)),
    ((-22, 4, 86, 4), (-24, 8, 112, 3.8), (-25, 8, 140, 3.8)),
    ((5, 6, 50, 4.5), (13, 4, 76, 4.2), (22, 8, 112, 4), (24, 8, 140, 4)),
    ((16, 24, 48, 6), (26, 24, 80, 5.5), (36, 16, 108, 5), (64, 2, 122, 4.5), (100, 0, 132, 4)),
)
PULMONARY_OUTFLOW = ((14, -52, -66, 15), (18, -48, -44, 14), (21, -40, -28, 13))
PULMONARY_ARTERIES = (
    ((21, -40, -30, 13), (22, -30, -18, 14), (24, -14, -8, 13)),
    ((23, -16, -10, 11.5), (6, 2, -14, 11), (-18, 6, -16, 10.5), (-40, 8, -20, 9)),
    ((-38, 8, -18, 7.5), (-48, 14, -36, 7), (-52, 26, -62, 5)),
    ((-38, 6, -18, 6), (-50, -2, -4, 4.5)),
    ((24, -14, -8, 12), (36, 6, -3, 10.5), (47, 22, -10, 9), (52, 30, -34, 7), (56, 36, -64, 5)),
    ((46, 16, -6, 5.5), (56, 6, 6, 4)),
)
PULMONARY_VEINS = (
    ((-20, 12, -42, 8), (-40, 4, -36, 7), (-54, -6, -26, 4.5)),
    ((-22, 24, -56, 8), (-42, 34, -62, 7), (-56, 42, -70, 4.5)),
    ((30, 10, -38, 8), (46, 2, -30, 6.5), (58, -8, -20, 4.5)),
    ((30, 26, -54, 8), (46, 36, -60, 7), (60, 44, -68, 4.5)),
)
SUPERIOR_VENA_CAVA = (
    ((-33, -14, 44, 8.5), (-33, -10, 20, 9.5), (-33, -8, -20, 10), (-32, -8, -52, 11)),
    ((-33, -14, 42, 7.5), (-35, -14, 70, 7), (-38, -10, 98, 7), (-40, -4, 140, 6.5)),
    ((-33, -15, 44, 7), (-12, -28, 54, 7), (14, -28, 64, 7), (34, -18, 84, 7), (40, -6, 140, 6)),
    ((-38, -12, 92, 6.5), (-66, -20, 106, 6), (-110, -14, 124, 5.5)),
    ((36, -16, 88, 6.5), (66, -20, 106, 6), (110, -14, 124, 5.5)),
    ((-33, -4, 6, 4), (-30, 14, 14, 4), (-20, 34, 10, 4), (-10, 42, -8, 3.6), (-8, 43, -180, 3)),
)
INFERIOR_VENA_CAVA = (
    ((-30, -2, -88, 12), (-27, 10, -112, 12), (-25, 16, -150, 11.5), (-24, 18, -200, 11)),
)
TRACHEA = ((0, 4, 140, 8.5), (0, 8, 90, 8.8), (-2, 16, 40, 9), (0, 21, 4, 9.5))
BRONCHI = (
    ((0, 21, 4, 8), (-14, 22, -10, 7.5), (-32, 20, -24, 6.5), (-44, 24, -44, 5)),
    ((-44, 24, -44, 4.5), (-50, 34, -70, 3.2), (-56, 44, -100, 2)),
    ((-26, 20, -18, 5), (-46, 14, -10, 3.5), (-62, 6, 8, 2)),
    ((0, 21, 4, 7.5), (16, 26, -14, 7), (36, 30, -28, 6), (46, 32, -44, 4.8)),
    ((46, 32, -44, 4.4), (52, 40, -72, 3), (58, 48, -100, 2)),
    ((40, 28, -30, 4.4), (54, 16, -24, 3), (66, 4, -10, 2)),
)
OESOPHAGUS = ((3, 24, 140, 7), (5, 34, 40, 7), (5, 37, -20, 7), (9, 38, -80, 8), (22, 26, -130, 9))

HILA = {
    # Artery and vein of each lung's tree: x, y, z.
    -1: ((-48, 12, -26), (-48, 14, -46)),
    1: ((50, 20, -18), (50, 14, -42)),
}

# Pools without a wall between them: the later one in the order of drawing, the earlier one.
OPENS_INTO = {
    "right_atrium": "inferior_vena_cava",
    "superior_vena_cava": "right_atrium",
    "pulmonary_artery": "right_ventricle",
    "aorta": "left_ventricle",
}


@dataclass(frozen=True)
class Mediastinum:
    """What lies between the lungs, and the vessels that go into them."""

    pools: dict[str, Shape]
    """Blood of the heart and great vessels by name, in the order in which it is drawn."""
    walls: dict[str, float]
    """Thickness of the wall around each pool, mm."""
    airways: Shape
    oesophagus: Shape
    calcifications: Shape
    fat_pads: Shape
    arteries: Tubes
    """Of the lungs, from the hilum on."""
    veins: Tubes


def draw_mediastinum(
    rng: np.random.Generator, in_lung: Callable[[np.ndarray], np.ndarray]
) -> Mediastinum:
    """Return the mediastinum of a random patient.

    Args:
        rng: Draws sizes and courses.
        in_lung: Says which of the points (M, 3) lie in a lung, for the ends of its vessels.
    """
    pools, walls = _draw_pools(rng)
    trees = [
        [
            _draw_tree(rng, np.array(hilum), in_lung, targets)
            for hilum, targets in zip(HILA[side], (200, 130), strict=True)
        ]
        for side in (-1, 1)
    ]
    return Mediastinum(
        pools=pools,
        walls=walls,
        airways=Shape(join([_vary(rng, course, 1.0) for course in (TRACHEA, *BRONCHI)])),
        oesophagus=Shape(_vary(rng, OESOPHAGUS, rng.uniform(0.85, 1.1))),
        calcifications=_draw_calcifications(rng, pools["aorta"].tubes),
        fat_pads=_fat_pads(rng),
        arteries=join([trees[0][0], trees[1][0]]),
        veins=join([trees[0][1], trees[1][1]]),
    )


def _draw_pools(rng: np.random.Generator) -> tuple[dict[str, Shape], dict[str, float]]:
    heart = float(np.clip(rng.normal(1.12, 0.09), 0.94, 1.34))
    turn = rng.normal(0, 0.1)
    aorta, lungs, veins = np.clip(rng.normal(1.0, 0.1, size=3), 0.82, 1.25)
    chamber = {name: (_chamber(rng, *CHAMBERS[name], heart, turn),) for name in CHAMBERS}
    appendage = _chamber(rng, *APPENDAGE, heart, turn)

    def vessels(courses: Sequence[Course], factor: float) -> Tubes:
        return join([_vary(rng, course, factor) for course in courses])

    pools = {
        "inferior_vena_cava": Shape(vessels(INFERIOR_VENA_CAVA, veins)),
        "right_atrium": Shape(ellipsoids=chamber["right_atrium"]),
        "left_atrium": Shape(vessels(PULMONARY_VEINS, lungs), (*chamber["left_atrium"], appendage)),
        "right_ventricle": Shape(vessels((PULMONARY_OUTFLOW,), lungs), chamber["right_ventricle"]),
        "left_ventricle": Shape(ellipsoids=chamber["left_ventricle"]),
        "pulmonary_artery": Shape(vessels(PULMONARY_ARTERIES, lungs)),
        "superior_vena_cava": Shape(vessels(SUPERIOR_VENA_CAVA, veins)),
        "aorta": Shape(vessels((AORTA, *AORTIC_BRANCHES), aorta)),
    }
    walls = {name: WALLS.get(name, 1.4) for name in pools}
    walls["left_ventricle"] *= float(rng.uniform(0.85, 1.3))
    return pools, walls


def _vary(rng: np.random.Generator, course: Course, factor: float) -> Tubes:
    """Return a tube along a course whose inner points are moved a little."""
    points = np.array(course, dtype=float)
    points[1:-1, :3] += np.clip(rng.normal(0, 1.3, size=points[1:-1, :3].shape), -2.6, 2.6)
    points[:, 3] *= factor
    return tube_through(points)


def _chamber(
    rng: np.random.Generator,
    centre: Point,
    radii: Point,
    direction: Point,
    size: float,
    turn: float,
) -> Ellipsoid:
    cos, sin = np.cos(turn), np.sin(turn)
    about_z = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    moved = HEART_CENTRE + size * about_z @ (np.array(centre) - HEART_CENTRE)
    first = about_z @ (np.array(direction) / np.linalg.norm(direction))
    # The second radius lies as level as it can, square to the first.
    second = np.cross([0.0, 0.0, 1.0], first)
    second /= np.linalg.norm(second)
    axes = np.array([first, second, np.cross(first, second)])
    return Ellipsoid(moved, size * np.array(radii) * rng.normal(1.0, 0.035, size=3), axes)


def _fat_pads(rng: np.random.Generator) -> Shape:
    """Return what fat fills: both sides of the heart, its grooves, behind the sternum."""
    size = rng.uniform(0.6, 1.15, size=2)
    pads = (
        ((-30, -64, -103), (24 * size[0], 22, 20)),
        ((56, -64, -106), (24 * size[1], 20, 20)),
        ((0, -80, -60), (22, 14, 70)),
        ((0, -52, 20), (9, 30, 50)),
        ((0, -10, 75), (20, 26, 40)),
        ((4, -10, -84), (36, 22, 30)),
        ((8, 26, -90), (15, 26, 44)),
    )
    return Shape(
        ellipsoids=tuple(
            Ellipsoid(np.array(centre, dtype=float), np.array(radii, dtype=float))
            for centre, radii in pads
        )
    )


def _draw_calcifications(rng: np.random.Generator, aorta: Tubes) -> Shape:
    """Return plaques in the wall of the aorta: many, few or none."""
    count = int(rng.choice([0, 0, 3, 8, 16]))
    plaques = []
    for piece in rng.integers(8, len(aorta.start) // 2, size=count):
        outward = rng.normal(size=3)
        axis = aorta.end[piece] - aorta.start[piece]
        outward -= axis * (outward @ axis) / (axis @ axis)
        outward /= np.linalg.norm(outward)
        centre = aorta.start[piece] + outward * (aorta.start_radius[piece] + 0.5)
        plaques.append(Ellipsoid(centre, rng.uniform(1.2, 3.2, size=3)))
    return Shape(ellipsoids=tuple(plaques))


def _draw_tree(
    rng: np.random.Generator,
    hilum: np.ndarray,
    in_lung: Callable[[np.ndarray], np.ndarray],
    targets: int,
) -> Tubes:
    """Return a vessel tree from the hilum to random points of the lung on its side."""
    low, high = np.array([8.0, -100.0, -190.0]), np.array([138.0, 95.0, 116.0])
    points = rng.uniform(low, high, size=(targets * 12, 3))
    points[:, 0] *= np.sign(hilum[0])
    points = points[in_lung(points)][:targets]
    starts, ends, radii = [], [], []
    stack = [(hilum, points)]
    while stack:
        node, reached = stack.pop()
        if len(reached) == 1:
            starts.append(node)
            ends.append(reached[0])
            radii.append((1.1, 0.45))
            continue
        centroid = reached.sum(0) / len(reached)
        step = (centroid - node) * rng.uniform(0.3, 0.5)
        step += rng.normal(0, 0.12, size=3) * math.sqrt(step @ step)
        # Murray's law: the cube of the radius goes with the blood carried. The great vessels
        # at the hilum are among the pools.
        radius = min(4.0, 1.05 * len(reached) ** (1 / 2.9))
        starts.append(node)
        ends.append(node + step)
        radii.append((radius * 1.08, radius))
        # Every branch divides across the direction in which its territory is longest.
        longest = np.argmax(reached.max(0) - reached.min(0))
        order = np.argsort(reached[:, longest] + 0.3 * reached[:, longest - 1])
        cut = min(max(1, int(rng.normal(0.5, 0.12) * len(order))), len(order) - 1)
        stack += [(node + step, reached[order[:cut]]), (node + step, reached[order[cut:]])]
    first, last = np.array(radii).T
    return _cut(Tubes(np.array(starts), np.array(ends), first, last), 8.0)


def _cut(tubes: Tubes, longest: float) -> Tubes:
    """Return the same tubes in pieces no longer than `longest` mm."""
    parts = np.ceil(np.linalg.norm(tubes.end - tubes.start, axis=1) / longest).astype(int)
    owner = np.repeat(np.arange(len(parts)), parts)
    before = np.arange(len(owner)) - np.repeat(np.cumsum(parts) - parts, parts)
    t = (before / parts[owner])[:, None], ((before + 1) / parts[owner])[:, None]
    axis = (tubes.end - tubes.start)[owner]
    change = (tubes.end_radius - tubes.start_radius)[owner]
    return Tubes(
        tubes.start[owner] + t[0] * axis,
        tubes.start[owner] + t[1] * axis,
        tubes.start_radius[owner] + t[0][:, 0] * change,
        tubes.start_radius[owner] + t[1][:, 0] * change,
    )
