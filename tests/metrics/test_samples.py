from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from benchmarks.growth import SIZE, write_tables
from ct_importance.errors import InputError
from ct_importance.io.image_table import read_images, write_table
from ct_importance.io.slices import Shard
from ct_importance.metrics.metric import Sample
from ct_importance.metrics.samples import read_samples

COUNT = 40


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Tables of forty slices, in two row groups."""
    folder = tmp_path_factory.mktemp("tables")
    write_tables(folder, COUNT)
    return folder


def read(folder, *needs, **others):
    metric = SimpleNamespace(needs=frozenset(needs))
    others = {"maps": folder / "maps.parquet"} | others
    return read_samples(metric, folder / "slices.parquet", ["all"], **others)


@pytest.mark.parametrize("needs", [(), ("image",), ("mask",), ("image", "mask", "classifier")])
def test_a_metric_gets_what_it_needs_and_no_more(folder, needs):
    table = folder / "slices" / "patient.parquet"
    expected = {name: read_images(table, name) for name in ("image", "mask")}
    maps = read_images(folder / "maps.parquet", "importance")

    found = list(read(folder, *needs))

    assert len(found) == COUNT
    for index, (sample, importance) in enumerate(found):
        assert sample.slice_id == f"slice {index}"
        assert (sample.patient_id, sample.label) == ("patient", 1)
        np.testing.assert_array_equal(importance, maps[index])
        assert sample.segments is None
        for name, images in expected.items():
            if name in needs:
                np.testing.assert_array_equal(getattr(sample, name), images[index])
            else:
                assert getattr(sample, name) is None


def test_segments_come_in_the_shape_of_the_map(folder):
    sample, _ = next(read(folder, "segments", segments=folder / "segments.parquet"))

    assert isinstance(sample, Sample)
    assert sample.segments.dtype == bool
    assert sample.segments.shape[1:] == (SIZE, SIZE)


def test_without_maps_the_mask_is_the_map(folder):
    for sample, importance in read(
        folder, "mask", "segments", maps=None, segments=folder / "segments.parquet"
    ):
        np.testing.assert_array_equal(importance, sample.mask)
        assert importance.dtype == np.float32
        assert sample.segments.shape[1:] == importance.shape


def test_shares_are_the_whole(folder):
    shares = [
        sample.slice_id
        for number in range(3)
        for sample, _ in read(folder, "mask", shard=Shard(number, 3))
    ]

    assert shares == [sample.slice_id for sample, _ in read(folder)]


def test_segments_of_other_slices_are_refused(folder, tmp_path):
    schema = pa.schema([("slice_id", pa.string()), ("segments", pa.binary())])
    found = {"slice_id": ["slice 0"], "segments": [b"123"]}
    write_table(tmp_path / "segments.parquet", schema, found)

    with pytest.raises(InputError, match="other slices; delete it and run again"):
        next(read(folder, "segments", segments=tmp_path / "segments.parquet"))


def test_maps_of_other_slices_are_refused(folder, tmp_path):
    schema = pa.schema([("slice_id", pa.string())])
    write_table(tmp_path / "maps.parquet", schema, {"slice_id": ["another"]})

    with pytest.raises(InputError, match="slice 0 is missing"):
        next(read(folder, maps=tmp_path / "maps.parquet"))
