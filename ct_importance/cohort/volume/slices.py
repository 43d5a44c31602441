"""Reads the slices of CT volumes (NIfTI, MetaImage, NRRD) in Hounsfield units."""

from __future__ import annotations

import functools
import itertools
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import PurePath

import numpy as np

from ct_importance.cohort.dicom.geometry import is_spacing
from ct_importance.cohort.dicom.header import SliceHeader
from ct_importance.cohort.labels.user_csv import read_csv
from ct_importance.cohort.pixels import check_plausible
from ct_importance.cohort.rejection import RejectedFile
from ct_importance.cohort.slice_entry import id_of, volume_slice_id
from ct_importance.cohort.volume.file import read_frame, read_grid, reading_volume
from ct_importance.cohort.volume.grid import VolumeGrid
from ct_importance.cohort.volume.parts import is_volume, name_of, parts_of
from ct_importance.errors import InputError
from ct_importance.io.digests import file_digest, sample_digest
from ct_importance.io.paths import StrPath


def read_patients(path: StrPath, files: Sequence[str]) -> dict[str, str]:
    """Return the patient of each volume from a CSV with the columns file and patient_id.

    Args:
        path: The CSV; a file is given by its name, with as many of its folders as tell it apart.
        files: Paths of the volumes.

    Raises:
        InputError: If the CSV cannot be read, lacks a column, or names none of the volumes.
    """
    named: dict[tuple[str, ...], str] = {}
    for line, (file, patient) in read_csv(path, ["file", "patient_id"], "patients"):
        if patient and named.setdefault(PurePath(file).parts, patient) != patient:
            raise InputError(f"{path}, line {line}: a second patient for one file")
    patients: dict[str, str] = {}
    file_of: dict[tuple[str, ...], str] = {}
    for file in files:
        parts = PurePath(id_of(file)).parts
        key = next((end for end in map(parts.__getitem__, _ends(len(parts))) if end in named), None)
        if key is None:
            continue
        if file_of.setdefault(key, file) != file:
            raise InputError(
                f"{path}: {'/'.join(key)} is the name of {file_of[key]} and of {file}; give "
                "as many folders in the column file as tell them apart"
            )
        patients[file] = named[key]
    if not patients:
        raise InputError(f"{path}: its column file names none of the {len(files)} volumes found")
    return patients


def _ends(length: int) -> list[slice]:
    return [slice(start, None) for start in range(length)]


def volume_names(paths: Sequence[str]) -> dict[str, str]:
    """Return a name for each volume, which no other volume has.

    It is that of its file, with folders in front where it comes again, and with its suffix where
    it comes again in one folder. Files that are no volumes have no name.

    Raises:
        InputError: If not even all folders tell two files apart (``a_b/c`` and ``a/b_c``).
    """
    alike: dict[str, list[str]] = {}
    for path in filter(is_volume, paths):
        alike.setdefault(id_of(name_of(path)), []).append(path)
    # With fewer folders first: P1_ct.nii keeps its name beside P1/ct.nii and P2/ct.nii.
    places = sorted(itertools.chain.from_iterable(map(_tell_apart, alike.values())))
    file_of: dict[str, str] = {}
    for depth, path, file_name in places:
        folders = PurePath(path).parts[:-1]
        name = _joined(folders, file_name, depth)
        while name in file_of and depth < len(folders):
            depth += 1
            name = _joined(folders, file_name, depth)
        if name in file_of:
            raise InputError(
                f"{path} and {file_of[name]} would have one name, as folders and file are joined "
                "by _: rename one of them"
            )
        file_of[name] = path
    return {path: name for name, path in file_of.items()}


def _tell_apart(paths: list[str]) -> list[tuple[int, str, str]]:
    """Return for each of the files of one name how many folders go in front, path and file name."""
    in_folder = Counter(PurePath(path).parts[:-1] for path in paths)
    depth = 0
    while len({_last(folders, depth) for folders in in_folder}) < len(in_folder):
        depth += 1
    is_alone = {path: in_folder[PurePath(path).parts[:-1]] == 1 for path in paths}
    return [
        (depth, path, name_of(path) if is_alone[path] else os.path.basename(path)) for path in paths
    ]


