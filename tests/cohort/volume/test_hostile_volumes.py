"""Volumes whose headers would crash, fill or stop what reads them are set aside, the rest is read.

All are read in a process with little memory and little time.
"""

import gzip
import os
import socket
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from ct_importance.cohort.headers import ImageSource
from ct_importance.cohort.rejection import RejectedFile
from ct_importance.cohort.volume.slices import read_volume_headers, read_volume_slice
from tests.cohort.hostile import bounded
from tests.cohort.indexing import index_sources
from tests.cohort.mask_files import write_nifti
from tests.cohort.volume_files import SHAPE, voxels, write_volume

NO_FILE = "is no file, but a link to nothing, a pipe or a device"
ELSEWHERE = "is a header whose data file lies elsewhere: move it beside the header"
TOO_LARGE = "is larger than any CT volume (4 GiB)"
UNREADABLE = "cannot be read as a volume"
TOO_FEW = f"{UNREADABLE}: it holds less data than its header says"
TOO_MANY = f"{UNREADABLE}: it holds more data than its header says"
SUFFIXES = ["mha", "mhd", "nrrd", "nhdr", "nii", "nii.gz"]
VOXELS = voxels().tobytes()


def reason(path: Path) -> str:
    """Return why a volume is set aside when its header or its first slice is read."""

    def read() -> None:
        read_volume_slice(str(path), read_volume_headers(str(path))[0].frame)

    found = bounded(read)
    assert isinstance(found, RejectedFile), found
    return str(found)


def metaimage(data: bytes = VOXELS, **wanted: str) -> bytes:
    """Return a MetaImage; a field that is None is left out."""
    fields = {
        "ObjectType": "Image",
        "NDims": "3",
        "DimSize": "16 12 5",
        "ElementType": "MET_SHORT",
        "ElementDataFile": "LOCAL",
    }
    end = {"ElementDataFile": fields.pop("ElementDataFile")}
    fields = fields | wanted | {k: wanted.get(k, v) for k, v in end.items()}
    fields["ElementDataFile"] = fields.pop("ElementDataFile")  # the last one
    lines = [f"{name} = {value}\n" for name, value in fields.items() if value is not None]
    return "".join(lines).encode() + data


def nrrd(data: bytes = VOXELS, **wanted: str) -> bytes:
    """Return an NRRD; a field that is None is left out, and _ stands for a space in names."""
    fields = {
        "type": "short",
        "dimension": "3",
        "sizes": "16 12 5",
        "space": "left-posterior-superior",
        "space directions": "(1,0,0) (0,1,0) (0,0,1)",
        "endian": "little",
        "encoding": "raw",
    } | {name.replace("_", " "): value for name, value in wanted.items()}
    lines = [f"{name}: {value}\n" for name, value in fields.items() if value is not None]
    return b"NRRD0004\n" + "".join(lines).encode() + b"\n" + data


def impossible(name: str) -> str:
    return f"{UNREADABLE}: {name} of its header is missing or impossible"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"NDims": "-1"}, impossible("NDims")),
        ({"NDims": "1000000000"}, impossible("NDims")),
        ({"NDims": "3e9"}, impossible("NDims")),
        ({"NDims": None}, impossible("NDims")),
        ({"NDims": "4"}, impossible("DimSize")),
        ({"DimSize": "16 12 0"}, impossible("DimSize")),
        ({"DimSize": "16 12 -5"}, impossible("DimSize")),
        ({"DimSize": "16 12 six"}, impossible("DimSize")),
        ({"DimSize": "1000000 1000000 1000000"}, TOO_LARGE),
        ({"DimSize": "16 12 6"}, TOO_FEW),
        ({"ElementNumberOfChannels": "1000000000"}, TOO_LARGE),
        ({"ElementNumberOfChannels": "0"}, impossible("ElementNumberOfChannels")),
        ({"ElementType": "MET_STRING"}, impossible("ElementType")),
        ({"ElementType": None}, impossible("ElementType")),
        ({"HeaderSize": "999999"}, TOO_FEW),
        ({"HeaderSize": "-7"}, impossible("HeaderSize")),
        ({"CompressedData": "True", "CompressedDataSize": "4000000000"}, TOO_FEW),
        ({"CompressedData": "True", "DimSize": "16 12 50000"}, TOO_FEW),
        ({"BinaryData": "False", "DimSize": "16 12 50"}, TOO_FEW),
        ({"ndims": "-1"}, f"{UNREADABLE}: its header says ndims twice"),
        ({"ElementDataFile": None}, f"{UNREADABLE}: its header has no ElementDataFile"),
    ],
    ids=str,
)
def test_a_metaimage_is_checked_before_itk_reads_it(tmp_path, fields, expected):
    (tmp_path / "a.mha").write_bytes(metaimage(**fields))

    assert reason(tmp_path / "a.mha") == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"dimension": "-1"}, impossible("dimension")),
        ({"dimension": "1000000000"}, impossible("dimension")),
        ({"sizes": "16 12"}, impossible("sizes")),
        ({"sizes": "16 12 0"}, impossible("sizes")),
        ({"sizes": "1000000 1000000 1000000"}, TOO_LARGE),
        ({"sizes": "16 12 6"}, TOO_FEW),
        ({"sizes": "1000000 1000000 1000000", "encoding": "gzip"}, TOO_LARGE),
        ({"sizes": "16 12 50000", "encoding": "gzip"}, TOO_FEW),
        ({"sizes": "16 12 50", "encoding": "ascii"}, TOO_FEW),
        ({"sizes": "16 12 50", "encoding": "hex"}, TOO_FEW),
        ({"type": "block"}, impossible("type")),
        ({"byte_skip": "1000000000000000000"}, impossible("byteskip")),
        ({"byte_skip": "1000"}, TOO_FEW),
        ({"line_skip": "-1"}, impossible("lineskip")),
        ({"byte_skip": "4", "encoding": "gzip"}, f"{UNREADABLE}: it skips part of zipped data"),
        ({"encoding": "bzip2"}, f"{UNREADABLE}: write it with the encoding raw or gzip"),
        ({"Sizes": "9 9 9"}, f"{UNREADABLE}: its header says sizes twice"),
    ],
    ids=str,
)
def test_an_nrrd_is_checked_before_itk_reads_it(tmp_path, fields, expected):
    (tmp_path / "a.nrrd").write_bytes(nrrd(**fields))

    assert reason(tmp_path / "a.nrrd") == expected


