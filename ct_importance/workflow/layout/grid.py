"""The grid of a run: its classifiers, their trainings, estimators and metrics."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Collection
from typing import Any

from ct_importance.workflow.config import Config, tables_of
from ct_importance.workflow.inputs import UserInputs, as_inputs

Wildcards = Any
"""What Snakemake gives an input function: an object with the wildcards of its rule's output."""


class Grid:
    """What a run consists of, and the folders of its parts."""

    def __init__(self, config: Config) -> None:
        """Lay out a run.

        Raises:
            InputError: If a path of the user cannot be read.
        """
        self.config = config
        self.options = config.options
        self.cohort = config.options.cohort
        self.run = config.options.run
        self.folder = f"results/{self.run}"
        self.inputs = UserInputs(config)
        self.is_phantom = not self.inputs.datasets
        self.datasets = list(self.inputs.datasets) or ["phantom"]
        # In an order of their own: that of the configuration's keys must not count for anything.
        self.estimators = dict(sorted(config.estimators.items()))
        self.tables = tables_of(config.metrics)
        # The paper's tables first; not in the order of the configuration, which changes nothing.
        paper = re.compile(r"table\d")
        order = sorted(self.tables, key=lambda table: (not paper.match(table), table))
        self.metrics = [self.tables[table] for table in order]
        self.classifiers = dict(sorted(config.classifiers.items()))
        self.shared = {
            work.name: work for it in self.estimators.values() for work in it.works.values()
        }
        self.shards = [f"{n}of{self.options.shards}" for n in range(1, self.options.shards + 1)]

    def trained(self) -> list[str]:
        """Return the classifiers that are trained here."""
        return [name for name, source in self.classifiers.items() if source.is_trained_here]

    def brought(self) -> list[str]:
        """Return the classifiers that the user brings."""
        return [name for name in self.classifiers if name not in self.trained()]

    def files_of_classifier(self, wildcards: Wildcards) -> list[str]:
        """Return the user's files of a classifier that Snakemake can track."""
        return as_inputs(list(self.inputs.files_of_classifier(wildcards.classifier).values()))

    def replicates(self, classifier: str) -> list[str]:
        """Return the trainings of a classifier; one that the user brings has one."""
        count = self.options.replicates if self.classifiers[classifier].is_trained_here else 1
        return list(map(str, range(1, count + 1)))

    def repeated(self) -> list[str]:
        """Return the classifiers that are trained more than once."""
        return [name for name in self.classifiers if len(self.replicates(name)) > 1]

    @property
    def trainings(self) -> dict[str, list[str]]:
        """The replicates of each classifier."""
        return {name: self.replicates(name) for name in self.classifiers}

    def in_replicate(self, wildcards: Wildcards) -> str:
        """Return the folder of a training."""
        return f"{self.folder}/{wildcards.classifier}/{wildcards.replicate}"

    def of_replicates(self, classifier: str, path: str) -> list[str]:
        """Return a file of each training of a classifier.

        Args:
            classifier: Its name.
            path: Of the file, from the folder of the training.
        """
        return [f"{self.folder}/{classifier}/{it}/{path}" for it in self.replicates(classifier)]

    def of_trainings(self, path: str, classifiers: Collection[str] | None = None) -> list[str]:
        """Return a file of each training, classifier by classifier.

        Args:
            path: From the folder of the training.
            classifiers: Which; None for all.
        """
        of = self.classifiers if classifiers is None else classifiers
        return list(itertools.chain(*(self.of_replicates(name, path) for name in of)))

    def of_classifiers(self, *paths: str) -> list[str]:
        """Return files of each classifier, classifier by classifier.

        Args:
            paths: From the folder of the classifier.
        """
        return [f"{self.folder}/{name}/{path}" for name in self.classifiers for path in paths]

    def of_classifier(self, wildcards: Wildcards) -> dict[str, str]:
        """Return how the report tells a result of one classifier from those of others."""
        several = len(self.classifiers) > 1
        return {"classifier": wildcards.classifier} if several else {}

    def sharded(self, path: str) -> str:
        """Return a path per shard in place of one, if several jobs divide the slices."""
        if len(self.shards) == 1:
            return path
        folder, name = os.path.split(path)
        stem, suffix = os.path.splitext(name)
        return f"{folder}/shards/{stem}.{{shard}}{suffix}"

    def shard_of(self, wildcards: Wildcards) -> str:
        """Return the share of the slices that a job has."""
        return getattr(wildcards, "shard", self.shards[0])
