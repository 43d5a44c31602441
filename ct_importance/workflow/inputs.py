"""Files and folders of the user, checked while the workflow is read."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import re
import stat
from collections.abc import Callable, Sequence

from ct_importance.cohort.options import DatasetOptions
from ct_importance.errors import InputError
from ct_importance.io.folders import list_files, overlapping_folders
from ct_importance.workflow.config import Config

# Snakemake replaces {name} and <name> in every path, and cannot print names that are not UTF-8.
# There is no way to write them otherwise, so such files of the user are no inputs.
REPLACED = re.compile(r"\{\s*[.\w]|<[a-z]|[\ud800-\udfff]")


class UserInputs:
    """The paths that a configuration names.

    They are checked here: errors of Snakemake's input functions come with a traceback.
    """

    def __init__(self, config: Config) -> None:
        """Check all paths of the configuration but those of classifiers (`check_classifiers`).

        Raises:
            InputError: If one is missing or cannot be read, or two datasets share files.
        """
        self._config = config
        cohort = config.options.cohort
        self.datasets: dict[str, DatasetOptions] = dict(sorted(cohort.given_datasets.items()))
        """Those that are not left out, by name; none for the phantom."""
        self.folders = {name: self._image_folders(name) for name in self.datasets}
        """Folders with the images of each dataset."""
        self.patients = {
            name: self._file(it.patients, f"datasets.{name}.patients")
            for name, it in self.datasets.items()
        }
        """Table of the patients of each dataset of volumes, or None."""
        self.labels = {
            name: self._file(it.labels.csv, f"datasets.{name}.labels.csv")
            for name, it in self.datasets.items()
        }
        """Table of the labels of each dataset, or None."""
        self.masks = {
            name: tuple(
                self._path(folder, f"datasets.{name}.masks", os.path.isdir)
                for folder in it.mask_folders
            )
            for name, it in self.datasets.items()
        }
        """Folders with the masks of each dataset: none, one, or one of each reader."""
        self.pseudonym_key = self._file(cohort.pseudonym_key, "pseudonym_key")
        """File with the secret that pseudonyms depend on, or None."""
        self.mask_files = self._mask_files()
        """The files of all masks one by one: Snakemake sees when one of them changes."""
        self.given = {
            name: self._path(folder, f"estimators.{name}.folder", os.path.isdir)
            for name, it in config.estimators.items()
            if (folder := it.given_folder)
        }
        """Folder of each estimator whose maps were made elsewhere."""
        self.given_files = {
            name: _below(folder, f"estimators.{name}.folder") for name, folder in self.given.items()
        }
        """The files of these maps."""
        self._check_overlaps()

    def top_level_digest(self, dataset: str) -> str:
        """Return a digest of what lies at the top of a dataset's folders.

        The time of a folder itself does not tell: rsync -a keeps it.
        """
        names = [sorted(os.listdir(folder)) for folder in self.folders.get(dataset, [])]
        return hashlib.blake2b(json.dumps(names).encode(), digest_size=16).hexdigest()

    def files_of_classifier(self, name: str) -> dict[str, str]:
        """Return the user's files of a classifier, by the key that names them.

        Raises:
            InputError: If one cannot be read.
        """
        files = self._config.classifiers[name].files()
        for key, path in files.items():
            if not os.path.exists(path) or not _is_readable(path):
                raise InputError(
                    f"config: classifiers.{name}.{key}: {path} is not a file that can be read"
                )
        return files

    def check_classifiers(self) -> None:
        """Check the user's files of all classifiers.

        Raises:
            InputError: If one cannot be used.
        """
        for name, source in self._config.classifiers.items():
            self.files_of_classifier(name)
            try:
                source.windows_in(self._config.options.cohort.hu_window)
                source.check(self._config.options.cohort)
                source.check_classes(self._config.options.task.classes)
            except (InputError, OSError) as error:
                raise InputError(f"config: classifiers.{name}: {error}") from None

    def warnings(self) -> list[str]:
        """Return what the user should know of these files before anything is computed."""
        key = self.pseudonym_key
        if key is None or not os.stat(key).st_mode & (stat.S_IRGRP | stat.S_IROTH):
            return []
        return [
            f"config: cohort.pseudonym_key: others can read {key}, and make the pseudonyms of "
            "patients again with it; chmod 600 takes that from them"
        ]

    def _image_folders(self, name: str) -> list[str]:
        dataset = self.datasets[name]
        key = f"datasets.{name}.{'dicom' if dataset.volumes is None else 'volumes'}"
        return [self._path(folder, key, os.path.isdir) for folder in dataset.folders]

    def _mask_files(self) -> list[str]:
        folders = sorted(set(itertools.chain(*self.masks.values())))
        stamps = list_files(folders, "cohort.datasets.<name>.masks", hidden=False)
        # A link to nothing is set aside later; Snakemake would stop at it.
        return [stamp.path for stamp in stamps if os.path.exists(stamp.path)]

    def _file(self, path: str | None, key: str) -> str | None:
        return path and self._path(path, key, os.path.isfile)

    def _path(self, path: str, key: str, exists: Callable[[str], bool]) -> str:
        """Return a path of the cohort section, taken from data_dir.

        Raises:
            InputError: If it is missing or cannot be read.
        """
        full = self._config.data_path(path)
        key = key if key.startswith("estimators.") else f"cohort.{key}"
        if not exists(full):
            raise InputError(
                f"config: {key}: {full} does not exist; relative paths start at data_dir "
                f"({self._config.options.data_dir})"
            )
        if not _is_readable(full):
            raise InputError(f"config: {key}: {full} cannot be read; change its permissions")
        return full

    def _check_overlaps(self) -> None:
        for name, folders in self.masks.items():
            for one, other in itertools.combinations(folders, 2):
                if overlapping_folders([one], [other]):
                    raise InputError(
                        f"config: cohort.datasets.{name}.masks: two readers have files in common: "
                        f"{one} and {other}; give each a folder of their own"
                    )
        for one, other in itertools.combinations(self.datasets, 2):
            kinds = {self.datasets[name].volumes is None for name in (one, other)}
            shared = overlapping_folders(self.folders[one], self.folders[other])
            if len(kinds) == 1 and shared:
                raise InputError(
                    f"config: cohort.datasets: {one} and {other} have files in common: "
                    f"{' and '.join(shared)}; give each its own folders"
                )


def _below(folder: str, key: str) -> list[str]:
    """Return the files below a folder but hidden ones and links to nothing."""
    stamps = list_files([folder], key, hidden=False)
    return [stamp.path for stamp in stamps if os.path.exists(stamp.path)]


def as_inputs(paths: Sequence[str]) -> list[str]:
    """Return the files and folders of the user that Snakemake takes as they are."""
    return [path for path in paths if not REPLACED.search(path)]


def stamps_of_others(paths: Sequence[str]) -> str:
    """Return what tells of changes of those that cannot be inputs; "" if there are none."""
    digest = hashlib.blake2b(digest_size=16)
    others = [path for path in paths if REPLACED.search(path)]
    for path in others:
        status = os.stat(path)
        digest.update(f"{os.fsencode(path)!r} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest() if others else ""


def _is_readable(path: str) -> bool:
    return os.access(path, os.R_OK | os.X_OK if os.path.isdir(path) else os.R_OK)
