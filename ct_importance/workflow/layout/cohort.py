"""The files of the cohort."""

from __future__ import annotations

from ct_importance.errors import InputError
from ct_importance.io.paths import StrPath
from ct_importance.io.table_file import read_table
from ct_importance.workflow.inputs import as_inputs
from ct_importance.workflow.layout.grid import Grid, Wildcards


class CohortFiles(Grid):
    """Where images, labels, masks and slices are."""

    @property
    def has_masks(self) -> bool:
        """Whether slices can have masks."""
        return self.is_phantom or any(self.inputs.masks.values())

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

    def of_patients(self, folder: str, split: StrPath) -> list[str]:
        """Return a table per patient.

        Args:
            folder: Where they lie, below that of the run.
            split: The table of the patients, which the checkpoint plan_extraction wrote.

        Raises:
            WorkflowError: If it cannot be read.
        """
        try:
            files = read_table(split, ["file"]).column("file").to_pylist()
        except InputError as error:
            # Of other errors in a function of its rules Snakemake prints the traceback.
            from snakemake.exceptions import WorkflowError

            raise WorkflowError(str(error)) from None
        return [f"{self.folder}/{folder}/{file}.parquet" for file in files]

    def plan_of(self, patient: str, plans: StrPath) -> str:
        """Return the plan of a patient; plans: the folder that the checkpoint wrote."""
        return f"{plans}/{patient}.json"

    def _pseudonym_key(self) -> list[str]:
        return [self.inputs.pseudonym_key] if self.inputs.pseudonym_key else []
