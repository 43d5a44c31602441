"""The files of signs that are put on slices, and of the classifiers that see them."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import SimpleNamespace

from ct_importance.cohort.options import PlantedOptions
from ct_importance.io.paths import StrPath
from ct_importance.task import key_of
from ct_importance.workflow.layout.cohort import CohortFiles
from ct_importance.workflow.layout.grid import Wildcards


class PlantedFiles(CohortFiles):
    """Which slices each classifier sees.

    Slices with a sign are a cohort of their own: below planted/<sign>/ is what below the folder of
    the run would be, were the sign on every slice. A classifier sees some of these in place of
    those without: below planted/<sign>_<class>_<dose>/ is their list, and what is made of it.
    """

    @property
    def planted_of(self) -> dict[str, PlantedOptions]:
        """What is put on slices, by classifier; those that see slices as they are have none."""
        given = ((name, source.planted) for name, source in self.classifiers.items())
        return {name: planted for name, planted in given if planted is not None}

    @property
    def doses(self) -> dict[str, PlantedOptions]:
        """What is put on slices, by the name of its folder."""
        return {name_of_dose(it): it for it in self.planted_of.values()}

    @property
    def signs(self) -> list[str]:
        """The signs of all classifiers."""
        return sorted({it.sign for it in self.doses.values()})

    @property
    def planted(self) -> str:
        """A pattern that matches the folders of lists of slices, from that of the run."""
        return f"(/planted/({'|'.join(map(re.escape, self.doses))}))?" if self.doses else "()"

    def folder_of_slices(self, wildcards: Wildcards) -> str:
        """Return where the list of the slices lies that a classifier sees, or all without one."""
        classifier = getattr(wildcards, "classifier", None)
        planted = self.classifiers[classifier].planted if classifier else None
        return f"{self.folder}/planted/{name_of_dose(planted)}" if planted else self.folder

    def seen(self, file: str) -> Callable[[Wildcards], str]:
        """Return a function from wildcards to a file of the slices that a classifier sees."""
        return lambda wildcards: f"{self.folder_of_slices(wildcards)}/{file}"

    @property
    def test_alike(self) -> bool:
        """Whether all classifiers see the same test slices: with one sign or none."""
        given = (it.planted for it in self.classifiers.values())
        return len({it and (it.sign, key_of(it.in_class)) for it in given}) == 1

    def seen_by_all(self, file: str) -> str:
        """Return a file of the slices that the first classifier sees: for tests, those of all."""
        first = SimpleNamespace(classifier=next(iter(self.classifiers)))
        return f"{self.folder_of_slices(first)}/{file}"

    def with_sign(self, folder: str, sign: str, split: StrPath) -> list[str]:
        """Return a table per job of the extraction of slices with a sign, as `of_extraction`."""
        return self.of_extraction(f"planted/{sign}/{folder}", split)

    def slices_with_sign(self, wildcards: Wildcards) -> str:
        """Return the list of all slices with the sign of a dose."""
        return f"{self.folder}/planted/{self.doses[wildcards.dose].sign}/slices.parquet"


def name_of_dose(planted: PlantedOptions) -> str:
    """Return the name of the folder of slices some of which have a sign.

    Example:
        >>> name_of_dose(PlantedOptions(sign="marker", in_class="No contrast", dose=0.5))
        'marker_no_contrast_0.5'
    """
    return f"{planted.sign}_{key_of(planted.in_class)}_{planted.dose:g}"
