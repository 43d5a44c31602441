import errno
import os
from concurrent.futures.process import BrokenProcessPool

import pytest
import torch

from scripts.errors import InputError
from scripts.parallel import process_pool
from scripts.system_errors import (
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