def _last(folders: tuple[str, ...], depth: int) -> tuple[str, ...]:
    return folders[max(0, len(folders) - depth) :]


def _joined(folders: tuple[str, ...], file_name: str, depth: int) -> str:
    return id_of("_".join([*(it.strip("/") for it in _last(folders, depth)), file_name]))


def read_volume_headers(
    path: str, names: Mapping[str, str] | None = None, patients: Mapping[str, str] | None = None
) -> list[SliceHeader]:
    """Return a header for each slice of a volume.

    Args:
        path: Any file.
        names: Name of each volume (`volume_names`); None: that of its file.
        patients: Patient of each volume; None: each volume is a patient, named as the volume.

    Raises:
        RejectedFile: If the file is no axial CT volume that can be used, with the reason.
    """
    name = names[path] if names and path in names else id_of(name_of(path))
    if patients is not None and path not in patients:
        raise RejectedFile("no patient_id in the CSV of cohort.datasets.<name>.patients")
    grid = read_grid(path)
    grid.check_right_angles()
    if not grid.geometry(0).is_axial:
        raise RejectedFile("not axial")
    if not is_spacing(grid.geometry(0).spacing):
        raise RejectedFile("spacing of the voxels cannot be in millimetres")
    sample = _sample_digest(path)
    patient = patients[path] if patients else _without_suffix(name)
    return [_header(path, name, patient, grid, frame, sample) for frame in range(grid.frames)]


def _without_suffix(name: str) -> str:
    """Return who the patient of a volume is: ct.nii and ct.nii.gz of one folder show the same."""
    return name_of(name) if is_volume(name) else name


def _header(
    path: str, name: str, patient_id: str, grid: VolumeGrid, frame: int, sample: str
) -> SliceHeader:
    geometry = grid.geometry(frame)
    return SliceHeader(
        dataset="",
        slice_id=volume_slice_id(name, frame),
        series_uid=name,
        study_uid=name,
        patient_id=patient_id,
        path=path,
        frame=frame,
        rows=geometry.rows,
        columns=geometry.columns,
        origin=geometry.origin,
        orientation=geometry.orientation,
        spacing=geometry.spacing,
        position=geometry.position,
        contrast_tag="unknown",
        description_label=None,
        frame_of_reference="",
        acquisition="",
        kvp=0.0,
        instance_number=frame,
        fingerprint=f"{sample}-{frame}",
    )


def read_volume_slice(path: str, frame: int) -> np.ndarray:
    """Return a slice of a volume in Hounsfield units, (rows, columns) float32.

    Raises:
        RejectedFile: If the file cannot be read, or its values are no Hounsfield units.
    """
    along_row, along_column, across = read_grid(path).axes
    pixels = read_frame(path, across, frame)
    if along_row < along_column:
        pixels = pixels.T
    pixels = pixels.astype(np.float32)
    if not np.isfinite(pixels).all():
        raise RejectedFile("slice has values that are not finite")
    if pixels.min() >= 0:
        # Air is at -1000 HU and fat at -100: no slice of a patient is without them.
        raise RejectedFile("no value is below 0: not in Hounsfield units")
    check_plausible(pixels)
    return pixels


def volume_digest(path: str, frame: int) -> str:
    """Return a digest that equal files share, with the number of a slice.

    The whole file is compared: the same voxels in another format, or zipped, are not noticed.

    Raises:
        RejectedFile: If the file cannot be read.
    """
    return f"{_file_digest(path)}-{frame}"


def _sample_digest(path: str) -> str:
    with reading_volume(path), open(parts_of(path)[-1], "rb") as file:
        return sample_digest(file, 0, os.fstat(file.fileno()).st_size)


@functools.lru_cache(maxsize=8)
def _file_digest(path: str) -> str:
    with reading_volume(path):
        return file_digest(parts_of(path)[-1])
