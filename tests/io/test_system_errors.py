import csv
import errno
import hashlib
import os
from concurrent.futures.process import BrokenProcessPool

import pytest
import torch

from ct_importance.cohort.dicom.file import open_dicom
from ct_importance.cohort.labels.user_csv import read_csv
from ct_importance.cohort.masks import matching as masks
from ct_importance.cohort.volume.file import reading_volume
from ct_importance.compute.workers import process_pool
from ct_importance.errors import InputError
from ct_importance.io.digests import file_digest
from ct_importance.io.system_errors import (
    MORE_MEMORY,
    REMEDIES,
    explain_system_error,
    is_failure_of_machine,
)


@pytest.mark.parametrize("number", REMEDIES)
def test_an_error_of_the_system_names_the_file_and_the_remedy(number):
    expected = f"a.csv: {os.strerror(number)}: {REMEDIES[number]}"
    assert explain_system_error(OSError(number, "words of a library", "a.csv")) == expected


def test_a_file_that_is_not_known_is_not_named():
    message = explain_system_error(OSError(errno.ENOSPC, "words of a library"))
    assert message.startswith("No space left on device: free space there")


def test_lack_of_memory_on_the_cpu():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert explain_system_error(caught.value) == f"memory does not suffice: {MORE_MEMORY}"


@pytest.mark.parametrize("error", [MemoryError(), torch.OutOfMemoryError("CUDA out of memory.")])
def test_lack_of_memory_elsewhere(error):
    assert explain_system_error(error) == f"memory does not suffice: {MORE_MEMORY}"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        *((OSError(number, ""), number not in (errno.EACCES, errno.EPERM)) for number in REMEDIES),
        (MemoryError(), True),
        (FileNotFoundError(errno.ENOENT, ""), False),
        (OSError(errno.EINVAL, ""), False),
        (OSError("a decoder says so"), False),
        (ValueError(), False),
    ],
)
def test_what_says_nothing_about_a_file(error, expected):
    assert is_failure_of_machine(error) == expected


def test_a_worker_that_was_killed():
    with pytest.raises(BrokenProcessPool) as caught, process_pool(1) as pool:
        list(pool.map(os._exit, [1]))
    assert MORE_MEMORY in explain_system_error(caught.value)


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError(errno.ENOENT, "", "a"),
        InputError("a"),
        RuntimeError("shape"),
        OSError("a"),
    ],
)
def test_other_errors_are_left_alone(error):
    assert explain_system_error(error) is None


def fail(*_: object, **__: object) -> None:
    """Fail as reading does, which names no file."""
    raise OSError(errno.EIO, "")


def read_dicom(path, monkeypatch):
    with open_dicom(path, "damaged"):
        fail()


def read_volume(path, monkeypatch):
    with reading_volume(path):
        fail()


def read_mask_file(path, monkeypatch):
    monkeypatch.setattr(masks, "_load_dicom", fail)
    masks.read_mask(path, "1.2", None)


def match_mask_file(path, monkeypatch):
    monkeypatch.setattr(masks, "_marked_slices", fail)
    masks._examine(path, None, None)


def read_csv_file(path, monkeypatch):
    monkeypatch.setattr(csv, "DictReader", fail)
    list(read_csv(path, ["a"], "labels.csv"))


def digest_file(path, monkeypatch):
    monkeypatch.setattr(hashlib, "file_digest", fail)
    file_digest(path)


@pytest.mark.parametrize(
    "read",
    [read_dicom, read_volume, read_mask_file, match_mask_file, read_csv_file, digest_file],
)
def test_a_disk_that_fails_while_a_file_is_read_names_the_file(tmp_path, monkeypatch, read):
    (tmp_path / "file.dcm").write_bytes(bytes(200))
    with pytest.raises(OSError, match=r".*") as caught:
        read(tmp_path / "file.dcm", monkeypatch)
    assert explain_system_error(caught.value).startswith(f"{tmp_path / 'file.dcm'}: Input/output")
