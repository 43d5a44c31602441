"""The contract of a fill, which says what takes the place of masked pixels.

A fill is one class in a module of ``ct_importance/metrics/fills/``, which is named as config.yaml
names it; its fields are its keys there: ``fill: blur``, or ``fill: {method: blur, sigma: 0.1}``.

How a metric that masks pixels ranks maps depends on it (Bluecher et al. 2024, arXiv 2401.06654).
The Snakefile loads these classes, so their modules import NumPy and pydantic only, everything else
inside functions.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import (
    BeforeValidator,
    GetJsonSchemaHandler,
    PlainSerializer,
    ValidationError,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from ct_importance.options import Declared
from ct_importance.plugins import load, name_of, names
from ct_importance.task import DEFAULT_TASK, Task

if TYPE_CHECKING:
    from ct_importance.classifier.forward.runtime import Fixed, Imputed
    from ct_importance.metrics.metric import Probe, Sample


class Filling(Declared, ABC):
    """What takes the place of masked pixels; its fields are its keys in config.yaml."""

    title: ClassVar[str]
    """Its name in tables and figures."""

    @abstractmethod
    def of(self, sample: Sample, probe: Probe) -> Fixed | Imputed:
        """Return what takes the place of the pixels of a slice (`Forward.masked_scores`).

        It depends on the slice and the seed of the run alone, so that all maps are judged by the
        same images.

        Args:
            sample: The slice; its image is given.
            probe: Tells the seed of the run, and what hides each class.
        """

    @abstractmethod
    def in_words(self, task: Task = DEFAULT_TASK) -> str:
        """Return how a slice is masked, to stand after "Slices are masked ..."."""

    def greys(self, task: Task) -> list[float | str | None]:
        """Return the grey value that masked pixels get, by class, or "mean".

        None where they get no one grey value, as here.
        """
        return [None] * len(task.classes)


def filling_of(entry: Any) -> Any:
    """Return the fill of an entry of the configuration: a name, or a mapping with ``method``.

    Raises:
        ValueError: If there is no such fill, or a key or a value is none of its own.

    Example:
        >>> filling_of({"method": "blur", "sigma": 0.1}).sigma
        0.1
    """
    if isinstance(entry, Filling):
        return entry
    options = {"method": entry} if isinstance(entry, str) else entry
    if not isinstance(options, dict) or options.get("method") not in names("fill"):
        raise ValueError(
            f"give the name of a fill ({', '.join(names('fill'))}), or a mapping with its name as "
            "`method` and its options"
        )
    method = options["method"]
    try:
        return load("fill", method)(**{key: options[key] for key in options if key != "method"})
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        known = ", ".join(load("fill", method).model_fields) or "none"
        raise ValueError(f"{key}: {first['msg']}; the keys of {method} are: {known}") from None


def as_entry(fill: Filling) -> str | dict[str, Any]:
    """Return the entry of a fill: its name alone if it has no options."""
    name, options = name_of(type(fill)), fill.model_dump()
    return {"method": name, **options} if options else name


class _EntrySchema:
    """Says in the schema of the configuration which fills there are, and their keys."""

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        entries: list[dict[str, Any]] = [{"enum": names("fill"), "type": "string"}]
        for name in names("fill"):
            keys = load("fill", name).model_json_schema()
            method = {"const": name, "description": "The fill of this name."}
            keys["properties"] = {"method": method} | keys.get("properties", {})
            entries.append(keys | {"required": ["method"]})
        reference = handler(core_schema)
        named = handler.resolve_ref_schema(reference)
        named.clear()
        named["anyOf"] = entries
        return reference


Fill = Annotated[
    Filling,
    BeforeValidator(filling_of),
    PlainSerializer(as_entry, return_type=str | dict[str, Any]),
    _EntrySchema(),
]
"""A field of a metric that names a fill."""
