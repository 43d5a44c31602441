"""Draws axial slices of a synthetic patient in Hounsfield units, before the scanner's blur.

Tissues are painted one over the other, each with soft edges (partial volume). The same strokes
keep the mask of the blood pools up to date, so that image and mask cannot disagree.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce

import numpy as np
from scipy.ndimage import gaussian_filter

from ct_importance.cohort.phantom.anatomy.canvas import (
    AIR,
    CARTILAGE,
    CORTICAL,
    DISC,
    FAT,
    LUNG,
    MUSCLE,
    PLAQUE,
    SPONGY,
    WATER,
    Canvas,
)
from ct_importance.cohort.phantom.anatomy.mediastinum import (
    OPENS_INTO,
    Mediastinum,
    draw_mediastinum,
)
from ct_importance.cohort.phantom.anatomy.pose import Plane, Pose, draw_pose, plane_at
from ct_importance.cohort.phantom.anatomy.shapes import (
    Ellipsoid,
    Shape,
    distance,
    mirrored,
    thin_coverage,
)
from ct_importance.cohort.phantom.anatomy.skeleton import (
    Skeleton,
    draw_skeleton,
    scapulae_at,
    spine_at,
    sternum_at,
)
from ct_importance.cohort.phantom.anatomy.texture import Texture, draw_texture
from ct_importance.cohort.phantom.anatomy.thorax import (
    Habitus,
    above_apex,
    below_diaphragm,
    draw_habitus,
    outside_cage,
)
from ct_importance.cohort.phantom.anatomy.wall import paint_wall
from ct_importance.compute.randomness import generator_for

ENVELOPE_BLUR, ENVELOPE_LEVEL = 8.0, 0.27


@dataclass(frozen=True)
class Patient:
    """Everything about a synthetic patient that does not depend on contrast agent."""

    pose: Pose
    habitus: Habitus
    skeleton: Skeleton
    mediastinum: Mediastinum
    fine: Texture
    coarse: Texture
    spongy: float
    """Density of the spongy bone relative to the standard person."""
    matrix: int
    spacing: float
    """Size of a pixel, mm."""


@dataclass(frozen=True)
class Rendering:
    """A slice without blur and noise."""

    hu: np.ndarray
    """(N, N) float32."""
    pools: np.ndarray
    """(N, N) float32 in [0, 1]: share of each pixel in the blood of heart and great vessels."""
    lung: np.ndarray
    """(N, N) float32 in [0, 1]: share of each pixel in the lungs, their vessels included."""


def draw_patient(
    name: tuple[str | int, ...], heights: tuple[float, float], matrix: int, margin: float
) -> Patient:
    """Return a random patient.

    Args:
        name: Of the patient, the seed of all draws; the anatomy is the same at every matrix size.
        heights: Lowest and highest slice, anatomical mm.
        matrix: Rows and columns of a slice.
        margin: Width of the air beside the body at the level of the heart, mm.
    """
    rng = generator_for(*name, "anatomy")
    pose, habitus, skeleton = draw_pose(rng), draw_habitus(rng), draw_skeleton(rng)

    def in_lung(points: np.ndarray) -> np.ndarray:
        x, y, z = points.T
        return (
            (outside_cage(x, y, z) < -7)
            & (below_diaphragm(habitus, x, y, z)[0] < -5)
            & (above_apex(x, y, z) < -4)
        )

    mediastinum = draw_mediastinum(rng, in_lung)
    spongy = float(rng.uniform(0.7, 1.3))
    half_width = pose.scale[0] * (146 + 12 * habitus.muscle + habitus.fat)
    spacing = round(2 * (half_width + margin) / matrix, 4)  # as many digits as DICOM gets
    return Patient(
        pose=pose,
        habitus=habitus,
        skeleton=skeleton,
        mediastinum=mediastinum,
        fine=draw_texture(generator_for(*name, "fine"), 4.5, heights, matrix, spacing),
        coarse=draw_texture(generator_for(*name, "coarse"), 22.0, heights, matrix, spacing),
        spongy=spongy,
        matrix=matrix,
        spacing=spacing,
    )


def render(patient: Patient, z: float, tissue: Mapping[str, float]) -> Rendering:
    """Draw one slice.

    Args:
        patient: The patient.
        z: Anatomical height of the slice, mm.
        tissue: Hounsfield units of each blood pool and of "myocardium", "liver" and "spleen":
            all that contrast agent changes.
    """
    plane = plane_at(patient.pose, z, patient.matrix, patient.spacing)
    canvas = Canvas(plane)
    fine, coarse = patient.fine.at(z), patient.coarse.at(z)
    pools = {
        name: distance(plane, shape, patient.mediastinum.walls[name] + 6)
        for name, shape in patient.mediastinum.pools.items()
    }
    airways = distance(plane, patient.mediastinum.airways, 5)
    oesophagus = distance(plane, patient.mediastinum.oesophagus, 4)
    cage = outside_cage(plane.x, plane.y, z)
    between = _between_lungs(patient, plane, [*pools.values(), airways - 1, oesophagus])

    paint_wall(canvas, patient.habitus, plane, cage, fine)
    lung = _paint_lungs(canvas, patient, plane, cage, between, tissue, fine + coarse)
    _paint_abdomen(canvas, patient, plane, cage, tissue, coarse)
    _paint_skeleton(canvas, patient, plane, coarse)
    canvas.fill(oesophagus, 38)
    canvas.fill(airways - 1.5, 40)
    canvas.fill(airways, AIR)
    _paint_pools(canvas, patient, plane, pools, tissue, coarse)
    canvas.fill(distance(plane, patient.mediastinum.calcifications, 3), PLAQUE)
    canvas.hu += fine * np.where(canvas.hu > -400, np.float32(5), 14 * lung)
    return Rendering(canvas.hu, canvas.pools, lung)


def _between_lungs(patient: Patient, plane: Plane, organs: list[np.ndarray]) -> np.ndarray:
    """Return the share of each pixel in the mediastinum: a smooth hull around its organs.

    Blurring their silhouette and cutting it at a level fills the gaps between neighbours, which
    is where the fat lies, as the pleura does.
    """
    canvas = Canvas(plane)
    spine = spine_at(plane.z)
    gutter = Ellipsoid(np.array([0.0, 100.0, plane.z]), np.array([40.0, 30.0, 1e4]))
    solid = Shape(
        spine.body.tubes,
        (*spine.body.ellipsoids, gutter, *patient.mediastinum.fat_pads.ellipsoids),
    )
    silhouette = canvas.edge(reduce(np.minimum, organs, distance(plane, solid, 3) - 2) - 1)
    stride = max(1, round(3 / plane.pixel))
    step = stride * plane.pixel
    blurred = gaussian_filter(silhouette[::stride, ::stride], ENVELOPE_BLUR / step, truncate=3)
    smooth = _enlarge(blurred, len(silhouette), stride)
    # The blurred edge falls by about 0.04 per mm.
    hull = np.clip(0.5 + (smooth - ENVELOPE_LEVEL) / (0.042 * canvas.width), 0, 1)
    body: np.ndarray = np.maximum(hull, silhouette)
    return body


def _enlarge(image: np.ndarray, size: int, stride: int) -> np.ndarray:
    """Return a strided image at full size, linear between its pixels."""
    at = np.minimum(np.arange(size, dtype=np.float32) / np.float32(stride), len(image) - 1)
    low = np.minimum(at.astype(int), max(0, len(image) - 2))
    high, share = np.minimum(low + 1, len(image) - 1), (at - low).astype(np.float32)
    rows = image[low] + share[:, None] * (image[high] - image[low])
    enlarged: np.ndarray = rows[:, low] + share * (rows[:, high] - rows[:, low])
    return enlarged


def _paint_lungs(
    canvas: Canvas,
    patient: Patient,
    plane: Plane,
    cage: np.ndarray,
    between: np.ndarray,
    tissue: Mapping[str, float],
    texture: np.ndarray,
) -> np.ndarray:
    """Paint the lungs with fissures, bronchi and vessels; return the share of lung per pixel."""
    inside = canvas.edge(np.maximum(cage + 3, above_apex(plane.x, plane.y, plane.z) / 1.2))
    lung: np.ndarray = inside * (1 - between)
    if patient.habitus.reaches_abdomen(plane.z):
        lung *= 1 - _abdomen(canvas, patient, plane, 0.0)
    # The lower parts of the lung, on which the rest weighs, are denser.
    canvas.paint(lung, LUNG + np.float32(0.3) * plane.y + 9 * texture)
    oblique = plane.z - (-38 + 1.15 * (plane.y - 10))
    fissure = canvas.edge(np.abs(oblique) * 0.66 - 0.4) * lung
    canvas.paint(fissure * np.float32(0.22), -400)
    # A vessel ends in the lung, but its root is seen through the hull of the mediastinum.
    for vessels, pool in (
        (patient.mediastinum.arteries, "pulmonary_artery"),
        (patient.mediastinum.veins, "left_atrium"),
    ):
        covered = thin_coverage(plane, vessels, float(canvas.width))
        canvas.paint(covered * (lung > 0.02) * np.maximum(lung, 0.5), tissue[pool])
    return lung


def _abdomen(canvas: Canvas, patient: Patient, plane: Plane, below: float) -> np.ndarray:
    """Return the share of each pixel that lies `below` mm or more under the diaphragm."""
    height, steepness = below_diaphragm(patient.habitus, plane.x, plane.y, plane.z)
    slope = np.sqrt(1 + steepness**2)
    depth = (height - below * slope) / (2.5 + canvas.width * steepness)
    share: np.ndarray = np.clip(0.5 + depth, 0, 1)
    return share


def _paint_abdomen(
    canvas: Canvas,
    patient: Patient,
    plane: Plane,
    cage: np.ndarray,
    tissue: Mapping[str, float],
    coarse: np.ndarray,
) -> None:
    """Paint diaphragm, liver, spleen and stomach."""
    if not patient.habitus.reaches_abdomen(plane.z):
        return
    inside = canvas.edge(cage + 2)
    canvas.paint(inside * _abdomen(canvas, patient, plane, 0.0), MUSCLE)
    cavity = canvas.edge(cage + 4) * _abdomen(canvas, patient, plane, 2.5)
    canvas.paint(cavity, FAT)
    # The left lobe of the liver reaches over the midline in front, the right one to the cava.
    border = 44 - 64 / (1 + np.exp((8 - plane.y) / 14)) + 5 * coarse
    canvas.paint(cavity * canvas.edge(plane.x - border), tissue["liver"])
    spleen = Ellipsoid(np.array([92.0, 44.0, -152.0]), np.array([28.0, 38.0, 44.0]))
    canvas.paint(
        cavity * canvas.edge(distance(plane, Shape(ellipsoids=(spleen,)), 3)), tissue["spleen"]
    )
    stomach = Ellipsoid(np.array([66.0, -16.0, -150.0]), np.array([34.0, 46.0, 40.0]))
    wall = distance(plane, Shape(ellipsoids=(stomach,)), 6)
    canvas.paint(cavity * canvas.edge(wall - 3), MUSCLE)
    canvas.paint(cavity * canvas.edge(wall), WATER + 20)
    gas = canvas.edge(np.maximum(wall, plane.y + 30))
    canvas.paint(cavity * gas, AIR)


def _paint_skeleton(canvas: Canvas, patient: Patient, plane: Plane, coarse: np.ndarray) -> None:
    """Paint the muscles along the spine and all bones: a cortex filled with spongy bone."""
    spine = spine_at(plane.z)
    spongy = SPONGY * patient.spongy + 15 * coarse
    flanking = mirrored((26.0, 97.0, plane.z), (21.0, 15.0, 1e4))
    canvas.fill(distance(plane, flanking, 3), MUSCLE)
    canvas.fill(distance(plane, patient.skeleton.cartilage, 3), CARTILAGE)
    for bone, cortex in (
        (patient.skeleton.ribs, 1.6),
        (patient.skeleton.clavicles, 2.2),
        (scapulae_at(plane.z), 1.3),
        (sternum_at(plane.z), 1.5),
        (spine.arch, 1.8),
    ):
        surface = distance(plane, bone, 3)
        canvas.fill(surface, CORTICAL)
        canvas.fill(surface + cortex, spongy)
    body = distance(plane, spine.body, 3)
    rim = DISC + spine.bony * (0.65 * CORTICAL - DISC)
    canvas.fill(body, rim)
    canvas.fill(body + 1.6, DISC + spine.bony * (spongy - DISC))
    canvas.fill(distance(plane, spine.canal, 3), -15)
    canvas.fill(distance(plane, spine.cord, 3), 38)


def _paint_pools(
    canvas: Canvas,
    patient: Patient,
    plane: Plane,
    pools: Mapping[str, np.ndarray],
    tissue: Mapping[str, float],
    coarse: np.ndarray,
) -> None:
    """Paint the blood of heart and great vessels, each pool in its wall."""
    for name, surface in pools.items():
        blood = tissue[name]
        # Agent and blood are not quite mixed.
        mixed = blood + np.float32(0.04 * max(0.0, blood - 60)) * coarse
        wall = patient.mediastinum.walls[name]
        outside = surface - wall
        if name in OPENS_INTO:
            # No wall where one pool flows into the other.
            outside = np.maximum(outside, -pools[OPENS_INTO[name]])
        canvas.fill(outside, tissue["myocardium"], blood=False)
        canvas.fill(surface, mixed, blood=True)
