"""Reads the contours of DICOM RT Structure Sets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
import pydicom
from numpy.typing import NDArray

from ct_importance.cohort.dicom.geometry import SliceGeometry
from ct_importance.cohort.masks.dicom import DicomMask, Part
from ct_importance.cohort.masks.objects import choose, items, uids
from ct_importance.cohort.masks.polygons import fill_polygons
from ct_importance.cohort.masks.structures import Structures
from ct_importance.cohort.rejection import RejectedFile

AREAS = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")
FARTHEST_MM = 1e6
# An outline along the pixels of a slice has a thousand points and a metre or two.
MOST_POINTS_OF_CONTOUR = 100_000
MOST_POINTS = 10_000_000
LONGEST_OUTLINES_MM = 1e8


def read_contours(dataset: pydicom.Dataset, structures: Structures) -> DicomMask:
    """Return what the chosen ROIs of a DICOM RT Structure Set mark.

    Points and open contours enclose nothing and are left out.

    Raises:
        RejectedFile: If it has none of the structures, or contours that would take too long.
        Exception: Whatever pydicom raises at a damaged object.
    """
    return DicomMask.of(
        dataset,
        _bounded(_contours(dataset, structures)),
        draw_contours,
        "ReferencedFrameOfReferenceSequence",
        "RTReferencedStudySequence",
        "RTReferencedSeriesSequence",
    )


def draw_contours(contours: Sequence[Part], geometry: SliceGeometry) -> NDArray[np.bool_]:
    """Return the mask (rows, columns) of a slice that lies in the plane of some contours.

    The contours of an ROI are filled together (`fill_polygons`: centres of pixels, odd number of
    contours, boundary included); ROIs unite.
    """
    polygons = defaultdict(list)
    to_pixel = np.linalg.inv(geometry.affine)
    for contour in contours:
        pixels = contour.outline @ to_pixel[:2, :3].T + to_pixel[:2, 3]
        polygons[contour.structure].append(pixels)
    mask = np.zeros((geometry.rows, geometry.columns), bool)
    for of_roi in polygons.values():
        mask |= fill_polygons(of_roi, geometry.rows, geometry.columns)
    return mask


def _contours(dataset: pydicom.Dataset, structures: Structures) -> Iterator[Part]:
    rois = list(items(dataset, "StructureSetROISequence"))
    chosen = choose(structures, rois, "ROINumber", "ROIName", "ROI")
    frames = {int(it.ROINumber): str(it.get("ReferencedFrameOfReferenceUID") or "") for it in rois}
    for roi in items(dataset, "ROIContourSequence"):
        number = int(roi.ReferencedROINumber)
        if number in chosen:
            for order, contour in enumerate(items(roi, "ContourSequence"), 1):
                if contour.ContourGeometricType in AREAS:
                    name = f"contour {order} of ROI {number}"
                    yield _contour(name, number, contour, frames[number])


def _bounded(contours: Iterator[Part]) -> list[Part]:
    """Return contours whose number of points and length allow to fill them in seconds."""
    found, points, length = [], 0, 0.0
    for contour in contours:
        steps = np.diff(contour.outline, axis=0, append=contour.outline[:1])
        points += len(steps)
        length += float(np.linalg.norm(steps, axis=1).sum())
        if points > MOST_POINTS or length > LONGEST_OUTLINES_MM:
            raise RejectedFile(
                f"mask has contours of more than {MOST_POINTS} points "
                f"or {LONGEST_OUTLINES_MM / 1e6:.0f} km"
            )
        found.append(contour)
    return found


def _contour(name: str, roi: int, contour: pydicom.Dataset, frame_of_reference: str) -> Part:
    points = _points(name, contour)
    if not (np.abs(points) < FARTHEST_MM).all():
        raise RejectedFile(f"{name} is no place in a patient")
    images = items(contour, "ContourImageSequence")
    slices = uids(images, "ReferencedSOPInstanceUID")
    return Part(name, roi, slices, frame_of_reference, points)


def _points(name: str, contour: pydicom.Dataset) -> np.ndarray:
    """Return the corners of a contour, (n, 3), from their text.

    pydicom would make an object of each number, which takes longer and more memory.
    """
    values = contour.get_item("ContourData").value
    if isinstance(values, bytes):
        if values.count(b"\\") > 3 * MOST_POINTS_OF_CONTOUR:
            raise RejectedFile(f"{name} has more than {MOST_POINTS_OF_CONTOUR} points")
        values = [float(value) for value in values.rstrip(b" \0").split(b"\\")]
    return np.float64(values).reshape(-1, 3)
