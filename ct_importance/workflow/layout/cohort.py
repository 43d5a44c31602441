"""The files of the cohort."""

from __future__ import annotations

from collections.abc import Mapping

from ct_importance.errors import InputError
from ct_importance.io.paths import StrPath
from ct_importance.workflow.inputs import as_inputs
from ct_importance.workflow.layout.batches import read_batches
from ct_importance.workflow.layout.grid import Grid, Wildcards


class CohortFiles(Grid):
    """Where images, labels, masks and slices are."""

    @property
    def has_masks(self) -> bool:
        """Whether slices can have masks."""
        return self.is_phantom or any(self.inputs.masks.values())

    @property
    def has_readers(self) -> bool:
        """Whether several readers can have marked a slice."""
        return any(len(folders) > 1 for folders in self.inputs.masks.values())

    def phantom(self) -> list[str]:
        """Return the folder of the built-in cohort, where it is used."""
        return [f"{self.folder}/phantom"] if self.is_phantom else []

    def headers(self) -> list[str]:
        """Return the tables of headers, one per dataset."""
        return [f"{self.folder}/cohort/headers/{name}.parquet" for name in self.datasets]

    def header_files(self, wildcards: Wildcards) -> list[str]:
        """Return what the headers of a dataset depend on, beside what lies in its folders."""
        name = wildcards.dataset
        patients = self.inputs.patients.get(name)
        return [
            *self.inputs.folders.get(name, []),
            *([patients] if patients else []),
            *self._pseudonym_key(),
        ]

    def tracked_header_files(self, wildcards: Wildcards) -> list[str]:
        """Return those of them that Snakemake can track."""
        return as_inputs(self.header_files(wildcards))

    def label_files(self) -> list[str]:
        """Return the tables of labels, and the secret of pseudonyms."""
        return [*sorted(filter(None, self.inputs.labels.values())), *self._pseudonym_key()]

    def tracked_label_files(self) -> list[str]:
        """Return those of them that Snakemake can track."""
        return as_inputs(self.label_files())

    def mask_files(self) -> list[str]:
        """Return the mask files of the user that Snakemake can track."""
        return as_inputs(self.inputs.mask_files)

    def chest(self) -> list[str]:
        """Return the table of chests, where only the chest is wanted."""
        wanted = self.cohort.body_region.region == "chest"
        return [f"{self.folder}/cohort/chest.parquet"] if wanted else []

    def of_extraction(self, folder: str, split: StrPath) -> list[str]:
        """Return a table per job of the extraction.

        Args:
            folder: Where they lie, below that of the run.
            split: The table of the patients, which the checkpoint plan_extraction wrote.

        Raises:
            WorkflowError: If it cannot be read.
        """
        return [f"{self.folder}/{folder}/{name}.parquet" for name in _batches(split)]

    def plans_of(self, patients: str, split: StrPath) -> list[str]:
        """Return the plans of the patients of a job of the extraction (`batches_of`)."""
        names = _batches(split).get(patients, [patients])
        return [f"{self.folder}/cohort/plans/{name}.json" for name in names]

    def _pseudonym_key(self) -> list[str]:
        return [self.inputs.pseudonym_key] if self.inputs.pseudonym_key else []


def _batches(split: StrPath) -> Mapping[str, list[str]]:
    try:
        return read_batches(split)
    except InputError as error:
        # Of other errors in a function of its rules Snakemake prints the traceback.
        from snakemake.exceptions import WorkflowError

        raise WorkflowError(str(error)) from None
