"""Base class of every options model: unknown keys are refused, values never change."""

from typing import Any, ClassVar, get_origin

from pydantic import BaseModel, ConfigDict


class Options(BaseModel):
    """Options of one stage, estimator or metric, as they stand in config.yaml."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


class Declared(Options):
    """A class of a contract: what its subclasses must say of themselves stands in its annotations.

    Class variables that are annotated without a value are required of each subclass.
    """

    @classmethod
    def required(cls) -> list[str]:
        """Return the class variables that a subclass must define."""
        found: list[str] = []
        for base in cls.__mro__:
            annotations: dict[str, Any] = vars(base).get("__annotations__", {})
            found += [
                name
                for name, kind in annotations.items()
                if (get_origin(kind) is ClassVar or str(kind).startswith(("ClassVar", "typing.Cl")))
                and name not in vars(base)
                and not name.startswith(("_", "model_"))
            ]
        return found
