"""Maps as DICOM: Parametric Maps (PS3.3 A.75) and Segmentations (A.51), written by highdicom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.sr.codedict import codes
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from ct_importance.cohort.slice_entry import SliceEntry
from ct_importance.report.provenance import package_versions

if TYPE_CHECKING:
    from highdicom.pm import ParametricMap
    from highdicom.seg import Segmentation

MOST_LETTERS = 64
"""Of a SeriesDescription (LO)."""
MAP_NUMBER, REGION_NUMBER = 9001, 9002
"""Series numbers, above those that scanners give."""
PROGRAM = "ct-importance"


def parametric_map(
    entries: Sequence[SliceEntry], thickness: float, maps: NDArray[np.float32], title: str
) -> ParametricMap:
    """Return the maps of slices of one series as a DICOM Parametric Map.

    Args:
        entries: The slices, which it refers to, all of one size.
        thickness: Of a slice, mm.
        maps: (N, rows, columns), finite.
        title: Names estimator and classifier.
    """
    import highdicom

    value_range = (float(maps.min()), float(maps.max()))
    mapping = highdicom.pm.RealWorldValueMapping(
        lut_label="importance",
        lut_explanation=title[:MOST_LETTERS],
        unit=codes.UCUM.NoUnits,
        value_range=value_range,
        slope=1.0,
        intercept=0.0,
        quantity_definition=codes.DCM.ClassActivation,
    )
    window = highdicom.VOILUTTransformation(
        window_center=sum(value_range) / 2,
        window_width=max(value_range[1] - value_range[0], 1e-6),
    )
    return highdicom.pm.ParametricMap(
        source_images=[_reference(entry, thickness) for entry in entries],
        pixel_array=maps,
        real_world_value_mappings=[mapping],
        voi_lut_transformations=[window],
        content_label="IMPORTANCE",
        **_common(entries, title, "map", MAP_NUMBER),
        contains_recognizable_visual_features=False,
    )


def segmentation(
    entries: Sequence[SliceEntry],
    thickness: float,
    regions: NDArray[np.bool_],
    title: str,
    label: str,
) -> Segmentation:
    """Return the most important regions of slices of one series as a DICOM Segmentation.

    Args:
        entries: The slices, which it refers to, all of one size.
        thickness: Of a slice, mm.
        regions: (N, rows, columns) bool, True in the region; not all False.
        title: Names estimator and classifier.
        label: Says which region it is.
    """
    import highdicom

    algorithm = highdicom.AlgorithmIdentificationSequence(
        name=title[:MOST_LETTERS], family=codes.DCM.ArtificialIntelligence, version=_version()
    )
    description = highdicom.seg.SegmentDescription(
        segment_number=1,
        segment_label=label[:MOST_LETTERS],
        segmented_property_category=codes.SCT.SpatialAndRelationalConcept,
        segmented_property_type=codes.DCM.ImageRegion,
        algorithm_type="AUTOMATIC",
        algorithm_identification=algorithm,
    )
    return highdicom.seg.Segmentation(
        source_images=[_reference(entry, thickness) for entry in entries],
        pixel_array=regions.astype(np.uint8),
        segmentation_type="BINARY",
        segment_descriptions=[description],
        content_label="IMPORTANT",
        **_common(entries, f"{label} of {title}", "region", REGION_NUMBER),
    )


def _common(entries: Sequence[SliceEntry], title: str, kind: str, number: int) -> dict[str, Any]:
    # Of the same map of the same slices the same, so that a viewer takes it for no other.
    uids = [
        generate_uid(entropy_srcs=[part, kind, title, *(entry.slice_id for entry in entries)])
        for part in ("series", "instance")
    ]
    return {
        "series_instance_uid": uids[0],
        "series_number": number,
        "sop_instance_uid": uids[1],
        "instance_number": 1,
        "manufacturer": PROGRAM,
        "manufacturer_model_name": PROGRAM,
        "software_versions": _version(),
        "device_serial_number": "1",
        "content_description": title[:MOST_LETTERS],
        "series_description": title[:MOST_LETTERS],
        "transfer_syntax_uid": ExplicitVRLittleEndian,
    }


def _version() -> str:
    return package_versions([PROGRAM])[PROGRAM] or "0"  # of a clone that is not installed


def _reference(entry: SliceEntry, thickness: float) -> pydicom.Dataset:
    """Return what is said of a source slice: UIDs, place and patient_id, and nothing of its header.

    What highdicom would copy of the patient and the study is not there to be copied.
    """
    image = pydicom.Dataset()
    image.file_meta = pydicom.dataset.FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.SOPClassUID = CTImageStorage
    image.SOPInstanceUID = entry.slice_id
    image.StudyInstanceUID = entry.study_uid
    image.SeriesInstanceUID = entry.series_uid
    image.FrameOfReferenceUID = entry.frame_of_reference
    image.PositionReferenceIndicator = ""
    image.Modality = "CT"
    image.PatientID = entry.patient_id
    for keyword in ("PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber"):
        setattr(image, keyword, "")
    for keyword in ("StudyID", "StudyDate", "StudyTime", "ReferringPhysicianName"):
        setattr(image, keyword, "")
    image.Rows, image.Columns = entry.rows, entry.columns
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.BitsAllocated, image.BitsStored, image.HighBit = 16, 16, 15
    image.PixelRepresentation = 1
    image.ImagePositionPatient = list(map(_decimal, entry.origin))
    image.ImageOrientationPatient = list(map(_decimal, entry.orientation))
    image.PixelSpacing = list(map(_decimal, entry.spacing))
    image.SliceThickness = _decimal(thickness)
    return image


def _decimal(value: float) -> pydicom.valuerep.DSfloat:
    return pydicom.valuerep.DSfloat(value, auto_format=True)
