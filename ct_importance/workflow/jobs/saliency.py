"""What the rules of rules/saliency.smk are asked to do, each function named as its rule."""

from __future__ import annotations

from typing import Any

from ct_importance.plugins import entry_of
from ct_importance.saliency.jobs import CombineJob, ImportanceJob, SegmentJob, SharedJob
from ct_importance.workflow.inputs import stamps_of_others
from ct_importance.workflow.jobs.classifier import chosen_classifier
from ct_importance.workflow.layout.saliency import SaliencyFiles


def segment_slices(study: SaliencyFiles, wildcards: Any) -> SegmentJob:
    """Return which slices are segmented."""
    return SegmentJob(subsets=study.segmented())


def segment_copies(study: SaliencyFiles, wildcards: Any) -> SegmentJob:
    """Return that all copies are segmented."""
    return SegmentJob(subsets=("all",))


def compute_importance(study: SaliencyFiles, wildcards: Any) -> ImportanceJob:
    """Return what the maps of an estimator are computed of, and how."""
    looks = study.estimators[wildcards.estimator].looks
    return ImportanceJob(
        classifier=chosen_classifier(study, wildcards.classifier) if looks else None,
        given=study.given_of(wildcards.estimator),
        others=stamps_of_others(study.inputs.given_files.get(wildcards.estimator, [])),
        **_entry(study, wildcards),
        **_maps(study),
        **_passes(study, wildcards),
    )


def share_passes(study: SaliencyFiles, wildcards: Any) -> SharedJob:
    """Return which passes are shared."""
    work = study.shared[wildcards.shared]
    entry = {"kind": work.kind, "options": work.model_dump()}
    classifier = chosen_classifier(study, wildcards.classifier)
    return SharedJob(classifier=classifier, **entry, **_maps(study), **_passes(study, wildcards))


def combine_shared(study: SaliencyFiles, wildcards: Any) -> CombineJob:
    """Return which estimator is combined."""
    return CombineJob(**_entry(study, wildcards), **_maps(study))


def _entry(study: SaliencyFiles, wildcards: Any) -> dict[str, Any]:
    return entry_of(wildcards.estimator, study.estimators[wildcards.estimator])


def _maps(study: SaliencyFiles) -> dict[str, Any]:
    size = study.cohort.image_size
    return {"image_shape": (1, size, size), "seed": study.options.seed}


def _passes(study: SaliencyFiles, wildcards: Any) -> dict[str, Any]:
    return {
        "subsets": ["all"] if study.variation_of(wildcards) else study.explained(),
        "shard": study.shard_of(wildcards),
        "classes": study.options.task.classes,
        "activation": study.options.saliency.target,
    }
