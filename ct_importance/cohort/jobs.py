"""Settings of the jobs of this stage."""

from __future__ import annotations

from ct_importance.cohort.options import (
    BodyRegionOptions,
    ExtractionOptions,
    LabelOptions,
    PhantomOptions,
    SelectionOptions,
    SignName,
)
from ct_importance.options import Options
from ct_importance.task import LabelFrom


class PhantomJob(Options):
    """The built-in cohort."""

    options: PhantomOptions
    seed: int


class HeadersJob(Options):
    """The headers of one dataset."""

    dataset: str
    folders: list[str]
    """Where its images are."""
    content: str
    """A digest of what lies at the top of the folders."""
    are_volumes: bool
    keep_derived: bool
    patients_csv: str | None
    pseudonym_key: str | None
    others: str
    """Tells when files change that Snakemake cannot track."""
    code: str
    """A digest of the code that reads headers: it decides what is read anew."""


class IndexJob(Options):
    """The axial CT slices of all datasets."""

    datasets: list[str]
    """Their order decides which of two patients of one id is renamed."""


class LabelsOfDataset(Options):
    """Where the labels of a dataset come from."""

    csv: str | None
    options: LabelOptions


class LabelJob(Options):
    """A label for each series, or for each of its slices."""

    datasets: dict[str, LabelsOfDataset]
    classes: tuple[str, ...]
    """Names of the classes; a label is an index into them."""
    label_from: LabelFrom
    pseudonym_key: str | None
    others: str
    """Tells when files change that Snakemake cannot track."""


class ChestJob(Options):
    """Which part of each series is chest."""

    options: BodyRegionOptions


class MasksOfDataset(Options):
    """Where the masks of a dataset are."""

    folders: tuple[str, ...]
    """One, or one of each reader; none without masks."""
    structures: list[str | int] | None
    """Those that unite to the mask; None for all."""


class PlanJob(Options):
    """The split, and the slices to extract of each patient."""

    masks: dict[str, MasksOfDataset]
    others: str
    """Tells when files change that Snakemake cannot track."""
    options: SelectionOptions
    seed: int
    classes: tuple[str, ...]
    """Names of the classes, for messages."""
    label_from: LabelFrom


class ExtractionJob(Options):
    """The slices of some patients."""

    options: ExtractionOptions
    folder: str
    """Of the run; the tables of its patients lie below it."""
    code: str
    """A digest of the code that extracts: it decides which tables are kept."""
    sign: SignName | None = None
    """A sign to put on each slice."""
    seed: int = 0
    """Seed of the run, which decides the place of the sign."""


class DoseJob(Options):
    """Which slices of a classifier have a sign."""

    sign: str
    in_class: str
    """The class whose slices have it."""
    label: int
    """Of that class."""
    dose: float
    """Share of the training patients of that class."""
    seed: int
    """Seed of the run."""


class SummaryJob(Options):
    """What each stage kept of each dataset."""

    masks: dict[str, MasksOfDataset]


class ChoiceJob(Options):
    """Some of the slices."""

    slices: str
    """Of which subset (`ct_importance.io.slices.SUBSETS`)."""
    sample: int | None
    """How many at most; None: all."""
    seed: int
    """Seed of the run."""


class CopyJob(Options):
    """Noisy copies of slices."""

    radii: tuple[float, ...]
    """Largest change of a pixel, a share of the range from black to white."""
    copies: int
    """Of each slice with each radius."""
    seed: int
    """Seed of the run."""
