"""Masks and DICOM files that would fill or stop what reads them are set aside, the rest is read.

All are read in a process with little memory and little time.
"""

import faulthandler
import os
import signal
import socket
import struct
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ImplicitVRLittleEndian

from ct_importance.cohort.dicom.header import read_header
from ct_importance.cohort.masks import matching as masks
from ct_importance.cohort.masks import rtstruct as mask_contours
from ct_importance.cohort.masks.polygons import EDGES_AT_ONCE, fill_polygons
from ct_importance.cohort.pixels import read_hounsfield
from ct_importance.cohort.rejection import RejectedFile
from ct_importance.cohort.slice_entry import SliceEntry
from tests.cohort.dicom_files import COLUMNS, ROWS, save, write_ct
from tests.cohort.hostile import bounded
from tests.cohort.mask_files import (
    blob,
    frames_of,
    rtstruct_dataset,
    seg_dataset,
    small_series,
    truth,
    volume_affine,
    write_dataset,
    write_nifti,
    write_png,
)
from tests.cohort.matched import match_masks

SEG = "mask cannot be read as DICOM SEG: "
DICOM = "mask cannot be read as DICOM: "
TOO_MANY_ELEMENTS = "it has more elements than can be read in reasonable time"
NO_FILE = "no file, but a link to nothing, a pipe or a device"


