"""Files and folders of the user, checked while the workflow is read."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
from collections.abc import Callable

from ct_importance.cohort.options import DatasetOptions
from ct_importance.errors import InputError
from ct_importance.io.digests import file_digest
from ct_importance.io.folders import list_files, overlapping_folders
from ct_importance.workflow.config import Config


class UserInputs:
    """The paths that a configuration names, as absolute or relative to where Snakemake runs.

    They are checked here: errors of Snakemake's input functions come with a traceback.
    """

    def __init__(self, config: Config) -> None:
        """Check all paths of the configuration.

        Raises:
            InputError: If one is missing or cannot be read, or two datasets share files.
        """
        self._config = config
        self.datasets: dict[str, DatasetOptions] = dict(
            sorted(config.options.cohort.given_datasets.items())
        )
        """Those that are not left out; none for the phantom."""
        self.folders = {name: self._image_folders(name) for name in self.datasets}
        """Folders with the images of each dataset."""
        self.patients = {
            name: self._file(dataset.patients, f"datasets.{name}.patients")
            for name, dataset in self.datasets.items()
        }
        """Table of the patients of each dataset of volumes, or None."""
        self.labels = {
            name: self._file(dataset.labels.csv, f"datasets.{name}.labels.csv")
            for name, dataset in self.datasets.items()
        }
        """Table of the labels of each dataset, or None."""
        self.masks = {
            name: self._path(dataset.masks, f"datasets.{name}.masks", os.path.isdir)
            for name, dataset in self.datasets.items()
        }
        """Folder with the masks of each dataset, or None."""
        self.pseudonym_key = self._file(config.options.cohort.pseudonym_key, "pseudonym_key")
        """File with the secret that pseudonyms depend on, or None."""
        self._check_overlaps()

    def top_level_digest(self, dataset: str) -> str:
        """Return a digest of what lies at the top of a dataset's folders.

        The time of a folder itself does not tell: rsync -a keeps it.
        """
        names = [sorted(os.listdir(folder)) for folder in self.folders[dataset]]
        return hashlib.blake2b(json.dumps(names).encode(), digest_size=16).hexdigest()

    def mask_files(self) -> list[str]:
        """Return the mask files one by one: Snakemake sees when one of them changes."""
        folders = sorted({folder for folder in self.masks.values() if folder})
        stamps = list_files(folders, "cohort.datasets.<name>.masks", hidden=False)
        # A link to nothing is set aside later; Snakemake would stop at it.
        return [stamp.path for stamp in stamps if os.path.exists(stamp.path)]

    def weights(self) -> str | None:
        """Return the file of the user's classifier, or None.

        Raises:
            InputError: If it cannot be read.
        """
        path = self._config.options.model.weights
        if path is not None and not (os.path.isfile(path) and os.access(path, os.R_OK)):
            raise InputError(f"config: model.weights: {path} is not a file that can be read")
        return path

    def weights_digest(self) -> str:
        """Return a digest of that file: Snakemake compares files of this size by time only."""
        return file_digest(self.weights())

    def _image_folders(self, name: str) -> list[str]:
        dataset = self.datasets[name]
        key = f"datasets.{name}.{'dicom' if dataset.volumes is None else 'volumes'}"
        return [self._path(folder, key, os.path.isdir) for folder in dataset.folders]

    def _file(self, path: str | None, key: str) -> str | None:
        return self._path(path, key, os.path.isfile)

    def _path(self, path: str | None, key: str, exists: Callable[[str], bool]) -> str | None:
        """Return a path of the cohort section, taken from data_dir.

        Raises:
            InputError: If it is missing or cannot be read.
        """
        if path is None:
            return None
        full = self._config.data_path(path)
        if not exists(full):
            raise InputError(
                f"config: cohort.{key}: {full} does not exist; relative paths start at data_dir "
                f"({self._config.options.data_dir})"
            )
        if not os.access(full, os.R_OK | os.X_OK if os.path.isdir(full) else os.R_OK):
            raise InputError(f"config: cohort.{key}: {full} cannot be read; change its permissions")
        return full

    def _check_overlaps(self) -> None:
        for one, other in itertools.combinations(self.datasets, 2):
            kinds = {self.datasets[name].volumes is None for name in (one, other)}
            shared = overlapping_folders(self.folders[one], self.folders[other])
            if len(kinds) == 1 and shared:
                raise InputError(
                    f"config: cohort.datasets: {one} and {other} have files in common: "
                    f"{' and '.join(shared)}; give each its own folders"
                )
