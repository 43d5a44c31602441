"""What the rules of rules/saliency.smk are asked to do, each function named as its rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ct_importance.plugins import name_of
from ct_importance.saliency.jobs import CombineJob, ImportanceJob, SharedJob
from ct_importance.workflow.jobs.classifier import chosen_classifier

if TYPE_CHECKING:
    from ct_importance.workflow.study import Study


def compute_importance(study: Study, wildcards: Any) -> ImportanceJob:
    """Return what the maps of an estimator are computed of, and how."""
    return ImportanceJob(
        **_entry(study, wildcards.estimator), **_maps(study), **_passes(study, wildcards)
    )


def share_passes(study: Study, wildcards: Any) -> SharedJob:
    """Return which passes are shared."""
    work = study.shared[wildcards.shared]
    entry = {"kind": work.kind, "options": work.model_dump()}
    return SharedJob(**entry, **_maps(study), **_passes(study, wildcards))


def combine_shared(study: Study, wildcards: Any) -> CombineJob:
    """Return which estimator is combined."""
    return CombineJob(**_entry(study, wildcards.estimator), **_maps(study))


def _entry(study: Study, name: str) -> dict[str, Any]:
    estimator = study.estimators[name]
    return {"name": name, "method": name_of(type(estimator)), "options": estimator.model_dump()}


def _maps(study: Study) -> dict[str, Any]:
    size = study.cohort.image_size
    return {"image_shape": (1, size, size), "seed": study.options.seed}


def _passes(study: Study, wildcards: Any) -> dict[str, Any]:
    return {
        "subsets": study.explained(),
        "shard": study.shard_of(wildcards),
        "classes": study.options.task.classes,
        "activation": study.options.saliency.target,
        "classifier": chosen_classifier(study, wildcards.classifier),
    }
