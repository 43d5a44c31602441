"""What the rules of rules/cohort.smk are asked to do, each function named as its rule."""

from __future__ import annotations

from typing import Any

from ct_importance.cohort.jobs import (
    ChestJob,
    ChoiceJob,
    CopyJob,
    DoseJob,
    ExtractionJob,
    HeadersJob,
    IndexJob,
    LabelJob,
    LabelsOfDataset,
    MasksOfDataset,
    PhantomJob,
    PlanJob,
    SummaryJob,
)
from ct_importance.metrics.variations.variation import Noisy
from ct_importance.task import key_of
from ct_importance.workflow.code import code_digest
from ct_importance.workflow.inputs import stamps_of_others
from ct_importance.workflow.layout.cohort import CohortFiles
from ct_importance.workflow.layout.planted import PlantedFiles
from ct_importance.workflow.layout.variations import VariationFiles


def generate_phantom(study: CohortFiles, wildcards: Any) -> PhantomJob:
    """Return what makes the built-in cohort."""
    return PhantomJob(options=study.cohort.phantom, seed=study.options.seed)


def read_headers(study: CohortFiles, wildcards: Any) -> HeadersJob:
    """Return what decides which files of a dataset are read, and how."""
    name = wildcards.dataset
    dataset = study.inputs.datasets.get(name)
    return HeadersJob(
        dataset=name,
        folders=study.inputs.folders[name] if dataset else [f"{study.folder}/phantom/dicom"],
        content=study.inputs.top_level_digest(name),
        are_volumes=dataset is not None and dataset.volumes is not None,
        keep_derived=dataset is not None and dataset.keep_derived,
        patients_csv=study.inputs.patients.get(name),
        pseudonym_key=study.inputs.pseudonym_key,
        others=stamps_of_others(study.header_files(wildcards)),
        code=code_digest("scripts/read_headers.py"),
    )


def index_cohort(study: CohortFiles, wildcards: Any) -> IndexJob:
    """Return the datasets in their order."""
    return IndexJob(datasets=study.datasets)


def label_series(study: CohortFiles, wildcards: Any) -> LabelJob:
    """Return where the labels of each dataset come from."""
    sources = {
        name: LabelsOfDataset(csv=study.inputs.labels[name], options=dataset.labels)
        for name, dataset in study.inputs.datasets.items()
    }
    given = study.cohort.phantom.labels
    csv = f"{study.folder}/phantom/{given.csv}" if given.csv else None
    return LabelJob(
        datasets=sources or {"phantom": LabelsOfDataset(csv=csv, options=given)},
        classes=study.options.task.classes,
        label_from=study.options.task.label_from,
        pseudonym_key=study.inputs.pseudonym_key,
        others=stamps_of_others(study.label_files()),
    )


def find_chest(study: CohortFiles, wildcards: Any) -> ChestJob:
    """Return what counts as lung."""
    return ChestJob(options=study.cohort.body_region)


def plan_extraction(study: CohortFiles, wildcards: Any) -> PlanJob:
    """Return what decides the split and the slices."""
    return PlanJob(
        masks=_masks(study),
        others=stamps_of_others(study.inputs.mask_files),
        options=study.cohort,
        seed=study.options.seed,
        classes=study.options.task.classes,
        label_from=study.options.task.label_from,
    )


def extract_slices(study: CohortFiles, wildcards: Any) -> ExtractionJob:
    """Return how the pixels of a slice are scaled, and where the tables of patients lie."""
    return ExtractionJob(
        options=study.cohort,
        folder=study.folder,
        code=code_digest("scripts/extract_slices.py"),
    )


def extract_planted(study: CohortFiles, wildcards: Any) -> ExtractionJob:
    """Return how a sign is put on slices, and where their tables lie."""
    return extract_slices(study, wildcards).model_copy(
        update={
            "folder": f"{study.folder}/planted/{wildcards.sign}",
            "sign": wildcards.sign,
            "seed": study.options.seed,
        }
    )


def dose_slices(study: PlantedFiles, wildcards: Any) -> DoseJob:
    """Return which slices of a classifier have a sign."""
    planted = study.doses[wildcards.dose]
    label = study.options.task.keys.index(key_of(planted.in_class))
    return DoseJob(**planted.model_dump(), label=label, seed=study.options.seed)


def summarise_cohort(study: CohortFiles, wildcards: Any) -> SummaryJob:
    """Return where the masks of each dataset are."""
    return SummaryJob(masks=_masks(study))


def choose_slices(study: VariationFiles, wildcards: Any) -> ChoiceJob:
    """Return how many slices are chosen, and of which."""
    variation = study.choices()[wildcards.chosen]
    return ChoiceJob(slices=variation.slices, sample=variation.sample, seed=study.options.seed)


def copy_slices(study: VariationFiles, wildcards: Any) -> CopyJob:
    """Return how noisy copies are made."""
    variation = study.named(Noisy, wildcards.noisy)
    return CopyJob(radii=variation.radii, copies=variation.copies, seed=study.options.seed)


def _masks(study: CohortFiles) -> dict[str, MasksOfDataset]:
    given = {
        name: MasksOfDataset(folders=study.inputs.masks[name], structures=dataset.structures)
        for name, dataset in study.inputs.datasets.items()
    }
    phantom = MasksOfDataset(folders=(f"{study.folder}/phantom/masks",), structures=None)
    return given or {"phantom": phantom}
