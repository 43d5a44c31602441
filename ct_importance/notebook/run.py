"""Reads what a run of the workflow found: tables as data frames, slices and maps as arrays."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ct_importance.cohort.options import PlantedOptions
from ct_importance.errors import InputError
from ct_importance.io.image_table import read_rows
from ct_importance.io.paths import StrPath
from ct_importance.io.slices import PLANTED, SUBSETS, iterate_slices
from ct_importance.io.table_file import read_frame
from ct_importance.workflow.layout.planted import name_of_dose
from ct_importance.workflow.messages import not_known


def open_run(folder: StrPath) -> Run:
    """Return a finished run, to be looked at.

    Args:
        folder: results/<run>.

    Raises:
        InputError: If there is no finished run.
    """
    return Run(folder)


class Run:
    """A finished run of the workflow. Nothing is read before it is asked for, and nothing written.

    Where a run has one classifier it need not be named. A training is a number from 1.
    """

    def __init__(self, folder: StrPath) -> None:
        """Open a run; see `open_run`."""
        self.folder = Path(folder)
        summary = self.folder / "summary.json"
        try:
            self.summary: dict[str, Any] = json.loads(summary.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise InputError(
                f"{summary} is missing: give the folder of a finished run, e.g. results/demo"
            ) from None
        config = self.summary["config"]
        self.classifiers: tuple[str, ...] = tuple(self.summary["classifiers"])
        self.estimators: tuple[str, ...] = tuple(sorted(_entries(config["estimators"])))
        self.metrics: tuple[str, ...] = tuple(self.summary["metrics"])
        self.classes: tuple[str, ...] = tuple(config["task"]["classes"])

    def __repr__(self) -> str:
        """Return what the run consists of."""
        parts = (
            ("classifiers", self.classifiers),
            ("estimators", self.estimators),
            ("metrics", self.metrics),
        )
        lines = (f"  {what}: {', '.join(names)}" for what, names in parts)
        return "\n".join([f"Run {self.folder}", *lines])

    def trainings(self, classifier: str | None = None) -> tuple[int, ...]:
        """Return the numbers of the trainings of a classifier, from 1."""
        folder = self.folder / self._classifier(classifier)
        return tuple(sorted(int(it.name) for it in folder.iterdir() if it.name.isdigit()))

    def slices(self, subset: str = "all") -> pd.DataFrame:
        """Return a row per slice: ``slice_id``, ``patient_id``, ``label``, ``split`` and the like.

        Args:
            subset: "all", "train", "test", "annotated" (with a mask) or "annotated_test".
        """
        _check(subset, SUBSETS)
        return pd.DataFrame(iterate_slices(self._path("slices.parquet"), [subset]))

    def images(
        self, slice_ids: Iterable[str] | None = None, classifier: str | None = None
    ) -> NDArray[np.float32]:
        """Return slices as the classifier sees them, (N, H, W) in [0, 1].

        Args:
            slice_ids: Which, in this order; by default all, in the order of `slices`.
            classifier: One that sees a sign on some of them; by default they are without.
        """
        return self._pixels("image", slice_ids, "all", classifier)

    def masks(self, slice_ids: Iterable[str] | None = None) -> NDArray[np.bool_]:
        """Return masks, (N, H, W) bool.

        Args:
            slice_ids: Which, in this order; by default those of ``slices("annotated")``.

        Raises:
            InputError: If a slice has no mask.
        """
        return self._pixels("mask", slice_ids, "annotated")

    def signs(
        self, slice_ids: Iterable[str] | None = None, classifier: str | None = None
    ) -> NDArray[np.bool_]:
        """Return the masks of the sign that was put on slices of a classifier, (N, H, W) bool.

        Args:
            slice_ids: Which, in this order; by default all test slices that have the sign.
            classifier: Its name, if there are several.

        Raises:
            InputError: If a slice, or the classifier, has no sign.
        """
        name = self._classifier(classifier)
        if self._planted(name) is None:
            raise InputError(f"no sign was put on the slices of {name}")
        return self._pixels(PLANTED, slice_ids, "planted", name)

    def predictions(self, classifier: str | None = None, training: int = 1) -> pd.DataFrame:
        """Return a row per slice: what the classifier answers, and whether it is right."""
        return read_frame(self._training(classifier, training) / "predictions.parquet")

    def evaluation(self, classifier: str | None = None, training: int = 1) -> dict[str, Any]:
        """Return how good the classifier is, on training and on test slices."""
        file = self._training(classifier, training) / "evaluation.json"
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return found

    def explained(
        self, estimator: str, classifier: str | None = None, training: int = 1
    ) -> list[str]:
        """Return the ids of the slices that have a map, in the order of `maps`."""
        path = self._maps(estimator, classifier, training)
        return list(read_frame(path, ["slice_id"]).slice_id)

    def maps(
        self,
        estimator: str,
        slice_ids: Iterable[str] | None = None,
        classifier: str | None = None,
        training: int = 1,
    ) -> NDArray[np.float32]:
        """Return the importance maps of an estimator, (N, H, W) float32.

        Args:
            estimator: Its name in the configuration.
            slice_ids: Which, in this order; by default those of `explained`.
            classifier: Its name, if there are several.
            training: Of the classifier.

        Raises:
            InputError: If a slice has no map.
        """
        path = self._maps(estimator, classifier, training)
        wanted = None if slice_ids is None else list(slice_ids)
        rows = read_rows(path, ["slice_id", "importance"])
        return _in_order(((it["slice_id"], it["importance"]) for it in rows), wanted, "map")

    def points(
        self, metric: str, estimator: str, classifier: str | None = None, training: int = 1
    ) -> pd.DataFrame:
        """Return the points of the curve of every slice by a metric, as they were measured.

        Raises:
            InputError: If an entry shares the points of another, which is named then.
        """
        _check(metric, self.metrics)
        _check(estimator, self.estimators)
        folder = self._training(classifier, training) / "metrics"
        path = folder / metric / f"{estimator}.parquet"
        if not path.exists():
            there = sorted(it.name for it in folder.iterdir() if it.is_dir())
            raise InputError(
                f"{path} is missing: {metric} reads the points of an entry that differs in what is "
                f"read of them alone; there are those of {', '.join(there)}"
            )
        return read_frame(path)

    def values(self, metric: str, classifier: str | None = None) -> pd.DataFrame:
        """Return a row per estimator and variant: value by a metric, details, intervals, letters.

        The columns are those of `ct_importance.statistics.estimates.Estimates.values`.
        """
        return self._statistics(metric, "values", classifier)

    def curves(self, metric: str, classifier: str | None = None) -> pd.DataFrame:
        """Return the averaged curves of each estimator and variant, with intervals."""
        return self._statistics(metric, "curves", classifier)

    def comparisons(self, metric: str, classifier: str | None = None) -> pd.DataFrame:
        """Return a row per pair of estimators: difference, interval and p, adjusted by Holm."""
        return self._statistics(metric, "comparisons", classifier)

    def ranks(self, classifier: str | None = None) -> pd.DataFrame:
        """Return how each metric ranks the estimators."""
        return read_frame(self._path(self._classifier(classifier), "statistics", "ranks.parquet"))

    def table(self, name: str, classifier: str | None = None) -> pd.DataFrame:
        """Return a table of the report by the name of its CSV, e.g. ``"table1_fidelity"``."""
        folder = self._path(self._classifier(classifier), "tables")
        _check(name, sorted(it.stem for it in folder.glob("*.csv")))
        return pd.read_csv(folder / f"{name}.csv")

    def _statistics(self, metric: str, table: str, classifier: str | None) -> pd.DataFrame:
        _check(metric, self.metrics)
        name = self._classifier(classifier)
        return read_frame(self._path(name, "statistics", metric, f"{table}.parquet"))

    def _maps(self, estimator: str, classifier: str | None, training: int) -> Path:
        _check(estimator, self.estimators)
        return self._training(classifier, training) / "saliency" / f"{estimator}.parquet"

    def _pixels(
        self,
        column: str,
        slice_ids: Iterable[str] | None,
        subset: str,
        classifier: str | None = None,
    ) -> NDArray[Any]:
        wanted = None if slice_ids is None else list(slice_ids)
        planted = self._planted(classifier) if classifier else None
        folder = self._path("planted", name_of_dose(planted)) if planted else self.folder
        rows = iterate_slices(folder / "slices.parquet", [subset], [column])
        return _in_order(((it["slice_id"], it[column]) for it in rows), wanted, column)

    def _planted(self, classifier: str) -> PlantedOptions | None:
        """Return which sign is on slices of a classifier."""
        _check(classifier, self.classifiers)
        given = self.summary["config"]["classifiers"][classifier].get("planted")
        return PlantedOptions(**given) if given else None

    def _training(self, classifier: str | None, training: int) -> Path:
        name, there = self._classifier(classifier), self.trainings(classifier)
        if training not in there:
            raise InputError(f"{name} has no training {training}; there are {there}")
        return self.folder / name / str(training)

    def _classifier(self, name: str | None) -> str:
        if name is None:
            if len(self.classifiers) > 1:
                raise InputError(
                    f"name the classifier: {self.folder} has {', '.join(self.classifiers)}"
                )
            return self.classifiers[0]
        _check(name, self.classifiers)
        return name

    def _path(self, *parts: str) -> Path:
        return self.folder.joinpath(*parts)


def _entries(section: dict[str, Any]) -> list[str]:
    return [name for name, entry in section.items() if entry is not None]


def _check(name: str, known: Iterable[str]) -> None:
    if name not in known:
        raise InputError(not_known(name, known))


def _in_order(
    found: Iterable[tuple[str, NDArray[Any]]], wanted: Sequence[str] | None, what: str
) -> NDArray[Any]:
    """Return images as one array, in the order that is wanted.

    Raises:
        InputError: If one is not there.
    """
    keep = None if wanted is None else set(wanted)
    arrays = {name: pixels for name, pixels in found if keep is None or name in keep}
    missing = [name for name in wanted or () if name not in arrays]
    if missing:
        raise InputError(f"{len(missing)} slices have no {what}, the first is {missing[0]}")
    return np.stack([arrays[name] for name in (arrays if wanted is None else wanted)])
