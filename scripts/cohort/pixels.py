"""Pixels of a slice: Hounsfield units, standard orientation, scaling to [0, 1], resizing."""

from __future__ import annotations

import os
import warnings

import numpy as np
import pydicom

from scripts.cohort.dicom_header import RejectedFile

AIR_HU = -1000.0


def read_hounsfield(path: str | os.PathLike) -> tuple[np.ndarray, pydicom.Dataset]:
    """Return a slice in Hounsfield units as stored, padding as air, and its dataset.

    HU = stored * RescaleSlope + RescaleIntercept (DICOM PS3.3 C.11.1); pixels equal to
    PixelPaddingValue, or between it and PixelPaddingRangeLimit, become -1000 (C.7.5.1.1.2).

    Returns:
        Array (rows, columns), float32, in HU; the dataset with its geometry.

    Raises:
        RejectedFile: If the pixels cannot be decoded, with the reason.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = pydicom.dcmread(path)
            stored = dataset.pixel_array
    except Exception as error:
        # Damaged or exotic pixel data make the decoders raise nearly anything.
        raise RejectedFile(f"pixels cannot be decoded ({type(error).__name__})") from None
    if stored.shape != (dataset.Rows, dataset.Columns):
        raise RejectedFile(f"pixels have shape {stored.shape}, not rows x columns")
    hounsfield = stored * np.float32(dataset.RescaleSlope) + np.float32(dataset.RescaleIntercept)
    hounsfield[padding_mask(stored, dataset)] = AIR_HU
    return hounsfield.astype(np.float32), dataset


def padding_mask(stored: np.ndarray, dataset: pydicom.Dataset) -> np.ndarray:
    """Return where stored values are padding, (rows, columns) bool.

    The padding value is often written as unsigned although the pixels are signed.
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
        return int.from_bytes(value[:2], "little", signed=signed)
    bits = dataset.BitsAllocated
    if signed and value >= 2 ** (bits - 1):
        return value - 2**bits
    if not signed and value < 0:
        return value + 2**bits
    return value


def to_standard_orientation(pixels: np.ndarray, orientation: np.ndarray) -> np.ndarray:
    """Flip or transpose a slice so that columns run to the patient's left, rows to the back.

    Args:
        pixels: Array (rows, columns).
        orientation: ImageOrientationPatient, six direction cosines of a nearly axial slice.
    """
    along_columns, along_rows = np.float64(orientation[:3]), np.float64(orientation[3:])
    if abs(along_columns[0]) < abs(along_columns[1]):
        pixels, along_columns, along_rows = pixels.T, along_rows, along_columns
    if along_columns[0] < 0:
        pixels = pixels[:, ::-1]
    if along_rows[1] < 0:
        pixels = pixels[::-1]
    return pixels


def to_unit_range(hounsfield: np.ndarray, window: tuple[float, float]) -> np.ndarray:
    """Clip to a window of Hounsfield units and scale it to [0, 1]."""
    low, high = window
    return np.clip((hounsfield - low) / (high - low), 0, 1)


def resize_slice(pixels: np.ndarray, spacing: tuple[float, float], size: int) -> np.ndarray:
    """Resize a slice to (size, size), anti-aliased for images, nearest neighbour for masks.

    The picture keeps its proportions: if it is not square in millimetres, it is centred on black.

    Args:
        pixels: Array (rows, columns): float in [0, 1], or bool for a mask.
        spacing: Millimetres between rows and between columns.
        size: Rows and columns of the result.
    """
    from skimage.transform import resize

    extent = np.array(pixels.shape) * spacing
    height, width = np.maximum(1, np.rint(size * extent / extent.max())).astype(int)
    is_mask = pixels.dtype == bool
    resized = resize(pixels, (height, width), order=0 if is_mask else 1, anti_aliasing=not is_mask)
    result = np.zeros((size, size), bool if is_mask else np.float32)
    top, left = (size - height) // 2, (size - width) // 2
    result[top : top + height, left : left + width] = resized
    return result
