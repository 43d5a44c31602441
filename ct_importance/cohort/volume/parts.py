"""Recognises volumes by file name, and finds the files of a volume: header and data."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from ct_importance.cohort.rejection import RejectedFile
from ct_importance.io.paths import StrPath
from ct_importance.io.system_errors import is_failure_of_machine, naming

NIFTI_SUFFIXES = (".nii.gz", ".nii")
NRRD_SUFFIXES = (".nrrd", ".nhdr")
METAIMAGE_SUFFIXES = (".mha", ".mhd")
HEADER_SUFFIXES = NRRD_SUFFIXES + METAIMAGE_SUFFIXES
VOLUME_SUFFIXES = NIFTI_SUFFIXES + HEADER_SUFFIXES
DATA_SUFFIXES = (".raw", ".zraw", ".raw.gz", ".img")
DETACHED_SUFFIXES = (".mhd", ".nhdr", ".hdr")
"""Headers whose data lie in another file."""
LONGEST_HEADER = 1 << 20
LARGEST_VOLUME = 1 << 32
"""Bytes: 2048 slices of 1024 x 1024 voxels of 16 bits."""
SURPLUS_BYTES = 1 << 20
"""That may follow the voxels in a file."""
TWICE = "\0"
"""Value of a field that a header names twice: which of them counts, each reader says otherwise."""


def is_volume(path: StrPath) -> bool:
    """Tell whether a file has the name of a NIfTI, NRRD or MetaImage volume."""
    return _ends_with(path, VOLUME_SUFFIXES)


def is_nifti(path: StrPath) -> bool:
    """Tell whether a file has the name of a NIfTI volume."""
    return _ends_with(path, NIFTI_SUFFIXES)


def is_nrrd(path: StrPath) -> bool:
    """Tell whether a file has the name of an NRRD volume."""
    return _ends_with(path, NRRD_SUFFIXES)


def _ends_with(path: StrPath, suffixes: tuple[str, ...]) -> bool:
    return os.fspath(path).lower().endswith(suffixes)


def name_of(path: StrPath) -> str:
    """Return the name of a volume's file without its suffix.

    Raises:
        RejectedFile: If the suffix is not that of a volume.

    Example:
        >>> name_of("scans/patient1.NII.gz")
        'patient1'
    """
    name = os.path.basename(path)
    for suffix in VOLUME_SUFFIXES:
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    raise RejectedFile(f"not a volume ({', '.join(VOLUME_SUFFIXES)})")


def holds_pixels_of_another(path: str, paths: Collection[str]) -> bool:
    """Tell by its name whether a file holds the pixels of a header that is among the paths."""
    for suffix in DATA_SUFFIXES:
        if path.lower().endswith(suffix):
            stem = path[: -len(suffix)]
            headers = (stem + header for header in DETACHED_SUFFIXES)
            return any(header in paths for name in headers for header in _in_either_case(name))
    return False


def _in_either_case(path: str) -> tuple[str, str]:
    stem, suffix = os.path.splitext(path)
    return path, stem + suffix.upper()


def parts_of(path: StrPath) -> list[Path]:
    """Return the files that make up a volume: itself and, if it is a mere header, its data.

    Of data in several files, and of a file that is no volume, only the file itself.
    """
    path = Path(path)
    name = _data_name(path)
    if not name or _is_several_files(name):
        return [path]
    return [path, Path(os.path.normpath(path.parent / name))]


def check_parts(path: StrPath) -> None:
    """Check that a volume is a file, and its data lie in one file, beside or below it.

    Raises:
        RejectedFile: If they do not, or one of them is larger than any volume.
        OSError: If the system refuses to tell.
    """
    path = Path(path)
    parts = parts_of(path)
    if not path.is_file():
        raise RejectedFile("is no file, but a link to nothing, a pipe or a device")
    if _is_several_files(_data_name(path)):
        raise RejectedFile("is spread over several data files: write it as one volume")
    if not all(part.is_relative_to(os.path.normpath(path.parent)) for part in parts[1:]):
        raise RejectedFile("is a header whose data file lies elsewhere: move it beside the header")
    if not all(part.is_file() for part in parts[1:]):
        raise RejectedFile("is a header whose data file is missing")
    if any(part.stat().st_size > LARGEST_VOLUME + SURPLUS_BYTES for part in parts):
        raise RejectedFile(f"is larger than any CT volume ({LARGEST_VOLUME >> 30} GiB)")


def stamp_of(path: StrPath) -> tuple[tuple[int, int], ...]:
    """Return time of change and size of the files of a volume, or of any one file.

    By them a cache sees that a file has changed. A data file that is missing has none.

    Raises:
        OSError: If the file cannot be found.
    """
    first, *data = parts_of(path)
    present = [first, *(part for part in data if part.is_file())]
    return tuple((stat.st_mtime_ns, stat.st_size) for stat in map(os.stat, present))


def header_fields(path: Path) -> tuple[dict[str, str], int]:
    """Return the fields of an NRRD or MetaImage header by name, and its length.

    Fields are ``name = value`` lines that end with ElementDataFile (MetaImage), or
    ``name: value`` lines that end with an empty one (NRRD). Names are in lower case and without
    spaces; a field that comes twice has the value `TWICE`.

    Raises:
        OSError: If the file cannot be read.
    """
    fields: dict[str, str] = {}
    length = 0
    with naming(path), open(path, "rb") as file:
        while line := file.readline(LONGEST_HEADER - length):
            length += len(line)
            text = line.decode("utf-8", "replace").strip()
            name, value = _field_of(text)
            if name:
                fields[name] = TWICE if name in fields else value
            if not text or (name == "elementdatafile" and not is_nrrd(path)):
                break
    return fields, length


def _field_of(line: str) -> tuple[str, str]:
    """Return name and value of a line of a header; no name of one that says nothing to readers."""
    mark = "=" if "=" in line and ":" not in line.split("=")[0] else ":"
    name, _, value = line.partition(mark)
    name = name.replace(" ", "").lower()
    # Comments, and what writers of NRRD add on their own account (name:=value).
    if name == "comment" or line.startswith("#") or (mark == ":" and value.startswith("=")):
        return "", ""
    return name, value.strip()


def _data_name(path: Path) -> str:
    """Return what a header says of its data file; "" if the data follow in the file itself.

    A file that cannot be read says nothing: reading the volume tells why.
    """
    if not _ends_with(path, HEADER_SUFFIXES) or not path.is_file():
        return ""
    try:
        fields, _ = header_fields(path)
    except OSError as error:
        if is_failure_of_machine(error):
            raise
        return ""
    if is_nrrd(path):
        return fields.get("datafile", "")
    name = fields.get("elementdatafile", "")
    return "" if name in ("LOCAL", "Local", "local") else name


def _is_several_files(name: str) -> bool:
    """Tell whether the name of a data file stands for a list or a pattern of names."""
    return name.startswith("LIST") or "%" in name
