"""Base class of every options model: unknown keys are refused, values never change."""

from pydantic import BaseModel, ConfigDict


class Options(BaseModel):
    """Options of one stage, estimator or metric, as they stand in config.yaml."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True
    )
