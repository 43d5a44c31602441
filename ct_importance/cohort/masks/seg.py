"""Reads DICOM Segmentation objects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.uid import RLELossless

from ct_importance.cohort.dicom.codestream import read_codestream
from ct_importance.cohort.dicom.file import LARGEST_FILE
from ct_importance.cohort.dicom.geometry import SliceGeometry
from ct_importance.cohort.masks.dicom import PLANE_TOLERANCE_MM, DicomMask, Part
from ct_importance.cohort.masks.grid import MarkedGrid
from ct_importance.cohort.masks.objects import choose, items, uids
from ct_importance.cohort.masks.structures import Structures
from ct_importance.cohort.rejection import RejectedFile

KINDS = ("BINARY", "FRACTIONAL", "LABELMAP")
SMALLEST_FRACTION = 0.5
# Number that a label map may give to what is outside of all segments.
BACKGROUND = 0
# A frame is flat; its voxels must reach every pixel of a slice within the tolerance.
FRAME_THICKNESS_MM = 4 * PLANE_TOLERANCE_MM


@dataclass(frozen=True, eq=False)
class Frame(Part):
    """Marked pixels of a segment."""

    pixels: MarkedGrid
    """On a grid of (column, row, 0), thick enough to reach slices within the tolerance."""


def read_segmentation(dataset: pydicom.FileDataset, structures: Structures) -> DicomMask:
    """Return what the chosen segments of a DICOM SEG mark.

    Fractional segments are inside where the fraction is at least one half.

    Raises:
        RejectedFile: If it has none of the structures, or is not what it says.
        Exception: Whatever pydicom and highdicom raise at a damaged object.
    """
    from highdicom.seg import Segmentation

    _check_size(dataset)
    segmentation = Segmentation.from_dataset(dataset, copy=False)
    frames = [frame for frame in _frames(segmentation, structures) if not frame.pixels.is_empty]
    return DicomMask.of(dataset, frames, draw_frames, "ReferencedSeriesSequence")


def draw_frames(frames: Sequence[Frame], geometry: SliceGeometry) -> NDArray[np.bool_]:
    """Return the mask (rows, columns) of a slice that lies in the plane of some frames.

    Where the pixels of both differ, the nearest one of the frame is taken.
    """
    mask = np.zeros((geometry.rows, geometry.columns), bool)
    for frame in frames:
        mask |= frame.pixels.on_slice(geometry)
    return mask


def _check_size(dataset: pydicom.Dataset) -> None:
    """Check the kind of a segmentation, and that it holds as many frames as it says.

    Raises:
        RejectedFile: If it does not.
    """
    frames = int(dataset.get("NumberOfFrames") or 1)
    described = len(dataset.get("PerFrameFunctionalGroupsSequence") or [])
    bits = dataset.Rows * dataset.Columns * dataset.BitsAllocated
    is_plain = not dataset.file_meta.TransferSyntaxUID.is_encapsulated
    if dataset.get("SegmentationType") not in KINDS:
        raise _unreadable(f"its SegmentationType is none of {', '.join(KINDS)}")
    if frames != described:
        raise _unreadable(f"NumberOfFrames is {frames}, and {described} are described")
    if bits > 8 * LARGEST_FILE:
        raise _unreadable("its frames are larger than any slice")
    if is_plain and 8 * len(dataset.PixelData) < frames * bits:
        raise _unreadable("it holds less data than its frames take")


def _check_frame(dataset: pydicom.Dataset, number: int) -> None:
    """Check that a frame which is compressed is not larger than the header says.

    Raises:
        RejectedFile: If it is.
    """
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax.is_encapsulated and syntax != RLELossless:
        stream = read_codestream(dataset.get_raw_frame(number))
        if (stream.rows, stream.columns) != (dataset.Rows, dataset.Columns):
            raise _unreadable(f"frame {number} has another size than the header says")


def _unreadable(why: str) -> RejectedFile:
    return RejectedFile(f"mask cannot be read as DICOM SEG: {why}")


def _frames(dataset: pydicom.Dataset, structures: Structures) -> Iterator[Frame]:
    """Read the frames of the chosen segments, `dataset` being a highdicom Segmentation."""
    segments = [
        segment
        for segment in items(dataset, "SegmentSequence")
        if int(segment.SegmentNumber) != BACKGROUND
    ]
    chosen = choose(structures, segments, "SegmentNumber", "SegmentLabel", "segment")
    is_map = dataset.SegmentationType == "LABELMAP"
    shared = next(items(dataset, "SharedFunctionalGroupsSequence"))
    frame_of_reference = str(dataset.get("FrameOfReferenceUID") or "")
    for number, own in enumerate(items(dataset, "PerFrameFunctionalGroupsSequence"), 1):
        group = _Groups(own, shared)
        segment = 0 if is_map else int(group.first("SegmentIdentification").ReferencedSegmentNumber)
        if is_map or segment in chosen:
            _check_frame(dataset, number)
            stored = dataset.get_stored_frame(number)
            inside = np.isin(stored, chosen) if is_map else _is_inside(stored, dataset)
            name = f"frame {number} of the mask"
            yield _frame(name, segment, inside, group, frame_of_reference)


def _is_inside(stored: np.ndarray, dataset: pydicom.Dataset) -> np.ndarray:
    if dataset.SegmentationType == "FRACTIONAL":
        return stored >= SMALLEST_FRACTION * int(dataset.MaximumFractionalValue)
    return stored > 0


class _Groups:
    """The functional groups of a frame: its own before those that all frames share."""

    def __init__(self, own: pydicom.Dataset, shared: pydicom.Dataset) -> None:
        self._sources = (own, shared)

    def all(self, *keywords: str) -> list[pydicom.Dataset]:
        for source in self._sources:
            if found := list(items(source, *keywords)):
                return found
        return []

    def first(self, name: str) -> pydicom.Dataset:
        return next(iter(self.all(f"{name}Sequence")), pydicom.Dataset())


def _frame(
    name: str, segment: int, inside: np.ndarray, group: _Groups, frame_of_reference: str
) -> Frame:
    position = group.first("PlanePosition").ImagePositionPatient
    orientation = group.first("PlaneOrientation").ImageOrientationPatient
    spacing = group.first("PixelMeasures").PixelSpacing
    axes = np.array(orientation, np.float64).reshape(2, 3)
    to_patient = np.eye(4)
    to_patient[:3, :2] = axes.T * np.array(spacing, np.float64)[::-1]
    to_patient[:3, 2] = np.cross(*axes) * FRAME_THICKNESS_MM
    to_patient[:3, 3] = position
    if not np.isfinite(to_patient).all() or np.linalg.matrix_rank(to_patient) < 4:
        raise RejectedFile(f"{name} is no place in a patient")
    right, bottom = inside.shape[1] - 1, inside.shape[0] - 1
    corners = [[0, right, 0, right], [0, 0, bottom, bottom], [0] * 4, [1] * 4]
    return Frame(
        name=name,
        structure=segment,
        slices=uids(
            group.all("DerivationImageSequence", "SourceImageSequence"), "ReferencedSOPInstanceUID"
        ),
        frame_of_reference=frame_of_reference,
        outline=(to_patient @ corners)[:3].T,
        pixels=MarkedGrid.cropped(inside.T[:, :, None], to_patient),
    )
