import ast
import errno
import random
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ct_importance.errors import InputError
from ct_importance.io.image_table import (
    TableWriter,
    image_field,
    read_batches,
    read_images,
    read_rows,
)
from ct_importance.io.table_file import (
    MARK,
    open_table,
    open_writer,
    read_frame,
    read_schema,
    read_table,
    write_frame,
)

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = pa.schema(
    [
        pa.field("slice_id", pa.string(), nullable=False),
        ("label", pa.int8()),
        ("score", pa.float64()),
        ("place", pa.list_(pa.float64(), 3)),
        image_field("image", (6, 6)),
        image_field("mask", (6, 6), "bool", nullable=True),
    ]
)
ANSWERS = "is damaged .*: delete this file and run again"


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """A table with images, gaps and two row groups."""
    path = tmp_path_factory.mktemp("tables") / "table.parquet"
    generator = np.random.default_rng(0)
    with TableWriter(path, SCHEMA) as writer:
        for group in range(2):
            writer.write(
                {
                    "slice_id": [f"1.2.{group}.{number}" for number in range(4)],
                    "label": [0, 1, None, 1],
                    "score": generator.random(4),
                    "place": generator.random((4, 3)).tolist(),
                    "image": generator.random((4, 6, 6)),
                    "mask": [None, *(generator.random((3, 6, 6)) > 0.5)],
                }
            )
    return path


@pytest.fixture(scope="module")
def frame(tmp_path_factory):
    """A table that pandas wrote."""
    path = tmp_path_factory.mktemp("tables") / "frame.parquet"
    values = np.random.default_rng(0).random(50)
    write_frame(path, pd.DataFrame({"estimator": ["a", "b"] * 25, "value": values}))
    return path


def everything_in(path):
    """All that a reader could learn of a table, comparable."""
    found = read_table(path)
    by_group = [
        {name: [repr(value) for value in values] for name, values in batch.items()}
        for batch in read_batches(path)
    ]
    return found.schema.to_string(), str(found.to_pylist()), str(by_group), str(read_schema(path))


def flipped(content: bytes, bit: int) -> bytes:
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def silently_wrong(sound: Path, bits, copy: Path) -> list[int]:
    """Return the bits whose flip changes what is read without an `InputError`."""
    content, expected, wrong = sound.read_bytes(), everything_in(sound), []
    for bit in bits:
        copy.write_bytes(flipped(content, bit))
        try:
            if everything_in(copy) != expected:
                wrong.append(bit)
        except InputError:
            continue
    return wrong


# Damage


@pytest.mark.parametrize("kind", ["table", "frame"])
@pytest.mark.parametrize("part", ["pages", "footer", "end"])
def test_a_flipped_bit_is_noticed_or_harmless(request, tmp_path, kind, part):
    path = request.getfixturevalue(kind)
    size = path.stat().st_size
    start = path.read_bytes().index(MARK)
    first, last = {"pages": (0, start), "footer": (start, size), "end": (size - 8, size)}[part]
    bits = range(8 * first, 8 * last)
    if part != "end":
        bits = random.Random(0).sample(bits, 400)

    assert silently_wrong(path, bits, tmp_path / "copy") == []


@pytest.mark.parametrize("kind", ["table", "frame"])
def test_most_flipped_bits_are_noticed(request, tmp_path, kind):
    path = request.getfixturevalue(kind)
    content = path.read_bytes()
    noticed = 0
    for bit in random.Random(1).sample(range(8 * len(content)), 80):
        (tmp_path / "copy").write_bytes(flipped(content, bit))
        try:
            everything_in(tmp_path / "copy")
        except InputError:
            noticed += 1

    assert noticed > 60


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: b"PAR1",
        lambda content: bytes(len(content)),
        lambda content: content[:-20],
        lambda content: content[: len(content) // 2],
        lambda content: content[:100] + bytes(2000) + content[2100:],
        lambda content: b"words of something else",
    ],
    ids=["empty", "magic", "zeros", "cut short", "half", "hole", "other"],
)
@pytest.mark.parametrize(
    "read",
    [
        read_table,
        read_frame,
        lambda path: list(read_rows(path)),
        lambda path: read_images(path, "image"),
    ],
    ids=["table", "frame", "rows", "images"],
)
def test_a_damaged_table_says_which_file_to_delete(table, tmp_path, damage, read):
    path = tmp_path / "maps.parquet"
    path.write_bytes(damage(table.read_bytes()))

    with pytest.raises(InputError, match=rf"maps\.parquet {ANSWERS}"):
        read(path)


def test_a_damaged_schema_says_which_file_to_delete(table, tmp_path):
    content = table.read_bytes()
    (tmp_path / "table").write_bytes(flipped(content, 8 * (content.index(MARK) + 60)))

    with pytest.raises(InputError, match=f"table {ANSWERS}"):
        read_schema(tmp_path / "table")


def test_a_table_without_our_checksum_is_read(tmp_path):
    """One of another program, or of hand."""
    columns = {"a": [1, 2]}
    pq.write_table(pa.table(columns), tmp_path / "table")
    assert read_table(tmp_path / "table").to_pydict() == columns


def test_what_is_written_can_be_read_by_anything(table, frame):
    assert pq.read_table(table).num_rows == 8
    assert len(pd.read_parquet(frame)) == 50
    for path in (table, frame):
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            assert MARK not in str(file.metadata.metadata).encode()


# Reading and writing


def test_columns_and_rows_can_be_chosen(frame):
    whole = pd.read_parquet(frame)
    pd.testing.assert_frame_equal(read_frame(frame), whole)
    chosen = read_frame(frame, ["value"], [("estimator", "=", "b")])
    expected = whole[whole.estimator == "b"][["value"]].reset_index(drop=True)
    pd.testing.assert_frame_equal(chosen, expected)


def test_the_same_content_gives_the_same_bytes(tmp_path, frame):
    write_frame(tmp_path / "again", pd.read_parquet(frame))
    assert (tmp_path / "again").read_bytes() == frame.read_bytes()


def test_a_failure_leaves_nothing(tmp_path):
    def fail():
        with open_writer(tmp_path / "table", SCHEMA):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert not list(tmp_path.iterdir())


def test_a_missing_table_is_no_damaged_one(tmp_path):
    for read in (read_table, read_schema):
        with pytest.raises(FileNotFoundError, match="nowhere"):
            read(tmp_path / "nowhere")


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE])
def test_a_disk_that_fails_is_named_and_no_damaged_table(table, monkeypatch, number):
    def fail(*_, **__):
        raise OSError(number, "words of a library")

    monkeypatch.setattr(pq, "ParquetFile", fail)
    with pytest.raises(OSError, match="words of a library") as caught:
        read_table(table)
    assert caught.value.filename == str(table)


def test_an_error_of_the_caller_stays_as_it_is(table):
    def use():
        with open_table(table):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        use()


def test_no_other_module_opens_tables():
    """Or a table would be written or read without its checksums."""
    opening = {"ParquetFile", "ParquetWriter", "read_parquet", "to_parquet", "parquet"}
    for path in [
        *ROOT.glob("scripts/*.py"),
        *ROOT.glob("ct_importance/**/*.py"),
        *ROOT.glob("rules/*.smk"),
    ]:
        if path.name in ("table_file.py", "image_table.py"):
            continue
        text = path.read_text()
        assert "pyarrow.parquet" not in text, path
        if path.suffix == ".py":
            names = {it.attr for it in ast.walk(ast.parse(text)) if isinstance(it, ast.Attribute)}
            assert not names & opening, path