def nifti(place: int, kind: str, *values: float, suffix: str = "nii", path: Path) -> Path:
    """Write a NIfTI of bytes with other values at a place of its header."""
    write_nifti(path / f"a.{suffix}", np.zeros((16, 12, 5)), np.eye(4))
    content = (path / f"a.{suffix}").read_bytes()
    content = bytearray(gzip.decompress(content) if suffix.endswith("gz") else content)
    struct.pack_into("<" + kind, content, place, *values)
    content = bytes(content)
    (path / f"a.{suffix}").write_bytes(gzip.compress(content) if suffix.endswith("gz") else content)
    return path / f"a.{suffix}"


DIMENSIONS, VOX_OFFSET, EXTENSION = 42, 108, 348


@pytest.mark.parametrize("suffix", ["nii", "nii.gz"])
@pytest.mark.parametrize(
    ("place", "kind", "values", "expected"),
    [
        (DIMENSIONS, "3h", (16, 12, 0), "volume has a dimension of length 0"),
        (DIMENSIONS, "3h", (0, 12, 5), "volume has a dimension of length 0"),
        (DIMENSIONS, "3h", (2, 2, 32767), TOO_FEW),
        (DIMENSIONS, "3h", (32767, 32767, 32767), TOO_LARGE),
        (VOX_OFFSET, "f", (2e9,), impossible("vox_offset")),
        (VOX_OFFSET, "f", (float("nan"),), impossible("vox_offset")),
        (VOX_OFFSET, "f", (-8.0,), impossible("vox_offset")),
        (VOX_OFFSET, "f", (4000.0,), TOO_FEW),
    ],
    ids=str,
)
def test_a_nifti_is_checked_before_its_voxels_are_read(
    tmp_path, suffix, place, kind, values, expected
):
    path = nifti(place, kind, *values, suffix=suffix, path=tmp_path)
    if suffix == "nii.gz" and expected == TOO_FEW:  # found at the end of what is zipped
        assert reason(path).startswith(UNREADABLE)
    else:
        assert reason(path) == expected


def test_an_extension_before_the_place_of_the_voxels_is_not_searched_for(tmp_path):
    path = nifti(VOX_OFFSET, "f", 0.0, path=tmp_path)
    content = bytearray(path.read_bytes())
    content[EXTENSION:360] = b"\1\0\0\0" + struct.pack("<ii", 2**31 - 16, 4)
    path.write_bytes(content)

    assert reason(path) == impossible("vox_offset")


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("kind", ["pipe", "socket", "device", "loop"])
def test_what_is_no_file_is_not_opened(tmp_path, monkeypatch, suffix, kind):
    path = tmp_path / f"a.{suffix}"
    monkeypatch.chdir(tmp_path)  # names of sockets are short
    with socket.socket(socket.AF_UNIX) as made:
        if kind == "pipe":
            os.mkfifo(path)
        elif kind == "socket":
            made.bind(path.name)
        else:
            path.symlink_to("/dev/zero" if kind == "device" else path)

        assert reason(path) == NO_FILE


@pytest.mark.parametrize("suffix", ["mhd", "nhdr"])
def test_data_that_are_no_file_are_not_opened(tmp_path, suffix):
    path = write_volume(tmp_path / f"a.{suffix}")
    (tmp_path / "a.raw").unlink()
    os.mkfifo(tmp_path / "a.raw")

    assert reason(path) == "is a header whose data file is missing"


