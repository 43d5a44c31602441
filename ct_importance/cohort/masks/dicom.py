"""A mask in a DICOM object: its flat parts (frames or contours), and their slices."""

from __future__ import annotations

import functools
import itertools
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pydicom
from numpy.typing import NDArray

from ct_importance.cohort.dicom.geometry import SliceGeometry
from ct_importance.cohort.masks.files import reading
from ct_importance.cohort.masks.objects import items, read_object, uids
from ct_importance.cohort.masks.structures import Structures
from ct_importance.cohort.rejection import RejectedFile

OBJECTS_KEPT = 16
"""Objects that are kept in memory: their slices come one by one."""
# Writers round positions, and even out those of uneven slices.
PLANE_TOLERANCE_MM = 0.5
# Parts of one structure that are this close along the patient lie in one plane.
SAME_PLANE_MM = 0.01


@dataclass(frozen=True, eq=False)
class Part:
    """A flat part of a mask."""

    name: str
    """What it is, for messages."""
    structure: int
    """Number of its segment or ROI."""
    slices: frozenset[str]
    """SOP instance UIDs of the images that it was drawn on."""
    frame_of_reference: str
    """FrameOfReferenceUID of its positions; may be ""."""
    outline: np.ndarray
    """Its corners in the patient, (n, 3), LPS, mm."""

    @property
    def slice_id(self) -> str:
        """The slice that it was drawn on; "" if it names none, or several."""
        return next(iter(self.slices)) if len(self.slices) == 1 else ""


PartT = TypeVar("PartT", bound=Part)


@dataclass(frozen=True, eq=False)
class DicomMask:
    """The chosen structures of a DICOM object."""

    parts: Sequence[Part]
    """The parts that mark anything."""
    series: frozenset[str]
    """Series instance UIDs that the object refers to; may be empty."""
    study: str
    """Study instance UID of the object; may be ""."""
    draw: Callable[[Sequence[Any], SliceGeometry], NDArray[np.bool_]]
    """Turns parts that lie on a slice into its mask, (rows, columns) bool."""

    @classmethod
    def of(
        cls,
        dataset: pydicom.Dataset,
        parts: Sequence[PartT],
        draw: Callable[[Sequence[PartT], SliceGeometry], NDArray[np.bool_]],
        *series: str,
    ) -> DicomMask:
        """Return the mask of an object.

        Args:
            dataset: The object.
            parts: Those of the chosen structures.
            draw: See `DicomMask.draw`.
            *series: Keywords of the nested sequences that name the series it refers to.
        """
        return cls(
            parts=parts,
            series=uids(items(dataset, *series), "SeriesInstanceUID"),
            study=str(dataset.get("StudyInstanceUID", "")),
            draw=draw,
        )

    @property
    def names_every_slice(self) -> bool:
        """Whether every part names its slice."""
        return all(part.slice_id for part in self.parts)

    @functools.cached_property
    def frames_of_reference(self) -> frozenset[str]:
        """FrameOfReferenceUIDs of the parts that do not name their slice."""
        return frozenset(part.frame_of_reference for part in self._named.get("", []))

    @property
    def slices(self) -> list[str]:
        """SOP instance UIDs of the slices that parts were drawn on, in the order of the parts."""
        return list(dict.fromkeys(uid for part in self.parts for uid in sorted(part.slices)))

    def on_slice(
        self, slice_id: str, geometry: SliceGeometry, frame_of_reference: str
    ) -> NDArray[np.bool_]:
        """Return the mask of a slice, (rows, columns) bool.

        Raises:
            RejectedFile: If a part does not lie where the slice that it names does.
        """
        return self.draw(self.parts_on(slice_id, geometry, frame_of_reference), geometry)

    def parts_on(
        self, slice_id: str, geometry: SliceGeometry, frame_of_reference: str
    ) -> list[Part]:
        """Return the parts that belong to a slice.

        A part that names its slice belongs to that one; of the others that name it among several or
        are in its frame of reference, those of each structure that lie nearest to its plane and
        within half a millimetre of it.

        Raises:
            RejectedFile: If a part does not lie where the slice that it names does.
        """
        named = self._named.get(slice_id, [])
        for part, distance in zip(named, _distances(named, geometry), strict=True):
            if distance > PLANE_TOLERANCE_MM:
                raise RejectedFile(
                    f"{part.name} lies {distance:.1f} mm off the slice that it refers to"
                )
        return [*named, *self._nearest(slice_id, geometry, frame_of_reference)]

    @functools.cached_property
    def _named(self) -> dict[str, list[Part]]:
        named = defaultdict(list)
        for part in self.parts:
            named[part.slice_id].append(part)
        return named

    @functools.cached_property
    def _centres(self) -> np.ndarray:
        """Centres of the parts that do not name their slice, (n, 3), mm."""
        return np.array([part.outline.mean(axis=0) for part in self._named[""]])

    def _nearest(
        self, slice_id: str, geometry: SliceGeometry, frame_of_reference: str
    ) -> Iterator[Part]:
        if "" not in self._named:
            return
        # No part lies nearer than its centre: a quick look spares most of their points.
        near = np.abs((self._centres - geometry.origin) @ geometry.normal) <= 2 * PLANE_TOLERANCE_MM
        unnamed = [
            part
            for part in itertools.compress(self._named[""], near)
            if slice_id in part.slices or is_same_frame(part.frame_of_reference, frame_of_reference)
        ]
        distances = _distances(unnamed, geometry)
        nearest: dict[int, float] = {}
        for part, distance in zip(unnamed, distances, strict=True):
            nearest[part.structure] = min(distance, nearest.get(part.structure, np.inf))
        for part, distance in zip(unnamed, distances, strict=True):
            if distance <= min(PLANE_TOLERANCE_MM, nearest[part.structure] + SAME_PLANE_MM):
                yield part


def is_same_frame(one: str, other: str) -> bool:
    """Tell whether positions in two frames of reference can be compared; "" may be any frame."""
    return not one or not other or one == other


def _distances(parts: Sequence[Part], geometry: SliceGeometry) -> np.ndarray:
    """Return the largest distance of each part from the plane of a slice, mm."""
    if not parts:
        return np.empty(0)
    points = np.concatenate([part.outline for part in parts])
    heights = np.abs((points - geometry.origin) @ geometry.normal)
    ends = np.cumsum([len(part.outline) for part in parts])
    return np.maximum.reduceat(heights, [0, *ends[:-1]])


@functools.lru_cache(maxsize=OBJECTS_KEPT)
def load_mask(
    path: Path,
    stamp: object,
    structures: Structures,
    kind: str,
    read: Callable[[pydicom.FileDataset, Structures], DicomMask],
) -> DicomMask:
    """Return what the chosen structures of a DICOM object mark.

    Args:
        path: The file.
        stamp: `mask_stamp` of the file: a file that has changed is read again.
        structures: Names or numbers of the segments or ROIs.
        kind: What the object is, for messages.
        read: Makes the mask of an object of this kind.

    Raises:
        RejectedFile: If the file cannot be read, or has none of the structures.
    """
    with reading(f"DICOM {kind}"):
        return read(read_object(path), structures)
