"""Masks of annotators: matches the files to the slices, and reads them on a slice's grid."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.uid import (
    CTImageStorage,
    MRImageStorage,
    PositronEmissionTomographyImageStorage,
    RTStructureSetStorage,
)

from ct_importance.cohort.dicom.geometry import SliceGeometry
from ct_importance.cohort.masks.dicom import PLANE_TOLERANCE_MM, DicomMask, load_mask
from ct_importance.cohort.masks.files import (
    MarksNothing,
    list_mask_files,
    mask_digest,
    mask_stamp,
    reading,
)
from ct_importance.cohort.masks.objects import read_object
from ct_importance.cohort.masks.png import png_mask_of_slice
from ct_importance.cohort.masks.rtstruct import read_contours
from ct_importance.cohort.masks.seg import read_segmentation
from ct_importance.cohort.masks.structures import Structures
from ct_importance.cohort.masks.targets import MaskTargets, is_png, stem_of
from ct_importance.cohort.masks.volume import load_volume
from ct_importance.cohort.rejection import CRASH, Rejected, RejectedFile, check_permission
from ct_importance.cohort.slice_entry import SliceEntry
from ct_importance.cohort.volume.parts import is_volume
from ct_importance.compute.workers import safe_map
from ct_importance.errors import InputError
from ct_importance.io.paths import StrPath
from ct_importance.io.system_errors import naming

SOP_CLASS_TAG = 0x00080016
HEADER_PIECES = 1000
"""Pieces of a file up to that element."""
SEGMENTATIONS = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
"""SOP classes Segmentation Storage and Label Map Segmentation Storage."""
IMAGES = (CTImageStorage, MRImageStorage, PositronEmissionTomographyImageStorage)


@dataclass(frozen=True)
class MatchedMasks:
    """Which mask files belong to which slices."""

    masks: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """slice_id -> ``{"path", "digest"}`` of every file that marks the slice, sorted by path: its
    mask is the union of what `read_mask` makes of them."""
    rejected: Rejected = field(default_factory=dict)
    """Path of a file that is set aside -> the reason."""
    unclear: dict[str, list[str] | None] = field(default_factory=dict)
    """Path of one of those that may mark slices -> the slices it is named after; None: unknown."""


def match_masks(
    entries: Sequence[SliceEntry],
    folder: StrPath | None,
    structures: Sequence[str | int] | None = None,
) -> MatchedMasks:
    """Return the mask files of each annotated slice, and the mask files set aside.

    Args:
        entries: The slices.
        folder: Folder with masks at any depth. None or "" for a cohort without masks.

            - 8-bit PNG, as large as the slice, in the orientation of the stored pixels:
              ``<SOPInstanceUID>.png``, ``<SOPInstanceUID>_<structure>.png`` or
              ``<SOPInstanceUID>/<structure>.png``;
            - NIfTI, NRRD or MetaImage volume in any orientation, on any regular grid:
              ``<id>.nii.gz``, ``<id>_<structure>.nii.gz`` or ``<id>/<structure>.nii.gz``, where
              the id is the SeriesInstanceUID, or the name of an image volume without its suffix;
            - DICOM SEG and RTSTRUCT, of any name: they say themselves which slices they mark.

        structures: Structures that unite into the mask; None or [] takes all. A name is that of a
            segment, an ROI or a file, whatever its case; such a file counts where it is above 0. A
            number is that of a segment or an ROI, or a value in a PNG or volume; in a file with a
            name it only counts if no name is asked for.

    Raises:
        InputError: If the folder is missing, or none of its masks fits a slice.
        OSError, MemoryError: If a mask may not be read, or disk or memory failed.
    """
    if not folder:
        return MatchedMasks()
    targets, chosen = MaskTargets(entries), Structures.of(structures)
    masks = defaultdict(list)
    rejected: Rejected = {}
    unclear: dict[str, list[str] | None] = {}
    examine = partial(_examine, targets=targets, chosen=chosen)
    paths = [path for path in list_mask_files(folder) if not targets.is_image(path)]
    # In another process: a file may crash a library.
    for path, found in zip(paths, safe_map(examine, paths, _crashed, chunksize=16), strict=True):
        if isinstance(found, RejectedFile):
            rejected[str(path)] = str(found)
            if not isinstance(found, MarksNothing):
                unclear[str(path)] = _slices_by_name(path, targets)
            continue
        marked, digest = found
        for slice_id in marked:
            masks[slice_id].append({"path": str(path), "digest": digest})
    if not masks:
        reasons = "; ".join(sorted(set(rejected.values()))) or "it holds none"
        raise InputError(
            f"{folder}: no mask fits a slice ({reasons}); check `masks` in cohort.datasets"
        )
    return MatchedMasks(dict(masks), rejected, unclear)


def _slices_by_name(path: Path, targets: MaskTargets) -> list[str] | None:
    """Return the slices that a mask is named after; None if its name does not say them."""
    try:
        if is_png(path):
            return [targets.of_png(path)[0].slice_id]
        if is_volume(path):
            return [entry.slice_id for entry in targets.of_volume(path)[0]]
    except MarksNothing:
        return []
    except RejectedFile:
        return None
    return None


def _examine(
    path: Path, targets: MaskTargets, chosen: Structures
) -> tuple[list[str], str] | RejectedFile:
    """Return the slices that a mask marks and its digest, or why it is set aside."""
    try:
        with naming(path):
            return _marked_slices(path, targets, chosen), mask_digest(path)
    except RejectedFile as reason:
        check_permission(path, reason)
        return reason


def _crashed(path: Path) -> RejectedFile:
    return RejectedFile(CRASH)


def read_mask(
    path: StrPath,
    slice_id: str,
    geometry: SliceGeometry,
    structures: Sequence[str | int] | None = None,
    frame_of_reference: str = "",
) -> np.ndarray:
    """Return the mask of a slice on the grid of its stored pixels, (rows, columns) bool.

    Args:
        path: A file that `match_masks` found to mark the slice.
        slice_id: SOP instance UID of the slice, or its name in a volume.
        geometry: Where its pixels lie.
        structures: As for `match_masks`.
        frame_of_reference: FrameOfReferenceUID of the slice; "" if it has none.

    Raises:
        RejectedFile: If the file cannot be read or does not fit the slice.
    """
    path, chosen = Path(path), Structures.of(structures)
    with naming(path):
        if is_png(path):
            return png_mask_of_slice(path, geometry, chosen.values_of(stem_of(path)))
        if is_volume(path):
            volume = load_volume(path, mask_stamp(path), chosen.values_of(stem_of(path)))
            return volume.marked.on_slice(geometry)
        return _load_dicom(path, chosen).on_slice(slice_id, geometry, frame_of_reference)


def _marked_slices(path: Path, targets: MaskTargets, chosen: Structures) -> list[str]:
    if not _is_text(path):
        raise RejectedFile("file name is not UTF-8: rename the file or its folder")
    if not path.is_file():
        raise RejectedFile("no file, but a link to nothing, a pipe or a device")
    if is_png(path):
        return _marked_by_png(path, targets, chosen)
    if is_volume(path):
        return _marked_by_volume(path, targets, chosen)
    if _is_dicom(path):
        return _marked_by_dicom(_load_dicom(path, chosen), targets)
    raise MarksNothing("no mask file (PNG, NIfTI, NRRD, MetaImage, DICOM SEG or RTSTRUCT)")


def _marked_by_png(path: Path, targets: MaskTargets, chosen: Structures) -> list[str]:
    entry, structure = targets.of_png(path)
    chosen.check_file_name(structure)
    values = chosen.values_of(stem_of(path))
    if not png_mask_of_slice(path, entry.geometry, values).any():
        raise MarksNothing(_emptiness(values))
    return [entry.slice_id]


def _marked_by_volume(path: Path, targets: MaskTargets, chosen: Structures) -> list[str]:
    entries, structure = targets.of_volume(path)
    chosen.check_file_name(structure)
    values = chosen.values_of(stem_of(path))
    volume = load_volume(path, mask_stamp(path), values)
    marked = [it.slice_id for it in entries if volume.marked.on_slice(it.geometry).any()]
    if not marked and not any(volume.reaches(entry.geometry) for entry in entries):
        raise RejectedFile("mask lies outside of its series: check orientation and origin")
    if volume.marked.is_empty:
        raise MarksNothing(_emptiness(values))
    if not marked:
        raise MarksNothing("mask marks no pixel of its series")
    return marked


def _emptiness(values: frozenset[int] | None) -> str:
    """Return why a mask marks nothing, of which some values are wanted."""
    if values is None:
        return "mask is empty"
    wanted = ", ".join(map(str, sorted(values)))
    return f"mask has no pixel of a value that `structures` names ({wanted})"


def _marked_by_dicom(mask: DicomMask, targets: MaskTargets) -> list[str]:
    if not mask.parts and targets.are_referred_to(mask):
        raise MarksNothing("mask is empty")
    entries = targets.of_dicom(mask)
    places = [(it.slice_id, it.geometry, it.frame_of_reference) for it in entries]
    marked = [place[0] for place in places if mask.on_slice(*place).any()]
    if not marked and not any(mask.parts_on(*place) for place in places):
        raise MarksNothing(f"no part of the mask lies within {PLANE_TOLERANCE_MM} mm of a slice")
    if not marked:
        raise RejectedFile("mask lies outside of its series: check orientation and origin")
    return marked


def _load_dicom(path: Path, chosen: Structures) -> DicomMask:
    with reading("DICOM"):
        header = read_object(path, HEADER_PIECES, lambda tag, *_: tag > SOP_CLASS_TAG)
        sop_class = header.get("SOPClassUID")
    if sop_class in SEGMENTATIONS:
        return load_mask(path, mask_stamp(path), chosen, "SEG", read_segmentation)
    if sop_class == RTStructureSetStorage:
        return load_mask(path, mask_stamp(path), chosen, "RTSTRUCT", read_contours)
    if sop_class in IMAGES:
        raise MarksNothing("an image, not a mask")
    raise MarksNothing("DICOM file that is neither a SEG nor an RTSTRUCT")


def _is_dicom(path: Path) -> bool:
    if path.suffix.lower() == ".dcm":
        return True
    with reading("a file"), open(path, "rb") as file:
        return file.read(132)[128:] == b"DICM"


def _is_text(path: Path) -> bool:
    """Tell whether a table can hold the path: Python marks bytes that are not UTF-8."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True
