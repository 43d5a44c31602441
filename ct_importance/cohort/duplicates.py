"""Sets aside slices that the cohort holds already, and those that do not fit their series."""

from __future__ import annotations

from collections import Counter, defaultdict

from ct_importance.cohort.dicom.decoding import pixel_data_digest
from ct_importance.cohort.dicom.header import SliceHeader
from ct_importance.cohort.rejection import Rejected, RejectedFile
from ct_importance.cohort.slice_entry import series_of
from ct_importance.cohort.volume.slices import volume_digest


def set_aside_duplicates(
    headers: list[SliceHeader], rejected: Rejected
) -> tuple[list[SliceHeader], set[tuple[str, str]]]:
    """Keep one of each slice, one position of a series once, and one of two scans taken at once.

    Args:
        headers: The slices, those first that are to be kept of several alike.
        rejected: Gets the slices set aside, with the reason.

    Returns:
        The slices kept, and the pairs of patient ids under which one slice was found.
    """
    headers, same_pixels = _drop_exact_copies(headers, rejected)
    headers, same_id = _drop_reused_ids(headers, rejected)
    headers = _drop_mixed_geometry(headers, rejected)
    return _drop_repeated_energy(headers, rejected), same_pixels | same_id


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
            digest = _pixel_digest(header) if len(group) > 1 else ""
            # Blank slices of different patients are equal without being copies.
            first = header if digest is None else first_by_digest.setdefault(digest, header)
            if first is header:
                kept.append(header)
            else:
                rejected[header.place] = f"exact copy of {first.place}"
                if header.patient_id != first.patient_id:
                    same_person.add((first.patient_id, header.patient_id))
    return kept, same_person


def _pixel_digest(header: SliceHeader) -> str | None:
    if header.frame is None:
        return pixel_data_digest(header.path)
    try:
        return volume_digest(header.path, header.frame)
    except RejectedFile:
        # It may be gone by now, as a DICOM file may: who wants its pixels will be told.
        return None


def _drop_reused_ids(
    headers: list[SliceHeader], rejected: Rejected
) -> tuple[list[SliceHeader], set[tuple[str, str]]]:
    """Keep the first of slices with one id: most often one image, compressed in several ways."""
    first_by_id: dict[str, SliceHeader] = {}
    same_person = set()
    for header in headers:
        first = first_by_id.setdefault(header.slice_id, header)
        if first is header:
            continue
        reason = f"has the SOPInstanceUID of {first.path}, stored differently"
        rejected[header.place] = reason
        if header.patient_id != first.patient_id:
            same_person.add((first.patient_id, header.patient_id))
    return list(first_by_id.values()), same_person


def _drop_mixed_geometry(headers: list[SliceHeader], rejected: Rejected) -> list[SliceHeader]:
    """Keep one orientation and matrix per series, and one slice per position."""
    kept: list[SliceHeader] = []
    for series in series_of(headers).values():
        shapes = Counter(_grid(header) for header in series)
        usual = max(shapes, key=lambda shape: (shapes[shape], shape))
        first_by_position: dict[float, SliceHeader] = {}
        for header in sorted(series, key=_taken_order):
            if _grid(header) != usual:
                rejected[header.place] = "orientation or matrix differs from the rest of the series"
            elif round(header.position, 2) in first_by_position:
                rejected[header.place] = (
                    "second slice of its series at one position (multi-energy or repeated)"
                )
            else:
                first_by_position[round(header.position, 2)] = header
        kept += first_by_position.values()
    return kept


def _grid(header: SliceHeader) -> tuple[int, int, tuple[float, ...]]:
    cosines = tuple(round(cosine, 2) + 0.0 for cosine in header.orientation)
    return header.rows, header.columns, cosines


def _taken_order(header: SliceHeader) -> tuple[float, str, int, str]:
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
                    rejected[header.place] = "multi-energy copy: lower tube voltage of one scan"
    return kept
