"""Masks of annotators: finds the files, matches them to slices, reads them on a slice's grid."""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pydicom

from scripts.cohort.dicom_header import RejectedFile
from scripts.cohort.index import Rejected
from scripts.cohort.slice_entry import SliceEntry
from scripts.errors import InputError

NIFTI_SUFFIXES = (".nii", ".nii.gz")
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def match_masks(
    entries: Sequence[SliceEntry], folder: str | os.PathLike | None
) -> tuple[dict[str, dict[str, str]], Rejected]:
    """Return the mask of each annotated slice, and the mask files set aside.

    Args:
        entries: The slices.
        folder: Folder with ``<SOPInstanceUID>.png`` (8-bit, as large as the slice, in the
            orientation of the stored pixels) and ``<SeriesInstanceUID>.nii.gz`` (on the grid of the
            series); values above 0 are inside. None or "" for a cohort without masks.

    Returns:
        slice_id -> ``{"path", "digest"}`` of its mask file; path of a rejected file -> reason.

    Raises:
        InputError: If the folder is missing, or none of its masks fits a slice.
    """
    if not folder:
        return {}, {}
    if not Path(folder).is_dir():
        raise InputError(f"{folder} is not a folder; check cohort.masks and data_dir")
    slices = {entry.slice_id: entry for entry in entries}
    series: dict[str, list[SliceEntry]] = {}
    for entry in entries:
        series.setdefault(entry.series_uid, []).append(entry)
    masks, rejected = {}, {}
    for path in sorted(Path(folder).iterdir()):
        try:
            for slice_id in _annotated_slices(path, slices, series):
                masks[slice_id] = {"path": str(path), "digest": _file_digest(path)}
        except RejectedFile as reason:
            rejected[str(path)] = str(reason)
    if not masks:
        reasons = "; ".join(sorted(set(rejected.values()))) or "the folder is empty"
        raise InputError(f"{folder}: no mask fits a slice ({reasons}); check cohort.masks")
    return masks, rejected


def _annotated_slices(
    path: Path, slices: dict[str, SliceEntry], series: dict[str, list[SliceEntry]]
) -> list[str]:
    if path.suffix == ".png":
        entry = slices.get(path.stem)
        if entry is None:
            raise RejectedFile("mask fits no slice: no SOPInstanceUID of that name")
        mask = read_png_mask(path)
        if mask.shape != (entry.rows, entry.columns):
            raise RejectedFile(
                f"mask is {mask.shape[0]} x {mask.shape[1]}, "
                f"its slice {entry.rows} x {entry.columns}"
            )
        if not mask.any():
            raise RejectedFile("mask is empty")
        return [entry.slice_id]
    if path.name.endswith(NIFTI_SUFFIXES):
        members = series.get(path.name.removesuffix(".gz").removesuffix(".nii"))
        if members is None:
            raise RejectedFile("mask fits no series: no SeriesInstanceUID of that name")
        found = [entry.slice_id for entry in members if _in_volume(path, entry).any()]
        if not found:
            raise RejectedFile("mask is empty")
        return found
    raise RejectedFile("no mask file (.png, .nii or .nii.gz)")


def _in_volume(path: Path, entry: SliceEntry) -> np.ndarray:
    dataset = pydicom.dcmread(entry.path, stop_before_pixels=True)
    return nifti_mask_of_slice(path, dataset)


def read_mask(path: str | os.PathLike, dataset: pydicom.Dataset) -> np.ndarray:
    """Return the mask of a slice on the grid of its stored pixels, (rows, columns) bool.

    Raises:
        RejectedFile: If the file cannot be read or does not fit the slice.
    """
    if Path(path).suffix == ".png":
        return read_png_mask(path)
    return nifti_mask_of_slice(path, dataset)


def read_png_mask(path: str | os.PathLike) -> np.ndarray:
    """Return an 8-bit PNG as (rows, columns) bool: above 0 is inside.

    Raises:
        RejectedFile: If the file is no single-channel PNG.
    """
    from PIL import Image

    try:
        with Image.open(path) as image:
            mode, pixels = image.mode, np.asarray(image)
    except OSError:
        raise RejectedFile("mask cannot be read as PNG") from None
    if mode not in ("L", "1"):
        raise RejectedFile(f"mask is a PNG of mode {mode}, not 8-bit grey")
    return pixels > 0


def nifti_mask_of_slice(path: str | os.PathLike, dataset: pydicom.Dataset) -> np.ndarray:
    """Return the part of a NIfTI label volume that lies on a slice, (rows, columns) bool.

    The volume may be flipped or transposed against the slice, but must lie on its grid.

    Raises:
        RejectedFile: If it lies on another grid.
    """
    volume, ras_to_voxel = _load_nifti(str(path))
    slice_to_voxel = ras_to_voxel @ LPS_TO_RAS @ _slice_affine(dataset)
    steps = np.rint(slice_to_voxel[:3, :2])
    origin = np.rint(slice_to_voxel[:3, 3])
    corners = slice_to_voxel[:3] @ np.array(
        [[0, dataset.Columns - 1, 0], [0, 0, dataset.Rows - 1], [0, 0, 0], [1, 1, 1]]
    )
    snapped = origin[:, None] + steps @ np.array(
        [[0, dataset.Columns - 1, 0], [0, 0, dataset.Rows - 1]]
    )
    if np.abs(corners - snapped).max() > 0.25 or (np.abs(steps).sum(axis=0) != 1).any():
        raise RejectedFile("mask is not on the grid of its series")
    columns, rows = np.meshgrid(np.arange(dataset.Columns), np.arange(dataset.Rows))
    voxels = origin[:, None, None] + steps[:, :1, None] * columns + steps[:, 1:, None] * rows
    voxels = voxels.astype(int)
    inside = np.all((voxels >= 0) & (voxels < np.array(volume.shape)[:, None, None]), axis=0)
    mask = np.zeros(rows.shape, bool)
    mask[inside] = volume[tuple(axis[inside] for axis in voxels)]
    return mask


@functools.lru_cache(maxsize=2)
def _load_nifti(path: str) -> tuple[np.ndarray, np.ndarray]:
    import nibabel

    try:
        image = nibabel.load(path)
        volume = np.asarray(image.dataobj) > 0
        ras_to_voxel = np.linalg.inv(image.affine)
    except Exception as error:
        # Damaged files make nibabel and gzip raise nearly anything.
        raise RejectedFile(f"mask cannot be read as NIfTI ({type(error).__name__})") from None
    if volume.ndim != 3:
        raise RejectedFile(f"mask volume has {volume.ndim} dimensions, not 3")
    return volume, ras_to_voxel


def _slice_affine(dataset: pydicom.Dataset) -> np.ndarray:
    """Map (column, row, 0, 1) of a slice to patient coordinates (LPS) in mm (PS3.3 C.7.6.2.1.1)."""
    orientation = np.float64(dataset.ImageOrientationPatient)
    between_rows, between_columns = np.float64(dataset.PixelSpacing)
    affine = np.eye(4)
    affine[:3, 0] = orientation[:3] * between_columns
    affine[:3, 1] = orientation[3:] * between_rows
    affine[:3, 2] = np.cross(orientation[:3], orientation[3:])
    affine[:3, 3] = np.float64(dataset.ImagePositionPatient)
    return affine


def _file_digest(path: Path) -> str:
    return hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
