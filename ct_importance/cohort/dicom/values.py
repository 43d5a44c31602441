"""Reads the few elements of a DICOM header that are needed of every file.

pydicom takes longer to convert these elements than to read the whole header; here they are taken
from their bytes. Text that is not ASCII is left to pydicom.
"""

from __future__ import annotations

from typing import TypeVar

import pydicom
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag

from ct_importance.cohort.rejection import RejectedFile

Number = TypeVar("Number", int, float)
KEYWORDS = (
    "SOPClassUID",
    "SOPInstanceUID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "FrameOfReferenceUID",
    "PatientID",
    "Modality",
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
    "PhotometricInterpretation",
    "NumberOfFrames",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "RescaleIntercept",
    "RescaleSlope",
    "RescaleType",
    "ModalityLUTSequence",
    "LossyImageCompressionRatio",
)
TAGS = {keyword: int(Tag(keyword)) for keyword in KEYWORDS}
KEYWORD_OF = {tag: keyword for keyword, tag in TAGS.items()}
BINARY = {keyword for keyword, tag in TAGS.items() if dictionary_VR(tag) == "US"}
LARGEST_WHOLE = 2**31
"""IS, the text for whole numbers, is limited to 32 bits."""
PADDING = b" \0"


class HeaderValueError(ValueError):
    """A value is not what it should be; the message names its keyword, and nothing of the value."""


class HeaderValues:
    """Values of a header by keyword (`KEYWORDS`); `HeaderValueError` if one is malformed."""

    def __init__(self, dataset: pydicom.Dataset) -> None:
        """Take the elements of a dataset read with `TAGS` as its specific tags."""
        self._dataset = dataset
        self._elements = {
            keyword: element
            for element in dataset.values()
            if (keyword := KEYWORD_OF.get(int(element.tag))) is not None
        }

    def __contains__(self, keyword: str) -> bool:
        """Whether the header has the element, be it empty."""
        return keyword in self._elements

    @property
    def is_implicit(self) -> bool:
        """Whether elements are stored without their type, whatever the transfer syntax says."""
        return self._element("Rows").is_implicit_VR

    def check_equal(self, dataset: pydicom.Dataset) -> None:
        """Check that a dataset with all elements of the file, read anew, has these values.

        Raises:
            HeaderValueError: If it differs: an element stands a second time behind the pixels.
        """
        for keyword in KEYWORDS:
            found = dataset.get_item(TAGS[keyword])
            known = self._elements.get(keyword)
            if isinstance(found, RawDataElement) and (known is None or found.value != known.value):
                raise HeaderValueError(f"{keyword} stands behind the pixels")

    def text(self, keyword: str) -> str:
        """Return a text, values separated by backslashes; "" if it is absent or empty."""
        value = self._bytes(keyword)
        if value.isascii():
            return value.decode().strip(" \0")
        converted = self._dataset[TAGS[keyword]].value
        values = [converted] if isinstance(converted, str) else converted
        return "\\".join(map(str, values)).strip(" \0")

    def texts(self, keyword: str) -> list[str]:
        """Return the values of a text that may have several; none if it is absent or empty."""
        text = self.text(keyword)
        return [value.strip() for value in text.split("\\")] if text else []

    def numbers(self, keyword: str) -> list[float]:
        """Return decimal numbers; none if they are absent or empty. May be infinite or NaN."""
        value = self._bytes(keyword).strip(PADDING)
        try:
            if b"_" in value:  # Python reads 1_0 as 10
                raise ValueError
            return [float(part) for part in value.split(b"\\")] if value else []
        except ValueError:
            raise HeaderValueError(f"{keyword} is not a number") from None

    def number(self, keyword: str) -> float | None:
        """Return a decimal number; None if it is absent or empty."""
        numbers = self.numbers(keyword)
        if len(numbers) > 1:
            raise HeaderValueError(f"{keyword} has several values")
        return numbers[0] if numbers else None

    def whole(self, keyword: str) -> int | None:
        """Return a whole number; None if it is absent or empty."""
        if keyword in BINARY:
            value = self._bytes(keyword)
            if len(value) not in (0, 2):
                raise HeaderValueError(f"{keyword} does not have two bytes")
            if not value:
                return None
            is_little = self._element(keyword).is_little_endian
            return int.from_bytes(value, "little" if is_little else "big")
        number = self.number(keyword)
        if number is None:
            return None
        if not number.is_integer() or abs(number) > LARGEST_WHOLE:
            raise HeaderValueError(f"{keyword} is not a whole number")
        return int(number)

    def required_number(self, keyword: str) -> float:
        """Return a decimal number.

        Raises:
            RejectedFile: If it is absent or empty.
        """
        return _present(self.number(keyword), keyword)

    def required_whole(self, keyword: str) -> int:
        """Return a whole number.

        Raises:
            RejectedFile: If it is absent or empty.
        """
        return _present(self.whole(keyword), keyword)

    def _bytes(self, keyword: str) -> bytes:
        if keyword not in self._elements:
            return b""
        value = self._element(keyword).value
        return value if isinstance(value, bytes) else b""

    def _element(self, keyword: str) -> RawDataElement:
        element = self._elements[keyword]
        if not isinstance(element, RawDataElement):
            raise HeaderValueError(f"{keyword} is a sequence")
        return element


def _present(value: Number | None, keyword: str) -> Number:
    if value is None:
        raise RejectedFile(f"no {keyword}")
    return value
