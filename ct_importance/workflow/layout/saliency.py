"""The files of the estimators."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from ct_importance.errors import InputError
from ct_importance.workflow.config import Config
from ct_importance.workflow.inputs import as_inputs
from ct_importance.workflow.layout.grid import Wildcards
from ct_importance.workflow.layout.variations import VariationFiles


class SaliencyFiles(VariationFiles):
    """Where importance maps are, and what they are made of."""

    def __init__(self, config: Config) -> None:
        """Lay out a run.

        Raises:
            InputError: If a path of the user cannot be read, or a metric or an estimator lacks what
                it needs.
        """
        super().__init__(config)
        for name, estimator in self.estimators.items():
            if "training_masks" in estimator.needs and not self.has_masks:
                raise InputError(
                    f"config: estimators.{name} needs masks: set `masks` of a dataset in "
                    "cohort.datasets to their folder, or leave the estimator out with estimators: "
                    f"{{{name}: null}}"
                )

    def controls(self) -> tuple[str, ...]:
        """Return the estimators that know nothing of the classifier."""
        return tuple(name for name, it in self.estimators.items() if it.is_control)

    def complete(self) -> tuple[str, ...]:
        """Return the estimators whose maps are to sum up to a difference of scores."""
        return tuple(name for name, it in self.estimators.items() if it.is_complete)

    def complete_maps(self, wildcards: Wildcards) -> list[str]:
        """Return their maps of the first training of a classifier."""
        folder = f"{self.folder}/{wildcards.classifier}/1/saliency"
        return [f"{folder}/{name}.parquet" for name in self.complete()]

    def explained(self) -> list[str]:
        """Return which slices need maps: those of metrics, and those with a mask for figures."""
        # Slices with a sign are some of the test slices.
        subsets = {self.slices_of(it).replace("planted", "test") for it in self.metrics}
        if self.has_masks:
            subsets = subsets - {"annotated_test"} | {"annotated"}
        return ["all"] if "all" in subsets else sorted(subsets)

    def taking_passes(self) -> list[str]:
        """Return the estimators that take passes of their own."""
        return [name for name, it in self.estimators.items() if not it.works]

    def combining(self) -> list[str]:
        """Return the estimators whose passes are all shared."""
        return [name for name, it in self.estimators.items() if it.works]

    def shared_maps(self, wildcards: Wildcards) -> list[str]:
        """Return the tables of the work that an estimator shares."""
        works = self.estimators[wildcards.estimator].works.values()
        folder = self.in_replicate(wildcards)
        return [f"{folder}/saliency/shared/{work.name}.parquet" for work in works]

    def predictions_of_target(self, wildcards: Wildcards) -> str | list[str]:
        """Return the predictions, where the class that is explained follows them."""
        follows = self.shared[wildcards.shared].target == "predicted"
        return self.predictions(wildcards) if follows else []

    def classifier_of_estimator(self, wildcards: Wildcards) -> str | list[str]:
        """Return the classifier, for an estimator that looks at it; others need not wait for it."""
        looks = self.estimators[wildcards.estimator].looks
        return self.classifier_file("classifier.pt")(wildcards) if looks else []

    def predictions_of_estimator(self, wildcards: Wildcards) -> str | list[str]:
        """Return the predictions, likewise."""
        looks = self.estimators[wildcards.estimator].looks
        return self.predictions(wildcards) if looks else []

    def gpus_of_estimator(self, wildcards: Wildcards) -> int:
        """Return how many GPUs a job of an estimator wants."""
        return int(self.estimators[wildcards.estimator].looks)

    def graph_of_estimator(self, wildcards: Wildcards) -> str | list[str]:
        """Return the graph of the classifier, for an estimator that only asks it."""
        estimator = self.estimators[wildcards.estimator]
        if not estimator.only_asks or not estimator.looks:
            return []
        return self.classifier_file("forward.onnx")(wildcards)

    def segments_of_estimator(self, wildcards: Wildcards) -> str | list[str]:
        """Return the segments of the slices, for an estimator that needs them."""
        needed = "segments" in self.estimators[wildcards.estimator].wants
        return self.segments_explained(wildcards) if needed else []

    def index_of_estimator(self, wildcards: Wildcards) -> str | list[str]:
        """Return the index of the cohort, for an estimator whose maps were made elsewhere."""
        return f"{self.folder}/cohort/index.parquet" if self.given_of(wildcards.estimator) else []

    def given_maps(self, wildcards: Wildcards) -> list[str]:
        """Return those of its files that Snakemake can track."""
        return as_inputs(self.inputs.given_files.get(wildcards.estimator, []))

    def given_of(self, estimator: str) -> str | None:
        """Return the folder with the maps of an estimator that were made elsewhere, or None."""
        return self.inputs.given.get(estimator)

    def segmented(self) -> list[str]:
        """Return which slices need segments: those with a mask, or a sign, or all explained."""
        if any("segments" in it.wants for it in self.estimators.values()):
            return sorted({*self.explained(), "annotated"} - {"annotated_test"})
        judged = {self.slices_of(it) for it in self.metrics if self.needs(it, "segments")}
        # Slices with a sign are some of the test slices.
        return ["annotated", "test"] if "planted" in judged else ["annotated"]

    def maps_of_explorer(self, wildcards: Wildcards) -> list[str]:
        """Return the importance maps of the first training of a classifier, one per estimator."""
        folder = f"{self.folder}/{wildcards.classifier}/1/saliency"
        return [f"{folder}/{name}.parquet" for name in self.estimators]

    def maps_of_classifiers(self) -> list[str]:
        """Return those of all classifiers, estimator by estimator."""
        return [
            f"{self.folder}/{classifier}/1/saliency/{name}.parquet"
            for name in self.estimators
            for classifier in self.classifiers
        ]

    def maps_of_trainings(self, wildcards: Wildcards) -> list[str]:
        """Return the importance maps of an estimator, one table per training."""
        path = f"saliency/{wildcards.estimator}.parquet"
        return self.of_replicates(wildcards.classifier, path)

    def similarity(self, wildcards: Wildcards) -> list[str]:
        """Return how alike the maps of each estimator are in several trainings."""
        folder = f"{self.folder}/{wildcards.classifier}/similarity"
        return [f"{folder}/{name}.parquet" for name in self.estimators]

    def joined(self) -> list[str]:
        """Return the tables that several jobs divide, without folder of the training and suffix."""
        return [
            *(f"saliency/shared/{name}" for name in self.shared),
            *(f"saliency/{name}" for name in self.taking_passes()),
            *(f"metrics/{metric}/{name}" for metric in self.metrics for name in self.estimators),
        ]

    def shards_of(self, wildcards: Wildcards) -> list[str]:
        """Return the shares of a table that several jobs divide."""
        path = self.sharded(f"{self.in_replicate(wildcards)}/{wildcards.joined}.parquet")
        return [path.replace("{shard}", shard) for shard in self.shards]

    def benchmarks(self, classifier: str) -> dict[str, list[str]]:
        """Return Snakemake's benchmark files of the jobs that make the maps of each estimator.

        Those of the first training.
        """
        return {name: list(self._benchmarks_of(classifier, name)) for name in self.estimators}

    def all_benchmarks(self, wildcards: Wildcards) -> list[str]:
        """Return these files, each once."""
        return sorted(set(itertools.chain(*self.benchmarks(wildcards.classifier).values())))

    def _benchmarks_of(self, classifier: str, name: str) -> Iterable[str]:
        folder, place = f"{self.folder}/benchmarks", f"{classifier}/1"
        jobs = [f"compute_importance/{place}/{name}"]
        if works := self.estimators[name].works.values():
            yield f"{folder}/combine_shared/{place}/{name}.tsv"
            jobs = [f"share_passes/{place}/{work.name}" for work in works]
        for job, shard in itertools.product(jobs, self.shards):
            yield self.sharded(f"{folder}/{job}.tsv").replace("{shard}", shard)
