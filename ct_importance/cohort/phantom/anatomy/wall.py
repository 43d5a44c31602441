"""Paints what lies outside the cage: table, skin, fat, breasts and muscles."""

import numpy as np

from ct_importance.cohort.phantom.anatomy.canvas import FAT, MUSCLE, SKIN, Canvas
from ct_importance.cohort.phantom.anatomy.pose import Plane
from ct_importance.cohort.phantom.anatomy.shapes import FAR, Shape, distance, mirrored
from ct_importance.cohort.phantom.anatomy.thorax import Habitus, wall_layers

TABLE_COVER, TABLE_FOAM, TABLE_BOTTOM, GLAND = -180, -945, -120, 25


def paint_wall(
    canvas: Canvas, habitus: Habitus, plane: Plane, cage: np.ndarray, fine: np.ndarray
) -> None:
    """Paint the table and the chest wall; inside the cage is fat, until the organs come.

    Args:
        canvas: Empty so far.
        habitus: Build of the patient.
        plane: The slice.
        cage: (N, N) distance outside the cage, mm.
        fine: (N, N) texture of unit variance.
    """
    muscle, fat = wall_layers(habitus, plane)
    to_table = _paint_table(canvas, habitus, plane)
    body = cage - muscle - fat
    if habitus.female:
        body = _smooth_minimum(body, distance(plane, _breasts(habitus, 1.0), 15), 8)
    body = np.maximum(body, to_table)
    canvas.fill(body, SKIN)
    canvas.fill(body + 2, FAT)
    if habitus.female:
        gland = canvas.edge(distance(plane, _breasts(habitus, 0.62), 3))
        canvas.paint(gland * np.clip(0.35 + 0.5 * fine, 0, 1) * (body < -4), GLAND)
    _paint_muscles(canvas, plane, body, cage, muscle, fine)
    canvas.fill(cage + 1, FAT)


def _paint_table(canvas: Canvas, habitus: Habitus, plane: Plane) -> np.ndarray:
    """Paint the table, a shallow trough, and return the distance below its surface, mm."""
    offsets = ((np.arange(len(plane.x)) - (len(plane.x) - 1) / 2) * plane.spacing).astype(
        np.float32
    )
    lowest = plane.pose.shift[1] + plane.pose.scale[1] * (114 + 0.75 * habitus.fat)
    to_table = offsets[:, None] - (lowest - (offsets[None, :] / 52) ** 2)
    beyond_edge = np.abs(offsets[None, :]) - 205
    for depth, half_thickness, hu in (
        (18, 16, TABLE_FOAM),
        (3.5, 1.2, TABLE_COVER),
        (35, 1.5, TABLE_BOTTOM),
    ):
        canvas.fill(np.maximum(np.abs(to_table - depth) - half_thickness, beyond_edge), hu)
    return to_table


def _paint_muscles(
    canvas: Canvas,
    plane: Plane,
    body: np.ndarray,
    cage: np.ndarray,
    muscle: np.ndarray,
    fine: np.ndarray,
) -> None:
    """Paint the muscles of the wall, and the fat between them and in the axillae."""
    canvas.fill(np.maximum(cage - muscle, body + 3), MUSCLE)
    around_ribs = np.abs(cage - 12.5) - np.float32(0.7)
    between_muscles = np.abs(cage - 0.55 * (muscle + 11)) - np.float32(0.6)
    layers = np.where(muscle > 19, np.minimum(around_ribs, between_muscles), np.float32(FAR))
    canvas.paint(canvas.edge(layers) * np.clip(0.55 + 0.3 * fine, 0, 1), FAT)
    axillae = distance(plane, mirrored((128.0, -8.0, 78.0), (16.0, 32.0, 52.0)), 8) + 2 * fine
    canvas.fill(np.maximum(np.maximum(axillae, 13 - cage), body + 4), FAT)


def _breasts(habitus: Habitus, share: float) -> Shape:
    size = habitus.breast * share
    centre = (74.0, -106.0 - 0.3 * habitus.fat, -40.0)
    return mirrored(centre, (54.0 * size, 36.0 * size, 52.0 * size))


def _smooth_minimum(a: np.ndarray, b: np.ndarray, width: float) -> np.ndarray:
    near = np.maximum(width - np.abs(a - b), 0) / width
    smooth: np.ndarray = np.minimum(a, b) - near**2 * (width / 4)
    return smooth
