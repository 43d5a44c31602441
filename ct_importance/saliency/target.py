"""The class whose score is explained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ct_importance.errors import InputError


class Targets:
    """The class of each slice whose score is explained."""

    def __init__(
        self, name: str, target: str, classes: Sequence[str], known: Mapping[str, int]
    ) -> None:
        """Resolve a target.

        Args:
            name: Of the estimator, for messages.
            target: See `ct_importance.saliency.estimator.Target`.
            classes: Names of the task's classes.
            known: By slice id, the class that the classifier predicts (for ``predicted``) or the
                label (for ``true``); not asked otherwise.
        """
        self._name, self._target, self._known = name, target, known
        numbers = {name: number for number, name in enumerate(classes)}
        numbers["last"] = len(classes) - 1
        self._fixed = numbers.get(target)

    def of(self, slice_ids: Sequence[str]) -> NDArray[np.int64]:
        """Return the class of each slice, (N,) int64.

        Raises:
            InputError: If it depends on the slice, and one is not known.

        Example:
            >>> classes = ["benign", "malignant"]
            >>> Targets("random", "last", classes, {}).of(["a", "b"]).tolist()
            [1, 1]
            >>> Targets("random", "predicted", classes, {"a": 0, "b": 1}).of(["b", "a"]).tolist()
            [1, 0]
        """
        if self._fixed is not None:
            return np.full(len(slice_ids), self._fixed, np.int64)
        missing = [slice_id for slice_id in slice_ids if slice_id not in self._known]
        if missing:
            what = "prediction" if self._target == "predicted" else "label"
            raise InputError(
                f"{self._name}: no {what} for slice {missing[0]}; the class that is explained "
                f"follows it: delete predictions.parquet and run again"
            )
        return np.array([self._known[slice_id] for slice_id in slice_ids], np.int64)
