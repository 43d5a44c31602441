"""The built-in cohort: CT series of synthetic thoraces, half of them with contrast agent.

The agent changes the blood alone (and, a little, the organs it flows through), so the mask of
the blood pools is where the two classes differ, by construction. Patients come in pairs, one
with and one without agent, that share scanner, dose and file format: nothing but the blood tells
the classes apart, not even by chance in a small cohort.

For the task `nodule`, nodules are drawn into the lungs of the same patients. Slices of all classes
come from each of them, so that nothing of a patient tells the classes apart either.
"""

import csv
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from ct_importance.cohort.options import PhantomOptions
from ct_importance.cohort.phantom.anatomy.render import Patient, draw_patient, render
from ct_importance.cohort.phantom.contrast import label_texts, tissues
from ct_importance.cohort.phantom.dicom import (
    Acquisition,
    PixelFormat,
    SeriesHeader,
    slice_template,
    uid_for,
    write_localizer,
    write_mask_image,
    write_mask_volume,
    write_slice,
)
from ct_importance.cohort.phantom.nodules import Shown, kinds_of, with_nodule
from ct_importance.cohort.phantom.scanner import KERNELS, STREAK_HARMONICS, scan, scanner_for
from ct_importance.compute.randomness import generator_for
from ct_importance.compute.workers import process_pool

Names = tuple[str | int, ...]
"""What random numbers and UIDs of a patient depend on."""

BONE_ONSET = 250.0

# Anatomical heights of the first and last slice, and between which masks are drawn (mm).
TOP, BOTTOM = 104.0, -165.0
MASKED = (-96.0, 50.0)

PIXEL_FORMATS = (
    PixelFormat(signed=True, slope=1, intercept=-1024, bits_stored=16, padding=-2000),
    PixelFormat(signed=False, slope=1, intercept=-1024, bits_stored=12, padding=None),
    PixelFormat(signed=True, slope=1, intercept=0, bits_stored=16, padding=None),
    PixelFormat(signed=False, slope=1, intercept=-1024, bits_stored=12, padding=0),
    PixelFormat(signed=False, slope=0.5, intercept=-1024, bits_stored=13, padding=None),
)
ORDERS = ("ascending", "descending", "shuffled")


@dataclass(frozen=True)
class PlannedPatient:
    """What a patient of the cohort will be."""

    patient_id: str
    contrast: bool
    texts: Mapping[str, str]
    """DICOM attributes that tell the label."""
    acquisition: Acquisition
    mask_volume: bool
    """Whether the masks are one NIfTI volume rather than a PNG per slice."""
    annotated: bool = True
    """Whether there are masks."""


def write_phantom_cohort(
    folder: Path, options: PhantomOptions, seed: int, workers: int = 1
) -> None:
    """Write the built-in cohort.

    Files: ``dicom/<patient>/<series number>/IM0001.dcm``..., masks of the blood pools or the
    nodules as ``masks/<SOPInstanceUID>.png`` or ``masks/<SeriesInstanceUID>.nii.gz``, ``truth.csv``
    and, of nodules, ``labels.csv`` with the class of each slice. They are the same to the byte for
    the same options and seed.

    Args:
        folder: New or empty.
        options: Size of the cohort.
        seed: Of all that is random.
        workers: Number of processes.
    """
    plan = plan_cohort(options.patients, seed, options.annotated_patients)
    (folder / "masks").mkdir(parents=True, exist_ok=True)
    write = partial(_write_patient, folder, options, seed)
    if workers > 1:
        with process_pool(workers) as pool:
            labels = list(pool.map(write, plan))
    else:
        labels = [write(patient) for patient in plan]
    contrast = [(patient.patient_id, int(patient.contrast)) for patient in plan]
    _write_csv(folder / "truth.csv", ("patient_id", "contrast"), contrast)
    if (given := options.labels).csv:
        of_slices = [row for rows in labels for row in rows.items()]
        _write_csv(folder / given.csv, (given.key_column, given.label_column), of_slices)


