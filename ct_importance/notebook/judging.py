"""Judges importance maps that are there as arrays, without a run of the workflow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from pydantic import ValidationError

from ct_importance.classifier.forward.answers import predicted_classes
from ct_importance.classifier.forward.runtime import Answers, Forward
from ct_importance.classifier.source import Head
from ct_importance.errors import InputError
from ct_importance.io.paths import StrPath
from ct_importance.io.table_file import read_frame
from ct_importance.metrics.evaluate import evaluate_estimator
from ct_importance.metrics.metric import Metric, Probe, Sample
from ct_importance.plugins import load
from ct_importance.saliency.xrai.storage import unpack_segments
from ct_importance.statistics.estimates import Estimates, estimate_values, read_sums
from ct_importance.statistics.options import StatisticsOptions
from ct_importance.task import DEFAULT_TASK, Task
from ct_importance.workflow.messages import explain

GIVEN = frozenset({"image", "mask", "segments", "classifier"})
"""What a metric can be given here."""
Asked = Callable[[NDArray[np.float32]], ArrayLike]
"""From images (N, H, W) to the outputs of a network, (N, O)."""
Masks = Sequence[ArrayLike | None] | NDArray[Any]
Wanted = Sequence[str] | Mapping[str, Mapping[str, Any]]
"""Names of metrics, or entries as in section `metrics` of config.yaml."""


@dataclass(frozen=True)
class Judgement:
    """What metrics say of maps."""

    values: pd.DataFrame
    """A row per metric, estimator and variant: ``value``, ``value_low`` and ``value_high`` (95 %
    by patient), ``letters`` (estimators that do not differ share one) and the metric's details."""
    curves: dict[str, pd.DataFrame]
    """By metric: the averaged curves with intervals."""
    comparisons: dict[str, pd.DataFrame]
    """By metric: a row per pair of estimators, then per pair of variants."""
    points: dict[str, dict[str, pd.DataFrame]]
    """By metric and estimator: what was measured of every slice."""


def evaluate(
    maps: Mapping[str, ArrayLike] | ArrayLike,
    images: ArrayLike | None = None,
    masks: Masks | None = None,
    classifier: Forward | StrPath | Asked | None = None,
    metrics: Wanted = ("fidelity", "roc", "dice"),
    *,
    labels: ArrayLike | None = None,
    patients: Sequence[str] | None = None,
    slice_ids: Sequence[str] | None = None,
    task: Task = DEFAULT_TASK,
    head: Head | None = None,
    statistics: StatisticsOptions | None = None,
    seed: int = 0,
) -> Judgement:
    """Judge importance maps by the metrics of the workflow.

    Args:
        maps: Importance maps (N, H, W) by the name of their estimator, or of one alone.
        images: (N, H, W) in [0, 1], as the classifier sees them.
        masks: (N, H, W) bool; None in place of one: the slice has no mask, as where it marks
            nothing or everything. A metric that needs masks is of the slices with one alone.
        classifier: A `Forward`, the file of a graph of ONNX (a run's forward.onnx), or a function
            from images (N, H, W) float32 to the outputs of a network: (N, 1) logits, or a column
            per class.
        metrics: Names, or names with options as in config.yaml: ``{"fidelity": {"step": 0.1}}``.
        labels: (N,) the class of each slice; by default that which the classifier predicts.
        patients: (N,) whose slices they are; by default each slice is another patient's. Intervals
            and tests are by patient: without it they are too narrow where patients have several.
        slice_ids: (N,) what random numbers of a slice depend on; by default their numbers.
        task: The classes, and what hides each of them.
        head: How outputs become probabilities; by default a logit where there are two classes,
            else softmax.
        statistics: Resamples, permutations and confidence.
        seed: Of everything that is random.

    Raises:
        InputError: If arrays do not fit each other, or a metric lacks what it needs.
    """
    chosen = _metrics(metrics)
    given = maps if isinstance(maps, Mapping) else {"map": maps}
    arrays = {name: np.asarray(one, np.float32) for name, one in given.items()}
    forward = None if classifier is None else _forward(classifier)
    samples = _samples(arrays, images, masks, labels, patients, slice_ids, forward, task)
    probe = Probe(seed, forward, task.fill, head)
    found = {
        name: _judge(metric, name, samples, arrays, probe, statistics, task)
        for name, metric in chosen.items()
    }
    tables = [one.values.assign(metric=name) for name, (one, _) in found.items()]
    values = pd.concat(tables, ignore_index=True)
    return Judgement(
        values=values[["metric", *(it for it in values if it != "metric")]],
        curves={name: one.curves for name, (one, _) in found.items()},
        comparisons={name: one.comparisons for name, (one, _) in found.items()},
        points={name: points for name, (_, points) in found.items()},
    )