@pytest.fixture(scope="module")
def entries(tmp_path_factory: pytest.TempPathFactory) -> list[SliceEntry]:
    """The slices of one series, the lowest first."""
    return small_series(tmp_path_factory.mktemp("dicom"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the masks."""
    (tmp_path / "masks").mkdir()
    return tmp_path / "masks"


def reasons(entries: list[SliceEntry], folder: Path) -> dict[str, str]:
    """Return why masks are set aside, by file name, beside one that fits."""
    write_png(folder / f"{entries[-1].slice_id}.png", blob())
    found = bounded(lambda: match_masks(entries, folder))
    assert isinstance(found, tuple), found
    masks, rejected = found
    assert entries[-1].slice_id in masks
    return {Path(path).name: why for path, why in rejected.items()}


# Segmentations


@pytest.mark.parametrize("kind", ["BINARY", "FRACTIONAL", "LABELMAP"])
@pytest.mark.parametrize(
    ("keyword", "value", "expected"),
    [
        ("NumberOfFrames", 10**9, "NumberOfFrames is 1000000000, and {} are described"),
        ("NumberOfFrames", 2, "NumberOfFrames is 2, and {} are described"),
        ("Rows", 4000, "it holds less data than its frames take"),
        ("Rows", 65535, "its frames are larger than any slice"),
        ("SegmentationType", "WONDER", "its SegmentationType is none of BINARY, FRACTIONAL, "),
    ],
)
def test_a_segmentation_says_what_it_holds(entries, folder, kind, keyword, value, expected):
    dataset = seg_dataset(entries, truth(), kind=kind)
    frames = len(frames_of(dataset))
    setattr(dataset, keyword, value)
    if (keyword, value) == ("Rows", 65535):
        dataset.Columns = 65535
    write_dataset(folder / "a.dcm", dataset)

    assert reasons(entries, folder)["a.dcm"].startswith(SEG + expected.format(frames))


def test_a_segmentation_without_a_type_is_set_aside(entries, folder):
    dataset = seg_dataset(entries, truth())
    del dataset.SegmentationType
    write_dataset(folder / "a.dcm", dataset)

    assert reasons(entries, folder)["a.dcm"].startswith(f"{SEG}its SegmentationType is none of")


def test_a_compressed_frame_that_is_larger_than_its_header_says_is_not_decoded(entries, folder):
    from pydicom.encaps import encapsulate
    from pydicom.uid import JPEG2000Lossless

    frame = b"\xff\x4f\xff\x51" + struct.pack(
        ">HH8IH3B", 41, 0, 65000, 65000, 0, 0, 65000, 65000, 0, 0, 1, 7, 1, 1
    )
    dataset = seg_dataset(entries, truth(), kind="FRACTIONAL")
    dataset.file_meta.TransferSyntaxUID = JPEG2000Lossless
    dataset.PixelData = encapsulate([frame + b"\xff\xd9"] * len(frames_of(dataset)))
    dataset["PixelData"].is_undefined_length = True
    write_dataset(folder / "a.dcm", dataset)

    expected = f"{SEG}frame 1 has another size than the header says"
    assert reasons(entries, folder) == {"a.dcm": expected}


# Contours


def write_points(path: Path, entries: list[SliceEntry], contours: list[np.ndarray]) -> Path:
    """Write an RTSTRUCT with contours (n, 2) of (column, row) on the first slice."""
    dataset = rtstruct_dataset(entries, {"heart": [[], [], [], []]})
    affine = entries[0].geometry.affine
    items = []
    for polygon in contours:
        points = polygon @ affine[:3, :2].T + affine[:3, 3]
        text = "\\".join([f"{value:.3f}" for value in points.ravel()]).encode()
        contour = Dataset()
        contour.ContourGeometricType = "CLOSED_PLANAR"
        set_text(contour, text)
        items.append(contour)
    dataset.ROIContourSequence[0].ContourSequence = items
    return save(path, dataset, ImplicitVRLittleEndian)


def set_text(contour: Dataset, text: bytes) -> None:
    """Give a contour points as text; as bytes, which implicit VR does not tell from it."""
    contour["ContourData"] = DataElement("ContourData", "OB", text + b" " * (len(text) % 2))


def zigzag(points: int) -> np.ndarray:
    """Return a polygon (n, 2) whose every edge crosses the whole slice."""
    at = np.arange(points)
    return np.stack([1 + at % 977 / 70, np.where(at % 2, 1.0, ROWS - 2.0)], axis=1)


def test_a_contour_of_a_million_points_is_set_aside(entries, folder):
    write_points(folder / "a.dcm", entries, [zigzag(1_000_000)])

    expected = "contour 1 of ROI 1 has more than 100000 points"
    assert reasons(entries, folder) == {"a.dcm": expected}


def test_a_million_points_in_many_contours_are_filled_in_seconds(entries, folder):
    write_points(folder / "a.dcm", entries, [zigzag(10_000)] * 101)

    assert reasons(entries, folder) == {}


@pytest.mark.parametrize(("name", "most"), [("MOST_POINTS", 99), ("LONGEST_OUTLINES_MM", 900.0)])
def test_contours_are_bounded_in_all(entries, folder, monkeypatch, name, most):
    monkeypatch.setattr(mask_contours, name, most)
    write_points(folder / "a.dcm", entries, [zigzag(50)] * 2)

    assert reasons(entries, folder)["a.dcm"].startswith("mask has contours of more than ")


@pytest.mark.parametrize("text", [b"1\\2\\x", b"1\\2", b"", b"1\\2\\nan", b"1\\\\2"])
def test_points_that_are_no_numbers_are_set_aside(entries, folder, text):
    dataset = rtstruct_dataset(entries, {"heart": [[blob_outline()], [], [], []]})
    contour = dataset.ROIContourSequence[0].ContourSequence[0]
    set_text(contour, text)
    save(folder / "a.dcm", dataset, ImplicitVRLittleEndian)

    assert set(reasons(entries, folder)) == {"a.dcm"}


def blob_outline() -> np.ndarray:
    return np.array([[2, 2], [9, 2], [9, 8], [2, 8.0]])


def test_edges_in_parts_fill_what_they_fill_at_once(monkeypatch):
    polygon = np.random.default_rng(0).uniform(-5, 25, (500, 2))
    assert len(polygon) < EDGES_AT_ONCE
    whole = fill_polygons([polygon, polygon[:99] + 1], ROWS, COLUMNS)

    monkeypatch.setattr("ct_importance.cohort.masks.polygons.EDGES_AT_ONCE", 7)

    np.testing.assert_array_equal(fill_polygons([polygon, polygon[:99] + 1], ROWS, COLUMNS), whole)


# Many elements


def element(group: int, number: int, value: bytes = b"ab") -> bytes:
    return struct.pack("<HH2sH", group, number, b"LO", len(value)) + value


def many_elements(kind: str, count: int = 200_000) -> bytes:
    """Return elements of a private group, one by one or each in an item of a sequence."""
    if kind == "elements":
        places = ((0x0021 + 2 * (n >> 16), n & 0xFFFF) for n in range(count))
        return b"".join(element(*place) for place in places)
    item = struct.pack("<HHI", 0xFFFE, 0xE000, 10) + element(0x0021, 0x1000)
    start = struct.pack("<HH2sHI", 0x0021, 0x1001, b"SQ", 0, 0xFFFFFFFF)
    return start + item * count + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)


def with_elements(path: Path, kind: str, place: str) -> Path:
    content = write_ct(path).read_bytes()
    at = content.index(b"\x28\x00\x02\x00") if place == "before" else len(content)
    if place == "after":
        elements = many_elements("elements").replace(b"\x21\x00", b"\xe1\x7f", 1)
    else:
        elements = many_elements(kind)
    path.write_bytes(content[:at] + elements + content[at:])
    return path


@pytest.mark.parametrize("kind", ["elements", "items"])
@pytest.mark.parametrize("read", [read_header, read_hounsfield])
def test_a_slice_of_200_000_elements_is_set_aside(tmp_path, kind, read):
    path = with_elements(tmp_path / "a.dcm", kind, "before")

    found = bounded(lambda: read(str(path)))

    assert isinstance(found, RejectedFile)
    assert str(found) == TOO_MANY_ELEMENTS


def test_elements_after_the_pixels_count_as_well(tmp_path):
    path = with_elements(tmp_path / "a.dcm", "elements", "after")

    found = bounded(lambda: read_hounsfield(str(path)))

    assert isinstance(found, RejectedFile)
    assert str(found) == TOO_MANY_ELEMENTS


def test_a_mask_of_millions_of_elements_is_set_aside(entries, folder, monkeypatch):
    monkeypatch.setattr(
        "ct_importance.cohort.masks.objects.read_object.__defaults__", (100_000, None)
    )
    dataset = seg_dataset(entries, truth())
    write_dataset(folder / "a.dcm", dataset)
    content = (folder / "a.dcm").read_bytes()
    at = content.index(b"\x28\x00\x02\x00")
    (folder / "a.dcm").write_bytes(content[:at] + many_elements("items") + content[at:])

    assert reasons(entries, folder) == {"a.dcm": DICOM + TOO_MANY_ELEMENTS}


def test_a_deflated_mask_is_not_inflated(entries, folder):
    dataset = rtstruct_dataset(entries, {"heart": [[blob_outline()], [], [], []]})
    save(folder / "a.dcm", dataset, DeflatedExplicitVRLittleEndian)

    assert reasons(entries, folder) == {
        "a.dcm": f"{DICOM}it is deflated as a whole: write it with another syntax"
    }


# The folder


def write_hostile(folder: Path, entries: list[SliceEntry]) -> None:
    """Fill a folder with pipes, sockets, links that loop, and sparse files of 100 GB."""
    name = entries[0].series_uid
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("socket")
    for suffix in ("nii", "nii.gz", "nrrd", "nhdr", "mha", "mhd", "png", "dcm", "raw", "txt"):
        os.mkfifo(folder / f"{name}_pipe.{suffix}")
        os.symlink(f"{name}_loop.{suffix}", folder / f"{name}_loop.{suffix}")
    os.symlink(folder, folder / "down")
    os.symlink("/dev/zero", folder / f"{name}_zero.nii")
    for suffix in ("nii", "nii.gz", "nrrd", "mha", "mhd", "png", "dcm", "txt", "bin"):
        path = folder / f"{name}_sparse.{suffix}"
        path.touch()
        os.truncate(path, 100 << 30)
    write_nifti(folder / f"{name}_long.nii", truth().transpose(2, 1, 0), volume_affine(entries))
    os.truncate(folder / f"{name}_long.nii", 100 << 30)
    seg = seg_dataset(entries, truth())
    write_dataset(folder / "long.dcm", seg)
    os.truncate(folder / "long.dcm", 100 << 30)
    (folder / "meta.dcm").write_bytes(write_ct(folder / "meta.dcm").read_bytes()[:400])
    os.truncate(folder / "meta.dcm", 1 << 30)
    write_png(folder / f"{entries[0].slice_id}_long.png", blob())
    os.truncate(folder / f"{entries[0].slice_id}_long.png", 100 << 30)


def test_a_folder_of_pipes_loops_and_sparse_files_is_done_in_seconds(entries, folder, monkeypatch):
    monkeypatch.chdir(folder)
    write_hostile(folder, entries)

    found = reasons(entries, folder)

    present = {path.name for path in folder.iterdir() if path.name not in ("down",)}
    data = {f"{entries[0].series_uid}_{kind}.raw" for kind in ("pipe", "loop")}
    assert set(found) == present - data - {f"{entries[-1].slice_id}.png"}
    assert all("Error" not in why for name, why in found.items() if "pipe" in name)


def test_a_mask_that_crashes_a_library_is_set_aside_alone(entries, folder, monkeypatch):
    write_png(folder / f"{entries[0].slice_id}.png", blob())
    write_png(folder / f"{entries[1].slice_id}.png", blob())
    marked_by_png = masks._marked_by_png

    def crash(path: Path, *arguments: object) -> list[str]:
        if path.stem == entries[0].slice_id:
            faulthandler.disable()
            os.kill(os.getpid(), signal.SIGSEGV)
        return marked_by_png(path, *arguments)

    monkeypatch.setattr(masks, "_marked_by_png", crash)

    found, rejected = match_masks(entries, folder)

    assert list(found) == [entries[1].slice_id]
    assert rejected == {
        str(folder / f"{entries[0].slice_id}.png"): "damaged: it crashes the library that reads it"
    }