@pytest.mark.parametrize("suffix", ["mhd", "nhdr", "mha", "nrrd"])
@pytest.mark.parametrize("is_absolute", [True, False])
def test_data_outside_of_the_folder_of_a_header_are_refused(tmp_path, suffix, is_absolute):
    (tmp_path / "secret.raw").write_bytes(VOXELS)
    name = str(tmp_path / "secret.raw") if is_absolute else "down/../../secret.raw"
    path = tmp_path / "folder" / f"a.{suffix}"
    path.parent.mkdir()
    path.write_bytes(
        nrrd(b"", data_file=name)
        if suffix in ("nhdr", "nrrd")
        else metaimage(b"", ElementDataFile=name)
    )

    assert reason(path) == ELSEWHERE


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_sparse_file_of_100_gb_is_not_read(tmp_path, suffix):
    path = write_volume(tmp_path / f"a.{suffix}")
    data = tmp_path / "a.raw" if suffix in ("mhd", "nhdr") else path
    os.truncate(data, 100 << 30)

    assert reason(path) == TOO_LARGE


@pytest.mark.parametrize("suffix", ["mha", "nrrd", "nii"])
def test_a_file_with_more_data_than_its_header_says_is_set_aside(tmp_path, suffix):
    path = write_volume(tmp_path / f"a.{suffix}")
    os.truncate(path, 3 << 20)

    assert reason(path) == TOO_MANY


BOMB = 4 << 30
ZLIB, GZIP = 15, 31


def inflating(wbits: int, start: bytes) -> bytes:
    """Return some bytes and then 4 GiB of zeros, zipped; the end and its checksum are missing."""
    zipper = zlib.compressobj(9, zlib.DEFLATED, wbits)
    head = zipper.compress(start) + zipper.flush(zlib.Z_FULL_FLUSH)
    # Nothing in such a block refers to what comes before it.
    block = zipper.compress(bytes(1 << 24)) + zipper.flush(zlib.Z_FULL_FLUSH)
    return head + block * (BOMB >> 24)


@pytest.fixture(scope="module")
def bombs() -> dict[str, bytes]:
    """Volumes of 4 MB that inflate to 4 GiB."""
    header = bytearray(352)
    for place, kind, values in (
        (0, "i", (348,)),
        (40, "8h", (3, 16, 12, 5, 1, 1, 1, 1)),
        (70, "2h", (4, 16)),
        (76, "4f", (1, 1, 1, 1)),
        (VOX_OFFSET, "f", (352,)),
        (254, "h", (1,)),
        (280, "12f", (1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0)),
        (344, "4s", (b"n+1\0",)),
    ):
        struct.pack_into("<" + kind, header, place, *values)
    return {
        "a.mha": metaimage(inflating(ZLIB, VOXELS), CompressedData="True"),
        "a.nrrd": nrrd(inflating(GZIP, VOXELS), encoding="gzip"),
        "a.nii.gz": inflating(GZIP, bytes(header) + VOXELS),
    }


@pytest.mark.parametrize("name", ["a.mha", "a.nrrd", "a.nii.gz"])
def test_no_more_is_inflated_than_the_header_says(tmp_path, bombs, name):
    (tmp_path / name).write_bytes(bombs[name])

    assert reason(tmp_path / name) == TOO_MANY


def test_the_rest_of_a_folder_of_hostile_files_is_indexed(tmp_path):
    write_volume(tmp_path / "good.mha")
    for name, content in {
        "minus.mha": metaimage(NDims="-1"),
        "huge.mha": metaimage(NDims="1000000000"),
        "spins.nrrd": nrrd(sizes="1000000 1000000 1000000"),
    }.items():
        (tmp_path / name).write_bytes(content)
    nifti(DIMENSIONS, "3h", 2, 2, 32767, path=tmp_path)
    os.mkfifo(tmp_path / "pipe.mhd")
    (tmp_path / "sparse.nii").touch()
    os.truncate(tmp_path / "sparse.nii", 100 << 30)

    source = ImageSource("v", [tmp_path], are_volumes=True)
    index = bounded(lambda: index_sources(source, workers=2), memory=4 << 30)

    assert [entry.series_uid for entry in index.slices] == ["good"] * SHAPE[0]
    assert {Path(path).name: why for path, why in index.rejected.items()} == {
        "minus.mha": impossible("NDims"),
        "huge.mha": impossible("NDims"),
        "spins.nrrd": TOO_LARGE,
        "a.nii": TOO_FEW,
        "pipe.mhd": NO_FILE,
        "sparse.nii": TOO_LARGE,
    }


@pytest.mark.parametrize("name", ["a.mha", "a.nrrd"])
def test_a_text_header_as_it_should_be_is_read(tmp_path, name):
    (tmp_path / name).write_bytes(
        metaimage(Comment="one") if name == "a.mha" else nrrd(type="signed short", byte_skip="0")
    )

    np.testing.assert_array_equal(read_volume_slice(str(tmp_path / name), 2), voxels()[2])


def test_a_long_header_with_what_its_writer_added_is_read(tmp_path):
    lines = "".join(f"Segment{n}_Name:=sizes\n# sizes: {n}\n" for n in range(9000)).encode()
    content = nrrd(gzip.compress(VOXELS), encoding="gzip")
    (tmp_path / "a.nrrd").write_bytes(content.replace(b"\n\n", b"\n" + lines + b"\n", 1))

    np.testing.assert_array_equal(read_volume_slice(str(tmp_path / "a.nrrd"), 2), voxels()[2])
