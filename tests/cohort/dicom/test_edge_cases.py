"""A verdict on every file of dicom_edge_cases, in the folder named by CT_IMPORTANCE_DATA."""

import os
from pathlib import Path

import numpy as np
import pydicom
import pytest

from ct_importance.cohort.dicom.header import read_header
from ct_importance.cohort.pixels import AIR_HU, read_hounsfield
from ct_importance.cohort.rejection import RejectedFile

pytestmark = pytest.mark.skipif(
    "CT_IMPORTANCE_DATA" not in os.environ,
    reason="CT_IMPORTANCE_DATA does not name the folder with real CT",
)
EDGE = Path(os.environ.get("CT_IMPORTANCE_DATA", "")).resolve() / "dicom_edge_cases"
ORIGINAL = "cornerstone_CTImage/CTImage.dcm"

DERIVED = "derived image (keep_derived: true of the dataset keeps it)"
MULTI_FRAME = "multi-frame CT: convert it to one file per slice"
NO_DICOM = "not a DICOM file"
SEGMENTATION = "not a CT image (Segmentation Storage)"
TOO_LOSSY = "lossy compression beyond 30:1: Hounsfield units are far off"
PROCESS = "pixels cannot be decoded (transfer syntax JPEG {}, Non-Hierarchical (Process {}))"

LARGEST_LOSS = {
    "": 0,
    "_BigEndianExplicitTransferSyntax_1.2.840.10008.1.2.2.dcm": 0,
    "_DeflatedExplicitVRLittleEndianTransferSyntax_1.2.840.10008.1.2.1.99.dcm": 0,
    "_JPEG2000LosslessOnlyTransferSyntax_1.2.840.10008.1.2.4.90.dcm": 0,
    "_JPEG2000TransferSyntax_1.2.840.10008.1.2.4.91.dcm": 5,
    "_JPEGLSLosslessTransferSyntax_1.2.840.10008.1.2.4.80.dcm": 0,
    "_JPEGLSLossyTransferSyntax_1.2.840.10008.1.2.4.81.dcm": 1,
    "_JPEGProcess14SV1TransferSyntax_1.2.840.10008.1.2.4.70.dcm": 0,
    "_JPEGProcess14TransferSyntax_1.2.840.10008.1.2.4.57.dcm": 0,
    "_JPEGProcess1TransferSyntax_1.2.840.10008.1.2.4.50.dcm": 64.3,
    "_JPEGProcess2_4TransferSyntax_1.2.840.10008.1.2.4.51.dcm": 35.7,
    "_LittleEndianExplicitTransferSyntax_1.2.840.10008.1.2.1.dcm": 0,
    "_LittleEndianImplicitTransferSyntax_1.2.840.10008.1.2.dcm": 0,
    "_RLELosslessTransferSyntax_1.2.840.10008.1.2.5.dcm": 0,
}
"""Hounsfield units by which a copy of the slice may differ from it, for the end of its name."""

KEPT = {
    "dcmqi_seg/01.dcm",
    "dcmqi_seg/02.dcm",
    "dcmqi_seg/03.dcm",
    "pydicom/693_J2KR.dcm",
    "pydicom/693_UNCR.dcm",
    "pydicom/CT_small.dcm",
    "pydicom/J2K_pixelrep_mismatch.dcm",
    "pydicom/bad_sequence.dcm",
    "pydicom/explicit_VR-UN.dcm",
} | {ORIGINAL + end for end, loss in LARGEST_LOSS.items() if loss == 0}
KEPT_IF_DERIVED = {"cornerstone_CTImage/CT1_J2KR", "cornerstone_CTImage/CT2_J2KR"} | {
    ORIGINAL + end for end, loss in LARGEST_LOSS.items() if loss > 0
}
DERIVED_AND_REJECTED = {
    ORIGINAL + "_JPEGProcess10_12TransferSyntax_1.2.840.10008.1.2.4.55.dcm": PROCESS.format(
        "Full Progression", "10 and 12"
    ),
    ORIGINAL + "_JPEGProcess6_8TransferSyntax_1.2.840.10008.1.2.4.53.dcm": PROCESS.format(
        "Spectral Selection", "6 and 8"
    ),
    "pydicom/693_J2KI.dcm": TOO_LOSSY,
    "pydicom/693_UNCI.dcm": TOO_LOSSY,
}
"""Set aside as derived and, if those are kept, for this reason."""
REJECTED = {
    "README.md": NO_DICOM,
    "cornerstone_CTImage/CT0012.fragmented_no_bot_jpeg_baseline.51.dcm": MULTI_FRAME,
    "cornerstone_CTImage/no-pixel-data.dcm": "not a CT image (Basic Text SR Storage)",
    "dcmqi_seg/heart_seg.nrrd": NO_DICOM,
    "dcmqi_seg/liver.dcm": SEGMENTATION,
    "dcmqi_seg/liver_seg.nrrd": NO_DICOM,
    "dcmqi_seg/partial_overlaps.dcm": SEGMENTATION,
    "lungmask/0.dcm": "no PatientID",
    "lungmask/1.dcm": "no PatientID",
    "pydicom/MR_truncated.dcm": "not a CT image (MR Image Storage)",
    "pydicom/eCT_Supplemental.dcm": MULTI_FRAME,
    "pydicom/liver.dcm": SEGMENTATION,
    "pydicom/liver_1frame.dcm": SEGMENTATION,
    "pydicom/liver_rle.dcm": SEGMENTATION,
    "pydicom/no_meta.dcm": NO_DICOM,
}


