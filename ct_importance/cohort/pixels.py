"""Pixels of a slice: Hounsfield units, standard orientation, scaling to [0, 1], resizing."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pydicom

from ct_importance.cohort.dicom.decoding import read_stored
from ct_importance.cohort.rejection import RejectedFile
from ct_importance.io.paths import StrPath

if TYPE_CHECKING:
    from scipy.sparse import csr_array

AIR_HU = -1000.0
# What no part of the body has, in shares of the pixels: of 1256 real slices, thighs that fill the
# picture among them, no more than 0.05, 0.3 and 0.1 of the limits (FAR_BELOW, DENSE, LARGEST), and
# at least 8 % soft tissue. An intercept 1024 too high or low, or a slope twice too steep, leaves no
# air and shows tissue as dense as bone, or shows the air far below air. Slices nearly without air
# of which the intercept is too low may pass: bone is then taken for soft tissue.
SOFT_TISSUE, LEAST_SOFT_TISSUE = (-250, 400), 0.01
"""HU, from fat to contrast agent, and share of the pixels."""
AIR, LEAST_AIR = (-1500, -200), 0.001
DENSE, MOST_DENSE = (700, np.inf), 0.1
"""Bone and metal; more may be right where there is air, and soft tissue."""
DENSEST, MOST_OF_THE_DENSEST = (1500, np.inf), 0.2
FAR_BELOW, MOST_FAR_BELOW = (-2600, -1500), 0.03
"""Below air; further down is padding that is not declared, such as -3024."""
LARGEST_HU = 32767
"""Metal on the extended scale ends at 30,710; signed pixels taken for unsigned begin at 61,000."""
FEWEST_PIXELS = 5_000
"""Shares of fewer pixels say little; scanners make 65,536 at least, crops are smaller."""
TISSUE = (-500, 3000)
"""Padding that would have these values cannot be told from tissue."""
IMPLAUSIBLE = "Hounsfield units are implausible"


def read_hounsfield(path: StrPath) -> tuple[np.ndarray, pydicom.Dataset]:
    """Return a slice in Hounsfield units as stored, padding as air, and its dataset.

    HU = stored * RescaleSlope + RescaleIntercept (DICOM PS3.3 C.11.1); padding becomes -1000.
    Values below it that are not declared as padding stay: every window shows them black, as air.

    Returns:
        Array (rows, columns), float32, in HU; the dataset with its geometry.

    Raises:
        RejectedFile: If the pixels cannot be decoded, or the units are unknown or implausible.
    """
    stored = read_stored(path)
    slope, intercept = np.float32(stored.slope), np.float32(stored.intercept)
    hounsfield = (stored.pixels * slope + intercept).astype(np.float32)
    if _share(hounsfield[stored.is_padding], TISSUE) > 0:
        raise RejectedFile(f"{IMPLAUSIBLE}: pixels of PixelPaddingValue could be tissue")
    check_plausible(hounsfield[~stored.is_padding])
    hounsfield[stored.is_padding] = AIR_HU
    return hounsfield, stored.dataset


def check_plausible(image: np.ndarray) -> None:
    """Reject units that no CT slice has, whatever part of the body it shows.

    Args:
        image: Hounsfield units of all pixels that are not padding, of any shape.

    Raises:
        RejectedFile: If a pixel is denser than any metal, or if hardly a pixel is soft tissue, or
            too many are below air or as dense as bone.
    """
    if image.size < FEWEST_PIXELS or image.min() == image.max():
        return
    if image.max() > LARGEST_HU:
        raise RejectedFile(f"{IMPLAUSIBLE}: values above {LARGEST_HU}")
    # Padding that is not declared, and the background of a masked volume, are one value.
    patient = np.where(image > image.min(), image, -np.inf)
    if _share(patient, FAR_BELOW) > MOST_FAR_BELOW:
        raise RejectedFile(f"{IMPLAUSIBLE}: too many pixels are far below air")
    soft_tissue, dense = _share(image, SOFT_TISSUE), _share(image, DENSE)
    if soft_tissue < LEAST_SOFT_TISSUE:
        raise RejectedFile(f"{IMPLAUSIBLE}: hardly a pixel is soft tissue")
    has_air = _share(patient, AIR) >= LEAST_AIR
    if _share(image, DENSEST) > MOST_OF_THE_DENSEST or (
        dense > MOST_DENSE and (not has_air or dense > 2 * soft_tissue)
    ):
        raise RejectedFile(f"{IMPLAUSIBLE}: too many pixels are as dense as bone")


def _share(values: np.ndarray, between: tuple[float, float]) -> float:
    """Return which share of the values lies between two, both included; 0 of no values."""
    low, high = between
    return float(((values >= low) & (values <= high)).mean()) if values.size else 0.0


def to_standard_orientation(pixels: np.ndarray, orientation: Sequence[float]) -> np.ndarray:
    """Flip or transpose a slice so that columns run to the patient's left, rows to the back.

    Args:
        pixels: Array (rows, columns).
        orientation: ImageOrientationPatient, six direction cosines of a nearly axial slice.

    Example:
        >>> pixels = np.array([[1, 2], [3, 4]])
        >>> to_standard_orientation(pixels, (-1, 0, 0, 0, 1, 0)).tolist()
        [[2, 1], [4, 3]]
    """
    along_columns, along_rows = orientation[:3], orientation[3:]
    if abs(along_columns[0]) < abs(along_columns[1]):
        pixels, along_columns, along_rows = pixels.T, along_rows, along_columns
    if along_columns[0] < 0:
        pixels = pixels[:, ::-1]
    if along_rows[1] < 0:
        pixels = pixels[::-1]
    return pixels


def to_unit_range(hounsfield: np.ndarray, window: tuple[float, float]) -> np.ndarray:
    """Clip to a window of Hounsfield units and scale it to [0, 1].

    Example:
        >>> to_unit_range(np.array([-1000, -160, 40, 240]), (-160, 240)).tolist()
        [0.0, 0.0, 0.5, 1.0]
    """
    low, high = window
    return np.clip((hounsfield - low) / (high - low), 0, 1)


def resize_slice(
    pixels: np.ndarray, spacing: tuple[float, float], size: int, clip: bool = True
) -> np.ndarray:
    """Resize a slice to (size, size), anti-aliased for images, nearest neighbour for masks.

    The picture keeps its proportions: if it is not square in millimetres, it is centred on black.

    Args:
        pixels: Array (rows, columns): float in [0, 1], or bool for a mask.
        spacing: Millimetres between rows and between columns.
        size: Rows and columns of the result.
        clip: Whether an image stays in [0, 1]; a map of other numbers does not.

    Example:
        >>> mask = np.array([[True, False], [False, False]])
        >>> resize_slice(mask, (1.0, 1.0), 4).astype(int).tolist()
        [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
        >>> resize_slice(np.ones((2, 4), np.float32), (1.0, 1.0), 4)[:, 0].tolist()
        [0.0, 1.0, 1.0, 0.0]
    """
    top, left, height, width = placement(pixels.shape, spacing, size)
    is_mask = pixels.dtype == bool
    order = 0 if is_mask else 1
    vertical = resampling_matrix(pixels.shape[0], height, order)
    horizontal = resampling_matrix(pixels.shape[1], width, order)
    resized = (horizontal @ (vertical @ pixels.astype(np.float32)).T).T
    result = np.zeros((size, size), bool if is_mask else np.float32)
    result[top : top + height, left : left + width] = (
        resized.clip(0, 1) if clip and not is_mask else resized
    )
    return result


def placement(
    shape: Sequence[int], spacing: tuple[float, float], size: int
) -> tuple[int, int, int, int]:
    """Return where `resize_slice` puts a slice: its first row and column, its rows and columns.

    Args:
        shape: Rows and columns of the slice.
        spacing: Millimetres between rows and between columns.
        size: Rows and columns of the result.
    """
    extent = np.array(shape) * spacing
    height, width = np.maximum(1, np.rint(size * extent / extent.max())).astype(int).tolist()
    return (size - height) // 2, (size - width) // 2, height, width


@lru_cache(maxsize=16)
def resampling_matrix(length: int, size: int, order: int) -> csr_array:
    """Return what `skimage.transform.resize` does along one axis, as a sparse matrix.

    The function is linear and treats the axes one after the other, so its answer to the unit
    vectors is all there is to know. Multiplying takes a fifth of the time.

    Args:
        length: Pixels along the axis.
        size: Pixels wanted.
        order: 0 for the nearest neighbour, 1 for linear interpolation, with anti-aliasing.

    Returns:
        Matrix (size, length), float32.
    """
    from scipy.sparse import csr_array
    from skimage.transform import resize

    units = np.eye(length)
    answer = resize(units, (size, length), order=order, anti_aliasing=order > 0)
    return csr_array(answer.astype(np.float32))
