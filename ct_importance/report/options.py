"""Options of the report."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ct_importance.options import Options

Format = Literal["nifti", "parametric_map", "segmentation"]


class ExportOptions(Options):
    """Maps as files that radiologists open; written when target `export` is asked for."""

    formats: tuple[Format, ...] = Field(("nifti", "parametric_map", "segmentation"), min_length=1)
    """NIfTI; DICOM Parametric Maps; DICOM SEG of the most important pixels."""
    top: float = Field(0.05, gt=0, le=0.5)
    """The share of the pixels of a map that the SEG marks."""


class ReportOptions(Options):
    """What the example figures and the explorer show."""

    figure1_estimator: str | None = None
    """Estimator of Figure 1; null: smoothgrad_squared if it is there, else the first."""
    figure3_estimator: str | None = None
    """Estimator of Figure 3; null: expected_gradients if it is there, else the first."""
    example_slices: dict[str, str] = {}
    """Slice ids to show, by class; for a class without one, the correctly classified slice whose
    mask is the largest among the test patients."""
    explorer_slices: int = Field(300, ge=1, le=10_000)
    """How many slices the explorer holds at most: those with a mask first, then test slices."""
    export: ExportOptions = ExportOptions()