def verdict(path: Path, keep_derived: bool) -> str:
    """Return why a file is set aside, or "kept" once its pixels have been read."""
    try:
        header = read_header(path, keep_derived)
    except RejectedFile as reason:
        return str(reason)
    hounsfield, _ = read_hounsfield(path)
    assert hounsfield.shape == (header.rows, header.columns)
    return "kept"


def test_every_file_is_decoded_or_set_aside_with_the_reason_known_for_it(capfd):
    files = {str(path.relative_to(EDGE)) for path in EDGE.rglob("*") if path.is_file()}
    expected = {
        **dict.fromkeys(KEPT, ("kept", "kept")),
        **dict.fromkeys(KEPT_IF_DERIVED, (DERIVED, "kept")),
        **{name: (DERIVED, reason) for name, reason in DERIVED_AND_REJECTED.items()},
        **{name: (reason, reason) for name, reason in REJECTED.items()},
    }

    found = {name: tuple(verdict(EDGE / name, keep) for keep in (False, True)) for name in files}

    assert found == expected
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("end", "loss"), LARGEST_LOSS.items(), ids=lambda it: str(it)[:30])
def test_copies_of_a_slice_equal_it_within_the_loss_of_their_codec(end, loss):
    expected, _ = read_hounsfield(EDGE / ORIGINAL)

    assert np.abs(read_hounsfield(EDGE / (ORIGINAL + end))[0] - expected).max() <= loss


def test_hounsfield_units_of_the_original_are_those_of_its_bytes():
    content = (EDGE / ORIGINAL).read_bytes()
    stored = np.frombuffer(content[-512 * 512 * 2 :], "<i2").reshape(512, 512)

    np.testing.assert_array_equal(read_hounsfield(EDGE / ORIGINAL)[0], stored - 1024.0)


def test_a_compressed_slice_equals_the_one_it_was_made_of():
    folder = EDGE / "pydicom"

    np.testing.assert_array_equal(
        read_hounsfield(folder / "693_J2KR.dcm")[0], read_hounsfield(folder / "693_UNCR.dcm")[0]
    )


def test_pixels_signed_in_the_header_only_are_read_as_signed():
    """Outside the circle of reconstruction lies -2000, which unsigned would be 6192."""
    hounsfield, _ = read_hounsfield(EDGE / "pydicom/J2K_pixelrep_mismatch.dcm")

    assert hounsfield[0, 0] == hounsfield.min() == -2000
    assert hounsfield.max() == 1896
    assert ((hounsfield > -100) & (hounsfield < 100)).mean() > 0.1


def test_padding_of_dcmqi_becomes_air():
    hounsfield, dataset = read_hounsfield(EDGE / "dcmqi_seg/01.dcm")

    assert (hounsfield[dataset.pixel_array == dataset.PixelPaddingValue] == AIR_HU).all()


def test_signed_pixels_of_a_jpeg_of_twelve_bits_are_read_as_signed(tmp_path):
    source = EDGE / (ORIGINAL + "_JPEGProcess2_4TransferSyntax_1.2.840.10008.1.2.4.51.dcm")
    stored = pydicom.dcmread(source).pixel_array.astype(int)
    content = source.read_bytes()
    representation = b"\x28\0\x03\x01US\x02\0"
    copy = tmp_path / "signed.dcm"
    copy.write_bytes(content.replace(representation + b"\0\0", representation + b"\1\0"))

    hounsfield, dataset = read_hounsfield(copy)

    assert stored.max() > 2047
    signed = np.where(stored > 2047, stored - 4096, stored)
    expected = signed * float(dataset.RescaleSlope) + float(dataset.RescaleIntercept)
    np.testing.assert_allclose(hounsfield, expected, atol=0.01)


def test_a_jpeg_of_more_bits_than_bits_stored_is_set_aside_if_its_sign_is_unclear(tmp_path):
    source = EDGE / "pydicom/bad_sequence.dcm"
    representation = b"\x28\0\x03\x01US\x02\0"
    copy = tmp_path / "signed.dcm"
    copy.write_bytes(
        source.read_bytes().replace(representation + b"\0\0", representation + b"\1\0")
    )

    with pytest.raises(RejectedFile, match="pixel values need more bits than BitsStored"):
        read_hounsfield(copy)
