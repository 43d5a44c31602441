"""Finds the slices that a mask belongs to: by the name of its file, or by what it refers to."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Container, Sequence
from pathlib import Path
from typing import TypeVar

from ct_importance.cohort.masks.dicom import DicomMask, is_same_frame
from ct_importance.cohort.masks.files import PNG_SUFFIX, MarksNothing
from ct_importance.cohort.rejection import RejectedFile
from ct_importance.cohort.slice_entry import SliceEntry, id_of, volume_slice_id
from ct_importance.cohort.volume.parts import name_of

Found = TypeVar("Found")


class MaskTargets:
    """The slices of a cohort, as masks name them."""

    def __init__(self, entries: Sequence[SliceEntry]) -> None:
        """Sort out the slices by what masks can name."""
        self._slices = {entry.slice_id: entry for entry in entries}
        self._series: dict[str, list[SliceEntry]] = defaultdict(list)
        self._studies: dict[str, list[SliceEntry]] = defaultdict(list)
        self._volumes: dict[str, dict[str, list[SliceEntry]]] = defaultdict(dict)
        self._renamed: dict[str, dict[str, SliceEntry]] = defaultdict(dict)
        for entry in entries:
            self._series[entry.series_uid].append(entry)
            self._studies[entry.study_uid].append(entry)
            if entry.frame is not None:
                file_name = id_of(name_of(entry.path))
                for name in {entry.series_uid, file_name}:
                    self._volumes[name].setdefault(entry.path, []).append(entry)
                # The id of the slice may be a pseudonym, or have folders in front.
                by_file = volume_slice_id(file_name, entry.frame)
                if by_file != entry.slice_id:
                    self._renamed[by_file][entry.path] = entry
        self._images = {os.path.realpath(path) for path in {entry.path for entry in entries}}

    def is_image(self, path: Path) -> bool:
        """Tell whether a file is an image of the cohort, which may lie beside its masks."""
        return os.path.realpath(path) in self._images

    def has(self, slice_id: str) -> bool:
        """Tell whether a slice is one of the cohort."""
        return slice_id in self._slices

    def slice(self, slice_id: str) -> SliceEntry:
        """Return a slice of the cohort."""
        return self._slices[slice_id]

    def of_png(self, path: Path) -> tuple[SliceEntry, str]:
        """Return the slice that a PNG is named after, and the structure it names or "".

        Raises:
            RejectedFile: If it is named after none or several.
        """
        found = _split_name(path, self._slices, self._renamed)
        if found is None:
            raise MarksNothing("mask fits no slice: no SOPInstanceUID of that name")
        name, structure = found
        return self._slices.get(name) or _only_one(self._renamed[name], path), structure

    def of_volume(self, path: Path) -> tuple[list[SliceEntry], str]:
        """Return the slices of the series a label volume is named after, and its structure or "".

        Raises:
            RejectedFile: If it is named after none or several.
        """
        found = _split_name(path, self._series, self._volumes)
        if found is None:
            raise MarksNothing(
                "mask fits no series: no SeriesInstanceUID or image volume of that name"
            )
        name, structure = found
        if name not in self._volumes:
            return self._series[name], structure
        return _only_one(self._volumes[name], path), structure

    def are_referred_to(self, mask: DicomMask) -> bool:
        """Tell whether a DICOM mask refers to a series, or else a study, of the cohort."""
        if mask.series:
            return any(uid in self._series for uid in mask.series)
        return mask.study in self._studies

    def of_dicom(self, mask: DicomMask) -> list[SliceEntry]:
        """Return the slices that a DICOM mask refers to.

        Raises:
            RejectedFile: If none of them is in the cohort, or in the mask's frame of reference.
        """
        found = {uid: self._slices[uid] for uid in mask.slices if uid in self._slices}
        if not mask.names_every_slice:
            by_series = [it for uid in mask.series for it in self._series.get(uid, [])]
            members = by_series if mask.series else self._studies.get(mask.study, [])
            near = [entry for entry in members if _may_mark(mask, entry)]
            if members and not near and not found:
                raise RejectedFile("mask lies in another frame of reference")
            found |= {entry.slice_id: entry for entry in near}
        if not found:
            raise MarksNothing("mask refers to no slice of the cohort")
        return list(found.values())


def _may_mark(mask: DicomMask, entry: SliceEntry) -> bool:
    """Tell whether positions of the mask say anything about a slice."""
    frames = mask.frames_of_reference
    return any(is_same_frame(frame, entry.frame_of_reference) for frame in frames)


def _only_one(found: dict[str, Found], path: Path) -> Found:
    """Return what was found of the one image volume that a mask can mean.

    Of several, it is the one in a folder of the name of that of the mask, or of the one above.
    """
    if len(found) > 1:
        folders = [id_of(folder) for folder in path.parts[-3:-1]]
        found = {
            image: it for image, it in found.items() if id_of(Path(image).parent.name) in folders
        }
    if len(found) != 1:
        raise RejectedFile("mask fits several image volumes of that name: rename the images")
    return next(iter(found.values()))


def is_png(path: Path) -> bool:
    """Tell whether a file has the name of a PNG."""
    return path.suffix.lower() == PNG_SUFFIX


def stem_of(path: Path) -> str:
    """Return the name of a PNG or a volume without its suffix."""
    return path.stem if is_png(path) else name_of(path)


def _split_name(path: Path, *known: Container[str]) -> tuple[str, str] | None:
    """Split ``<id>``, ``<id>_<structure>`` or ``<id>/<structure>``, the longest id first."""

    def is_known(name: str) -> bool:
        return any(name in names for names in known)

    stem, folder = id_of(stem_of(path)), id_of(path.parent.name)
    if is_known(stem):
        return stem, ""
    for place in range(len(stem) - 1, 0, -1):
        if stem[place] == "_" and is_known(stem[:place]):
            return stem[:place], stem[place + 1 :]
    return (folder, stem) if is_known(folder) else None
