"""The label of each slice, as the plan and the summary of the cohort look it up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ct_importance.cohort.slice_entry import SliceEntry, series_of
from ct_importance.io.paths import StrPath
from ct_importance.io.table_file import read_table

Series = tuple[str, str]
"""Patient and series."""


@dataclass(frozen=True)
class SliceLabels:
    """The label of each slice: that of its series, where its slices do not differ."""

    of_series: Mapping[Series, int | None]
    of_slices: Mapping[str, int | None] = field(default_factory=dict)
    """Those of series whose slices have labels of their own, by slice_id."""
    reasons: Mapping[Series, str] = field(default_factory=dict)
    """Why slices of a series have none."""

    @property
    def by_slice(self) -> bool:
        """Whether slices of one series may differ."""
        return bool(self.of_slices)

    def of(self, entry: SliceEntry) -> int | None:
        """Return the label of a slice; None without one."""
        if entry.slice_id in self.of_slices:
            return self.of_slices[entry.slice_id]
        return self.of_series.get(entry.series)

    def planned(self, entry: SliceEntry) -> int | None:
        """Return the label of a slice; None where its mask decides when it is extracted."""
        return self.of(entry)

    def reason(self, entry: SliceEntry) -> str:
        """Return why a slice has no label, "" if it has one."""
        return "" if self.of(entry) is not None else self.reasons.get(entry.series, "")


def read_slice_labels(path: StrPath, entries: Sequence[SliceEntry]) -> SliceLabels:
    """Return what rule label_series wrote.

    Args:
        path: The table (`series.SCHEMA`).
        entries: The index it was made from.
    """
    rows = {(row["patient_id"], row["series_uid"]): row for row in read_table(path).to_pylist()}
    differing = {name: row for name, row in rows.items() if row["slice_labels"] is not None}
    own = [entry for entry in entries if entry.series in differing]
    of_slices = {
        entry.slice_id: label
        for name, slices in series_of(own).items()
        for entry, label in zip(slices, differing[name]["slice_labels"], strict=True)
    }
    return SliceLabels(
        {name: row["label"] for name, row in rows.items()},
        of_slices,
        {name: row["reason"] for name, row in rows.items()},
    )
