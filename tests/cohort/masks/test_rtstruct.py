"""Masks kept as RTSTRUCT: which pixels a contour encloses, and which slice it belongs to."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset

from ct_importance.cohort.masks.polygons import fill_polygons
from ct_importance.cohort.slice_entry import SliceEntry
from tests.cohort.dicom_files import save
from tests.cohort.mask_files import (
    check_masks,
    edge_loops,
    find_masks,
    only_reason,
    rtstruct_dataset,
    small_series,
    truth,
    write_rtstruct,
)


@pytest.fixture(scope="module")
def entries(tmp_path_factory: pytest.TempPathFactory) -> list[SliceEntry]:
    """The slices of one series, the lowest first."""
    return small_series(tmp_path_factory.mktemp("dicom"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the masks."""
    return tmp_path / "masks"


def square(first: float, last: float) -> np.ndarray:
    return np.array([[first, first], [last, first], [last, last], [first, last]])


def true_loops() -> list[list[np.ndarray]]:
    return [edge_loops(mask) for mask in truth()]


# Which pixels


@pytest.mark.parametrize("seed", range(20))
def test_polygons_along_the_edges_of_pixels_give_the_pixels_back(seed):
    mask = np.random.default_rng(seed).random((23, 31)) < 0.6

    np.testing.assert_array_equal(fill_polygons(edge_loops(mask), 23, 31), mask)


def test_a_polygon_encloses_the_pixels_whose_centres_it_encloses():
    angles = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    circle = np.stack([20.3 + 11.7 * np.cos(angles), 18.6 + 11.7 * np.sin(angles)], axis=1)
    rows, columns = np.indices((40, 45))
    distance = np.hypot(columns - 20.3, rows - 18.6)

    mask = fill_polygons([circle], 40, 45)

    clear = np.abs(distance - 11.7) > 0.01
    np.testing.assert_array_equal(mask[clear], (distance < 11.7)[clear])


@pytest.mark.parametrize("step", [1, -1])
def test_a_polygon_through_the_centres_of_the_outermost_pixels_includes_them(step):
    mask = fill_polygons([square(2, 6)[::step]], 9, 9)

    expected = np.zeros((9, 9), bool)
    expected[2:7, 2:7] = True
    np.testing.assert_array_equal(mask, expected)


def test_a_diagonal_through_centres_includes_them():
    diamond = np.array([[4, 1], [7, 4], [4, 7], [1, 4]])

    rows, columns = np.indices((9, 9))
    expected = np.abs(rows - 4) + np.abs(columns - 4) <= 3
    np.testing.assert_array_equal(fill_polygons([diamond], 9, 9), expected)


def test_an_inner_contour_is_a_hole_whatever_its_direction():
    expected = np.ones((9, 9), bool)
    expected[3:6, 3:6] = False
    for step in (1, -1):
        mask = fill_polygons([square(-0.5, 8.5), square(2.5, 5.5)[::step]], 9, 9)
        np.testing.assert_array_equal(mask, expected)


@pytest.mark.parametrize("channel", [4.0, 4.2])
def test_a_keyhole_leaves_no_trace_of_its_channel(channel):
    inner = np.array([[2.5, 2.5], [2.5, 5.5], [5.5, 5.5], [5.5, 2.5], [channel, 2.5]])
    inner = np.concatenate([[[channel, 2.5]], inner])
    outer = np.array([[8.5, -0.5], [8.5, 8.5], [-0.5, 8.5], [-0.5, -0.5], [channel, -0.5]])
    keyhole = np.concatenate([[[channel, -0.5]], outer, inner])
    expected = np.ones((9, 9), bool)
    expected[3:6, 3:6] = False

    np.testing.assert_array_equal(fill_polygons([keyhole], 9, 9), expected)


def test_a_polygon_beyond_the_picture_is_cut():
    assert fill_polygons([square(-100, 100)], 9, 9).all()
    assert not fill_polygons([square(20, 100)], 9, 9).any()
    assert fill_polygons([square(-3, 2)], 9, 9).sum() == 9


def test_a_polygon_without_area_marks_the_centres_on_it():
    assert fill_polygons([np.array([[3, 4]])], 9, 9).sum() == 1
    assert fill_polygons([np.array([[3, 4], [6, 4]])], 9, 9).sum() == 4
    assert fill_polygons([np.array([[3.5, 4.5]])], 9, 9).sum() == 0
    assert fill_polygons([], 9, 9).sum() == 0


