"""Finds the CT series below a folder by reading headers, and says why other files are left out."""

from __future__ import annotations

import logging
import os
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from scripts.cohort.dicom_header import (
    RejectedFile,
    SliceHeader,
    pixel_data_digest,
    read_header,
)
from scripts.cohort.slice_entry import series_of
from scripts.errors import InputError
from scripts.parallel import process_pool
from scripts.progress import progress

logger = logging.getLogger(__name__)

Rejected = dict[str, str]
"""Path of a file that is set aside -> the reason."""


@dataclass
class CohortIndex:
    """What was found below the folders of a cohort."""

    slices: list[SliceHeader]
    """Axial CT slices by patient, series and position; each slice_id once."""
    rejected: Rejected
    same_person: set[tuple[str, str]]
    """Pairs of patient ids under which an exact copy of one slice was found."""


def index_folders(
    folders: Sequence[str | os.PathLike], keep_derived: bool = False, workers: int = 1
) -> CohortIndex:
    """Return the axial CT slices below some folders, and the files set aside.

    Args:
        folders: Searched to any depth; symbolic links to folders are followed.
        keep_derived: Keep axial images of ImageType DERIVED.
        workers: Processes that read headers.

    Raises:
        InputError: If a folder is missing or no file is an axial CT slice.
    """
    paths = _list_files(folders)
    read = partial(_read_or_reject, keep_derived=keep_derived)
    if workers > 1:
        with process_pool(workers) as pool:
            found = pool.map(read, paths, chunksize=64)
            results = list(progress(found, "headers", total=len(paths)))
    else:
        results = [read(path) for path in progress(paths, "headers")]
    headers = [result for result in results if isinstance(result, SliceHeader)]
    rejected = {
        path: result for path, result in zip(paths, results, strict=True) if isinstance(result, str)
    }
    headers, same_person = _drop_exact_copies(headers, rejected)
    for keep in (_drop_reused_ids, _drop_mixed_geometry, _drop_repeated_energy):
        headers = keep(headers, rejected)
    _log_summary(headers, rejected)
    if not headers:
        reasons = ", ".join(
            f"{n} {reason}" for reason, n in Counter(rejected.values()).most_common(5)
        )
        raise InputError(
            f"no axial CT slice in {', '.join(map(str, folders))} "
            f"({len(rejected)} files: {reasons or 'the folder is empty'}); "
            "check cohort.dicom in the configuration"
        )
    return CohortIndex(sorted(headers, key=_reading_order), rejected, same_person)


def _list_files(folders: Sequence[str | os.PathLike]) -> list[str]:
    paths = []
    for folder in folders:
        if not Path(folder).is_dir():
            raise InputError(
                f"{folder} is not a folder; check cohort.dicom and data_dir in the configuration"
            )
        for parent, _, names in os.walk(folder, followlinks=True, onerror=_stop):
            paths += [os.path.join(parent, name) for name in names]
    return sorted(set(paths))


def _stop(error: OSError) -> None:
    raise InputError(
        f"{error.filename} cannot be read ({error.strerror}); change its permissions, or move it "
        "out of the folders of cohort.dicom"
    )


def _read_or_reject(path: str, keep_derived: bool) -> SliceHeader | str:
    if not _is_text(path):
        return "file name is not UTF-8: rename the file or its folder"
    try:
        return read_header(path, keep_derived)
    except RejectedFile as reason:
        return str(reason)


def _is_text(path: str) -> bool:
    """Tell whether a table can hold the path: Python marks bytes that are not UTF-8."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _reading_order(header: SliceHeader) -> tuple:
    return header.patient_id, header.series_uid, header.position, header.slice_id


def _drop_exact_copies(
    headers: list[SliceHeader], rejected: Rejected
) -> tuple[list[SliceHeader], set[tuple[str, str]]]:
    """Keep the first of slices whose stored pixels are equal, whatever their names."""
    alike = defaultdict(list)
    for header in headers:
        alike[header.fingerprint].append(header)
    kept, same_person = [], set()
    for group in alike.values():
        first_by_digest: dict[str, SliceHeader] = {}
        for header in group:
            digest = pixel_data_digest(header.path) if len(group) > 1 else ""
            # Blank slices of different patients are equal without being copies.
            first = header if digest is None else first_by_digest.setdefault(digest, header)
            if first is header:
                kept.append(header)
            else:
                rejected[header.path] = f"exact copy of {first.path}"
                if header.patient_id != first.patient_id:
                    same_person.add((first.patient_id, header.patient_id))
    return kept, same_person


def _drop_reused_ids(headers: list[SliceHeader], rejected: Rejected) -> list[SliceHeader]:
    first_by_id: dict[str, SliceHeader] = {}
    for header in sorted(headers, key=lambda header: header.path):
        first = first_by_id.setdefault(header.slice_id, header)
        if first is not header:
            rejected[header.path] = f"has the SOPInstanceUID of {first.path}, stored differently"
    return list(first_by_id.values())


def _drop_mixed_geometry(headers: list[SliceHeader], rejected: Rejected) -> list[SliceHeader]:
    """Keep one orientation and matrix per series, and one slice per position."""
    kept = []
    for series in series_of(headers).values():
        shapes = Counter(_grid(header) for header in series)
        usual = max(shapes, key=lambda shape: (shapes[shape], shape))
        first_by_position: dict[float, SliceHeader] = {}
        for header in sorted(series, key=_taken_order):
            if _grid(header) != usual:
                rejected[header.path] = "orientation or matrix differs from the rest of the series"
            elif round(header.position, 2) in first_by_position:
                rejected[header.path] = (
                    "second slice of its series at one position (multi-energy or repeated)"
                )
            else:
                first_by_position[round(header.position, 2)] = header
        kept += first_by_position.values()
    return kept


def _grid(header: SliceHeader) -> tuple:
    cosines = tuple(round(cosine, 2) + 0.0 for cosine in header.orientation)
    return header.rows, header.columns, cosines


def _taken_order(header: SliceHeader) -> tuple:
    return -header.kvp, header.acquisition, header.instance_number, header.slice_id


def _drop_repeated_energy(headers: list[SliceHeader], rejected: Rejected) -> list[SliceHeader]:
    """Keep the highest tube voltage of series taken at once at the same positions.

    Scans of which the header does not say when they were taken may be of different phases.
    """
    at_once = defaultdict(list)
    for series in series_of(headers).values():
        first = series[0]
        positions = tuple(sorted(round(header.position, 1) for header in series))
        key = (first.patient_id, first.study_uid, first.frame_of_reference, first.acquisition)
        at_once[(*key, positions)].append(series)
    kept = []
    for group in at_once.values():
        highest = max(series[0].kvp for series in group)
        for series in group:
            known = series[0].frame_of_reference and series[0].acquisition
            if series[0].kvp == highest or not known:
                kept += series
            else:
                for header in series:
                    rejected[header.path] = "multi-energy copy: lower tube voltage of one scan"
    return kept


def _log_summary(headers: list[SliceHeader], rejected: Rejected) -> None:
    patients = {header.patient_id for header in headers}
    logger.info(
        "kept %d slices in %d series of %d patients; set aside %d files",
        len(headers),
        len(series_of(headers)),
        len(patients),
        len(rejected),
    )
    for reason, count in Counter(_kind(reason) for reason in rejected.values()).most_common():
        logger.info("  %d: %s", count, reason)


def _kind(reason: str) -> str:
    return reason.split(" of ", 1)[0] if reason.startswith(("exact copy", "has the")) else reason
