"""Opens NIfTI, MetaImage and NRRD files, images and masks: the grid of a volume and its voxels."""

from __future__ import annotations

import functools
import gzip
import os
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from scripts.cohort import quiet_reading
from scripts.cohort.dicom_file import RejectedFile
from scripts.cohort.volume_grid import VolumeGrid
from scripts.cohort.volume_integrity import (
    check_length,
    check_zipped_data,
    has_plain_data,
    read_to_end,
)
from scripts.cohort.volume_parts import check_parts, is_nifti, is_nrrd, stamp_of

if TYPE_CHECKING:
    import SimpleITK

RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def reading_volume() -> AbstractContextManager[None]:
    """Turn whatever is raised at a damaged volume into a reason (`quiet_reading.reading`)."""
    return quiet_reading.reading("cannot be read as a volume: damaged, or cut short")


def read_grid(path: str | os.PathLike) -> VolumeGrid:
    """Return the grid of a volume from its header.

    Args:
        path: File with the name of a volume (`volume_parts.is_volume`).

    Raises:
        RejectedFile: If the file is damaged, its data are not in one file, or it holds something
            else than one value per voxel on a grid in three dimensions.
    """
    check_parts(path)
    with reading_volume():
        grid = _nifti_grid(path) if is_nifti(path) else _itk_grid(Path(path))
        is_finite = np.isfinite(grid.to_patient).all()
        if not is_finite or np.linalg.matrix_rank(grid.to_patient) < 4:
            raise RejectedFile("volume has axes that do not span a space")
    return grid


def read_voxels(path: str | os.PathLike) -> np.ndarray:
    """Return all voxels, (x, y, z): the axes are those of the file, the fastest first.

    Args:
        path: A volume of which `read_grid` returned the grid.

    Raises:
        RejectedFile: If the file is damaged or cut short.
    """
    with reading_volume():
        voxels = _nifti_voxels(path) if is_nifti(path) else _itk_voxels(Path(path))
        return voxels.reshape(voxels.shape[:3])


def read_frame(path: str | os.PathLike, grid: VolumeGrid, axis: int, index: int) -> np.ndarray:
    """Return the voxels at one index of an axis; the other two axes keep their order.

    Of a MetaImage that is not compressed only that part is read; other volumes are read as a
    whole, and the last one is kept.

    Raises:
        RejectedFile: If the file is damaged or cut short.
    """
    with reading_volume():
        if not has_plain_data(Path(path)):
            return np.take(_kept_voxels(path, stamp_of(path)), index, axis=axis)
        reader = _itk_reader_at_header(Path(path))
        start, size = [0] * reader.GetDimension(), list(reader.GetSize())
        start[axis], size[axis] = index, 1
        reader.SetExtractIndex(start)
        reader.SetExtractSize(size)
        return np.take(_itk_array(reader), 0, axis=axis)


@functools.lru_cache(maxsize=1)
def _kept_voxels(path: str | os.PathLike, stamp: object) -> np.ndarray:
    return read_voxels(path)


def _check_single_values(size: tuple[int, ...], values_per_voxel: int) -> tuple[int, int, int]:
    """Return the size of a volume without trailing axes of length 1, if it is one of CT."""
    while len(size) > 3 and size[-1] == 1:
        size = size[:-1]
    if len(size) != 3:
        raise RejectedFile(f"volume has {len(size)} dimensions, not 3")
    if values_per_voxel != 1:
        raise RejectedFile("volume has several values per voxel")
    return size


# NIfTI. ITK fills a file that is cut short with zeros, and takes its place from another field than
# most software if there are two.


def _nifti_grid(path: str | os.PathLike) -> VolumeGrid:
    import nibabel

    image = nibabel.load(path)
    kind = image.get_data_dtype()
    is_single = kind.fields is None and kind.kind != "c"
    size = _check_single_values(image.shape, 1 if is_single else 2)
    return VolumeGrid(size, RAS_TO_LPS @ image.affine)


def _nifti_voxels(path: str | os.PathLike) -> np.ndarray:
    import nibabel

    image = nibabel.load(path)
    if not os.fspath(path).lower().endswith(".gz"):
        return np.asanyarray(image.dataobj)
    with gzip.open(path) as file:
        voxels = np.asanyarray(type(image).from_stream(file).dataobj)
        # nibabel stops at the last voxel, before the checksum.
        read_to_end(file)
    return voxels


# MetaImage and NRRD


def _itk_reader(path: Path) -> SimpleITK.ImageFileReader:
    import SimpleITK

    reader = SimpleITK.ImageFileReader()
    reader.SetImageIO("NrrdImageIO" if is_nrrd(path) else "MetaImageIO")
    reader.SetFileName(str(path))
    return reader


def _itk_reader_at_header(path: Path) -> SimpleITK.ImageFileReader:
    reader = _itk_reader(path)
    with quiet_reading.silent_standard_error():
        reader.ReadImageInformation()
    return reader


def _itk_grid(path: Path) -> VolumeGrid:
    import SimpleITK

    reader = _itk_reader_at_header(path)
    size = _check_single_values(reader.GetSize(), reader.GetNumberOfComponents())
    voxel = SimpleITK.Image([1, 1], reader.GetPixelIDValue())
    if has_plain_data(path):
        check_length(path, int(np.prod(size)) * voxel.GetSizeOfPixelComponent())
    dimensions = reader.GetDimension()
    directions = np.reshape(reader.GetDirection(), (dimensions, dimensions))
    to_patient = np.eye(4)
    to_patient[:3, :3] = (directions * reader.GetSpacing())[:3, :3]
    to_patient[:3, 3] = reader.GetOrigin()[:3]
    return VolumeGrid(size, to_patient)


def _itk_voxels(path: Path) -> np.ndarray:
    check_zipped_data(path)
    return _itk_array(_itk_reader(path))


def _itk_array(reader: SimpleITK.ImageFileReader) -> np.ndarray:
    import SimpleITK

    with quiet_reading.silent_standard_error():
        return SimpleITK.GetArrayFromImage(reader.Execute()).T
