"""Work that other processes do, and what becomes of it when one of them ends."""

import faulthandler
import os
import signal
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest

from ct_importance.compute.workers import CRASHES, WorkerKilled, safe_map
from ct_importance.io.system_errors import MORE_MEMORY, explain_system_error


@pytest.fixture(autouse=True)
def without_stacks() -> Iterator[None]:
    """Spare the reader the stacks of processes that crash on purpose."""
    faulthandler.disable()
    yield
    faulthandler.enable()


def crashed(item: object) -> str:
    return f"{item} crashed"


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("chunksize", [1, 7, 64])
def test_results_come_in_the_order_of_the_items(workers, chunksize):
    offset = 5  # functions need not be known to the other processes by name

    found = safe_map(lambda item: item + offset, range(50), crashed, workers, chunksize)

    assert list(found) == list(range(5, 55))
    assert list(safe_map(str, [], crashed)) == []


@pytest.mark.parametrize("number", sorted(CRASHES))
@pytest.mark.parametrize(("workers", "chunksize"), [(1, 1), (1, 64), (3, 1), (3, 4)])
def test_what_crashes_is_tried_alone_and_the_rest_goes_on(tmp_path, number, workers, chunksize):
    def work(item: int) -> str:
        with open(tmp_path / str(item), "a") as log:
            log.write("tried\n")
        if item in (0, 17, 18):
            os.kill(os.getpid(), -number)
        return str(item)

    found = list(safe_map(work, range(30), crashed, workers, chunksize))

    bad = {item: f"{item} crashed" for item in (0, 17, 18)}
    assert found == [bad.get(item, str(item)) for item in range(30)]
    if workers == 1:  # others are ended with the one that crashes
        tries = [(tmp_path / str(item)).read_text().count("tried") for item in bad]
        assert min(tries) >= 2


def test_what_crashes_but_once_is_of_use(tmp_path):
    def work(item: int) -> int:
        if item == 3 and not (tmp_path / "tried").exists():
            (tmp_path / "tried").touch()
            os.kill(os.getpid(), signal.SIGSEGV)
        return item

    assert list(safe_map(work, range(5), crashed)) == list(range(5))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_what_is_killed_from_outside_is_named(number):
    def work(path: str) -> None:
        if path == "folder/large.dcm":
            os.kill(os.getpid(), number)

    with pytest.raises(WorkerKilled) as caught:
        list(safe_map(work, ["a.dcm", "folder/large.dcm", "b.dcm"], crashed))

    message = explain_system_error(caught.value)
    assert message.startswith("folder/large.dcm: the process at work on it was killed, most likely")
    assert message.endswith(MORE_MEMORY)


@pytest.mark.parametrize("is_alone", [False, True])
def test_an_error_of_the_function_is_that_of_the_caller(tmp_path, is_alone):
    def work(item: int) -> None:
        if is_alone and not (tmp_path / "tried").exists():
            (tmp_path / "tried").touch()
            os.kill(os.getpid(), signal.SIGSEGV)
        raise FileNotFoundError(2, "gone", str(item))

    with pytest.raises(FileNotFoundError, match="'0'"):
        list(safe_map(work, [0], crashed))


def test_a_process_that_ends_before_its_work_begins_is_not_tried_for_ever(monkeypatch):
    monkeypatch.setattr("ct_importance.compute.workers.end_with", lambda parent: os._exit(1))

    with pytest.raises(BrokenProcessPool):
        list(safe_map(str, [Path("a")], crashed))
