"""Masks kept as DICOM SEG: which slice a frame belongs to, and frames on another grid."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset

from ct_importance.cohort.slice_entry import SliceEntry
from tests.cohort.mask_files import (
    check_masks,
    find_masks,
    frames_of,
    only_reason,
    seg_dataset,
    small_series,
    truth,
    write_dataset,
    write_seg,
)
from tests.cohort.matched import match_masks


@pytest.fixture(scope="module")
def entries(tmp_path_factory: pytest.TempPathFactory) -> list[SliceEntry]:
    """The slices of one series, the lowest first."""
    return small_series(tmp_path_factory.mktemp("dicom"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the masks."""
    return tmp_path / "masks"


def sources_of(frame: Dataset) -> list[Dataset]:
    return frame.DerivationImageSequence[0].SourceImageSequence


def without_references(dataset: Dataset) -> Dataset:
    for frame in frames_of(dataset):
        del frame.DerivationImageSequence
    return dataset


def let_frames_name_all_slices(dataset: Dataset) -> None:
    every = [source for frame in frames_of(dataset) for source in sources_of(frame)]
    for frame in frames_of(dataset):
        frame.DerivationImageSequence[0].SourceImageSequence = every


def moved(dataset: Dataset, *steps: float) -> Dataset:
    """Move every frame, mm."""
    for frame in frames_of(dataset):
        position = frame.PlanePositionSequence[0]
        position.ImagePositionPatient = np.add(position.ImagePositionPatient, steps).tolist()
    return dataset


@pytest.mark.parametrize("fraction", [0.49, 0.5])
def test_a_fraction_of_one_half_is_inside(entries, folder, fraction):
    masks = np.where(truth(), 0.9, fraction)
    write_seg(folder / "a.dcm", entries, masks, kind="FRACTIONAL", max_fractional_value=200)

    found = find_masks(entries, folder)[0]

    assert found.all() == (fraction == 0.5)


def test_overlapping_segments_unite(entries, folder):
    masks = np.stack([truth(), truth() | np.roll(truth(), 1, axis=2)], axis=3)
    write_seg(folder / "a.dcm", entries, masks, labels=["heart", "blood"])

    check_masks(find_masks(entries, folder), masks.any(axis=3))


def test_the_background_of_a_label_map_is_no_segment(entries, folder):
    dataset = seg_dataset(entries, truth(), kind="LABELMAP")
    background = Dataset()
    background.update(dataset.SegmentSequence[0])
    background.SegmentNumber, background.SegmentLabel = 0, "background"
    dataset.SegmentSequence.insert(0, background)
    write_dataset(folder / "a.dcm", dataset)

    check_masks(find_masks(entries, folder), truth())


# Which slice


@pytest.mark.parametrize("shift", [0.0, 0.4])
def test_frames_that_name_no_slice_are_matched_by_position(entries, folder, shift):
    dataset = moved(without_references(seg_dataset(entries, truth())), 0, 0, shift)
    write_dataset(folder / "a.dcm", dataset)

    check_masks(find_masks(entries, folder), truth())


def test_frames_that_name_all_slices_are_matched_by_position(entries, folder):
    dataset = seg_dataset(entries, truth())
    let_frames_name_all_slices(dataset)
    write_dataset(folder / "a.dcm", dataset)

    check_masks(find_masks(entries, folder), truth())


@pytest.mark.parametrize("by", ["series", "study"])
def test_frames_that_name_no_slice_stay_in_their_series_or_study(entries, folder, by):
    dataset = without_references(seg_dataset(entries, truth()))
    if by == "study":
        del dataset.ReferencedSeriesSequence
    others = [
        replace(
            entry,
            slice_id=f"{entry.slice_id}.9",
            study_uid=f"{entry.study_uid}.9",
            series_uid=f"{entry.series_uid}.9",
        )
        for entry in entries
    ]
    write_dataset(folder / "a.dcm", dataset)

    masks, _ = match_masks([*entries, *others], folder)

    assert set(masks) == {entry.slice_id for entry in entries} - {entries[1].slice_id}


def in_other_frame(entries: list[SliceEntry]) -> list[SliceEntry]:
    """Slices of the same study and series at the same positions of another frame of reference."""
    return [
        replace(entry, slice_id=f"{entry.slice_id}.9", frame_of_reference="1.9")
        for entry in entries
    ]


def test_frames_that_name_no_slice_stay_in_their_frame_of_reference(entries, folder):
    write_dataset(folder / "a.dcm", without_references(seg_dataset(entries, truth())))

    masks, _ = match_masks([*entries, *in_other_frame(entries)], folder)

    assert set(masks) == {entries[number].slice_id for number in (0, 2, 3)}


@pytest.mark.parametrize("lacking", ["slices", "mask"])
def test_without_a_frame_of_reference_position_alone_counts(entries, folder, lacking):
    dataset = without_references(seg_dataset(entries, truth()))
    if lacking == "mask":
        dataset.FrameOfReferenceUID = ""
    else:
        entries = [replace(entry, frame_of_reference="") for entry in entries]
    write_dataset(folder / "a.dcm", dataset)

    check_masks(find_masks(entries, folder), truth())


def test_a_segmentation_in_another_frame_of_reference_is_set_aside(entries, folder):
    write_dataset(folder / "a.dcm", without_references(seg_dataset(entries, truth())))

    reason = only_reason(in_other_frame(entries), folder)

    assert reason == "mask lies in another frame of reference"


