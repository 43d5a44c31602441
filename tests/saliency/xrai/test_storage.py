"""Segments come to the slices they are of."""

import numpy as np
import pytest

from ct_importance.classifier.jobs import ChosenClassifier
from ct_importance.cohort.extraction import slices_schema
from ct_importance.errors import InputError
from ct_importance.io.image_table import ROWS_PER_GROUP, write_table
from ct_importance.io.slices import write_slice_list
from ct_importance.plugins import load
from ct_importance.saliency.jobs import ExplainJob, Files
from ct_importance.saliency.workload import prepare_batches
from ct_importance.saliency.xrai.storage import pack_segments
from ct_importance.saliency.xrai.table import SCHEMA

SIDE, SLICES = 8, 100
TESTED = [number for number in range(SLICES) if number % 3]
"""Those that are explained: more than one batch."""


def segments_of(number):
    """A number of segments and a place of their own."""
    segments = np.zeros((1 + number % 4, SIDE, SIDE), bool)
    segments[:, number // SIDE % SIDE, number % SIDE] = True
    return segments


@pytest.fixture
def files(tmp_path):
    ids = [f"slice {number}" for number in range(SLICES)]
    columns = {
        "slice_id": ids,
        "patient_id": ["patient"] * SLICES,
        "label": [0] * SLICES,
        "split": ["test" if number % 3 else "train" for number in range(SLICES)],
        "sampled": [True] * SLICES,
        "annotated": [False] * SLICES,
        "image": [np.full((SIDE, SIDE), number / SLICES, "f4") for number in range(SLICES)],
        "mask": [None] * SLICES,
    }
    write_table(tmp_path / "table", slices_schema(SIDE), columns)
    write_slice_list(tmp_path / "slices.parquet", [tmp_path / "table"])
    packed = [pack_segments(segments_of(number)) for number in range(SLICES)]
    write_table(tmp_path / "segments", SCHEMA, {"slice_id": ids, "segments": packed})
    return Files("classifier.pt", tmp_path / "slices.parquet", segments=tmp_path / "segments")


def batches_of(files, shard):
    job = ExplainJob(
        image_shape=(1, SIDE, SIDE),
        seed=0,
        subsets=("test",),
        shard=shard,
        classes=("a", "b"),
        activation="logit",
        classifier=ChosenClassifier(
            name="resnet50", method="architecture", options={"architecture": "resnet50"}
        ),
    )
    estimator = load("estimator", "segment_ablation")(target="last")
    return list(prepare_batches(job, "segment_ablation", estimator, files, 1)[0])


@pytest.mark.parametrize("shards", [1, 2])
def test_each_share_has_the_segments_of_its_own_slices(files, shards):
    batches = [
        batch for number in range(shards) for batch in batches_of(files, f"{number + 1}of{shards}")
    ]
    assert len(batches) == -(-len(TESTED) // ROWS_PER_GROUP) > 1
    found = [
        pair for batch in batches for pair in zip(batch.slice_ids, batch.segments, strict=True)
    ]
    assert [slice_id for slice_id, _ in found] == [f"slice {number}" for number in TESTED]
    for (_, segments), number in zip(found, TESTED, strict=True):
        np.testing.assert_array_equal(segments, segments_of(number))


def test_a_slice_without_segments_is_an_error(files, tmp_path):
    write_table(tmp_path / "segments", SCHEMA, {"slice_id": ["slice 1"], "segments": [b"12345678"]})
    with pytest.raises(InputError, match="slice slice 2 is missing in a table made from it"):
        batches_of(files, "1of1")
