"""Checks, while the workflow is read, that the labels of each dataset can be of the task."""

from __future__ import annotations

from collections.abc import Mapping

from ct_importance.cohort.options import NODULES, DatasetOptions, LabelOptions, PhantomOptions
from ct_importance.errors import InputError
from ct_importance.task import Task, are_of_contrast_agent, key_of


def check_labelling(
    task: Task, datasets: Mapping[str, DatasetOptions], phantom: PhantomOptions
) -> None:
    """Check where the labels of each dataset come from.

    Args:
        task: What the classifier tells apart.
        datasets: Those of the cohort, by name.
        phantom: The built-in cohort, where there are none.

    Raises:
        InputError: If labels are to come from masks and a dataset has none, or says where else they
            are from; or if a dataset would only ask sources that know of contrast agent alone,
            without having named them, and the task is another; or if there are more classes than
            a source, or the built-in cohort, tells apart.
    """
    if not datasets:
        _check_phantom(task, phantom)
    elif len(task.classes) > 2:
        _check_many_classes(len(task.classes), datasets)
    for name, dataset in datasets.items():
        key, labels = f"cohort.datasets.{name}", dataset.labels
        if task.label_from == "mask":
            if dataset.masks is None:
                raise InputError(
                    f"config: {key}.masks: task.label_from is mask, which needs the masks of every "
                    "dataset: name the folder with them"
                )
            if labels != LabelOptions():
                raise InputError(
                    f"config: {key}.labels: task.label_from is mask, so masks give the labels: "
                    "leave this section out, or set task.label_from to sources"
                )
        elif not are_of_contrast_agent(task.classes) and labels.asks_by_default:
            classes = " from ".join(map(repr, task.classes))
            raise InputError(
                f"config: {key}.labels.csv: the task tells {classes}, and without a CSV labels "
                "come from sources that know of contrast agent alone: name a CSV here, or set "
                "task.label_from to mask"
            )


def _check_phantom(task: Task, phantom: PhantomOptions) -> None:
    """Check that the built-in cohort, with its labels, has the classes of the task."""
    if phantom.task == "contrast" and len(task.classes) > 2:
        raise InputError(
            "config: task.classes: the built-in cohort is of two classes: name a dataset in "
            "cohort.datasets, or set cohort.phantom.task to nodule, which has three"
        )
    known = sorted(map(key_of, NODULES))
    if phantom.task == "nodule" and task.label_from == "sources" and sorted(task.keys) != known:
        raise InputError(
            "config: task.classes: the built-in cohort with nodules has slices of the classes "
            f"{', '.join(NODULES)}: name these (configs/phantom_nodules.yaml), or tell two apart "
            "with task.label_from: mask"
        )


def _check_many_classes(count: int, datasets: Mapping[str, DatasetOptions]) -> None:
    """Check that labels of more than two classes come from where there can be as many."""
    for name, dataset in datasets.items():
        key, labels = f"cohort.datasets.{name}.labels", dataset.labels
        others = [source for source in labels.sources if source != "csv"]
        if labels.csv is None:
            raise InputError(
                f"config: {key}.csv: the task has {count} classes, and every other source of "
                "labels tells two apart: name a CSV here"
            )
        if others:
            raise InputError(
                f"config: {key}.sources: {others[0]} tells two classes apart, and the task has "
                "more: leave csv alone"
            )
