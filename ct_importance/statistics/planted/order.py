"""In which order classifiers that see signs stand in tables and figures, and what they show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ct_importance.cohort.options import WITHOUT_PLACE, PlantedOptions

if TYPE_CHECKING:
    import pandas as pd


def in_order(planted: Mapping[str, PlantedOptions]) -> dict[str, PlantedOptions]:
    """Return what classifiers see, by sign and dose, signs without place last."""
    keys = {
        name: (one.sign in WITHOUT_PLACE, one.sign, one.dose, name) for name, one in planted.items()
    }
    return {name: planted[name] for name in sorted(planted, key=keys.__getitem__)}


def with_place(planted: Mapping[str, PlantedOptions]) -> list[str]:
    """Return the classifiers whose sign a map can show the place of; all where there are none."""
    placed = [name for name, one in planted.items() if one.sign not in WITHOUT_PLACE]
    return placed or list(planted)


def rows_in_order(
    table: pd.DataFrame,
    key: str,
    value: str,
    planted: Mapping[str, PlantedOptions],
    rising: bool = False,
) -> list[str]:
    """Return the rows, the highest mean first over classifiers whose sign has a place, if any.

    Args:
        table: Columns classifier, ``key`` and ``value``.
        key: Column that says which row it is.
        value: Column of the value.
        planted: What is put on slices, by classifier.
        rising: Whether the lowest mean comes first.
    """
    of_placed = table[table["classifier"].isin(with_place(planted))]
    counted = table if of_placed.empty else of_placed
    return list(counted.groupby(key)[value].mean().sort_values(ascending=rising).index)
