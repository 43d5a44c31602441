import resource
import weakref
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ct_importance.errors import InputError
from ct_importance.io import image_table
from ct_importance.io.image_table import (
    TableWriter,
    image_field,
    read_batches,
    read_images,
    read_rows,
    write_table,
)

SHAPE = (3, 2)


def schema(dtype: str = "float32", nullable: bool = False, shape: tuple = SHAPE) -> pa.Schema:
    return pa.schema([("name", pa.string()), image_field("image", shape, dtype, nullable)])


def images(count: int, start: int = 0) -> np.ndarray:
    return np.arange(start, start + count * 6, dtype=np.float32).reshape(count, *SHAPE)


def write_groups(path: Path, *sizes: int) -> np.ndarray:
    """Write row groups of some sizes; return all images."""
    everything = images(sum(sizes))
    start = 0
    with TableWriter(path, schema()) as writer:
        for size in sizes:
            names = [f"row {number}" for number in range(start, start + size)]
            writer.write({"name": names, "image": everything[start : start + size]})
            start += size
    return everything


# Round trip


@pytest.mark.parametrize(
    "dtype", ["float32", "float64", "float16", "bool", "uint8", "int8", "int16", "int32", "int64"]
)
@pytest.mark.parametrize("shape", [(3, 2), (4,), (2, 3, 4)], ids=str)
def test_images_come_back_as_they_were(tmp_path, dtype, shape):
    stored = np.random.default_rng(0).integers(-100, 100, (5, *shape)).astype(dtype)
    columns = {"name": list("abcde"), "image": stored}
    write_table(tmp_path / "table", schema(dtype, shape=shape), columns)

    found = read_images(tmp_path / "table", "image")

    assert found.dtype == stored.dtype
    np.testing.assert_array_equal(found, stored)


@given(arrays(np.float32, (2, *SHAPE)))
def test_every_float_survives_with_its_bits(tmp_path_factory, stored):
    path = tmp_path_factory.getbasetemp() / "floats.parquet"
    write_table(path, schema(), {"name": ["a", "b"], "image": stored})

    assert read_images(path, "image").tobytes() == stored.tobytes()


def test_big_endian_fortran_ordered_and_sliced_arrays_come_back_by_value(tmp_path):
    stored = images(6)
    for variant in (stored.astype(">f4"), np.asfortranarray(stored), np.repeat(stored, 2, 0)[::2]):
        write_table(tmp_path / "table", schema(), {"name": list("abcdef"), "image": variant})
        np.testing.assert_array_equal(read_images(tmp_path / "table", "image"), stored)


def test_pixels_are_stored_little_endian_in_c_order(tmp_path):
    write_table(tmp_path / "table", schema("int16"), {"name": ["a"], "image": images(1)})

    table = pq.read_table(tmp_path / "table")

    assert table.schema.field("image").metadata == {b"shape": b"[3, 2]", b"dtype": b"<i2"}
    assert table.column("image").to_pylist() == [bytes([0, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0])]


def test_rows_that_lack_the_image_give_none(tmp_path):
    stored = images(2)
    cells = [stored[0], None, stored[1], None]
    write_table(tmp_path / "table", schema(nullable=True), {"name": list("abcd"), "image": cells})

    rows = list(read_rows(tmp_path / "table"))

    assert [row["name"] for row in rows] == list("abcd")
    assert [row["image"] is None for row in rows] == [False, True, False, True]
    np.testing.assert_array_equal(rows[2]["image"], stored[1])
    assert rows[2]["image"].dtype == np.float32


def test_a_nullable_column_without_gaps_reads_like_any_other(tmp_path):
    columns = {"name": ["a", "b"], "image": list(images(2))}
    write_table(tmp_path / "table", schema(nullable=True), columns)

    np.testing.assert_array_equal(read_images(tmp_path / "table", "image"), images(2))


@pytest.mark.parametrize("rows", [None, 0])
def test_an_empty_table_gives_an_array_without_rows(tmp_path, rows):
    with TableWriter(tmp_path / "table", schema()) as writer:
        if rows is not None:
            writer.write({"name": [], "image": images(0)})

    found = read_images(tmp_path / "table", "image")

    assert (found.shape, found.dtype) == ((0, *SHAPE), np.float32)
    assert list(read_rows(tmp_path / "table")) == []


def test_the_same_content_gives_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        write_groups(tmp_path / name, 3, 2)

    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


# Row groups


@given(st.lists(st.integers(1, 5), min_size=1, max_size=4))
def test_row_groups_come_as_they_were_written_and_join_in_order(tmp_path_factory, sizes):
    path = tmp_path_factory.getbasetemp() / "groups.parquet"
    everything = write_groups(path, *sizes)

    batches = list(read_batches(path))
    rows = list(read_rows(path))

    assert [len(batch["name"]) for batch in batches] == sizes
    np.testing.assert_array_equal(np.concatenate([it["image"] for it in batches]), everything)
    np.testing.assert_array_equal(read_images(path, "image"), everything)
    np.testing.assert_array_equal([row["image"] for row in rows], everything)
    assert [row["name"] for row in rows] == [f"row {number}" for number in range(sum(sizes))]


