"""Decodes the pixels of a DICOM file to the values that were stored, and checks them."""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.encaps import generate_frames
from pydicom.pixels.utils import pixel_array
from pydicom.uid import (
    UID,
    JPEG2000TransferSyntaxes,
    JPEGLSTransferSyntaxes,
    JPEGTransferSyntaxes,
    RLELossless,
)

from ct_importance.cohort.dicom.codestream import Codestream, read_codestream
from ct_importance.cohort.dicom.file import (
    LARGEST_FILE,
    MOST_PIECES,
    in_pieces,
    open_dicom,
    read_before_pixels,
)
from ct_importance.cohort.dicom.pixel_data import find_pixel_data
from ct_importance.cohort.dicom.units import check_units
from ct_importance.cohort.rejection import RejectedFile
from ct_importance.io.paths import StrPath

OVERLAY_GROUPS = range(0x6000, 0x6020, 2)
OVERLAY_BIT_POSITION, OVERLAY_DATA = 0x0102, 0x3000
FAILURE = "pixels cannot be decoded"


@dataclass(frozen=True, slots=True)
class StoredSlice:
    """The pixels of a slice as they are stored, and what makes Hounsfield units of them."""

    pixels: np.ndarray
    """Array (rows, columns) of whole numbers."""
    is_padding: np.ndarray
    """Array (rows, columns) of bool."""
    slope: float
    intercept: float
    dataset: pydicom.FileDataset


def read_stored(path: StrPath) -> StoredSlice:
    """Return the stored pixels of a slice.

    Raises:
        RejectedFile: If the pixels cannot be decoded or Hounsfield units are unknown.
    """
    with open_dicom(path, FAILURE) as file:
        header = read_before_pixels(file)
        check_units(header.values)
        find_pixel_data(header)
        if header.size > LARGEST_FILE:
            raise RejectedFile("file is larger than any slice")
        file.seek(0)
        # The header has been read: that the preamble may be missing is known.
        dataset = pydicom.dcmread(in_pieces(file, MOST_PIECES), force=True)
        dataset.file_meta.TransferSyntaxUID = header.transfer_syntax
        header.values.check_equal(dataset)
        stored = _decode(dataset)
        if stored.shape != (dataset.Rows, dataset.Columns):
            raise RejectedFile(f"pixels have shape {stored.shape}, not rows x columns")
        is_padding = padding_mask(stored, dataset)
        return StoredSlice(
            _without_unused_bits(stored, is_padding, dataset),
            is_padding,
            header.values.required_number("RescaleSlope"),
            header.values.required_number("RescaleIntercept"),
            dataset,
        )


def pixel_data_digest(path: StrPath) -> str | None:
    """Return a digest of the stored pixels; None if they are all one value or cannot be read.

    A file that is gone by now counts as one that cannot be read: reading its pixels later says so.
    """
    try:
        stored = read_stored(path).pixels
    except RejectedFile:
        return None
    if (stored == stored.flat[0]).all():
        return None
    digest = hashlib.blake2b(repr((stored.shape, stored.dtype.str)).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(stored).data)
    return digest.hexdigest()


def _decode(dataset: pydicom.FileDataset) -> np.ndarray:
    """Return pixels as decoded; bits beyond BitsStored are as they were stored."""
    syntax = dataset.file_meta.TransferSyntaxUID
    if not syntax.is_encapsulated:
        return pixel_array(dataset, correct_unused_bits=False)
    # One decoder for each format: what else is installed must not change the pixels.
    if syntax == RLELossless:
        return _decode_run_lengths(dataset)
    image = next(generate_frames(dataset.PixelData, number_of_frames=1))
    stream = _checked_codestream(image, syntax, dataset)
    stored = pixel_array(dataset, decoding_plugin="pylibjpeg", correct_unused_bits=False)
    if syntax in JPEGTransferSyntaxes and syntax not in JPEGLSTransferSyntaxes:
        # JPEG does not know signs; pydicom sees to them in JPEG-LS and JPEG 2000 only.
        return _last_bits(stored, stream.precision)
    return stored


