"""Finds the map of each slice among files that were made elsewhere."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ct_importance.cohort.masks.files import MarksNothing, list_mask_files
from ct_importance.cohort.masks.targets import MaskTargets, is_png
from ct_importance.cohort.rejection import RejectedFile
from ct_importance.cohort.slice_entry import SliceEntry, id_of
from ct_importance.cohort.volume.parts import is_volume
from ct_importance.errors import InputError
from ct_importance.io.paths import StrPath
from ct_importance.saliency.given import reading, volumes
from ct_importance.saliency.given.parametric import frames_of, is_parametric_map, value_on_slice

MOST_NAMED = 3
ARRAYS = (".npy", ".npz")
Read = Callable[[], NDArray[np.floating]]
"""Reads a map, see `reading.in_grid`."""


class GivenMaps:
    """The maps of a folder."""

    def __init__(
        self, name: str, folder: StrPath, entries: Sequence[SliceEntry], size: int, suffix: str = ""
    ) -> None:
        """Match files to slices; pixels are read when a map is asked for.

        Args:
            name: Of the estimator, for messages.
            folder: Folder with maps at any depth.

                - ``<SOPInstanceUID>.npy`` or ``.npz`` (with one array), as large as the slice is
                  stored or as it is extracted (size x size); ``.png`` of 8 or 16 bits, as it is
                  stored;
                - ``<SeriesInstanceUID>.npy`` or ``.npz`` (with one array): all slices of a series,
                  from the feet to the head;
                - ``.npz`` of any other name: an array per slice, by SOPInstanceUID;
                - NIfTI, NRRD or MetaImage on any grid: ``<SeriesInstanceUID>.nii.gz``;
                - DICOM Parametric Maps of any name: they say themselves which slices they are of.

                Of a slice of a volume the id is that of `slices.parquet`, of a series of one the
                name of its file.
            entries: The slices of the cohort.
            size: Rows and columns of a slice as it is extracted.
            suffix: What files are named behind the id and an underscore.

        Raises:
            InputError: If the folder is missing, or two files hold the map of one slice.
        """
        self._name, self._folder, self._size, self._suffix = name, folder, size, suffix
        self._targets = MaskTargets(entries)
        self._found: dict[str, tuple[Path, SliceEntry, Read]] = {}
        self._unfit: dict[str, str] = {}
        for path in list_mask_files(folder):
            if not self._targets.is_image(path):
                try:
                    self._match(path)
                except RejectedFile as reason:
                    self._unfit[str(path)] = str(reason).replace("mask", "map")

    def check(self, slice_ids: Collection[str]) -> None:
        """Check that each of some slices has a map.

        Raises:
            InputError: If not, with how many and which.
        """
        missing = sorted(set(slice_ids) - self._found.keys())
        if not missing:
            return
        text = (
            f"{self._name}: {len(missing)} of {len(set(slice_ids))} slices have no map in "
            f"{self._folder}: {_listed(missing)}; every slice that is explained needs one"
        )
        if self._unfit:
            unfit = [f"{path} ({reason})" for path, reason in self._unfit.items()]
            text += f". {len(unfit)} files were matched to no slice: {_listed(unfit)}"
        raise InputError(text)

    def __call__(self, slice_id: str) -> NDArray[np.float32]:
        """Return the map of a slice, (size, size) float32.

        Raises:
            InputError: If there is none, or its file cannot be read.
        """
        self.check([slice_id])
        path, entry, read = self._found[slice_id]
        try:
            return reading.in_grid(read(), entry.geometry, self._size)
        except RejectedFile as reason:
            text = str(reason).replace("mask", "map")
            raise InputError(f"{self._name}: {path}: {text}") from None

    def _match(self, path: Path) -> None:
        is_array = path.suffix.lower() in ARRAYS
        is_of_several = is_array and not self._names_slice(path)
        if is_of_several and (series := self._series_of(path)):
            self._match_stack(path, series)
        elif is_of_several and path.suffix.lower() == ".npz":
            for key in reading.names_in(path):
                self._match_slice(path, Path(f"{id_of(key)}.png"), key)
        elif is_array or is_png(path):
            self._match_slice(path, path.with_suffix(".png"))
        elif is_volume(path):
            entries, structure = self._targets.of_volume(path)
            self._check_suffix(structure)
            for entry in entries:
                self._add(path, entry, partial(volumes.values_on_slice, path, entry.geometry))
        elif is_parametric_map(path):
            self._match_parametric(path)
        else:
            raise RejectedFile("no map (npy, npz, PNG, NIfTI, NRRD, MetaImage, Parametric Map)")

    def _names_slice(self, path: Path) -> bool:
        try:
            self._targets.of_png(path.with_suffix(".png"))
        except RejectedFile:
            return False
        return True

    def _series_of(self, path: Path) -> list[SliceEntry]:
        """Return the slices of the series that an array is named after, from the feet up."""
        try:
            entries, structure = self._targets.of_volume(path.with_suffix(".nii"))
        except MarksNothing:
            return []
        self._check_suffix(structure)
        return sorted(entries, key=lambda entry: entry.position)

    def _match_stack(self, path: Path, entries: Sequence[SliceEntry]) -> None:
        for number, entry in enumerate(entries):
            self._add(path, entry, partial(reading.slice_of_stack, path, number, len(entries)))

    def _match_slice(self, path: Path, named: Path, key: str | None = None) -> None:
        entry, structure = self._targets.of_png(named)
        self._check_suffix(structure)
        self._add(path, entry, partial(reading.map_of_slice, path, key, entry))

    def _match_parametric(self, path: Path) -> None:
        frames: dict[str, list[int]] = defaultdict(list)
        for number, frame in enumerate(frames_of(path)):
            for slice_id in frame.slices:
                frames[slice_id].append(number)
        known = {name: numbers for name, numbers in frames.items() if self._targets.has(name)}
        if not known:
            raise RejectedFile("map refers to no slice of the cohort")
        for slice_id, numbers in known.items():
            entry = self._targets.slice(slice_id)
            if len(numbers) > 1:
                raise InputError(f"{self._name}: {path} holds two maps of slice {slice_id}")
            self._add(path, entry, partial(value_on_slice, path, numbers[0], entry.geometry))

    def _check_suffix(self, structure: str) -> None:
        if structure != self._suffix:
            wanted = f"<id>_{self._suffix}" if self._suffix else "the id alone"
            raise RejectedFile(f"file is not named {wanted}")

    def _add(self, path: Path, entry: SliceEntry, read: Read) -> None:
        if entry.slice_id in self._found:
            other = self._found[entry.slice_id][0]
            raise InputError(
                f"{self._name}: {other} and {path} both hold the map of slice {entry.slice_id}: "
                "take one away, or name the one that is meant by `suffix`"
            )
        self._found[entry.slice_id] = (path, entry, read)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more
