"""Reads the header of one DICOM file and decides whether it is an axial CT slice."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from pydicom._uid_dict import UID_dictionary
from pydicom.uid import (
    UID,
    CTImageStorage,
    EnhancedCTImageStorage,
    LegacyConvertedEnhancedCTImageStorage,
)

from ct_importance.cohort.dicom.file import open_dicom, read_before_pixels
from ct_importance.cohort.dicom.geometry import SliceGeometry, is_spacing
from ct_importance.cohort.dicom.pixel_data import find_pixel_data
from ct_importance.cohort.dicom.units import check_units
from ct_importance.cohort.dicom.values import HeaderValueError, HeaderValues
from ct_importance.cohort.labels.words import classify_agent, description_label
from ct_importance.cohort.rejection import RejectedFile
from ct_importance.cohort.slice_entry import SliceEntry, id_of
from ct_importance.compute.randomness import seed_for
from ct_importance.io.paths import StrPath

MULTI_ENERGY_IMAGES = {
    "VMI",
    "MAT_SPECIFIC",
    "MAT_REMOVED",
    "MAT_FRACTIONAL",
    "EFF_ATOMIC_NUM",
    "ELECTRON_DENSITY",
    "MAT_MODIFIED",
    "MAT_VALUE_BASED",
}
LOCALIZERS = {"LOCALIZER", "SCOUT", "TOPOGRAM", "SURVIEW"}
KEPT_IF_DERIVED = {"AXIAL", "AVERAGE"}
"""ImageType of derived images that hold the Hounsfield units of a slice; its plane is checked."""
FARTHEST = 1e5
"""Millimetres from the origin of the patient's coordinates."""
UNIT_TOLERANCE = 0.01
Number = TypeVar("Number", int, float)


@dataclass(frozen=True, slots=True)
class SliceHeader(SliceEntry):
    """A slice with what the index needs to compare it with others."""

    acquisition: str
    """AcquisitionNumber and AcquisitionTime; "" without either."""
    kvp: float
    instance_number: int
    fingerprint: str
    """Digest of length and a sample of the pixel data: equal slices share it."""


def read_header(path: StrPath, keep_derived: bool = False) -> SliceHeader:
    """Return the header of an axial CT slice.

    Args:
        path: Any file.
        keep_derived: Keep images of ImageType DERIVED that are axial or averages.

    Raises:
        RejectedFile: If the file is no axial CT slice that can be used, with the reason.
    """
    with open_dicom(path, "unreadable header") as file:
        header = read_before_pixels(file)
        values = header.values
        _check_kind(values, keep_derived)
        check_units(values)
        pixels = find_pixel_data(header)
        geometry = _geometry(values)
        return _slice_header(str(path), values, geometry, pixels.fingerprint(header.stream))


def _check_kind(values: HeaderValues, keep_derived: bool) -> None:
    sop_class = values.text("SOPClassUID")
    frames = values.whole("NumberOfFrames") or 1
    if sop_class in (EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage) or (
        sop_class == CTImageStorage and frames != 1
    ):
        raise RejectedFile("multi-frame CT: convert it to one file per slice")
    if sop_class != CTImageStorage:
        # Anything can stand in a damaged header; what is in the dictionary names no patient.
        name = UID(sop_class).name if sop_class in UID_dictionary else "unknown SOP class"
        raise RejectedFile(f"not a CT image ({name if sop_class else 'no SOP class'})")
    if values.text("Modality") not in ("", "CT"):
        raise RejectedFile("Modality is not CT")
    _check_image_type({value.upper() for value in values.texts("ImageType")}, keep_derived)
    for keyword in ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        if not values.text(keyword):
            raise RejectedFile(f"no {keyword}")


def _check_image_type(image_type: set[str], keep_derived: bool) -> None:
    if image_type & LOCALIZERS:
        raise RejectedFile("localizer")
    if image_type & MULTI_ENERGY_IMAGES:
        raise RejectedFile("multi-energy image that does not hold Hounsfield units of one energy")
    if "DERIVED" not in image_type:
        return
    if not image_type & KEPT_IF_DERIVED:
        raise RejectedFile("derived image that ImageType calls neither axial nor averaged")
    if not keep_derived:
        raise RejectedFile("derived image (keep_derived: true of the dataset keeps it)")


def _geometry(values: HeaderValues) -> SliceGeometry:
    orientation = _lengths(values, "ImageOrientationPatient", 6)
    origin = _lengths(values, "ImagePositionPatient", 3)
    spacing = _lengths(values, "PixelSpacing", 2)
    if max(map(abs, origin)) > FARTHEST:
        raise RejectedFile("no valid ImagePositionPatient")
    if not is_spacing(spacing):
        raise RejectedFile("no valid PixelSpacing")
    if not _are_unit_vectors(orientation[:3], orientation[3:]):
        raise RejectedFile("ImageOrientationPatient is not a pair of orthogonal unit vectors")
    rows, columns = values.required_whole("Rows"), values.required_whole("Columns")
    geometry = SliceGeometry(rows, columns, origin, orientation, (spacing[0], spacing[1]))
    if not geometry.is_axial:
        raise RejectedFile("not axial")
    return geometry


def _are_unit_vectors(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    """Whether two vectors have length 1 and are at right angles."""
    errors = (_dot(one, one) - 1, _dot(other, other) - 1, _dot(one, other))
    return max(map(abs, errors)) <= UNIT_TOLERANCE


def _dot(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def _lengths(values: HeaderValues, keyword: str, count: int) -> tuple[float, ...]:
    numbers = values.numbers(keyword)
    if len(numbers) != count or not all(map(math.isfinite, numbers)):
        raise RejectedFile(f"no valid {keyword}")
    return tuple(numbers)


def _slice_header(
    path: str, values: HeaderValues, geometry: SliceGeometry, fingerprint: str
) -> SliceHeader:
    agent = values.text("ContrastBolusAgent") if "ContrastBolusAgent" in values else None
    # Whether two slices were taken at once is asked, not when.
    time = seed_for(values.text("AcquisitionTime")) if values.text("AcquisitionTime") else ""
    acquisition = [values.text("AcquisitionNumber"), str(time)]
    kvp = _if_valid(values.number, "KVP") or 0.0
    return SliceHeader(
        dataset="",
        path=path,
        frame=None,
        slice_id=values.text("SOPInstanceUID"),
        series_uid=values.text("SeriesInstanceUID"),
        study_uid=values.text("StudyInstanceUID"),
        frame_of_reference=values.text("FrameOfReferenceUID"),
        patient_id=id_of(values.text("PatientID")),
        rows=geometry.rows,
        columns=geometry.columns,
        origin=geometry.origin,
        orientation=geometry.orientation,
        spacing=geometry.spacing,
        position=geometry.position,
        acquisition=" ".join(filter(None, acquisition)),
        kvp=kvp if math.isfinite(kvp) else 0.0,
        instance_number=_if_valid(values.whole, "InstanceNumber") or 0,
        contrast_tag=classify_agent(agent),
        description_label=description_label(
            f"{values.text('StudyDescription')} | {values.text('SeriesDescription')}"
        ),
        fingerprint=fingerprint,
    )


def _if_valid(read: Callable[[str], Number | None], keyword: str) -> Number | None:
    """Return a value that only settles ties: malformed, it must not cost the slice."""
    try:
        return read(keyword)
    except HeaderValueError:
        return None
