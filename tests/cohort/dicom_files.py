"""Writes small, valid CT slices as DICOM files, with whatever a test wants to be otherwise."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import config
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.tag import Tag
from pydicom.uid import (
    UID,
    CTImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    generate_uid,
)

from ct_importance.compute.randomness import seed_for

ROWS, COLUMNS = 12, 16


def uid(*names: object) -> str:
    """Return a UID that depends on the names alone."""
    return generate_uid(entropy_srcs=["tests", *map(str, names)])


def picture(number: int = 0, rows: int = ROWS, columns: int = COLUMNS) -> np.ndarray:
    """Return stored values that differ by number: HU -1000 to about 0 at intercept -1024."""
    return np.random.default_rng(number).integers(24, 1024, (rows, columns), dtype=np.uint16)


def ct_dataset(
    patient: str = "P1",
    series: object = 1,
    z: float = 0.0,
    stored: np.ndarray | None = None,
    without: tuple[str, ...] = (),
    **changes: Any,
) -> Dataset:
    """Return a CT slice.

    Args:
        patient: PatientID.
        series: The slice belongs to the series of this name.
        z: Position along the patient, mm.
        stored: Pixels (rows, columns), (frames, rows, columns) or (rows, columns, 3); signed or
            unsigned. By default a picture that no other position, series or patient has.
        without: Keywords of elements to leave out.
        changes: Elements by keyword; bytes are stored as they are, even if they are no value.
    """
    if stored is None:
        stored = picture(seed_for(patient, str(series), round(z * 100)))
    is_colour = stored.ndim == 3 and stored.shape[2] == 3
    dataset = Dataset()
    dataset.SOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = uid(patient, series, z)
    dataset.StudyInstanceUID = uid(patient, "study")
    dataset.SeriesInstanceUID = uid(patient, "series", series)
    dataset.FrameOfReferenceUID = uid(patient, "frame")
    dataset.Modality = "CT"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.PatientID = patient
    dataset.PatientName = "Doe^Jane"
    dataset.KVP = "120"
    dataset.AcquisitionNumber = 1
    dataset.AcquisitionTime = "101500"
    dataset.InstanceNumber = 1
    dataset.ImagePositionPatient = [-100.0, -100.0, z]
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.PixelSpacing = [1.0, 1.0]
    dataset.RescaleIntercept = "-1024"
    dataset.RescaleSlope = "1"
    dataset.SamplesPerPixel = 3 if is_colour else 1
    dataset.PhotometricInterpretation = "RGB" if is_colour else "MONOCHROME2"
    if is_colour:
        dataset.PlanarConfiguration = 0
    frames = stored.ndim == 3 and not is_colour
    if frames:
        dataset.NumberOfFrames = len(stored)
    dataset.Rows, dataset.Columns = stored.shape[1:] if frames else stored.shape[:2]
    dataset.BitsAllocated = dataset.BitsStored = stored.dtype.itemsize * 8
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(stored.dtype.kind == "i")
    dataset.PixelData = stored.tobytes()
    dataset["PixelData"].VR = "OB" if is_colour else "OW"
    for keyword, value in changes.items():
        if isinstance(value, bytes):
            tag = Tag(keyword)
            dataset[tag] = RawDataElement(
                tag, dictionary_VR(tag), len(value), value, 0, False, True
            )
        else:
            setattr(dataset, keyword, value)
            if keyword.startswith("PixelPadding"):  # often unsigned although the pixels are signed
                dataset[keyword].VR = "US" if value >= 0 else "SS"
    for keyword in without:
        delattr(dataset, keyword)
    return dataset


def save(path: Path, dataset: Dataset, transfer_syntax: UID = ExplicitVRLittleEndian) -> Path:
    """Write a dataset as a DICOM file, compressed or in big-endian order where asked."""
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.get("SOPClassUID", CTImageStorage)
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.get("SOPInstanceUID") or uid(path)
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    if transfer_syntax == ExplicitVRBigEndian:
        stored = np.frombuffer(dataset.PixelData, "<u2")
        dataset.PixelData = stored.astype(">u2").tobytes()
    if transfer_syntax.is_encapsulated:
        dataset.compress(transfer_syntax, generate_instance_uid=False)
    dataset.file_meta.TransferSyntaxUID = transfer_syntax
    dataset.save_as(path, enforce_file_format=True)
    return path


def write_ct(path: Path, transfer_syntax: UID = ExplicitVRLittleEndian, **wanted: Any) -> Path:
    """Write the CT slice that `ct_dataset` makes of the remaining arguments."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(config.settings, "reading_validation_mode", config.IGNORE)
        patch.setattr(config.settings, "writing_validation_mode", config.IGNORE)
        return save(path, ct_dataset(**wanted), transfer_syntax)


def write_series(folder: Path, slices: int = 4, spacing: float = 5.0, **wanted: Any) -> list[Path]:
    """Write slices from the lowest to the highest; the names follow nothing."""
    return [
        write_ct(folder / f"{(7 * number + 3) % 101}.dcm", z=number * spacing, **wanted)
        for number in range(slices)
    ]
