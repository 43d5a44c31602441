"""Lines of an index that were read from no file."""

from typing import Any

from ct_importance.cohort.slice_entry import SliceEntry


def slice_entry(number: int = 0, **changes: Any) -> SliceEntry:
    """Return a slice of 8 x 8 pixels, `number` mm above the first."""
    entry = {
        "dataset": "a",
        "slice_id": f"1.{number}",
        "series_uid": "1.2.3",
        "study_uid": "1.2",
        "frame_of_reference": "",
        "patient_id": "P1",
        "path": f"some/folder/{number}.dcm",
        "frame": None,
        "rows": 8,
        "columns": 8,
        "origin": (0.0, 0.0, float(number)),
        "orientation": (1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
        "spacing": (1.0, 1.0),
        "position": float(number),
        "contrast_tag": "absent",
        "description_label": None,
    }
    return SliceEntry(**entry | changes)


def series(patient: str, name: str, slices: int) -> list[SliceEntry]:
    """Return a series of a patient, from its lowest slice to its highest."""
    return [
        slice_entry(
            number,
            slice_id=f"{patient}.{name}.{number}",
            series_uid=name,
            patient_id=patient,
            path=f"{patient}/{name}/{number}",
        )
        for number in range(slices)
    ]
