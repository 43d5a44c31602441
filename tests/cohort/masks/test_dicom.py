"""How DICOM objects of masks are opened, whatever they are."""

from pathlib import Path

import numpy as np
import pytest

from ct_importance.cohort.masks import dicom
from ct_importance.cohort.masks.matching import read_mask
from ct_importance.cohort.rejection import RejectedFile
from ct_importance.cohort.slice_entry import SliceEntry
from tests.cohort.mask_files import edge_loops, small_series, truth, write_rtstruct, write_seg


@pytest.fixture(scope="module")
def entries(tmp_path_factory: pytest.TempPathFactory) -> list[SliceEntry]:
    """The slices of one series, the lowest first."""
    return small_series(tmp_path_factory.mktemp("dicom"))


@pytest.fixture(params=["SEG", "RTSTRUCT"])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def path(tmp_path: Path, entries: list[SliceEntry], kind: str) -> Path:
    """A mask of the heart."""
    if kind == "SEG":
        return write_seg(tmp_path / "a.dcm", entries, truth())
    return write_rtstruct(
        tmp_path / "a.dcm", entries, {"heart": [edge_loops(mask) for mask in truth()]}
    )


def on_slice(path: Path, entry: SliceEntry, **wanted: object) -> np.ndarray:
    return read_mask(path, entry.slice_id, entry.geometry, **wanted)


def test_an_object_is_opened_once_for_all_its_slices_and_again_when_it_changes(
    path, entries, monkeypatch
):
    opened = []

    def read_object(file, *args):
        opened.append(file)
        return original(file, *args)

    original = dicom.read_object
    monkeypatch.setattr(dicom, "read_object", read_object)
    for _ in range(2):
        masks = [on_slice(path, entry) for entry in entries]
        np.testing.assert_array_equal(masks, truth())
    assert opened == [path]

    path.touch()
    on_slice(path, entries[0])
    assert opened == [path, path]


def test_what_is_damaged_inside_is_said_of_its_kind(path, entries, kind):
    content = path.read_bytes()
    path.write_bytes(content[: content.index(kind.encode()) + 2000])

    with pytest.raises(RejectedFile, match=rf"^mask cannot be read as DICOM {kind}: "):
        on_slice(path, entries[1])


def test_structures_that_it_lacks_are_counted_not_named(path, entries, kind):
    noun = {"SEG": "segment", "RTSTRUCT": "ROI"}[kind]

    with pytest.raises(
        RejectedFile, match=rf"^mask has none of the structures lung; it has 1 {noun}$"
    ):
        on_slice(path, entries[1], structures=["lung"])
