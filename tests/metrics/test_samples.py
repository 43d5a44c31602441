from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from benchmarks.growth import SIZE, write_tables
from ct_importance.cohort.extraction import slices_schema
from ct_importance.errors import InputError
from ct_importance.io.image_table import read_images, write_table
from ct_importance.io.slices import Shard, write_slice_list
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
    metric = SimpleNamespace(needs=frozenset(needs), slices="test")
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


def read_readers(folder, masks):
    """What a metric is given of slices that three readers may have marked, by slice."""
    (folder / "slices").mkdir()
    table, size = folder / "slices" / "patient.parquet", masks.shape[-1]
    count = len(masks)
    columns = {
        "slice_id": [f"slice {number}" for number in range(count)],
        **{"patient_id": ["patient"] * count, "label": [1] * count, "split": ["train"] * count},
        **{"sampled": [True] * count, "annotated": [True] * count},
        "image": np.zeros((count, size, size), np.float32),
        "mask": masks.any(axis=1),
        "readers": masks,
    }
    write_table(table, slices_schema(size, 3), columns)
    write_slice_list(folder / "slices.parquet", [table])
    metric = SimpleNamespace(needs=frozenset({"mask"}), slices="annotated")
    found = read_samples(metric, folder / "slices.parquet", ["all"], None)
    return {sample.slice_id: sample for sample, _ in found}


def test_readers_are_those_who_marked_the_slice_where_several_did(tmp_path):
    masks = np.zeros((4, 3, 8, 8), bool)
    masks[:3, 1, :4] = True
    masks[1:3, 2, :, :4] = True
    masks[2, 0] = True  # all of the slice says nothing
    masks[3, :, 2] = True

    found = read_readers(tmp_path, masks)

    assert found["slice 0"].readers is None
    np.testing.assert_array_equal(found["slice 1"].readers, masks[1, 1:])
    np.testing.assert_array_equal(found["slice 2"].readers, masks[2, 1:])
    np.testing.assert_array_equal(found["slice 3"].readers, masks[3])
    assert all(sample.is_training for sample in found.values())


def test_slices_of_one_reader_have_no_readers(folder):
    assert all(sample.readers is None for sample, _ in read(folder, "mask"))


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
