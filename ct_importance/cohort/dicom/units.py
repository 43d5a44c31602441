"""Checks that the header of a slice says how its pixels become Hounsfield units."""

from __future__ import annotations

import math

from ct_importance.cohort.dicom.values import HeaderValues
from ct_importance.cohort.rejection import RejectedFile

LARGEST_MATRIX = 4096
"""Rows or columns; scanners make 1024 and, for ultra-high resolution, 2048. What a damaged or
hostile file can make a decoder allocate is bounded by it."""
RANGE = (1000, 2**17)
"""Hounsfield units between the lowest and the highest pixel that can be stored: from air to soft
tissue at least; 4096 as a rule, 65536 with 16 bits, 40960 on the extended scale of Siemens."""
MOST_BITS_IN_USE = 16
LARGEST_INTERCEPT = 65536
LARGEST_LOSSY_RATIO = 30
"""Radiologists accept 5 to 10 for chest CT; at 300 Hounsfield units are off by 60 on average."""
UNKNOWN = "Hounsfield units are unknown"


def check_units(values: HeaderValues) -> None:
    """Check the pixel format and the rescaling of a slice.

    MONOCHROME1 is accepted: it says how to display the values, not what they mean.

    Raises:
        RejectedFile: If they are incomplete, contradict each other or are implausible.
    """
    _check_rescale(values)
    _check_format(values)
    bits = min(values.required_whole("BitsStored"), MOST_BITS_IN_USE)
    if not RANGE[0] <= values.required_number("RescaleSlope") * 2**bits <= RANGE[1]:
        raise RejectedFile(f"RescaleSlope is implausible: {UNKNOWN}")


def _check_rescale(values: HeaderValues) -> None:
    if "ModalityLUTSequence" in values:
        raise RejectedFile(f"a table (ModalityLUTSequence) in place of RescaleSlope: {UNKNOWN}")
    for keyword in ("RescaleSlope", "RescaleIntercept"):
        number = values.number(keyword)
        if number is None:
            raise RejectedFile(f"no {keyword}: {UNKNOWN}")
        if not math.isfinite(number):
            raise RejectedFile(f"{keyword} is not a number: {UNKNOWN}")
    if values.number("RescaleSlope") == 0:
        raise RejectedFile(f"RescaleSlope is 0: {UNKNOWN}")
    if abs(values.required_number("RescaleIntercept")) > LARGEST_INTERCEPT:
        raise RejectedFile(f"RescaleIntercept is implausible: {UNKNOWN}")
    if values.text("RescaleType").upper() not in ("", "HU"):
        raise RejectedFile("RescaleType is not HU")
    ratios = values.numbers("LossyImageCompressionRatio")
    if ratios and not max(ratios) <= LARGEST_LOSSY_RATIO:
        raise RejectedFile(
            f"lossy compression beyond {LARGEST_LOSSY_RATIO}:1: Hounsfield units are far off"
        )


def _check_format(values: HeaderValues) -> None:
    for keyword in ("Rows", "Columns"):
        if not 1 <= values.required_whole(keyword) <= LARGEST_MATRIX:
            raise RejectedFile(f"{keyword} is not between 1 and {LARGEST_MATRIX}")
    interpretation = values.text("PhotometricInterpretation")
    if not interpretation:
        raise RejectedFile("no PhotometricInterpretation")
    is_grey = interpretation in ("MONOCHROME1", "MONOCHROME2")
    if values.required_whole("SamplesPerPixel") != 1 or not is_grey:
        raise RejectedFile("colour image")
    allocated = values.required_whole("BitsAllocated")
    if allocated not in (8, 16, 32):
        raise RejectedFile("BitsAllocated is not 8, 16 or 32")
    stored = values.required_whole("BitsStored")
    if not 1 <= stored <= allocated:
        raise RejectedFile("BitsStored is not between 1 and BitsAllocated")
    if values.whole("HighBit") not in (None, stored - 1):
        raise RejectedFile("HighBit is not BitsStored - 1: which bits hold the pixel is unclear")
    if values.required_whole("PixelRepresentation") not in (0, 1):
        raise RejectedFile("PixelRepresentation is neither 0 nor 1")