class CalledForward(Forward):
    """A classifier that is a function."""

    device = "cpu"

    def __init__(self, function: Asked) -> None:
        """Take a function from images (N, H, W) float32 to outputs (N, O)."""
        self._function = function

    def _ask(self, images: NDArray[np.float32]) -> Answers:
        answers = np.asarray(self._function(np.ascontiguousarray(images, np.float32)), np.float32)
        if answers.ndim != 2 or len(answers) != len(images) or not np.isfinite(answers).all():
            raise InputError(
                f"classifier: gives an array of shape {answers.shape} for {len(images)} images, or "
                "numbers that are not finite; it must give (images, 1) logits, or (images, classes)"
            )
        return answers


def _forward(classifier: Forward | StrPath | Asked) -> Forward:
    if isinstance(classifier, Forward):
        return classifier
    if callable(classifier):
        return CalledForward(classifier)
    from ct_importance.classifier.forward.onnx_runtime import OnnxForward

    return OnnxForward(classifier, threads=1)


def _metrics(wanted: Wanted) -> dict[str, Metric]:
    entries = wanted if isinstance(wanted, Mapping) else {name: {} for name in wanted}
    found = {}
    for name, entry in entries.items():
        options = dict(entry)
        kind: type[Metric] = load("metric", options.pop("method", name))
        try:
            metric = kind(**options)
        except ValidationError as error:
            details = explain(kind, error.errors(), options, f"metrics.{name}")
            raise InputError("\n".join(details)) from None
        if beyond := metric.needs - GIVEN:
            raise InputError(
                f"{name} needs {', '.join(sorted(beyond))}: only the workflow can give it"
            )
        if metric.is_tuned:
            raise InputError(
                f"{name} chooses what it shows on training slices: only the workflow knows which "
                "they are; set `top` to a share"
            )
        found[name] = metric
    if not found:
        raise InputError("metrics: name one at least")
    return found


def _judge(
    metric: Metric,
    name: str,
    samples: Sequence[Sample],
    maps: Mapping[str, NDArray[np.float32]],
    probe: Probe,
    statistics: StatisticsOptions | None,
    task: Task,
) -> tuple[Estimates, dict[str, pd.DataFrame]]:
    """Return what one metric says, and the points it measured."""
    _check_given(metric, name, samples, probe)
    judged = [
        n for n, it in enumerate(samples) if "mask" not in metric.needs or it.mask is not None
    ]
    packed = _packed(samples[n] for n in judged) if "segments" in metric.needs else {}
    with TemporaryDirectory() as folder:
        tables = {it: Path(folder, f"{number}.parquet") for number, it in enumerate(maps)}
        for it, table in tables.items():
            pairs = ((_with_segments(samples[n], packed), maps[it][n]) for n in judged)
            evaluate_estimator(metric, pairs, probe, table, f"{name} of {it}", len(judged))
        sums = read_sums(metric, {it: [table] for it, table in tables.items()})
        points = {it: read_frame(table) for it, table in tables.items()}
    options = statistics or StatisticsOptions()
    return estimate_values(metric, sums, options, probe.seed, classes=task.columns), points


