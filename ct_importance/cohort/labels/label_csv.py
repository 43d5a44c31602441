"""The labels that the user's CSV gives, and which slices they are of."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ct_importance.cohort.labels.user_csv import read_csv
from ct_importance.cohort.options import LabelOptions
from ct_importance.cohort.pseudonyms import Pseudonyms
from ct_importance.cohort.slice_entry import SliceEntry, id_of
from ct_importance.errors import InputError
from ct_importance.io.paths import StrPath
from ct_importance.task import DEFAULT_TASK, key_of

UNKNOWN_WORDS = ("", "nan", "na", "n/a", "unknown")
OF_TWO = ({"false", "no", "n", "none"}, {"true", "yes", "y"})
"""Further words for the first and the second of two classes."""


class LabelCsv:
    """A CSV file with labels; a line is about a patient, a study, a series, a slice or a file."""

    def __init__(
        self,
        path: StrPath,
        options: LabelOptions,
        pseudonyms: Pseudonyms | None = None,
        classes: Sequence[str] = DEFAULT_TASK.classes,
    ) -> None:
        """Read the file.

        Args:
            path: The file, with the own ids of patients and volumes.
            options: Its columns, and what a line is about.
            pseudonyms: What the ids of the slices were replaced by, if they were.
            classes: Which it names.

        Raises:
            InputError: As `read_label_csv`.
        """
        self._path, self._options = path, options
        self._labels = read_label_csv(path, options, classes)
        if pseudonyms:
            # UIDs are not replaced.
            hashed = pseudonyms.of_slice if options.key == "slice_id" else pseudonyms.of
            self._labels |= {hashed(key): label for key, label in self._labels.items()}

    def labels_of(self, slices: Sequence[SliceEntry]) -> list[int | None]:
        """Return the label of each slice of a series; None for one that no line is about."""
        first = slices[0]
        names = {
            "patient_id": lambda: [first.patient_id] * len(slices),
            "study_uid": lambda: [first.study_uid] * len(slices),
            "series_uid": lambda: [first.series_uid] * len(slices),
            "slice_id": lambda: [entry.slice_id for entry in slices],
            "file_name": lambda: list(map(_file_name, slices)),
        }[self._options.key]()
        return [self._labels.get(self._own_name(name, first.dataset)) for name in names]

    def _own_name(self, name: str, dataset: str) -> str:
        """Return the name of a patient, a volume or its slice as the CSV has it.

        Where two datasets use a name, one has the name of its dataset in front of it.
        """
        return name if name in self._labels else name.removeprefix(f"{dataset}-")

    def check_names(self, entries: Sequence[SliceEntry]) -> None:
        """Check that a file it names is of one series.

        Raises:
            InputError: If files of several series have that name.
        """
        if self._options.key != "file_name":
            return
        series_of_name: dict[str, tuple[str, str]] = {}
        for entry in entries:
            name = _file_name(entry)
            if name in self._labels and series_of_name.setdefault(name, entry.series) != (
                entry.series
            ):
                raise InputError(
                    f"{self._path}: files of several series are named {name!r}; label them by "
                    "another `key`, such as series_uid"
                )

    def fits_nothing(self) -> InputError:
        """Return the error of a file that is about no slice there is."""
        return InputError(
            f"{self._path}: no value of column {self._options.key_column!r} is the "
            f"{self._options.key} of a series that was found; check `key` and `key_column` of the "
            "labels in cohort.datasets"
        )


def _file_name(entry: SliceEntry) -> str:
    return id_of(os.path.basename(entry.path))


def read_label_csv(
    path: StrPath,
    options: LabelOptions,
    classes: Sequence[str] = DEFAULT_TASK.classes,
) -> dict[str, int]:
    """Return the labels of a CSV file by key; lines with an empty label are passed over.

    Raises:
        InputError: If the file is missing, lacks a column, has no label or a value that is none.
    """
    columns = [options.key_column, options.label_column]
    hint = " (`key_column` and `label_column` of the labels in cohort.datasets name the columns)"
    words = words_of(classes)
    labels: dict[str, int] = {}
    for line, (key, word) in read_csv(path, columns, "labels.csv", hint):
        label = words.get(word.casefold())
        if label is None and word.casefold() not in UNKNOWN_WORDS:
            raise InputError(
                f"{path}, line {line}: the label names no class: write {in_words(classes)}; "
                "leave it empty if it is unknown"
            )
        if label is not None and labels.setdefault(key, label) != label:
            raise InputError(f"{path}, line {line}: a second label for one key")
    if not labels:
        indices = " or ".join(str(label) for label in reversed(range(len(classes))))
        raise InputError(
            f"{path}: column {options.label_column!r} holds no label; write {indices}, or check "
            "`label_column` of the labels in cohort.datasets"
        )
    return labels


def words_of(classes: Sequence[str]) -> dict[str, int]:
    """Return the class that each word for one means, in lower case.

    A class goes by its name, its key and its index, the first and the second of two also by no and
    yes, false and true. Where that makes a word mean two classes (a second class that is named
    "1"), only names and keys count.

    >>> words_of(("healthy", "lesion"))["lesion"]
    1
    """
    names: dict[str, int] = {}
    others: dict[str, int] = {}
    for label, name in enumerate(classes):
        names |= {name.casefold(): label, key_of(name): label}
        others |= {str(label): label, f"{label}.0": label}
        if len(classes) == len(OF_TWO):
            others |= dict.fromkeys(sorted(OF_TWO[label]), label)
    if any(others.get(word, label) != label for word, label in names.items()):
        return names
    return names | others


def in_words(classes: Sequence[str]) -> str:
    """Return what may be written for each class, for a message.

    >>> in_words(("healthy", "lesion"))
    'healthy/0/false/no or lesion/1/true/yes'
    """
    words = words_of(classes)
    others = (("false", "no"), ("true", "yes")) if len(classes) == len(OF_TWO) else ()
    forms = [
        [name, str(label), *(others[label] if others else ())] for label, name in enumerate(classes)
    ]
    return " or ".join(
        "/".join(it for it in form if words.get(it.casefold()) == label)
        for label, form in enumerate(forms)
    )
