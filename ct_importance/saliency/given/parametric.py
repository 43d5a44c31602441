"""Reads maps kept as DICOM Parametric Maps (DICOM PS3.3 A.75)."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray

from ct_importance.cohort import rejection
from ct_importance.cohort.dicom.geometry import SliceGeometry
from ct_importance.cohort.masks.dicom import PLANE_TOLERANCE_MM
from ct_importance.cohort.masks.files import mask_stamp
from ct_importance.cohort.masks.objects import items, read_object, uids
from ct_importance.cohort.rejection import RejectedFile
from ct_importance.saliency.given.volumes import sampled

PARAMETRIC_MAP = "1.2.840.10008.5.1.4.1.1.30"
"""SOP class Parametric Map Storage."""


@dataclass(frozen=True, eq=False)
class Frame:
    """One map."""

    slices: frozenset[str]
    """SOP instance UIDs of the images that it is of."""
    values: NDArray[np.float32]
    """(rows, columns)."""
    geometry: SliceGeometry


def is_parametric_map(path: Path) -> bool:
    """Tell whether a file is a DICOM Parametric Map."""
    with rejection.reading("map cannot be read as a file"), open(path, "rb") as file:
        if file.read(132)[128:] != b"DICM":
            return False
    with rejection.reading("map cannot be read as DICOM"):
        header = pydicom.dcmread(path, specific_tags=["SOPClassUID"], stop_before_pixels=True)
    return bool(header.get("SOPClassUID") == PARAMETRIC_MAP)


def frames_of(path: Path) -> list[Frame]:
    """Return the frames of a Parametric Map.

    Raises:
        RejectedFile: If it cannot be read.
    """
    return _kept(path, mask_stamp(path))


def value_on_slice(path: Path, number: int, geometry: SliceGeometry) -> NDArray[np.float32]:
    """Return the values of a frame at the pixels of the slice it is of, (rows, columns).

    Raises:
        RejectedFile: If the frame does not lie where the slice does.
    """
    frame = frames_of(path)[number]
    offset = np.subtract(frame.geometry.origin, geometry.origin) @ geometry.normal
    if abs(offset) > PLANE_TOLERANCE_MM:
        raise RejectedFile(f"map lies {abs(offset):.1f} mm off the slice that it refers to")
    affine = frame.geometry.affine
    affine[:3, 2] *= 2 * PLANE_TOLERANCE_MM
    return sampled(frame.values.T[:, :, None], affine, geometry)


@functools.lru_cache(maxsize=4)
def _kept(path: Path, stamp: object) -> list[Frame]:
    with rejection.reading("map cannot be read as a DICOM Parametric Map"):
        dataset = read_object(path)
        pixels = np.asarray(dataset.pixel_array)
        pixels = pixels.reshape(-1, *pixels.shape[-2:])
        shared = next(items(dataset, "SharedFunctionalGroupsSequence"), pydicom.Dataset())
        own = list(items(dataset, "PerFrameFunctionalGroupsSequence"))
        if len(own) != len(pixels):
            raise RejectedFile(f"it has {len(pixels)} frames, and {len(own)} are described")
        return [
            _frame(values, [one, shared], not _is_float(dataset))
            for values, one in zip(pixels, own, strict=True)
        ]


def _is_float(dataset: pydicom.Dataset) -> bool:
    return "FloatPixelData" in dataset or "DoubleFloatPixelData" in dataset


def _frame(values: np.ndarray, groups: list[pydicom.Dataset], is_stored: bool) -> Frame:
    def first(*keywords: str) -> pydicom.Dataset:
        found = (item for group in groups for item in items(group, *keywords))
        return next(found, pydicom.Dataset())

    position = first("PlanePositionSequence").ImagePositionPatient
    orientation = first("PlaneOrientationSequence").ImageOrientationPatient
    between = first("PixelMeasuresSequence").PixelSpacing
    mapping = first("RealWorldValueMappingSequence")
    numbers = values.astype(np.float64)
    if is_stored and "RealWorldValueSlope" in mapping:
        numbers = numbers * mapping.RealWorldValueSlope + mapping.RealWorldValueIntercept
    sources = [
        item
        for one in groups
        for item in items(one, "DerivationImageSequence", "SourceImageSequence")
    ]
    return Frame(
        slices=uids(sources, "ReferencedSOPInstanceUID"),
        values=numbers.astype(np.float32),
        geometry=SliceGeometry(
            rows=values.shape[0],
            columns=values.shape[1],
            origin=tuple(map(float, position)),
            orientation=tuple(map(float, orientation)),
            spacing=(float(between[0]), float(between[1])),
        ),
    )