def test_reading_holds_one_row_group_at_a_time(tmp_path, monkeypatch):
    write_groups(tmp_path / "table", 2, 2, 2)
    groups = []
    read = pq.ParquetFile.read_row_group

    def watched(file, index, **options):
        groups.append(index)
        return read(file, index, **options)

    monkeypatch.setattr(pq.ParquetFile, "read_row_group", watched)
    rows = read_rows(tmp_path / "table")

    assert not groups
    next(rows), next(rows)
    assert groups == [0]
    next(rows)
    assert groups == [0, 1]


def test_a_row_does_not_keep_its_group(tmp_path, monkeypatch):
    write_groups(tmp_path / "table", 2, 2)
    groups, alive_at_next = [], []
    read = image_table.read_batches

    def watched(*arguments):
        for batch in read(*arguments):
            groups.append(weakref.ref(batch["image"]))
            yield batch
            del batch
            alive_at_next.append(groups[-1]() is not None)

    monkeypatch.setattr(image_table, "read_batches", watched)
    kept = [row["image"] for row in read_rows(tmp_path / "table")]

    assert alive_at_next == [False, False]
    np.testing.assert_array_equal(kept, images(4))


def test_images_have_no_dictionary_and_names_have(tmp_path):
    write_groups(tmp_path / "table", 2)

    with pq.ParquetFile(tmp_path / "table") as file:
        name, image = map(file.metadata.row_group(0).column, (0, 1))

    assert name.has_dictionary_page
    assert not image.has_dictionary_page


def test_only_the_columns_asked_for_are_read(tmp_path):
    write_groups(tmp_path / "table", 2)

    assert list(read_rows(tmp_path / "table", ["name"])) == [{"name": "row 0"}, {"name": "row 1"}]


def test_groups_without_a_slice_that_is_asked_for_are_passed_over(tmp_path):
    table = pa.schema([("slice_id", pa.string()), image_field("image", SHAPE)])
    with TableWriter(tmp_path / "table", table) as writer:
        for names in ("ab", "cd", "ef"):
            writer.write({"slice_id": list(names), "image": images(2)})

    rows = read_rows(tmp_path / "table", slice_ids={"a", "f"})

    assert [row["slice_id"] for row in rows] == ["a", "b", "e", "f"]


# Whole or not at all


def fail_while_writing(path: Path, error: type[BaseException]) -> None:
    with TableWriter(path, schema()) as writer:
        writer.write({"name": ["a"], "image": images(1)})
        raise error("stop")


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_failure_leaves_the_old_table_and_no_temporary_file(tmp_path, error):
    write_groups(tmp_path / "table", 2)
    before = (tmp_path / "table").read_bytes()

    with pytest.raises(error):
        fail_while_writing(tmp_path / "table", error)

    assert [path.name for path in tmp_path.iterdir()] == ["table"]
    assert (tmp_path / "table").read_bytes() == before


@pytest.fixture
def limit_file_size():
    """Give a function after which writing beyond so many bytes fails, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("sizes", [(), (1000,)], ids=["at the end", "in the middle"])
def test_a_full_disk_leaves_the_old_table_and_no_temporary_file(tmp_path, limit_file_size, sizes):
    write_groups(tmp_path / "table", 2)
    before = (tmp_path / "table").read_bytes()
    limit_file_size(100)

    with pytest.raises(OSError, match="File too large") as caught:
        write_groups(tmp_path / "table", *sizes)
    assert caught.value.filename == str(tmp_path / "table")

    assert [path.name for path in tmp_path.iterdir()] == ["table"]
    assert (tmp_path / "table").read_bytes() == before


def test_the_table_appears_only_when_it_is_complete(tmp_path):
    path = tmp_path / "new folder" / "table"
    with TableWriter(path, schema()) as writer:
        writer.write({"name": ["a"], "image": images(1)})
        assert not path.exists()

    assert [found.name for found in path.parent.iterdir()] == ["table"]


# Errors


@pytest.mark.parametrize("stored", [np.zeros((1, 2, 3)), [np.zeros((2, 3))]], ids=["array", "list"])
def test_an_image_of_another_shape_is_an_error(tmp_path, stored):
    with pytest.raises(ValueError, match=r"column image: shape \(2, 3\), expected \(3, 2\)"):
        write_table(tmp_path / "table", schema(), {"name": ["a"], "image": stored})

    assert not list(tmp_path.iterdir())


def test_a_missing_column_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="columns are missing: image"):
        write_table(tmp_path / "table", schema(), {"name": ["a"]})


def test_columns_of_different_lengths_are_an_error(tmp_path):
    with pytest.raises(ValueError, match="length"):
        write_table(tmp_path / "table", schema(), {"name": ["a", "b"], "image": images(1)})


def test_a_gap_where_none_is_allowed_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="image"):
        write_table(tmp_path / "table", schema(), {"name": ["a"], "image": [None]})


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("name", "column 'name' holds no images"),
        ("mask", "there is no column 'mask'; there are name, image"),
        ("image", "1 rows have no 'image'; use read_rows, which gives None for them"),
    ],
)
def test_what_cannot_be_read_as_images_says_why(tmp_path, column, message):
    path = tmp_path / "table"
    write_table(path, schema(nullable=True), {"name": ["a", "b"], "image": [images(1)[0], None]})

    with pytest.raises(InputError) as error:
        read_images(path, column)

    assert str(error.value) == f"{path}: {message}"
