"""Writes synthetic CT series as DICOM files, and masks as PNG or NIfTI."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import (
    UID,
    CTImageStorage,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    generate_uid,
)

MANUFACTURER = "ct-importance phantom"
DATE, TIME = "20200101", "120000"


class PixelFormat(NamedTuple):
    """How Hounsfield units are stored."""

    signed: bool
    slope: float
    intercept: float
    bits_stored: int
    padding: int | None
    """Stored value outside the circular field of reconstruction; None leaves air there."""


@dataclass(frozen=True)
class Acquisition:
    """How a series was acquired and stored; it must not depend on contrast agent."""

    kernel: str
    peak_kilovoltage: int
    milliampere_seconds: int
    thickness: float
    """mm."""
    pixels: PixelFormat
    implicit_vr: bool
    order: str
    """Of file names and instance numbers along z: "ascending", "descending", or "shuffled", in
    which the file names follow nothing."""
    localizer: bool
    """Whether the study has a localizer, too."""


@dataclass(frozen=True)
class SeriesHeader:
    """What all files of a series share."""

    patient_id: str
    study_uid: str
    series_uid: str
    frame_of_reference_uid: str
    series_number: int
    texts: Mapping[str, str]
    """Attributes that may tell the label, by keyword."""
    acquisition: Acquisition
    spacing: float
    """Of the pixels, mm."""
    slice_distance: float
    """Of neighbouring slices, mm."""


def uid_for(*names: str | int) -> str:
    """Return a UID that depends on the names alone."""
    return generate_uid(entropy_srcs=[MANUFACTURER, *map(str, names)])


def slice_template(header: SeriesHeader) -> FileDataset:
    """Return a dataset with what all axial slices of a series share, for `write_slice`."""
    dataset = _series_dataset(header)
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.SliceThickness = round(header.acquisition.thickness, 4)
    dataset.SpacingBetweenSlices = round(header.slice_distance, 4)
    dataset.PixelSpacing = [header.spacing, header.spacing]
    return dataset


def write_slice(
    path: Path,
    dataset: FileDataset,
    pixels: PixelFormat,
    hu: np.ndarray,
    position: tuple[float, float, float],
    instance_number: int,
    sop_uid: str,
) -> None:
    """Write an axial slice.

    Args:
        path: The file; its folder exists.
        dataset: Of its series, from `slice_template`; it is changed.
        pixels: How to store them.
        hu: (N, N) Hounsfield units; rows run to the patient's back, columns to the left.
        position: Middle of the first pixel, x, y, z in LPS mm.
        instance_number: Of the slice.
        sop_uid: Of the slice.
    """
    _set_instance(dataset, sop_uid, instance_number)
    dataset.ImagePositionPatient = [round(value, 4) for value in position]
    dataset.SliceLocation = round(position[2], 4)
    _add_pixels(dataset, pixels, hu)
    dataset.save_as(path, enforce_file_format=True)


def write_localizer(path: Path, header: SeriesHeader, hu: np.ndarray, sop_uid: str) -> None:
    """Write a frontal localizer.

    Args:
        path: The file; its folder exists.
        header: Of its series.
        hu: (slices, N) Hounsfield units, the head first.
        sop_uid: Of the image.
    """
    dataset = _series_dataset(header)
    _set_instance(dataset, sop_uid, 1)
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    dataset.ImagePositionPatient = [round(-header.spacing * (hu.shape[1] - 1) / 2, 4), 0, 0]
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 0, -1]
    dataset.PixelSpacing = [round(header.slice_distance, 4), header.spacing]
    _add_pixels(dataset, header.acquisition.pixels._replace(padding=None), hu)
    dataset.save_as(path, enforce_file_format=True)


def write_mask_image(path: Path, mask: np.ndarray) -> None:
    """Write an (N, N) boolean mask as an 8-bit PNG of 0 and 255, oriented as the pixels."""
    from PIL import Image

    Image.fromarray(np.where(mask, 255, 0).astype(np.uint8)).save(path)


def write_mask_volume(
    path: Path, masks: np.ndarray, header: SeriesHeader, first: tuple[float, float, float]
) -> None:
    """Write the masks of a series as a NIfTI label volume.

    Args:
        path: Ends in .nii.gz.
        masks: (slices, rows, columns), nonzero in the mask, the lowest slice first.
        header: Of the series.
        first: Middle of the first pixel of the lowest slice, x, y, z in LPS mm.
    """
    import nibabel

    # NIfTI points to the right's and the front's opposite, i.e. to the left and the back of DICOM.
    affine = np.diag([-header.spacing, -header.spacing, round(header.slice_distance, 4), 1.0])
    affine[:3, 3] = np.round(first, 4) * [-1, -1, 1]
    volume = np.ascontiguousarray(masks.transpose(2, 1, 0), dtype=np.uint8)
    image = nibabel.Nifti1Image(volume, affine)
    image.header.set_xyzt_units("mm")
    nibabel.save(image, path)


def _series_dataset(header: SeriesHeader) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    implicit = header.acquisition.implicit_vr
    meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SpecificCharacterSet = "ISO_IR 100"
    dataset.SOPClassUID = CTImageStorage
    dataset.StudyDate = dataset.SeriesDate = dataset.AcquisitionDate = dataset.ContentDate = DATE
    dataset.StudyTime = dataset.SeriesTime = dataset.AcquisitionTime = dataset.ContentTime = TIME
    dataset.AccessionNumber = dataset.ReferringPhysicianName = dataset.StudyID = ""
    dataset.Modality, dataset.Manufacturer = "CT", MANUFACTURER
    dataset.PatientID = dataset.PatientName = header.patient_id
    dataset.PatientBirthDate = dataset.PatientSex = ""
    dataset.BodyPartExamined, dataset.PatientPosition = "CHEST", "HFS"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = header.study_uid, header.series_uid
    dataset.FrameOfReferenceUID = header.frame_of_reference_uid
    dataset.PositionReferenceIndicator = ""
    dataset.SeriesNumber, dataset.AcquisitionNumber = header.series_number, 1
    dataset.KVP = header.acquisition.peak_kilovoltage
    dataset.Exposure = header.acquisition.milliampere_seconds
    dataset.ConvolutionKernel = header.acquisition.kernel
    for keyword, text in header.texts.items():
        setattr(dataset, keyword, text)
    return dataset


def _set_instance(dataset: FileDataset, sop_uid: str, instance_number: int) -> None:
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = UID(sop_uid)
    dataset.InstanceNumber = instance_number


def _add_pixels(dataset: FileDataset, pixels: PixelFormat, hu: np.ndarray) -> None:
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = hu.shape
    dataset.BitsAllocated = 16
    dataset.BitsStored, dataset.HighBit = pixels.bits_stored, pixels.bits_stored - 1
    dataset.PixelRepresentation = int(pixels.signed)
    dataset.RescaleSlope, dataset.RescaleIntercept = pixels.slope, pixels.intercept
    dataset.RescaleType = "HU"
    dataset.WindowCenter, dataset.WindowWidth = 40, 400
    low, high = (-1024, 3071) if pixels.signed else (0, 2**pixels.bits_stored - 1)
    if pixels.padding is not None:
        low = max(low, pixels.padding + 1)
    stored = np.clip(np.rint((hu - pixels.intercept) / pixels.slope), low, high)
    if pixels.padding is not None:
        # The tag has the VR of the pixels, which the dataset tells when it is written.
        dataset.PixelPaddingValue = pixels.padding
        stored[_outside_circle(len(hu))] = pixels.padding
    dataset.PixelData = stored.astype("<i2" if pixels.signed else "<u2").tobytes()


def _outside_circle(size: int) -> NDArray[np.bool_]:
    offsets = np.arange(size) - (size - 1) / 2
    outside: NDArray[np.bool_] = np.hypot(offsets[:, None], offsets[None, :]) > size / 2
    return outside
