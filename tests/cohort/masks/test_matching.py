"""Masks of every kind: the folder, the structures, and the same pixels whatever the format."""

import errno
import functools
import logging
import os
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ct_importance.cohort.masks.matching import read_mask
from ct_importance.cohort.rejection import RejectedFile
from ct_importance.cohort.slice_entry import SliceEntry
from ct_importance.errors import InputError
from tests.cohort.dicom_files import COLUMNS, ROWS, write_ct
from tests.cohort.failing_disk import refusing
from tests.cohort.mask_files import (
    blob,
    check_masks,
    edge_loops,
    find_masks,
    only_reason,
    small_series,
    truth,
    volume_affine,
    write_nifti,
    write_png,
    write_rtstruct,
    write_seg,
    write_volume,
)
from tests.cohort.matched import match_masks

TURN = 0.2
ORIENTATIONS = {
    "standard": [1, 0, 0, 0, 1, 0],
    "mirrored": [-1, 0, 0, 0, 1, 0],
    "transposed": [0, 1, 0, 1, 0, 0],
    "turned": [np.cos(TURN), np.sin(TURN), 0, -np.sin(TURN), np.cos(TURN), 0],
    "tilted": [1, 0, 0, 0, np.cos(TURN), np.sin(TURN)],
}


@pytest.fixture(scope="module")
def entries(tmp_path_factory: pytest.TempPathFactory) -> list[SliceEntry]:
    """The slices of one series, the lowest first."""
    return small_series(tmp_path_factory.mktemp("dicom"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the masks."""
    (tmp_path / "masks").mkdir()
    return tmp_path / "masks"


# One mask in every format


def png(folder: Path, entries: list[SliceEntry]) -> None:
    for entry, mask in zip(entries, truth(), strict=True):
        if mask.any():
            write_png(folder / f"{entry.slice_id}.png", mask)


def volume(suffix: str, write: Callable = write_volume, **wanted: object) -> Callable:
    def write_it(folder: Path, entries: list[SliceEntry]) -> None:
        path = folder / f"{entries[0].series_uid}{suffix}"
        write(path, truth().transpose(2, 1, 0) * 7, volume_affine(entries), **wanted)

    return write_it


def seg(kind: str, **wanted: object) -> Callable:
    def write_it(folder: Path, entries: list[SliceEntry]) -> None:
        masks = truth() * 0.6 + ~truth() * 0.4 if kind == "FRACTIONAL" else truth()
        write_seg(folder / "drawn.dcm", entries, masks, kind=kind, **wanted)

    return write_it


def contours(**wanted: object) -> Callable:
    def write_it(folder: Path, entries: list[SliceEntry]) -> None:
        loops = [edge_loops(mask) for mask in truth()]
        write_rtstruct(folder / "drawn.dcm", entries, {"heart": loops}, **wanted)

    return write_it


FORMATS = {
    "png": png,
    "nii.gz": volume(".nii.gz", write_nifti),
    "nii": volume(".nii", write_nifti),
    "nrrd": volume(".nrrd"),
    "nrrd, zipped": volume(".nrrd", zipped=True),
    "nhdr": volume(".nhdr"),
    "mha": volume(".mha"),
    "mha, zipped": volume(".mha", zipped=True),
    "mhd, zipped": volume(".mhd", zipped=True),
    "seg, binary": seg("BINARY"),
    "seg, fractional": seg("FRACTIONAL"),
    "seg, fractional to 100": seg("FRACTIONAL", max_fractional_value=100),
    "seg, label map": seg("LABELMAP"),
    "seg with empty frames": seg("BINARY", omit_empty_frames=False),
    "rtstruct": contours(),
    "rtstruct, by position": contours(names_slices=False),
    "rtstruct, xor": contours(kind="CLOSEDPLANAR_XOR"),
}


KINDS = ["png", "nii.gz", "nrrd", "seg, binary", "rtstruct"]
"""A format of each kind."""


@pytest.fixture(scope="module")
def entries_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[SliceEntry]]:
    """Gives the slices of a series of some orientation, the lowest first."""

    @functools.cache
    def write(orientation: str) -> list[SliceEntry]:
        axes = ORIENTATIONS[orientation]
        return small_series(tmp_path_factory.mktemp("dicom"), ImageOrientationPatient=axes)

    return write


@pytest.mark.parametrize(
    ("orientation", "format_name"),
    [(name, kind) for name in ORIENTATIONS for kind in (FORMATS if name == "turned" else KINDS)],
)
def test_a_mask_has_the_same_pixels_in_every_format(entries_of, folder, format_name, orientation):
    entries = entries_of(orientation)
    FORMATS[format_name](folder, entries)

    check_masks(find_masks(entries, folder), truth())


def test_masks_match_although_the_images_are_gone(entries, folder):
    seg("BINARY")(folder, entries)
    volume(".nrrd")(folder, entries)
    gone = [replace(entry, path="/nowhere/slice.dcm") for entry in entries]

    check_masks(find_masks(gone, folder), truth())


# Several files


def test_all_files_of_a_slice_unite_and_are_listed_by_path(entries, folder):
    left, right = blob(), blob()
    left[:, 8:] = False
    right[:, :8] = False
    write_png(folder / "b" / f"{entries[1].slice_id}.png", left)
    write_nifti(
        folder / f"{entries[0].series_uid}_right.nii.gz",
        np.stack([0 * right, right, 0 * right, right]).transpose(2, 1, 0),
        volume_affine(entries),
    )

    masks, _ = match_masks(entries, folder)

    assert [[Path(it["path"]).name[-12:] for it in masks[entries[n].slice_id]] for n in (1, 3)] == [
        [f"{entries[0].series_uid}_right.nii.gz"[-12:], f"{entries[1].slice_id}.png"[-12:]],
        [f"{entries[0].series_uid}_right.nii.gz"[-12:]],
    ]
    check_masks(find_masks(entries, folder), np.stack([0 * left, blob(), 0 * left, right]) > 0)


def test_copies_of_a_series_under_other_names_are_all_found(entries, folder):
    copies = [
        replace(entry, slice_id=f"{entry.slice_id}.9", patient_id="P2", path=f"{entry.path}.copy")
        for entry in entries
    ]
    volume(".nii.gz", write_nifti)(folder, entries)

    found = find_masks([*entries, *copies], folder)

    check_masks(found, np.concatenate([truth(), truth()]))


# Structures


def two_structures() -> np.ndarray:
    """Masks (slice, row, column, structure) of two structures that overlap."""
    return np.stack([truth(), np.roll(truth(), 2, axis=1)], axis=3)


def write_named_png(folder: Path, entries: list[SliceEntry]) -> None:
    for number, name in enumerate(("Heart ", "aorta")):
        for entry, mask in zip(entries, two_structures()[..., number], strict=True):
            if mask.any():
                write_png(folder / f"{entry.slice_id}_{name}.png", mask)


def write_named_volumes(folder: Path, entries: list[SliceEntry]) -> None:
    affine = volume_affine(entries)
    for number, name in enumerate(("Heart ", "aorta")):
        one = two_structures()[..., number].transpose(2, 1, 0)
        write_nifti(folder / entries[0].series_uid / f"{name}.nii.gz", one, affine)


def write_named_seg(folder: Path, entries: list[SliceEntry]) -> None:
    write_seg(folder / "drawn", entries, two_structures(), labels=["Heart ", "aorta"])


def write_named_contours(folder: Path, entries: list[SliceEntry]) -> None:
    rois = {
        name: [edge_loops(mask) for mask in two_structures()[..., number]]
        for number, name in enumerate(("Heart ", "aorta"))
    }
    write_rtstruct(folder / "drawn", entries, rois)


NAMED = [write_named_png, write_named_volumes, write_named_seg, write_named_contours]


@pytest.mark.parametrize("write", NAMED)
@pytest.mark.parametrize("structures", [None, [], ["AORTA ", "heart"]], ids=str)
def test_structures_unite(entries, folder, write, structures):
    write(folder, entries)

    check_masks(find_masks(entries, folder, structures), two_structures().any(axis=3))


@pytest.mark.parametrize("write", NAMED)
def test_a_structure_is_chosen_by_name_in_any_case(entries, folder, write):
    write(folder, entries)

    masks, rejected = match_masks(entries, folder, [" HEART"])

    paths = {mask["path"] for found in masks.values() for mask in found}
    assert not paths & set(rejected)
    assert set(rejected.values()) <= {"mask is none of the structures HEART, by its file name"}
    for path in rejected:
        os.remove(path)
    check_masks(find_masks(entries, folder, [" HEART"]), truth())


@pytest.mark.parametrize("write", [write_named_seg, write_named_contours])
def test_a_structure_is_chosen_by_number(entries, folder, write):
    write(folder, entries)

    check_masks(find_masks(entries, folder, [2]), two_structures()[..., 1])
    check_masks(find_masks(entries, folder, [2, "heart"]), two_structures().any(axis=3))


def values() -> np.ndarray:
    """A map (slice, row, column) of values 1 and 2, of which 2 is the truth."""
    return np.where(truth(), 2, np.roll(truth(), 2, axis=1))


def test_a_value_of_a_volume_is_chosen_by_number(entries, folder):
    path = folder / f"{entries[0].series_uid}.nii.gz"
    write_nifti(path, values().transpose(2, 1, 0), volume_affine(entries))

    check_masks(find_masks(entries, folder, [2]), truth())
    check_masks(find_masks(entries, folder, [2, "heart", 1]), values() > 0)


def test_a_value_of_a_png_is_chosen_by_number(entries, folder):
    write_png(folder / f"{entries[2].slice_id}_labels.png", values()[2], inside=1)

    np.testing.assert_array_equal(find_masks(entries, folder, [2])[2], truth()[2])


def test_values_do_not_count_in_a_file_of_another_name(entries, folder):
    write_png(folder / f"{entries[2].slice_id}_aorta.png", values()[2], inside=1)

    reason = only_reason(entries, folder, ["heart", 2])

    assert reason == "mask is none of the structures heart, 2, by its file name"


def test_a_file_without_a_name_does_not_count_as_a_named_structure(entries, folder):
    write_png(folder / f"{entries[2].slice_id}.png", blob())

    assert only_reason(entries, folder, ["heart", "aorta"]) == (
        "name of the mask says no structure, but heart, aorta are wanted: "
        "name it <id>_<structure> or <id>/<structure>"
    )


@pytest.mark.parametrize(
    ("write", "noun"), [(write_named_seg, "segments"), (write_named_contours, "ROIs")]
)
def test_an_object_with_none_of_the_structures_says_so_but_names_none_of_its_own(
    entries, folder, write, noun
):
    write(folder, entries)

    reason = only_reason(entries, folder, ["lung", "liver"])

    assert reason == f"mask has none of the structures lung, liver; it has 2 {noun}"


# The folder


@pytest.mark.parametrize("folder", [None, ""])
def test_a_cohort_without_masks_has_none(entries, folder):
    assert match_masks(entries, folder) == ({}, {})


def test_a_missing_folder_is_named_with_the_key_to_check(entries, tmp_path):
    with pytest.raises(InputError, match=r"nowhere is not a folder; check cohort\.datasets\."):
        match_masks(entries, tmp_path / "nowhere")


def test_a_folder_of_which_no_mask_fits_says_why(entries, folder):
    write_png(folder / "1.2.3.png", blob())
    write_png(folder / f"{entries[0].slice_id}.png", np.zeros((ROWS, COLUMNS)))

    with pytest.raises(InputError) as error:
        match_masks(entries, folder)

    assert str(error.value) == (
        f"{folder}: no mask fits a slice (mask fits no slice: no SOPInstanceUID of that name; mask "
        "is empty); check `masks` in cohort.datasets"
    )


def test_an_empty_folder_is_an_error(entries, folder):
    with pytest.raises(InputError, match="it holds none"):
        match_masks(entries, folder)


def test_masks_are_found_at_any_depth_and_through_links(entries, tmp_path, folder):
    write_png(folder / "a" / "b" / f"{entries[0].slice_id}.png", blob())
    write_png(tmp_path / "elsewhere" / f"{entries[1].slice_id}.png", blob())
    (folder / "link").symlink_to(tmp_path / "elsewhere")
    (folder / "a" / "loop").symlink_to(folder)

    masks, rejected = match_masks(entries, folder)

    assert set(masks) == {entries[0].slice_id, entries[1].slice_id}
    assert [len(found) for found in masks.values()] == [1, 1]
    assert not rejected


def test_hidden_files_and_folders_are_passed_over(entries, folder):
    write_png(folder / f"{entries[0].slice_id}.png", blob())
    (folder / ".DS_Store").write_bytes(b"")
    write_png(folder / ".old" / f"{entries[1].slice_id}.png", blob())

    check_masks(find_masks(entries, folder), np.stack([blob()]))


def test_other_files_in_the_folder_are_set_aside(entries, folder):
    (folder / "README.md").write_text("masks")

    assert only_reason(entries, folder) == (
        "no mask file (PNG, NIfTI, NRRD, MetaImage, DICOM SEG or RTSTRUCT)"
    )


@pytest.mark.parametrize("name", ["slice.dcm", "slice"])
def test_other_dicom_files_in_the_folder_are_set_aside(entries, folder, name):
    write_ct(folder / name)
    assert only_reason(entries, folder) == "an image, not a mask"

    write_ct(folder / name, SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11")
    assert only_reason(entries, folder) == "DICOM file that is neither a SEG nor an RTSTRUCT"


def test_dicom_images_of_the_cohort_beside_their_masks_are_not_set_aside(entries, folder):
    path = write_ct(folder / "slice")
    beside = replace(entries[0], path=str(path))
    write_png(folder / f"{beside.slice_id}.png", blob())

    masks, rejected = match_masks([beside, *entries[1:]], folder)

    assert set(masks) == {beside.slice_id}
    assert not rejected


def test_a_file_that_is_dicom_by_name_alone_is_set_aside(entries, folder):
    (folder / "slice.dcm").write_text("not DICOM")

    assert only_reason(entries, folder) == "mask cannot be read as DICOM: not a DICOM file"


@pytest.mark.parametrize("suffix", ["", ".png", ".nii.gz", ".dcm"])
@pytest.mark.parametrize("itself", [True, False])
def test_a_link_to_nothing_or_itself_is_set_aside(entries, folder, suffix, itself):
    link = folder / f"{entries[0].series_uid}{suffix}"
    link.symlink_to(link if itself else folder / "nowhere")
    (folder / f"{entries[0].slice_id}.png").symlink_to(folder / "nowhere")
    write_png(folder / f"{entries[1].slice_id}.png", blob())

    masks, rejected = match_masks(entries, folder)

    assert list(masks) == [entries[1].slice_id]
    assert len(rejected) == 2
    assert set(rejected.values()) == {"no file, but a link to nothing, a pipe or a device"}


@pytest.mark.parametrize("format_name", KINDS)
def test_a_mask_that_may_not_be_read_is_an_error(entries, folder, format_name):
    FORMATS[format_name](folder, entries)
    path = next(folder.iterdir())

    with refusing(path, errno.EACCES), pytest.raises(PermissionError, match=path.name):
        match_masks(entries, folder)


@pytest.mark.parametrize("suffix", [".png", ".nii.gz", ".mha", ".dcm"])
def test_a_pipe_is_not_waited_for(entries, folder, suffix):
    os.mkfifo(folder / f"{entries[0].series_uid}{suffix}")

    assert only_reason(entries, folder) == "no file, but a link to nothing, a pipe or a device"


def test_a_name_that_no_table_can_hold_is_set_aside(entries, folder):
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff.png")).write_bytes(b"")

    assert only_reason(entries, folder) == "file name is not UTF-8: rename the file or its folder"


@pytest.mark.parametrize("format_name", [*KINDS, "nhdr", "mha, zipped", "mhd, zipped"])
def test_the_digest_changes_with_the_content(entries, folder, format_name):
    digests = set()
    for change in (0, 1):
        FORMATS[format_name](folder, entries)
        for path in folder.iterdir():
            content = path.read_bytes()
            at = content.find(b"\x07") if path.suffix == ".raw" else -1
            if change and path.suffix in (".raw", ".zraw"):
                path.write_bytes(content[:at] + b"\x01" + content[at + 1 :])
            elif change and not {it.suffix for it in folder.iterdir()} & {".raw", ".zraw"}:
                path.write_bytes(content + b"\0")
        try:
            masks, _ = match_masks(entries, folder)
        except InputError:
            assert format_name == "mhd, zipped"
            return
        digests.add(masks[entries[0].slice_id][0]["digest"])

    assert len(digests) == 2


# Damaged files


DAMAGED = [*KINDS, "nii", "nrrd, zipped", "nhdr", "mha", "mha, zipped", "mhd, zipped"]
DAMAGED += ["seg, fractional", "seg, label map", "rtstruct, xor"]


@pytest.mark.parametrize("format_name", DAMAGED)
def test_a_damaged_mask_is_read_or_rejected_in_silence(entries, folder, format_name, capfd, caplog):
    FORMATS[format_name](folder, entries)
    path = max(folder.iterdir(), key=lambda file: file.suffix in (".nhdr", ".mhd"))
    content = path.read_bytes()
    caplog.clear()  # what was said while the mask was written
    random = np.random.default_rng(0)
    with warnings.catch_warnings(), caplog.at_level(logging.DEBUG):
        warnings.simplefilter("error")
        for place in random.integers(0, len(content), 12):
            for damaged in (
                content[:place],
                content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :],
            ):
                path.write_bytes(damaged)
                try:
                    read_mask(path, entries[0].slice_id, entries[0].geometry)
                except RejectedFile as reason:
                    assert "mask" in str(reason) or "DICOM" in str(reason)  # noqa: PT017
                    assert "heart" not in str(reason)  # noqa: PT017

    assert capfd.readouterr() == ("", "")
    assert not [it for it in caplog.records if it.name.startswith(("pydicom", "highdicom"))]


@pytest.mark.parametrize("format_name", DAMAGED)
def test_a_mask_that_was_cut_off_is_set_aside(entries, folder, format_name):
    FORMATS[format_name](folder, entries)
    for entry in entries[2:]:
        (folder / f"{entry.slice_id}.png").unlink(missing_ok=True)
    path = max(folder.iterdir(), key=lambda file: file.suffix in (".raw", ".zraw"))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])

    assert only_reason(entries, folder).startswith("mask cannot be read as ")
