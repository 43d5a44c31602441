import numpy as np
import pytest

from ct_importance.cohort.extraction import slices_schema
from ct_importance.io.image_table import ROWS_PER_GROUP, write_table
from ct_importance.io.slices import WHOLE, Shard, write_slice_list
from ct_importance.saliency import workload
from ct_importance.saliency.estimator import training_slices
from ct_importance.saliency.registry import load_estimator
from tests.saliency.conftest import SIZE
from tests.saliency.networks import conv_network

# Split, sampled and annotated of each slice; its grey value is its place here.
ROWS = [
    ("train", True, False),
    ("test", True, False),
    ("train", False, True),
    ("test", True, True),
    ("train", True, True),
    ("test", False, True),
]
REFERENCES = [0, 4]
"""The evenly spaced slices of training patients."""


@pytest.fixture
def slices(tmp_path):
    images = [np.full((SIZE, SIZE), number / 10, "f4") for number in range(len(ROWS))]
    columns = {
        "slice_id": [str(number) for number in range(len(ROWS))],
        "patient_id": [f"{split} patient" for split, *_ in ROWS],
        "label": [number % 2 for number in range(len(ROWS))],
        "split": [split for split, *_ in ROWS],
        "sampled": [sampled for _, sampled, _ in ROWS],
        "annotated": [annotated for *_, annotated in ROWS],
        "image": images,
        "mask": [np.ones((SIZE, SIZE), bool) if annotated else None for *_, annotated in ROWS],
    }
    write_table(tmp_path / "table", slices_schema(SIZE), columns)
    write_slice_list(tmp_path / "slices.parquet", [tmp_path / "table"])
    return tmp_path / "slices.parquet"


@pytest.fixture
def prepare(slices, monkeypatch):
    """A function that prepares expected gradients of some subsets, and a share of them."""
    monkeypatch.setattr(workload, "load_classifier", lambda path, device: conv_network())
    monkeypatch.setattr(workload, "make_deterministic", lambda threads: None)

    def prepare_workload(*subsets, shard=WHOLE):
        options = load_estimator("expected_gradients").Options()
        return workload.prepare_workload(
            *("classifier.pt", slices, subsets, "expected_gradients", options),
            **{"seed": 1, "image_size": SIZE, "precision": "float32", "threads": 1},
            shard=shard,
        )

    return prepare_workload


@pytest.mark.parametrize("subsets", [["test"], ["annotated"], ["all"]])
def test_references_are_training_slices_whatever_is_explained(prepare, subsets):
    references = training_slices(prepare(*subsets).context)

    np.testing.assert_allclose(references[:, 0, 0] * 10, REFERENCES)


@pytest.mark.parametrize(
    ("subsets", "explained"),
    [(["test"], "13"), (["annotated", "test"], "12345"), (["annotated"], "2345")],
)
def test_the_slices_of_the_subsets_are_explained(prepare, subsets, explained):
    made = prepare(*subsets)
    batches = list(made.batches)

    assert [name for names, _ in batches for name in names] == list(explained)
    shown = np.concatenate([images[:, 0, 0] for _, images in batches])
    np.testing.assert_allclose(shown * 10, list(map(int, explained)))
    assert made.total == len(batches)


def test_shares_divide_what_is_explained_and_have_the_same_references(prepare):
    assert len(ROWS) <= ROWS_PER_GROUP
    first, second = (prepare("all", shard=Shard(number, 2)) for number in (0, 1))

    assert (first.total, second.total) == (0, 1)
    assert [list(names) for names, _ in second.batches] == [list("012345")]
    np.testing.assert_array_equal(training_slices(first.context), training_slices(second.context))
