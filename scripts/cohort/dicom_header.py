"""Reads the header of one DICOM file and decides whether it is an axial CT slice."""

from __future__ import annotations

import hashlib
import os
import struct
import warnings
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import pydicom
from pydicom.errors import InvalidDicomError
from pydicom.uid import (
    CTImageStorage,
    EnhancedCTImageStorage,
    LegacyConvertedEnhancedCTImageStorage,
)

from scripts.cohort.contrast_words import classify_agent, description_label
from scripts.cohort.slice_entry import SliceEntry

TAGS = [
    "SOPClassUID",
    "SOPInstanceUID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "FrameOfReferenceUID",
    "PatientID",
    "ImageType",
    "StudyDescription",
    "SeriesDescription",
    "ContrastBolusAgent",
    "AcquisitionNumber",
    "AcquisitionTime",
    "KVP",
    "InstanceNumber",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "SamplesPerPixel",
    "NumberOfFrames",
    "Rows",
    "Columns",
    "BitsAllocated",
    "RescaleIntercept",
    "RescaleSlope",
    "RescaleType",
]
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
# A gantry tilts by 30 degrees at most; a plane further off is not an axial one.
SMALLEST_AXIAL_COSINE = np.cos(np.deg2rad(31))
UNDEFINED_LENGTH = 0xFFFFFFFF
FINGERPRINT_BYTES = 4096


class RejectedFile(Exception):
    """A file that is set aside; the message is the reason."""


@dataclass(frozen=True)
class SliceHeader(SliceEntry):
    """A slice with what the index needs to compare it with others."""

    orientation: tuple[float, ...]
    """ImageOrientationPatient: direction cosines of the rows and the columns."""
    frame_of_reference: str
    acquisition: str
    """AcquisitionNumber and AcquisitionTime; "" without either."""
    kvp: float
    instance_number: int
    fingerprint: str
    """Digest of length and a sample of the pixel data: equal slices share it."""


