"""Reads the grid and the voxels of NIfTI, MetaImage and NRRD files."""

from __future__ import annotations

import functools
import gzip
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ct_importance.cohort import rejection
from ct_importance.cohort.rejection import RejectedFile
from ct_importance.cohort.volume.grid import VolumeGrid
from ct_importance.cohort.volume.header import check_nifti_head, check_nifti_size, read_promise
from ct_importance.cohort.volume.integrity import (
    check_zipped_data,
    has_plain_data,
    read_through,
    read_to_end,
)
from ct_importance.cohort.volume.parts import check_parts, is_nifti, is_nrrd, stamp_of
from ct_importance.io.paths import StrPath
from ct_importance.io.system_errors import naming

if TYPE_CHECKING:
    import SimpleITK

RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


@contextmanager
def reading_volume(path: StrPath) -> Iterator[None]:
    """Turn whatever is raised at a damaged volume into a reason (`rejection.reading`)."""
    with naming(path), rejection.reading("cannot be read as a volume"):
        try:
            yield
        except RejectedFile:
            raise
        except Exception:
            # nibabel and ITK hide what the system says of a file, and call it damaged.
            read_through(path)
            raise


def read_grid(path: StrPath) -> VolumeGrid:
    """Return the grid of a volume from its header.

    Args:
        path: File with the name of a volume (`volume_parts.is_volume`).

    Raises:
        RejectedFile: If the file is damaged, its data are not in one file, or it holds something
            else than one value per voxel on a grid in three dimensions.
    """
    with reading_volume(path):
        check_parts(path)
        grid = _nifti_grid(path) if is_nifti(path) else _itk_grid(Path(path))
        is_finite = np.isfinite(grid.to_patient).all()
        if not is_finite or np.linalg.matrix_rank(grid.to_patient) < 4:
            raise RejectedFile("volume has axes that do not span a space")
    return grid


def read_voxels(path: StrPath) -> np.ndarray:
    """Return all voxels, (x, y, z): the axes are those of the file, the fastest first.

    Args:
        path: A volume of which `read_grid` returned the grid.

    Raises:
        RejectedFile: If the file is damaged or cut short.
    """
    with reading_volume(path):
        return _nifti_voxels(path) if is_nifti(path) else _itk_voxels(Path(path))


def read_frame(path: StrPath, axis: int, index: int) -> np.ndarray:
    """Return the voxels at one index of an axis; the other two axes keep their order.

    Of a MetaImage that is not compressed only that part is read; other volumes are read as a
    whole, and the last one is kept.

    Args:
        path: A volume of which `read_grid` returned the grid.
        axis: Number of the axis in the file.
        index: Which voxel along it.

    Raises:
        RejectedFile: If the file is damaged or cut short.
    """
    with reading_volume(path):
        if has_plain_data(Path(path)):
            voxels, index = _itk_part(Path(path), axis, index), 0
        else:
            voxels = _kept_voxels(os.fspath(path), stamp_of(path))
        # np.take would copy the whole volume, whose first axis is the fastest, into another order.
        plane: np.ndarray = np.moveaxis(voxels, axis, 0)[index]
        return plane


@functools.lru_cache(maxsize=1)
def _kept_voxels(path: str, stamp: object) -> np.ndarray:
    return read_voxels(path)


def _size_of(size: tuple[int, ...], values_per_voxel: int) -> tuple[int, int, int]:
    """Return the size of a volume of single values without trailing axes of length 1.

    Raises:
        RejectedFile: If it is none.
    """
    while len(size) > 3 and size[-1] == 1:
        size = size[:-1]
    if len(size) != 3:
        raise RejectedFile(f"volume has {len(size)} dimensions, not 3")
    if min(size) < 1:
        raise RejectedFile("volume has a dimension of length 0")
    if values_per_voxel != 1:
        raise RejectedFile("volume has several values per voxel")
    return size


def _without_trailing_axes(voxels: np.ndarray) -> np.ndarray:
    return voxels.reshape(voxels.shape[:3])


# NIfTI. ITK fills a file that is cut short with zeros, and takes its place from another field than
# most software if there are two.


def _nifti_grid(path: StrPath) -> VolumeGrid:
    import nibabel

    check_nifti_head(path)
    image: Any = nibabel.load(path)  # a Nifti1Image or a Nifti2Image
    kind = image.get_data_dtype()
    is_single = kind.fields is None and kind.kind != "c"
    size = _size_of(image.shape, 1 if is_single else 2)
    check_nifti_size(path, math.prod(size) * kind.itemsize, image.dataobj.offset)
    codes = [image.header[code] for code in ("qform_code", "sform_code")]
    if not any(map(int, codes)):
        # nibabel would make up a place, which may be mirrored.
        raise RejectedFile("volume does not say where it lies: qform_code and sform_code are 0")
    if (unit := image.header.get_xyzt_units()[0]) in ("meter", "micron"):
        raise RejectedFile(f"volume is measured in {unit}s (xyzt_units): write it in millimetres")
    return VolumeGrid(size, RAS_TO_LPS @ image.affine)


def _nifti_voxels(path: StrPath) -> np.ndarray:
    import nibabel

    image: Any = nibabel.load(path)  # a Nifti1Image or a Nifti2Image
    if not os.fspath(path).lower().endswith(".gz"):
        return _without_trailing_axes(np.asanyarray(image.dataobj))
    with gzip.open(path) as file:
        voxels = np.asanyarray(type(image).from_stream(file).dataobj)
        # nibabel stops at the last voxel, before the checksum.
        read_to_end(file)
    return _without_trailing_axes(voxels)


# MetaImage and NRRD


def _itk_reader(path: Path) -> SimpleITK.ImageFileReader:
    import SimpleITK

    reader = SimpleITK.ImageFileReader()
    reader.SetImageIO("NrrdImageIO" if is_nrrd(path) else "MetaImageIO")
    reader.SetFileName(str(path))
    return reader


def _itk_reader_at_header(path: Path) -> SimpleITK.ImageFileReader:
    reader = _itk_reader(path)
    with rejection.silent_standard_error():
        reader.ReadImageInformation()
    return reader


def _itk_grid(path: Path) -> VolumeGrid:
    read_promise(path)
    reader = _itk_reader_at_header(path)
    size = _size_of(reader.GetSize(), reader.GetNumberOfComponents())
    dimensions = reader.GetDimension()
    directions = np.reshape(reader.GetDirection(), (dimensions, dimensions))
    to_patient = np.eye(4)
    to_patient[:3, :3] = (directions * reader.GetSpacing())[:3, :3]
    to_patient[:3, 3] = reader.GetOrigin()[:3]
    return VolumeGrid(size, to_patient)


def _itk_voxels(path: Path) -> np.ndarray:
    check_zipped_data(path)
    return _itk_array(_itk_reader(path))


def _itk_part(path: Path, axis: int, index: int) -> np.ndarray:
    """Return the voxels at one index of an axis, which stays with a length of 1."""
    reader = _itk_reader_at_header(path)
    start, size = [0] * reader.GetDimension(), list(reader.GetSize())
    start[axis], size[axis] = index, 1
    reader.SetExtractIndex(start)
    reader.SetExtractSize(size)
    return _itk_array(reader)


def _itk_array(reader: SimpleITK.ImageFileReader) -> np.ndarray:
    import SimpleITK

    with rejection.silent_standard_error():
        voxels = SimpleITK.GetArrayFromImage(reader.Execute()).T
    return _without_trailing_axes(voxels)
