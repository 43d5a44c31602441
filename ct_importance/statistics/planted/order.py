"""In which order classifiers stand that see signs, and by which of them others are ordered."""

from __future__ import annotations

from collections.abc import Mapping

from ct_importance.cohort.options import WITHOUT_PLACE, PlantedOptions


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
