"""Names of estimators, metrics and slices as tables and figures print them."""

from __future__ import annotations

from collections.abc import Collection

from ct_importance.plugins import KindName, load, names

CONTROL = "†"
"""Behind the names of controls."""
READING_OF_CONTROLS = (
    f"{CONTROL} Control: a map that knows nothing of the classifier. An estimator that does not "
    "surpass it explains nothing."
)
PANEL_TITLES = {"original": "(a) Original values", "absolute": "(b) Absolute values"}
"""Of the two panels of a figure, by variant."""
PERFECT_MAP = "Perfect map (the mask itself)"
CEILINGS = {
    "mask": PERFECT_MAP,
    "readers": "Readers against each other",
}
"""Of what maps can reach."""
READING_OF_READERS = (
    "Where several readers marked a slice, its value is the mean of those by the mask of each. Of "
    "these slices, the row of the readers is what the mask of each reaches as a map, by the masks "
    "of the others."
)
SUBSET_NAMES = {
    "test": "the evenly spaced slices of the test patients",
    "annotated": "all slices with a mask, of training and test patients",
    "annotated_test": "the slices with a mask of the test patients",
    "planted": "the slices of the test patients that a sign was put on",
    "all": "all slices, of training and test patients",
}


def display_name(estimator: str) -> str:
    """Return the printed name of an estimator: its title, or that of an entry of another name."""
    return _title("estimator", estimator)


def marked_name(estimator: str, controls: Collection[str]) -> str:
    """Return the printed name of an estimator, with a mark if it is one of the controls."""
    return display_name(estimator) + (CONTROL if estimator in controls else "")


def metric_name(metric: str) -> str:
    """Return the printed name of a metric: its title, or the name of an entry that has another."""
    return _title("metric", metric)


def _title(kind: KindName, name: str) -> str:
    if name not in names(kind):
        return name
    title: str = load(kind, name).title
    return title