def read_header(path: str | os.PathLike, keep_derived: bool = False) -> SliceHeader:
    """Return the header of an axial CT slice.

    Args:
        path: Any file.
        keep_derived: Keep axial images of ImageType DERIVED.

    Raises:
        RejectedFile: If the file is no axial CT slice that can be used, with the reason.
    """
    try:
        with open(path, "rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=TAGS)
            _check_kind(dataset, keep_derived)
            _check_hounsfield(dataset)
            fingerprint = _fingerprint(file, dataset)
            return _slice_header(str(path), dataset, fingerprint)
    except RejectedFile:
        raise
    except InvalidDicomError:
        raise RejectedFile("not a DICOM file") from None
    except Exception as error:
        # Damaged headers make pydicom raise nearly anything; values could hold patient data, so
        # only the kind of the error is kept.
        raise RejectedFile(f"unreadable header ({type(error).__name__})") from None


def _check_kind(dataset: pydicom.Dataset, keep_derived: bool) -> None:
    sop_class = dataset.get("SOPClassUID")
    frames = dataset.get("NumberOfFrames") or 1
    if sop_class in (EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage) or (
        sop_class == CTImageStorage and int(frames) > 1
    ):
        raise RejectedFile("multi-frame CT: convert it to one file per slice")
    if sop_class != CTImageStorage:
        name = sop_class.name if sop_class else "no SOP class"
        raise RejectedFile(f"not a CT image ({name})")
    if int(dataset.get("SamplesPerPixel", 1)) != 1:
        raise RejectedFile("colour image")
    image_type = {str(value).strip().upper() for value in dataset.get("ImageType") or []}
    if image_type & LOCALIZERS:
        raise RejectedFile("localizer")
    if image_type & MULTI_ENERGY_IMAGES:
        raise RejectedFile("multi-energy image that does not hold Hounsfield units of one energy")
    if "DERIVED" in image_type and not (keep_derived and "AXIAL" in image_type):
        raise RejectedFile("derived image (cohort.keep_derived keeps the axial ones)")
    for name in ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        if not dataset.get(name):
            raise RejectedFile(f"no {name}")


def _check_hounsfield(dataset: pydicom.Dataset) -> None:
    for name in ("RescaleSlope", "RescaleIntercept"):
        if dataset.get(name) is None:
            raise RejectedFile(f"no {name}: Hounsfield units are unknown")
        if not np.isfinite(float(dataset[name].value)):
            raise RejectedFile(f"{name} is not a number: Hounsfield units are unknown")
    if float(dataset.RescaleSlope) == 0:
        raise RejectedFile("RescaleSlope is 0: Hounsfield units are unknown")
    if dataset.get("RescaleType") not in (None, "", "HU"):
        raise RejectedFile("RescaleType is not HU")


def _slice_header(path: str, dataset: pydicom.Dataset, fingerprint: str) -> SliceHeader:
    orientation, position = _geometry(dataset)
    agent = dataset.get("ContrastBolusAgent")
    acquisition = [dataset.get(name) for name in ("AcquisitionNumber", "AcquisitionTime")]
    return SliceHeader(
        path=path,
        slice_id=str(dataset.SOPInstanceUID),
        series_uid=str(dataset.SeriesInstanceUID),
        study_uid=str(dataset.StudyInstanceUID),
        frame_of_reference=str(dataset.get("FrameOfReferenceUID") or ""),
        patient_id=str(dataset.PatientID).strip(),
        position=position,
        orientation=orientation,
        rows=int(dataset.Rows),
        columns=int(dataset.Columns),
        acquisition=" ".join(str(value) for value in acquisition if value is not None),
        kvp=float(dataset.get("KVP") or 0),
        instance_number=int(dataset.get("InstanceNumber") or 0),
        contrast_tag=classify_agent(None if agent is None else str(agent)),
        description_label=description_label(
            f"{dataset.get('StudyDescription')} | {dataset.get('SeriesDescription')}"
        ),
        fingerprint=fingerprint,
    )


def _geometry(dataset: pydicom.Dataset) -> tuple[tuple[float, ...], float]:
    for name, length in (
        ("ImageOrientationPatient", 6),
        ("ImagePositionPatient", 3),
        ("PixelSpacing", 2),
    ):
        values = dataset.get(name)
        if values is None or len(values) != length or not np.isfinite(np.float64(values)).all():
            raise RejectedFile(f"no valid {name}")
    if min(dataset.PixelSpacing) <= 0:
        raise RejectedFile("no valid PixelSpacing")
    cosines = np.float64(dataset.ImageOrientationPatient)
    axes = cosines.reshape(2, 3)
    if np.abs(axes @ axes.T - np.eye(2)).max() > 0.01:
        raise RejectedFile("ImageOrientationPatient is not a pair of orthogonal unit vectors")
    normal = np.cross(*axes)
    if abs(normal[2]) < SMALLEST_AXIAL_COSINE:
        raise RejectedFile("not axial")
    # Heads up whatever the direction of the columns, so that scans of one patient agree.
    normal *= np.sign(normal[2])
    position = float(normal @ np.float64(dataset.ImagePositionPatient))
    return tuple(float(value) for value in cosines), position


def _fingerprint(file: BinaryIO, dataset: pydicom.Dataset) -> str:
    """Digest of length and middle of the pixel data; rejects a file in which they fall short."""
    if not dataset.file_meta.get("TransferSyntaxUID"):
        raise RejectedFile("no TransferSyntaxUID")
    if dataset.file_meta.TransferSyntaxUID.is_deflated:
        file.seek(0)
        return hashlib.blake2b(file.read(), digest_size=16).hexdigest()
    start, length = _pixel_data_span(file, dataset)
    file_size = os.fstat(file.fileno()).st_size
    if length == UNDEFINED_LENGTH:
        length = file_size - start
    else:
        needed = int(dataset.Rows) * int(dataset.Columns) * int(dataset.BitsAllocated) // 8
        if min(length, file_size - start) < needed:
            raise RejectedFile("truncated: pixel data are shorter than the header says")
    file.seek(start + max(0, (length - FINGERPRINT_BYTES) // 2))
    digest = hashlib.blake2b(file.read(FINGERPRINT_BYTES), digest_size=16)
    digest.update(str(length).encode())
    return digest.hexdigest()


def _pixel_data_span(file: BinaryIO, dataset: pydicom.Dataset) -> tuple[int, int]:
    """Return where the value of PixelData starts and its length in bytes.

    pydicom leaves the file at the element it stopped before.
    """
    order = "<" if dataset.file_meta.TransferSyntaxUID.is_little_endian else ">"
    element = file.read(12)
    if len(element) < 12:
        raise RejectedFile("no pixel data")
    group, number = struct.unpack(order + "HH", element[:4])
    if (group, number) != (0x7FE0, 0x0010):
        raise RejectedFile("no pixel data of whole numbers")
    if dataset.file_meta.TransferSyntaxUID.is_implicit_VR:
        return file.tell() - 4, struct.unpack(order + "I", element[4:8])[0]
    return file.tell(), struct.unpack(order + "I", element[8:12])[0]


def pixel_data_digest(path: str | os.PathLike) -> str | None:
    """Return a digest of the whole pixel data, as they are stored; None if all are one value."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = pydicom.dcmread(path, specific_tags=["PixelData"])
    pixels = dataset.PixelData
    if pixels == pixels[:2] * (len(pixels) // 2):
        return None
    return hashlib.blake2b(pixels, digest_size=16).hexdigest()