@pytest.mark.parametrize("names_all", [False, True])
def test_frames_that_name_their_slices_need_no_frame_of_reference(entries, folder, names_all):
    dataset = seg_dataset(entries, truth())
    if names_all:
        let_frames_name_all_slices(dataset)
    write_dataset(folder / "a.dcm", dataset)

    renamed = [replace(entry, frame_of_reference="1.9") for entry in entries]

    check_masks(find_masks(renamed, folder), truth())


def test_a_frame_that_does_not_say_where_it_lies_is_set_aside(entries, folder):
    dataset = seg_dataset(entries, truth())
    del frames_of(dataset)[1].PlanePositionSequence
    write_dataset(folder / "a.dcm", dataset)

    assert only_reason(entries, folder) == "mask cannot be read as DICOM SEG: damaged"


def test_a_frame_without_area_is_set_aside(entries, folder):
    dataset = seg_dataset(entries, truth())
    measures = dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    measures.PixelSpacing = [1, 0]
    write_dataset(folder / "a.dcm", dataset)

    assert only_reason(entries, folder) == "frame 1 of the mask is no place in a patient"


def test_a_segmentation_of_other_images_is_set_aside(entries, folder):
    write_seg(folder / "a.dcm", entries[:2], truth()[:2])

    assert only_reason(entries[2:], folder) == "mask refers to no slice of the cohort"


def test_slices_that_are_not_in_the_cohort_do_no_harm(entries, folder):
    write_seg(folder / "a.dcm", entries, truth())

    check_masks(find_masks(entries[2:], folder), truth()[2:])


def test_a_frame_off_its_slice_is_set_aside(entries, folder):
    write_dataset(folder / "a.dcm", moved(seg_dataset(entries, truth()), 0, 0, 2.5))

    reason = "frame 1 of the mask lies 2.5 mm off the slice that it refers to"
    assert only_reason(entries, folder) == reason


def test_an_upright_frame_is_set_aside(entries, folder):
    dataset = seg_dataset(entries, truth())
    plane = dataset.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0]
    plane.ImageOrientationPatient = [1, 0, 0, 0, 0, -1]
    write_dataset(folder / "a.dcm", dataset)

    reason = "frame 1 of the mask lies 11.0 mm off the slice that it refers to"
    assert only_reason(entries, folder) == reason


def test_a_segmentation_beside_its_slices_is_set_aside(entries, folder):
    write_dataset(folder / "a.dcm", moved(seg_dataset(entries, truth()), 99, 0, 0))

    reason = "mask lies outside of its series: check orientation and origin"
    assert only_reason(entries, folder) == reason


def test_an_empty_segmentation_is_set_aside(entries, folder):
    write_seg(folder / "a.dcm", entries, truth() & False, omit_empty_frames=False)

    assert only_reason(entries, folder) == "mask is empty"


def test_an_empty_segmentation_of_another_series_fits_no_slice(entries, folder):
    dataset = seg_dataset(entries, truth() & False, omit_empty_frames=False)
    dataset.ReferencedSeriesSequence[0].SeriesInstanceUID = "1.2.3"
    write_dataset(folder / "a.dcm", dataset)

    assert only_reason(entries, folder) == "mask refers to no slice of the cohort"


# Frames on another grid


def on_grid(entries: list[SliceEntry], masks: np.ndarray, **geometry: object) -> Dataset:
    """A SEG with frames of another grid than its slices."""
    import highdicom

    names = {"spacing": (1.0, 0.8), "orientation": (1, 0, 0, 0, 1, 0), "shift": (0.0, 0.0)}
    names |= geometry
    return seg_dataset(
        entries,
        masks,
        pixel_measures=highdicom.PixelMeasuresSequence(
            pixel_spacing=names["spacing"], slice_thickness=5
        ),
        plane_orientation=highdicom.PlaneOrientationSequence("PATIENT", names["orientation"]),
        plane_positions=[
            highdicom.PlanePositionSequence("PATIENT", np.add(entry.origin, (*names["shift"], 0)))
            for entry in entries
        ],
    )


def test_a_cropped_frame_lies_where_it_says(entries, folder):
    dataset = on_grid(entries, truth()[:, 2:, 1:14], shift=(0.8, 2.0))
    write_dataset(folder / "a.dcm", dataset)
    expected = np.zeros_like(truth())
    expected[:, 2:, 1:14] = truth()[:, 2:, 1:14]

    check_masks(find_masks(entries, folder), expected)


def test_a_mirrored_frame_lies_where_it_says(entries, folder):
    dataset = on_grid(
        entries, truth()[:, :, ::-1], orientation=(-1, 0, 0, 0, 1, 0), shift=(15 * 0.8, 0.0)
    )
    write_dataset(folder / "a.dcm", dataset)

    check_masks(find_masks(entries, folder), truth())


def test_a_finer_frame_is_sampled_at_the_centres_of_the_pixels(entries, folder):
    fine = truth().repeat(3, axis=1).repeat(3, axis=2)
    dataset = on_grid(entries, fine, spacing=(1 / 3, 0.8 / 3), shift=(-0.8 / 3, -1 / 3))
    write_dataset(folder / "a.dcm", dataset)

    check_masks(find_masks(entries, folder), truth())
