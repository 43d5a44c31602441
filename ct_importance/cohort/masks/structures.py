"""The choice of structures (segments, ROIs, values) of a mask, by name or number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ct_importance.cohort.masks.files import MarksNothing
from ct_importance.cohort.rejection import RejectedFile
from ct_importance.cohort.slice_entry import id_of


@dataclass(frozen=True)
class Structures:
    """The structures that unite into the mask; without any, all that a file marks.

    Example:
        >>> heart = Structures.of(["Heart", 3])
        >>> heart.take(" heart ", 1), heart.take("lung", 3), heart.take("lung", 2)
        (True, True, False)
    """

    names: frozenset[str] = frozenset()
    """Names of segments, ROIs or files, stripped and case-folded."""
    numbers: frozenset[int] = frozenset()
    """Numbers of segments or ROIs, or values of voxels and pixels."""
    listed: str = ""
    """The choice as the user wrote it, for messages."""

    @classmethod
    def of(cls, wanted: Sequence[str | int] | None) -> Structures:
        """Return the choice that a list of names and numbers states; None or [] takes all."""
        wanted = list(wanted or [])
        return cls(
            names=frozenset(_plain(it) for it in wanted if isinstance(it, str)),
            numbers=frozenset(int(it) for it in wanted if not isinstance(it, str)),
            listed=", ".join(str(it).strip() for it in wanted),
        )

    @property
    def are_all(self) -> bool:
        """Whether nothing was chosen, so that everything counts."""
        return not self.names and not self.numbers

    def take(self, name: str, number: int) -> bool:
        """Tell whether a segment or an ROI is one of the structures."""
        return self.are_all or _plain(name) in self.names or number in self.numbers

    def check_file_name(self, structure: str) -> None:
        """Check that a PNG or label volume can hold one of the structures.

        Args:
            structure: What the file's name says it marks; "" if it does not say.

        Raises:
            RejectedFile: If it can not, with how to name it.
        """
        if self.are_all or (structure and _plain(structure) in self.names):
            return
        if structure and self.names:
            raise MarksNothing(f"mask is none of the structures {self.listed}, by its file name")
        if not self.numbers:
            raise RejectedFile(
                f"name of the mask says no structure, but {self.listed} are wanted: "
                "name it <id>_<structure> or <id>/<structure>"
            )

    def values_of(self, stem: str) -> frozenset[int] | None:
        """Return the values that are inside in a PNG or label volume; None: all above 0.

        A file named after one of the structures counts whole. Any other is a map of numbers.

        Args:
            stem: Name of a file that `check_file_name` lets pass, without its suffix.
        """
        stem = _plain(stem)
        is_named = any(stem == name or stem.endswith(f"_{name}") for name in self.names)
        return None if self.are_all or is_named else self.numbers


def _plain(name: str) -> str:
    return id_of(str(name).strip().casefold())
