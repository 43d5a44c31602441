import errno
import os

import pytest

from ct_importance.io.atomic import replacing, write_text


@pytest.fixture
def steps(monkeypatch) -> list[str]:
    """What is flushed and renamed, in order."""
    done = []

    def note(name: str) -> None:
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *given: (done.append(name), real(*given))[1])

    note("fsync")
    note("replace")
    return done


def test_the_content_is_on_the_disk_before_the_name(tmp_path, steps):
    write_text(tmp_path / "a", "text")

    assert steps == ["fsync", "replace"]
    assert (tmp_path / "a").read_text() == "text"


def test_one_of_very_many_files_need_not_be_flushed(tmp_path, steps):
    write_text(tmp_path / "a", "text", flush=False)

    assert steps == ["replace"]


def failure_of(path, error) -> OSError:
    """Return what comes out of a block of `replacing` in which an error is raised."""
    with pytest.raises(OSError, match=r".*") as caught, replacing(path) as temporary:
        raise error(temporary)
    return caught.value


def test_a_full_disk_names_the_file_that_was_written(tmp_path):
    def fill(path):
        with replacing(path), open("/dev/full", "w") as full:
            full.write("text")

    with pytest.raises(OSError, match="No space left") as caught:
        fill(tmp_path / "a")
    assert caught.value.errno == errno.ENOSPC
    assert caught.value.filename == str(tmp_path / "a")


def test_the_temporary_name_is_not_shown(tmp_path):
    error = failure_of(tmp_path / "a", lambda it: OSError(errno.EIO, "", str(it)))
    assert error.filename == str(tmp_path / "a")


def test_an_error_of_another_file_is_not_laid_upon_this_one(tmp_path):
    assert failure_of(tmp_path / "a", lambda it: OSError(errno.EIO, "")).filename is None
    assert failure_of(tmp_path / "a", lambda it: OSError(errno.EIO, "", "b")).filename == "b"


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_disk_that_fails_at_the_end_names_the_file(tmp_path, monkeypatch, step):
    def fail(*_):
        raise OSError(errno.EIO, "")

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError, match=r".*") as caught:
        write_text(tmp_path / "a", "text")
    assert caught.value.filename == str(tmp_path / "a")