def _write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def plan_cohort(patients: int, seed: int, annotated: int | None = None) -> list[PlannedPatient]:
    """Return who gets contrast agent, which scanner and which kind of mask, by number.

    Args:
        patients: Number of patients; every second one gets contrast agent.
        seed: Of the random assignment.
        annotated: How many have masks, half of them with contrast agent; None for all.
    """
    # Places 2k and 2k + 1 of the shuffled numbers are a pair, with and without agent.
    order = generator_for(seed, "pairs").permutation(patients)
    plan = {}
    for place, number in enumerate(order):
        pair, contrast = place // 2, place % 2 == 0
        plan[int(number)] = PlannedPatient(
            patient_id=f"PHANTOM-{number + 1:04d}",
            contrast=contrast,
            texts=label_texts(pair, contrast, patients // 2),
            acquisition=_acquisition(pair, seed),
            mask_volume=pair % 2 == 1,
            annotated=annotated is None or place < annotated,
        )
    return [plan[number] for number in range(patients)]


def _acquisition(pair: int, seed: int) -> Acquisition:
    """Return a pair's scanner; what readers must cope with comes in turn, the rest by chance."""
    rng = generator_for(seed, pair, "acquisition")
    return Acquisition(
        kernel=str(rng.choice(list(KERNELS), p=[0.35, 0.35, 0.2, 0.1])),
        peak_kilovoltage=int(rng.choice([100, 120, 140], p=[0.2, 0.7, 0.1])),
        milliampere_seconds=int(rng.choice([40, 80, 120, 180, 240])),
        thickness=float(rng.choice([1.25, 2.5, 5.0])),
        pixels=PIXEL_FORMATS[pair % len(PIXEL_FORMATS)],
        implicit_vr=pair % 4 == 1,
        order=ORDERS[(pair + 1) % len(ORDERS)],
        localizer=pair % 6 == 1,
    )


def _write_patient(
    folder: Path, options: PhantomOptions, seed: int, planned: PlannedPatient
) -> dict[str, str]:
    """Write the series and the masks of one patient; return what each slice shows, by its UID."""
    name = (seed, planned.patient_id)
    rng = generator_for(*name, "position")
    top, bottom = TOP + rng.uniform(-6, 6), BOTTOM + rng.uniform(-8, 8)
    heights = np.linspace(bottom, top, options.slices)
    patient = draw_patient(name, (bottom, top), options.matrix, float(rng.uniform(4, 30)))
    header = _series_header(name, planned, patient, heights)
    corner = -patient.spacing * (options.matrix - 1) / 2
    first = (corner, corner - 160.0, float(rng.uniform(-900, 300)))
    phase = float(rng.random())

    series = folder / "dicom" / planned.patient_id / f"{header.series_number:03d}"
    series.mkdir(parents=True)
    file_numbers, instance_numbers = _numbers(planned.acquisition.order, options.slices, rng)
    tissue = tissues(planned.contrast, planned.patient_id, seed)
    dataset, pixels = slice_template(header), planned.acquisition.pixels
    masks = np.zeros((options.slices, options.matrix, options.matrix), dtype=np.uint8)
    projection, shown = [], {}
    for index, image, drawn in _images(
        name, planned.acquisition, patient, heights, tissue, options
    ):
        position = (first[0], first[1], first[2] + index * header.slice_distance)
        uid = uid_for(*name, "slice", index)
        path = series / f"IM{file_numbers[index]:04d}.dcm"
        write_slice(path, dataset, pixels, image, position, instance_numbers[index], uid)
        projection.append(image.mean(0))
        masks[index], shown[uid] = drawn.mask, drawn.kind
    if planned.annotated:
        annotated = annotated_slices(heights, masks, options, phase)
        _write_masks(folder / "masks", planned, masks, annotated, list(shown), header, first)
    if planned.acquisition.localizer:
        _write_localizer(series.parent, name, header, np.array(projection[::-1]))
    return shown


def _write_masks(
    folder: Path,
    planned: PlannedPatient,
    masks: np.ndarray,
    annotated: Collection[int],
    uids: Sequence[str],
    header: SeriesHeader,
    first: tuple[float, float, float],
) -> None:
    """Write the masks of the annotated slices of a patient, as one volume or as images."""
    if planned.mask_volume:
        for index in set(range(len(masks))).difference(annotated):
            masks[index] = 0
        if annotated:
            write_mask_volume(folder / f"{header.series_uid}.nii.gz", masks, header, first)
        return
    for index in annotated:
        write_mask_image(folder / f"{uids[index]}.png", masks[index] > 0)


def annotated_slices(
    heights: np.ndarray, masks: np.ndarray, options: PhantomOptions, phase: float
) -> set[int]:
    """Return which slices have their mask written, evenly spaced ones.

    Of blood pools they are slices of heart and great vessels, or any if those are too few.

    Args:
        heights: Of the slices, anatomical mm.
        masks: (S, N, N), of all slices.
        options: How many, and of what.
        phase: In [0, 1), where between two of the even steps to begin.
    """
    if options.task == "nodule":
        choice = np.flatnonzero(masks.any(axis=(1, 2)))
    else:
        choice = np.flatnonzero((heights >= MASKED[0]) & (heights <= MASKED[1]))
        if len(choice) < options.annotated_slices:
            choice = np.arange(len(heights))
    return evenly_spaced(choice, options.annotated_slices, phase)


def evenly_spaced(choice: np.ndarray, count: int, phase: float) -> set[int]:
    """Return some of the numbers to choose from, or all where there are too few."""
    count = min(count, len(choice))
    steps = (np.arange(count) + phase) * len(choice) / max(count, 1)
    return {int(choice[int(step)]) for step in steps}


def _images(
    name: Names,
    acquisition: Acquisition,
    patient: Patient,
    heights: np.ndarray,
    tissue: Mapping[str, float],
    options: PhantomOptions,
) -> Iterator[tuple[int, np.ndarray, Shown]]:
    """Yield index, image (HU) and what is drawn there of each slice, the lowest first."""
    scanner = scanner_for(
        acquisition.kernel, acquisition.milliampere_seconds, patient.matrix, patient.spacing
    )
    kinds = kinds_of(len(heights), generator_for(*name, "nodules"))
    for index, (height, kind) in enumerate(zip(heights, kinds, strict=True)):
        rendered = render(patient, float(height), tissue)
        drawn = Shown(rendered.hu, "", rendered.pools > 0.5)
        if options.task == "nodule":
            of_nodule = generator_for(*name, "nodule", index)
            drawn = with_nodule(rendered.hu, rendered.lung, kind, patient.spacing, of_nodule)
        rng = generator_for(*name, "noise", index)
        white = rng.standard_normal(drawn.hu.shape, dtype=np.float32)
        odds = rng.standard_normal(STREAK_HARMONICS)
        dense = np.clip(drawn.hu - BONE_ONSET, 0, 800)
        yield index, scan(drawn.hu, dense, scanner, white, odds), drawn


def _series_header(
    name: Names, planned: PlannedPatient, patient: Patient, heights: np.ndarray
) -> SeriesHeader:
    return SeriesHeader(
        patient_id=planned.patient_id,
        study_uid=uid_for(*name, "study"),
        series_uid=uid_for(*name, "series"),
        frame_of_reference_uid=uid_for(*name, "frame of reference"),
        series_number=2,
        texts=planned.texts,
        acquisition=planned.acquisition,
        spacing=patient.spacing,
        slice_distance=round(float(heights[1] - heights[0]) * patient.pose.scale[2], 3),
    )


def _numbers(order: str, slices: int, rng: np.random.Generator) -> tuple[list[int], list[int]]:
    """Return the numbers in the file names and in the headers, the lowest slice first."""
    upwards = list(range(1, slices + 1))
    if order == "ascending":
        return upwards, upwards
    if order == "descending":
        return upwards[::-1], upwards[::-1]
    return [int(place) + 1 for place in rng.permutation(slices)], upwards[::-1]


def _write_localizer(
    folder: Path, name: Names, header: SeriesHeader, projection: np.ndarray
) -> None:
    """Write a frontal localizer as a series of its own, in the same study."""
    (folder / "001").mkdir()
    own = replace(header, series_uid=uid_for(*name, "localizer series"), series_number=1)
    write_localizer(folder / "001" / "IM0001.dcm", own, projection, uid_for(*name, "localizer"))
