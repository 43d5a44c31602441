import os

import pytest

from scripts.atomic import write_text


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
