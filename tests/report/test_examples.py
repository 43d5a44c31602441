import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ct_importance.errors import InputError
from ct_importance.io.image_table import image_field, write_table
from ct_importance.io.slices import FLAG_FIELDS, write_slice_list
from ct_importance.report.examples import choose_examples, map_of_slice, row_of_slice
from ct_importance.task import DEFAULT_TASK

SIZE = 4
SCHEMA = pa.schema(
    [
        *FLAG_FIELDS,
        image_field("image", (SIZE, SIZE)),
        image_field("mask", (SIZE, SIZE), "bool", nullable=True),
    ]
)


@pytest.fixture
def cohort(tmp_path):
    """Return a function from (slice_id, label, split, pixels in the mask, correct) to its files."""

    def build(*slices):
        for slice_id, label, split, pixels, _ in slices:
            mask = np.arange(SIZE * SIZE).reshape(SIZE, SIZE) < pixels
            write_table(
                tmp_path / f"{slice_id}.parquet",
                SCHEMA,
                {
                    "slice_id": [slice_id],
                    "patient_id": [f"patient of {slice_id}"],
                    "label": [label],
                    "split": [split],
                    "sampled": [True],
                    "annotated": [pixels > 0],
                    "image": np.full((1, SIZE, SIZE), 0.5, "f4"),
                    "mask": [mask if pixels else None],
                },
            )
        predictions = pa.table(
            {"slice_id": [row[0] for row in slices], "correct": [row[-1] for row in slices]}
        )
        pq.write_table(predictions, tmp_path / "predictions")
        write_slice_list(tmp_path / "slices", sorted(tmp_path.glob("*.parquet")))
        return tmp_path / "slices", tmp_path / "predictions"

    return build


def chosen_ids(files, chosen=None):
    examples = choose_examples(*files, chosen or {}, DEFAULT_TASK)
    return {label: row["slice_id"] for label, row in examples.items()}


def test_each_class_shows_its_largest_mask(cohort):
    files = cohort(
        ("a", 1, "test", 3, True),
        ("b", 1, "test", 9, True),
        ("c", 1, "test", 5, True),
        ("d", 0, "test", 2, True),
    )

    assert chosen_ids(files) == {0: "d", 1: "b"}


def test_a_correctly_classified_slice_outdoes_a_test_slice_and_that_a_larger_mask(cohort):
    wrong, train, test = (
        ("a", 1, "test", 9, False),
        ("b", 1, "train", 8, True),
        ("c", 1, "test", 1, True),
    )

    assert chosen_ids(cohort(wrong, train, test)) == {1: "c"}
    assert chosen_ids(cohort(wrong, train, ("c", 1, "test", 1, False))) == {1: "b"}


def test_the_row_brings_image_and_mask(cohort):
    files = cohort(("a", 1, "test", 3, True))
    row = choose_examples(*files, {}, DEFAULT_TASK)[1]

    assert row["image"].shape == row["mask"].shape == (SIZE, SIZE)
    assert row["mask"].sum() == 3


def test_rows_come_without_contrast_first(cohort):
    files = cohort(("a", 1, "test", 3, True), ("b", 0, "test", 3, True))

    assert list(choose_examples(*files, {}, DEFAULT_TASK)) == [0, 1]


@pytest.mark.parametrize("label", [0, 1])
def test_a_class_without_mask_is_left_out(cohort, label):
    files = cohort(("a", label, "test", 3, True), ("b", 1 - label, "test", 0, True))

    assert chosen_ids(files) == {label: "a"}


def test_a_slice_that_the_configuration_names_is_shown_whatever_its_rank(cohort):
    files = cohort(
        ("a", 1, "train", 1, False),
        ("b", 1, "test", 9, True),
        ("c", 0, "test", 9, True),
        ("d", 0, "test", 1, True),
    )

    assert chosen_ids(files, {"contrast": "a"}) == {0: "c", 1: "a"}
    assert chosen_ids(files, {"no_contrast": "d"}) == {0: "d", 1: "b"}


@pytest.mark.parametrize(
    ("chosen", "key"),
    [
        ({"contrast": "nowhere"}, "contrast: nowhere"),
        ({"contrast": "c"}, "contrast: c"),  # of the other class
        ({"no_contrast": "d"}, "no_contrast: d"),  # without mask
    ],
)
def test_a_slice_that_cannot_be_shown_is_named_with_its_key(cohort, chosen, key):
    files = cohort(("a", 1, "test", 9, True), ("c", 0, "test", 9, True), ("d", 0, "test", 0, True))

    with pytest.raises(InputError) as error:
        choose_examples(*files, chosen, DEFAULT_TASK)
    assert str(error.value) == (
        f"config: report.example_slices.{key} is no slice of that label with a mask"
    )


def test_a_cohort_without_any_mask_is_answered_with_where_to_look(cohort):
    with pytest.raises(InputError, match=r"no slice has a mask .* see cohort/rejected\.parquet"):
        choose_examples(*cohort(("a", 1, "test", 0, True)), {}, DEFAULT_TASK)


def test_the_map_of_a_slice_is_found_or_its_file_is_named(tmp_path):
    path = tmp_path / "maps.parquet"
    schema = pa.schema([("slice_id", pa.string()), image_field("importance", (2, 2))])
    maps = np.arange(8, dtype="f4").reshape(2, 2, 2)
    write_table(path, schema, {"slice_id": ["a", "b"], "importance": maps})

    np.testing.assert_array_equal(map_of_slice(path, "b"), maps[1])
    with pytest.raises(InputError, match=r"maps\.parquet: lacks slice c; delete this file and run"):
        row_of_slice(path, "c")