def test_rois_unite_where_the_contours_of_one_cancel(entries, folder):
    outer, inner = square(1.5, 9.5), square(3.5, 5.5)
    rois = {"heart": [[outer, inner], [], [], []], "aorta": [[inner], [], [], []]}
    write_rtstruct(folder / "a.dcm", entries, rois)
    expected = np.zeros_like(truth())
    expected[0, 2:10, 2:10] = True

    check_masks(find_masks(entries, folder), expected)
    expected[0, 4:6, 4:6] = False
    check_masks(find_masks(entries, folder, ["heart"]), expected)


# Which slice


def moved(dataset: Dataset, *steps: float) -> Dataset:
    """Move every contour, mm."""
    for contour in dataset.ROIContourSequence[0].ContourSequence:
        points = np.reshape(contour.ContourData, (-1, 3)).astype(float) + steps
        contour.ContourData = [f"{value:.4f}" for value in points.ravel()]
    return dataset


@pytest.mark.parametrize("names_slices", [True, False])
def test_a_contour_a_little_off_its_slice_belongs_to_it(entries, folder, names_slices):
    dataset = rtstruct_dataset(entries, {"heart": true_loops()}, names_slices=names_slices)
    save(folder / "a.dcm", moved(dataset, 0, 0, 0.4))

    check_masks(find_masks(entries, folder), truth())


def test_contours_that_name_no_series_are_matched_within_their_study(entries, folder):
    dataset = rtstruct_dataset(entries, {"heart": true_loops()}, names_slices=False)
    del dataset.ReferencedFrameOfReferenceSequence
    save(folder / "a.dcm", dataset)

    check_masks(find_masks(entries, folder), truth())


def test_contours_of_two_frames_of_reference_stay_in_their_own(entries, folder):
    rois = {"heart": true_loops(), "aorta": [[square(1.5, 9.5)]] * len(entries)}
    dataset = rtstruct_dataset(entries, rois, names_slices=False)
    for roi, frame in zip(dataset.StructureSetROISequence, ("1.8", "1.9"), strict=True):
        roi.ReferencedFrameOfReferenceUID = frame
    save(folder / "a.dcm", dataset)
    aorta = np.zeros_like(truth())
    aorta[:, 2:10, 2:10] = True

    for frame, expected in (("1.8", truth()), ("1.9", aorta)):
        slices = [replace(entry, frame_of_reference=frame) for entry in entries]
        check_masks(find_masks(slices, folder), expected)


def test_a_contour_off_its_slice_is_set_aside(entries, folder):
    dataset = rtstruct_dataset(entries, {"heart": true_loops()})
    save(folder / "a.dcm", moved(dataset, 0, 0, 2.5))

    reason = "contour 1 of ROI 1 lies 2.5 mm off the slice that it refers to"
    assert only_reason(entries, folder) == reason


def test_contours_beside_their_series_are_set_aside(entries, folder):
    dataset = rtstruct_dataset(entries, {"heart": true_loops()}, names_slices=False)
    save(folder / "a.dcm", moved(dataset, 99, 0, 0))

    reason = "mask lies outside of its series: check orientation and origin"
    assert only_reason(entries, folder) == reason


def test_contours_between_the_slices_are_set_aside(entries, folder):
    dataset = rtstruct_dataset(entries, {"heart": true_loops()}, names_slices=False)
    save(folder / "a.dcm", moved(dataset, 0, 0, 2.5))

    assert only_reason(entries, folder) == "no part of the mask lies within 0.5 mm of a slice"


def test_contours_of_other_images_are_set_aside(entries, folder):
    write_rtstruct(folder / "a.dcm", entries[:2], {"heart": true_loops()[:2]})

    assert only_reason(entries[2:], folder) == "mask refers to no slice of the cohort"


@pytest.mark.parametrize("kind", ["POINT", "OPEN_PLANAR", "OPEN_NONPLANAR"])
def test_contours_that_enclose_nothing_are_left_out(entries, folder, kind):
    write_rtstruct(folder / "a.dcm", entries, {"heart": true_loops()}, kind=kind)

    assert only_reason(entries, folder) == "mask is empty"


def test_a_contour_of_nonsense_is_set_aside(entries, folder):
    dataset = rtstruct_dataset(entries, {"heart": true_loops()})
    dataset.ROIContourSequence[0].ContourSequence[1].ContourData[4] = "1e30"
    save(folder / "a.dcm", dataset)

    assert only_reason(entries, folder) == "contour 2 of ROI 1 is no place in a patient"