def _decode_run_lengths(dataset: pydicom.FileDataset) -> np.ndarray:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        stored = pixel_array(dataset, decoding_plugin="pydicom", correct_unused_bits=False)
    # Runs do not tell rows from columns: with too few of either the picture would be sheared.
    if any("RLE segment" in str(warning.message) for warning in caught):
        raise RejectedFile("compressed image is larger than the header says")
    return stored


def _checked_codestream(image: bytes, syntax: UID, dataset: pydicom.FileDataset) -> Codestream:
    stream = read_codestream(image)
    if (stream.rows, stream.columns) != (dataset.Rows, dataset.Columns):
        raise RejectedFile("Rows or Columns differ from those of the compressed image")
    if stream.components != 1:
        raise RejectedFile("colour image")
    if stream.precision > dataset.BitsAllocated:
        raise RejectedFile("compressed image has more bits than BitsAllocated")
    if (stream.is_signed is None) == (syntax in JPEG2000TransferSyntaxes):
        raise RejectedFile("compressed image is not of its transfer syntax")
    if stream.is_signed and dataset.PixelRepresentation == 0:
        # The other way round occurs: the bits are those of signed numbers, pydicom reads them so.
        raise RejectedFile("pixels are signed in the compressed image, unsigned in the header")
    return stream


def _without_unused_bits(
    stored: np.ndarray, is_padding: np.ndarray, dataset: pydicom.FileDataset
) -> np.ndarray:
    """Return pixels without overlays in the unused bits; reject other values in them.

    Bits beyond BitsStored may hold an overlay (up to 2004), garbage, a padding value, or the pixel
    itself if BitsStored is wrong. Only the overlay can be told from the pixel.
    """
    clean = _last_bits(stored, dataset.BitsStored)
    if _has_overlay_in_pixels(dataset):
        return clean
    # Padding may lie beyond the range of BitsStored.
    if ((stored != clean) & ~is_padding).any():
        raise RejectedFile("pixel values need more bits than BitsStored")
    return stored


def _last_bits(stored: np.ndarray, bits: int) -> np.ndarray:
    """Return the numbers, signed if `stored` is, that the last bits of each pixel hold."""
    unused = 8 * stored.dtype.itemsize - bits
    return stored << unused >> unused if unused > 0 else stored


def _has_overlay_in_pixels(dataset: pydicom.FileDataset) -> bool:
    return any(
        (group, OVERLAY_BIT_POSITION) in dataset and (group, OVERLAY_DATA) not in dataset
        for group in OVERLAY_GROUPS
    )


def padding_mask(stored: np.ndarray, dataset: pydicom.Dataset) -> NDArray[np.bool_]:
    """Return where stored values are padding, (rows, columns) bool.

    Pixels equal to PixelPaddingValue, or between it and PixelPaddingRangeLimit, are padding
    (DICOM PS3.3 C.7.5.1.1.2). The value is often written as unsigned although pixels are signed.
    """
    value = dataset.get("PixelPaddingValue")
    if value is None:
        return np.zeros(stored.shape, bool)
    limit = dataset.get("PixelPaddingRangeLimit")
    ends = [_as_stored(end, dataset) for end in (value, value if limit is None else limit)]
    return (stored >= min(ends)) & (stored <= max(ends))


def _as_stored(value: int | bytes, dataset: pydicom.Dataset) -> int:
    signed = dataset.PixelRepresentation == 1
    if isinstance(value, bytes):
        is_little = dataset.file_meta.TransferSyntaxUID.is_little_endian
        return int.from_bytes(value[:2], "little" if is_little else "big", signed=signed)
    bits = int(dataset.BitsAllocated)
    if signed and value >= 1 << (bits - 1):
        return value - (1 << bits)
    if not signed and value < 0:
        return value + (1 << bits)
    return value
