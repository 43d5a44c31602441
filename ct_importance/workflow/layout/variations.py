"""The files of variations: other weights or other slices, and the maps of these."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from ct_importance.errors import InputError
from ct_importance.metrics.variations.variation import Noisy, Randomised, Toggled, Variation
from ct_importance.workflow.config import Config
from ct_importance.workflow.layout.grid import Wildcards
from ct_importance.workflow.layout.metrics import MetricFiles

TOGGLED = Toggled(slices="test", sample=None)
"""Test slices the other way: what a classifier answers to them tells whether it uses the sign."""
OfKind = TypeVar("OfKind", bound=Variation)


class VariationFiles(MetricFiles):
    """Where variations of a training are, and what they are made of.

    A variation has a folder inside that of its training, with the same files: a replicate, as rules
    name it, can be a variation of one, e.g. ``1/randomised/layers_1-test_20``.
    """

    def __init__(self, config: Config) -> None:
        """Lay out a run.

        Raises:
            InputError: If a path of the user cannot be read, a metric cannot be computed, or what
                it compares with cannot be made.
        """
        super().__init__(config)
        self.variations = {
            f"{one.kind}/{one.name}": one
            for metric in config.metrics.values()
            for one in metric.variations
        }
        if self.doses:
            self.variations[f"{Toggled.kind}/{TOGGLED.name}"] = TOGGLED
        self._check_variations()

    @property
    def toggled_predictions(self) -> str:
        """What a training answers to test slices the other way, from its folder."""
        return f"{Toggled.kind}/{TOGGLED.name}/predictions.parquet"

    def _check_variations(self) -> None:
        varying = [name for name, it in self.config.metrics.items() if it.variations]
        randomising = [
            name
            for name in varying
            if any(isinstance(one, Randomised) for one in self.config.metrics[name].variations)
        ]
        fixed = [name for name, it in self.classifiers.items() if not it.gives_gradients]
        if randomising and fixed:
            raise InputError(
                f"config: metrics.{randomising[0]} re-initialises layers, which classifiers."
                f"{fixed[0]} ({self.classifiers[fixed[0]].title}) does not tell apart; leave one "
                f"of them out, e.g. metrics: {{{randomising[0]}: null}}, or bring the network in "
                "another form, e.g. `source: program`"
            )
        given = [name for name, it in self.estimators.items() if it.given_folder is not None]
        if varying and given:
            raise InputError(
                f"config: metrics.{varying[0]} asks for more maps than those of the slices, and "
                f"those of estimators.{given[0]} were made elsewhere; leave one of them out, e.g. "
                f"metrics: {{{varying[0]}: null}}"
            )
        if given and self.planted_of:
            raise InputError(
                f"config: the maps of estimators.{given[0]} were made elsewhere, of slices as they "
                f"are, and classifiers.{next(iter(self.planted_of))} sees slices with a sign "
                f"(planted); leave the estimator out with estimators: {{{given[0]}: null}}"
            )

    @property
    def replicate(self) -> str:
        """A pattern that matches the trainings and their variations."""
        names = "|".join(map(re.escape, self.variations))
        return rf"\d+(/({names}))?" if names else r"\d+"

    def variation_of(self, wildcards: Wildcards) -> Variation | None:
        """Return which variation of its training a job is about; None: the training itself."""
        return self.variations.get(wildcards.replicate.partition("/")[2])

    def in_training(self, wildcards: Wildcards) -> str:
        """Return the folder of the training itself."""
        number = wildcards.replicate.partition("/")[0]
        return f"{self.folder}/{wildcards.classifier}/{number}"

    def named(self, kind: type[OfKind], name: str) -> OfKind:
        """Return the variation of a kind that has a name."""
        found = self.variations[f"{kind.kind}/{name}"]
        assert isinstance(found, kind), "which its folder says"
        return found

    def names_of(self, kind: type[Variation]) -> list[str]:
        """Return the names of the variations of a kind."""
        return [it.name for it in self.variations.values() if isinstance(it, kind)]

    def choices(self) -> dict[str, Variation]:
        """Return a variation for each list of chosen slices, by the name of the list."""
        return {it.chosen: it for it in self.variations.values()}

    def chosen(self, variation: Variation) -> str:
        """Return the list of the slices that a variation is about, from the folder of all."""
        return f"cohort/chosen/{variation.chosen}.parquet"

    def chosen_of_copies(self, wildcards: Wildcards) -> str:
        """Return the list of the slices that are copied."""
        chosen = self.chosen(self.named(Noisy, wildcards.noisy))
        return f"{self.folder}{wildcards.planted}/{chosen}"

    def explained_slices(self, wildcards: Wildcards) -> str:
        """Return the list of the slices that a job explains."""
        variation, folder = self.variation_of(wildcards), self.folder_of_slices(wildcards)
        if variation is None:
            return f"{folder}/slices.parquet"
        if isinstance(variation, Toggled):
            return f"{folder}/{variation.file}"
        return self._of_copies(wildcards, "slices") or f"{folder}/{self.chosen(variation)}"

    def training_slices(self, wildcards: Wildcards) -> str | list[str]:
        """Return the list with the training slices, where that of a job has none."""
        folder = self.folder_of_slices(wildcards)
        return f"{folder}/slices.parquet" if self.variation_of(wildcards) else []

    def classifier_file(self, file: str) -> Callable[[Wildcards], str]:
        """Return a function from wildcards to a file of the classifier that a job explains."""

        def path(wildcards: Wildcards) -> str:
            is_other = isinstance(self.variation_of(wildcards), Randomised)
            folder = (self.in_replicate if is_other else self.in_training)(wildcards)
            return f"{folder}/classifier/{file}"

        return path

    def predictions(self, wildcards: Wildcards) -> str:
        """Return what the training answers to the slices, which maps of its variations follow."""
        return f"{self.in_training(wildcards)}/predictions.parquet"

    def segments_explained(self, wildcards: Wildcards) -> str:
        """Return the segments of the slices that a job explains."""
        folder = self.folder_of_slices(wildcards)
        if isinstance(self.variation_of(wildcards), Toggled):
            return f"{folder}/toggled/segments.parquet"
        return self._of_copies(wildcards, "segments") or f"{folder}/segments.parquet"

    def _of_copies(self, wildcards: Wildcards, table: str) -> str | None:
        """Return a table of noisy copies, if that is what a job is about."""
        variation = self.variation_of(wildcards)
        if not isinstance(variation, Noisy):
            return None
        folder = self.folder_of_slices(wildcards)
        return f"{folder}/cohort/{Noisy.kind}/{variation.name}/{table}.parquet"

    def evaluated_slices(self, wildcards: Wildcards) -> str:
        """Return the list of the slices that a metric is computed on."""
        folder = self.folder_of_slices(wildcards)
        for variation in self.config.metrics[wildcards.metric].variations:
            return f"{folder}/{self.chosen(variation)}"
        return f"{folder}/slices.parquet"

    def maps_of_variations(self, wildcards: Wildcards) -> list[str]:
        """Return the maps that a metric compares those of an estimator with."""
        return self._of_variations(wildcards, f"saliency/{wildcards.estimator}.parquet")

    def answers_of_variations(self, wildcards: Wildcards) -> list[str]:
        """Return the predictions of the training, then of variations, if a metric needs them."""
        if not self.needs(wildcards.metric, "scores"):
            return []
        others = self._of_variations(wildcards, "predictions.parquet")
        return [self.predictions(wildcards), *others]

    def _of_variations(self, wildcards: Wildcards, path: str) -> list[str]:
        folder, metric = self.in_training(wildcards), self.config.metrics[wildcards.metric]
        return [f"{folder}/{it.kind}/{it.name}/{path}" for it in metric.variations]