def _packed(samples: Iterable[Sample]) -> dict[str, bytes]:
    """Return the segments of slices by id, packed: as arrays they would take gigabytes."""
    from ct_importance.saliency.xrai.segments import segment_and_pack

    return dict(segment_and_pack((it.slice_id, it.image)) for it in samples if it.image is not None)


def _with_segments(sample: Sample, packed: Mapping[str, bytes]) -> Sample:
    if sample.slice_id not in packed:
        return sample
    assert sample.image is not None, "which was segmented"
    segments = unpack_segments(packed[sample.slice_id], sample.image.shape)
    return replace(sample, segments=segments)


def _check_given(metric: Metric, name: str, samples: Sequence[Sample], probe: Probe) -> None:
    if "classifier" in metric.needs and probe.classifier is None:
        raise InputError(f"{name} needs the classifier: give `classifier`")
    if {"image", "segments"} & metric.needs and any(it.image is None for it in samples):
        raise InputError(f"{name} needs the slices: give `images`")
    if "mask" in metric.needs and all(it.mask is None for it in samples):
        raise InputError(f"{name} needs masks, and no slice has one: give `masks`")


def _samples(
    maps: Mapping[str, NDArray[np.float32]],
    images: ArrayLike | None,
    masks: Masks | None,
    labels: ArrayLike | None,
    patients: Sequence[str] | None,
    slice_ids: Sequence[str] | None,
    forward: Forward | None,
    task: Task,
) -> list[Sample]:
    """Return the slices that the arrays tell of."""
    if not maps:
        raise InputError("maps: there are none")
    shape = next(iter(maps.values())).shape
    pixels = None if images is None else np.asarray(images, np.float32)
    for name, array in {**maps, **({} if pixels is None else {"images": pixels})}.items():
        if array.ndim != 3 or array.shape != shape or not len(array):
            raise InputError(
                f"{name}: has shape {array.shape}; maps and images are (slices, rows, columns), "
                "all of one shape"
            )
    count = shape[0]
    if pixels is not None and not (pixels.min() >= 0 and pixels.max() <= 1):
        raise InputError("images: values are from 0 to 1, as the classifier sees them")
    marks = _masks(masks, count)
    classes = _labels(labels, pixels, forward, task, count)
    whose = _names(patients, "patients", count)
    ids = _names(slice_ids, "slice_ids", count)
    if len(set(ids)) < count:
        raise InputError("slice_ids: an id comes twice")
    return [
        Sample(ids[n], whose[n], classes[n], None if pixels is None else pixels[n], marks[n])
        for n in range(count)
    ]


def _masks(masks: Masks | None, count: int) -> list[NDArray[np.bool_] | None]:
    if masks is None:
        return [None] * count
    arrays = [np.zeros(0, bool) if mask is None else np.asarray(mask, bool) for mask in masks]
    _check_length("masks", arrays, count)
    return [mask if mask.any() and not mask.all() else None for mask in arrays]


def _names(given: Sequence[str] | None, what: str, count: int) -> list[str]:
    found = [f"{n:06d}" for n in range(count)] if given is None else list(map(str, given))
    _check_length(what, found, count)
    return found


def _labels(
    labels: ArrayLike | None,
    images: NDArray[np.float32] | None,
    forward: Forward | None,
    task: Task,
    count: int,
) -> list[int]:
    known = len(task.classes)
    predicted = [0] * count
    if forward is not None and images is not None:
        scores = forward.scores(images)
        if scores.shape[1] != known:
            raise InputError(
                f"classifier: tells {scores.shape[1]} classes apart, and `task` names {known}: "
                "give task=Task(classes=..., fill=...)"
            )
        predicted = predicted_classes(scores).tolist()
    found = predicted if labels is None else np.asarray(labels).tolist()
    _check_length("labels", found, count)
    if not all(it in range(known) for it in found):
        raise InputError(f"labels: are from 0 to {known - 1}, the index of a class of `task`")
    return list(map(int, found))


def _check_length(what: str, values: Sequence[Any], count: int) -> None:
    if len(values) != count:
        raise InputError(f"{what}: {len(values)} are given for {count} maps")
