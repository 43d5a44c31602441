import errno
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ct_importance.cohort import headers as headers_module
from ct_importance.cohort.headers import ImageSource, update_headers
from ct_importance.cohort.index import index_cohort
from ct_importance.cohort.pseudonyms import Pseudonyms, read_pseudonyms
from ct_importance.compute.workers import WorkerKilled, safe_map
from ct_importance.errors import InputError
from ct_importance.io.folders import list_files, overlapping_folders
from tests.cohort.dicom_files import write_ct, write_series
from tests.cohort.failing_disk import refusing
from tests.cohort.indexing import index_sources
from tests.cohort.volume_files import write_volume

SECRET = Pseudonyms(b"a secret of the user")


@pytest.fixture
def read(monkeypatch) -> list[str]:
    """Names of the files whose header was read."""
    names = []

    def note(function: Callable, paths: list[str], *more: object, **options: object) -> Iterator:
        names.extend(Path(path).name for path in paths)
        return safe_map(function, paths, *more, **options)

    monkeypatch.setattr(headers_module, "safe_map", note)
    return names


@pytest.fixture
def source(tmp_path) -> ImageSource:
    write_series(tmp_path / "dicom" / "P1", 3)
    (tmp_path / "dicom" / "notes.txt").write_text("no DICOM")
    return ImageSource("a", [tmp_path / "dicom"])


def rows(table: Path) -> list[dict]:
    return sorted(pq.read_table(table).to_pylist(), key=lambda row: row["file"])


def test_only_new_files_are_read_again(source, tmp_path, read):
    table = tmp_path / "a.parquet"
    update_headers(source, table)
    assert len(read) == 4
    read.clear()

    new = write_ct(tmp_path / "dicom" / "P2" / "new.dcm", patient="P2")
    update_headers(source, table)

    assert read == [new.name]
    fresh = tmp_path / "fresh.parquet"
    update_headers(source, fresh)
    assert rows(table) == rows(fresh)


def test_files_that_changed_are_read_again_and_those_gone_are_forgotten(source, tmp_path, read):
    table = tmp_path / "a.parquet"
    update_headers(source, table)
    read.clear()
    gone, changed, *_ = sorted((tmp_path / "dicom" / "P1").iterdir())
    gone.unlink()
    write_ct(changed, patient="P9")
    os.utime(changed, ns=(1, 1))

    update_headers(source, table)

    assert read == [changed.name]
    assert {row["patient_id"] for row in rows(table)} == {"P1", "P9", None}
    assert str(gone) not in {row["file"] for row in rows(table)}


def test_a_table_of_another_version_is_not_used(source, tmp_path, read):
    update_headers(source, tmp_path / "a.parquet", "one")
    read.clear()

    update_headers(source, tmp_path / "a.parquet", "two")

    assert len(read) == 4


def test_the_index_is_the_same_with_known_headers_and_with_several_processes(source, tmp_path):
    tables = [tmp_path / name for name in ("known.parquet", "several.parquet")]
    write_ct(tmp_path / "late.dcm", patient="P0")
    update_headers(source, tables[0])
    shutil.copy(tmp_path / "late.dcm", tmp_path / "dicom" / "P1" / "AAA.dcm")
    update_headers(source, tables[0])
    update_headers(source, tables[1], workers=2)

    one, other = (index_cohort([table]) for table in tables)

    assert one.slices == other.slices
    assert one.rejected == other.rejected
    assert {entry.patient_id for entry in one.slices} == {"P0", "P1"}


def test_half_a_table_is_never_left_behind(source, tmp_path, monkeypatch):
    def fail(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(headers_module, "read_header", fail)
    with pytest.raises(KeyboardInterrupt):
        update_headers(source, tmp_path / "out" / "a.parquet")

    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: bytes(len(content)),
        lambda content: content[:-20],
        lambda content: content[:-1000] + bytes(992) + content[-8:],
    ],
    ids=["empty", "zeros", "cut short", "damaged"],
)
def test_a_table_that_cannot_be_read_is_made_anew(source, tmp_path, read, damage):
    table, fresh = tmp_path / "a.parquet", tmp_path / "fresh.parquet"
    update_headers(source, fresh)
    table.write_bytes(damage(fresh.read_bytes()))
    read.clear()

    update_headers(source, table)

    assert len(read) == 4
    assert rows(table) == rows(fresh)


def test_a_table_whose_disk_fails_is_no_damaged_table(source, tmp_path, monkeypatch):
    def fail(path: Path):
        raise OSError(errno.EIO, "words of a library")

    monkeypatch.setattr(headers_module, "read_schema", fail)

    with pytest.raises(OSError, match="words of a library"):
        update_headers(source, tmp_path / "a.parquet")


@pytest.mark.parametrize("name", ["a.dcm", "a.nii.gz", "a.mha"])
def test_a_file_that_may_not_be_read_is_set_aside_and_tried_again(tmp_path, name):
    table, are_volumes = tmp_path / "a.parquet", name != "a.dcm"
    path = (write_volume if are_volumes else write_ct)(tmp_path / "ct" / name)
    source = ImageSource("a", [tmp_path / "ct"], are_volumes)

    with refusing(path, errno.EACCES):
        update_headers(source, table)
    assert [row["reason"] for row in rows(table)] == ["cannot be opened (Permission denied)"]
    update_headers(source, table)

    assert {row["reason"] for row in rows(table)} == {None}


