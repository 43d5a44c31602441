"""The label of each slice, as the plan and the summary of the cohort look it up."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from ct_importance.cohort.slice_entry import SliceEntry, series_of
from ct_importance.io.paths import StrPath
from ct_importance.io.table_file import read_table

Series = tuple[str, str]
"""Patient and series."""
UNCLEAR = "a mask that is set aside may mark it, so that its label is not known"
"""Why a slice has no label, where labels come from masks."""


@dataclass(frozen=True)
class SliceLabels:
    """The label of each slice: that of its series, where its slices do not differ."""

    of_series: Mapping[Series, int | None]
    of_slices: Mapping[str, int | None] = field(default_factory=dict)
    """Those of series whose slices have labels of their own, by slice_id."""
    reasons: Mapping[Series, str] = field(default_factory=dict)
    """Why slices of a series have none."""
    expected: Collection[str] = ()
    """Slices, by slice_id, of which the mask decides when it is extracted."""

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
        return None if entry.slice_id in self.expected else self.of(entry)

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


def labels_of_masks(
    entries: Sequence[SliceEntry], marked: Collection[str], unclear: Collection[str]
) -> SliceLabels:
    """Return the label that the masks give each slice: 1 with a mask, 0 without one.

    Args:
        entries: The slices.
        marked: Those with a mask, by slice_id.
        unclear: Those which a mask may mark that cannot be used: without a mask that can, they have
            no label.
    """
    open_ones = set(unclear).difference(marked)
    return SliceLabels(
        {},
        {
            entry.slice_id: None if entry.slice_id in open_ones else int(entry.slice_id in marked)
            for entry in entries
        },
        {entry.series: UNCLEAR for entry in entries if entry.slice_id in open_ones},
        expected=marked,
    )