@pytest.mark.parametrize("name", ["a.dcm", "a.nii.gz", "a.mha"])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_disk_that_fails_sets_no_file_aside(tmp_path, name, workers):
    table, are_volumes = tmp_path / "a.parquet", name != "a.dcm"
    for other in (name, f"b{name}"):
        (write_volume if are_volumes else write_ct)(tmp_path / "ct" / other)
    source = ImageSource("a", [tmp_path / "ct"], are_volumes)

    with (
        refusing(tmp_path / "ct" / name, errno.EIO),
        pytest.raises(OSError, match="Input/output error"),
    ):
        update_headers(source, table, workers=workers)

    assert not table.exists()


def test_a_volume_is_read_again_when_the_file_of_its_pixels_changes(tmp_path):
    header = write_volume(tmp_path / "v" / "a.mhd")
    pixels, table = tmp_path / "v" / "a.raw", tmp_path / "a.parquet"
    content = pixels.read_bytes()
    source = ImageSource("a", [tmp_path / "v"], are_volumes=True)
    pixels.unlink()
    update_headers(source, table)
    assert [row["file"] for row in rows(table)] == [str(header)]

    pixels.write_bytes(content)
    update_headers(source, table)

    assert [row["reason"] for row in rows(table)] == [None] * 5


def test_a_volume_is_read_again_when_another_of_its_name_comes(tmp_path):
    source, table = ImageSource("a", [tmp_path / "v"], are_volumes=True), tmp_path / "a.parquet"
    write_volume(tmp_path / "v" / "x" / "ct.nii")
    update_headers(source, table)
    assert {row["series_uid"] for row in rows(table)} == {"ct"}

    write_volume(tmp_path / "v" / "y" / "ct.nii")
    update_headers(source, table)

    assert {row["series_uid"] for row in rows(table)} == {"x_ct", "y_ct"}


# Folders


def test_a_link_that_leads_round_in_circles_is_followed_once(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "file").write_text("x")
    (tmp_path / "a" / "again").symlink_to(tmp_path)
    (tmp_path / "b").symlink_to(tmp_path / "a")

    assert len(list_files([tmp_path], "cohort.datasets.a")) == 1


def test_folders_overlap_where_one_lies_in_the_other(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "ab").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "a")

    assert overlapping_folders([tmp_path / "ab"], [tmp_path / "a"]) is None
    for other in ("a", "a/b", "link"):
        assert overlapping_folders([tmp_path / "a"], [tmp_path / "ab", tmp_path / other])


@pytest.mark.parametrize("target", ["nowhere", "dicom/lost.dcm"])
def test_a_link_to_nothing_or_itself_is_set_aside(source, tmp_path, target):
    (tmp_path / "dicom" / "lost.dcm").symlink_to(tmp_path / target)

    index = index_sources(source)

    assert len(index.slices) == 3
    assert f"{tmp_path}/dicom/lost.dcm" in index.rejected


# Pseudonyms


def test_pseudonyms_replace_every_id_of_a_patient(tmp_path):
    write_series(tmp_path / "dicom", 2, patient="Jane Roe")
    write_volume(tmp_path / "volumes" / "jane_roe.nii")
    folders = {"d": tmp_path / "dicom", "v": tmp_path / "volumes"}
    sources = [
        ImageSource(name, [folder], name == "v", pseudonyms=SECRET)
        for name, folder in folders.items()
    ]

    slices = index_sources(*sources).slices

    assert {entry.patient_id for entry in slices} == {SECRET.of("Jane Roe"), SECRET.of("jane_roe")}
    for entry in slices:
        ids = (entry.patient_id, entry.slice_id, entry.series_uid, entry.study_uid)
        assert "roe" not in " ".join(ids).lower()


def test_pseudonyms_depend_on_the_secret_and_nothing_else():
    assert SECRET.of("P1") == Pseudonyms(b"a secret of the user").of("P1") != SECRET.of("P2")
    assert SECRET.of("P1") != Pseudonyms(b"another secret of it").of("P1")
    assert len(SECRET.of("P1")) == 16


def test_a_secret_that_is_too_short_is_an_error(tmp_path):
    (tmp_path / "key").write_text("short\n")

    with pytest.raises(InputError, match="a secret of 16 bytes or more is needed"):
        read_pseudonyms(tmp_path / "key")
    with pytest.raises(InputError, match=r"cannot be read .*; check cohort\.pseudonym_key"):
        read_pseudonyms(tmp_path / "no key")
    assert read_pseudonyms(None) is None


# Files that crash the library that reads them


def ending(name: str, number: int) -> Callable:
    """Return a reader of headers that one file ends with a signal."""
    read_header = headers_module.read_header

    def read(path: str, keep_derived: bool) -> object:
        if Path(path).name == name:
            os.kill(os.getpid(), number)
        return read_header(path, keep_derived)

    return read


@pytest.mark.parametrize("workers", [1, 2])
def test_a_file_that_crashes_a_library_is_set_aside_alone(source, tmp_path, monkeypatch, workers):
    for number in range(100):
        (tmp_path / "dicom" / f"{number}.txt").write_text("no DICOM")
    monkeypatch.setattr(headers_module, "read_header", ending("50.txt", signal.SIGSEGV))

    update_headers(source, tmp_path / "a.parquet", workers=workers)

    reasons = {Path(row["file"]).name: row["reason"] for row in rows(tmp_path / "a.parquet")}
    assert len(reasons) == 104
    assert reasons.pop("50.txt") == "damaged: it crashes the library that reads it"
    assert set(reasons.values()) == {None, "not a DICOM file"}


def test_a_file_at_which_a_process_is_killed_is_named(source, tmp_path, monkeypatch):
    monkeypatch.setattr(headers_module, "read_header", ending("notes.txt", signal.SIGKILL))

    with pytest.raises(WorkerKilled, match=r"dicom/notes\.txt"):
        update_headers(source, tmp_path / "a.parquet")
