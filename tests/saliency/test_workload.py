import threading

import numpy as np
import pytest

from ct_importance.classifier.classifier import Classifier
from ct_importance.classifier.jobs import ChosenClassifier
from ct_importance.classifier.sources.architecture import Architecture
from ct_importance.cohort.extraction import slices_schema
from ct_importance.errors import InputError
from ct_importance.io.image_table import ROWS_PER_GROUP, read_images, write_table
from ct_importance.io.slices import write_slice_list
from ct_importance.plugins import load
from ct_importance.saliency import differentiating, workload
from ct_importance.saliency.explain import explain_slices
from ct_importance.saliency.jobs import ExplainJob, Files, ImportanceJob
from ct_importance.saliency.workload import prefetch
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
def prepare(slices, tmp_path, monkeypatch):
    """Prepares the batches of expected gradients, of a classifier with some options."""
    monkeypatch.setattr(Architecture, "load", lambda self, path: Classifier(conv_network()))
    monkeypatch.setattr(differentiating, "make_deterministic", lambda threads: None)

    def prepare_batches(*subsets, shard="1of1", target="last", **options):
        job = ExplainJob(
            image_shape=(1, SIZE, SIZE),
            seed=1,
            subsets=subsets,
            shard=shard,
            classes=("no contrast", "contrast"),
            activation="logit",
            classifier=ChosenClassifier(
                name="resnet50",
                method="architecture",
                options={"architecture": "resnet50", **options},
            ),
        )
        estimator = load("estimator", "expected_gradients")(target=target)
        found, total = workload.prepare_batches(
            job, "expected_gradients", estimator, Files("classifier.pt", slices), 1
        )
        return list(found), total

    return prepare_batches


@pytest.mark.parametrize("subsets", [["test"], ["annotated"], ["all"]])
def test_references_are_training_slices_whatever_is_explained(prepare, subsets):
    (batch,), _ = prepare(*subsets)

    np.testing.assert_allclose(batch.training_slices()[:, 0, 0] * 10, REFERENCES)


def test_references_are_read_once(prepare, monkeypatch):
    (batch,), _ = prepare("all")
    first = batch.training_slices()
    monkeypatch.setattr(workload, "load_images", None)
    assert batch.training_slices() is first


@pytest.mark.parametrize(
    ("subsets", "explained"),
    [(["test"], "13"), (["annotated", "test"], "12345"), (["annotated"], "2345")],
)
def test_the_slices_of_the_subsets_are_explained(prepare, subsets, explained):
    batches, total = prepare(*subsets)

    assert [name for batch in batches for name in batch.slice_ids] == list(explained)
    shown = np.concatenate([batch.images[:, 0, 0, 0] for batch in batches])
    np.testing.assert_allclose(shown * 10, list(map(int, explained)), rtol=1e-6)
    assert total == len(batches)


def test_shares_divide_what_is_explained_and_have_the_same_references(prepare):
    assert len(ROWS) <= ROWS_PER_GROUP
    (first, no_batches), (second, batches) = (prepare("all", shard=f"{n}of2") for n in (1, 2))

    assert (no_batches, batches) == (0, 1)
    assert first == []
    assert [list(batch.slice_ids) for batch in second] == [list("012345")]
    np.testing.assert_allclose(second[0].training_slices()[:, 0, 0] * 10, REFERENCES)


def test_a_pass_holds_fewer_images_that_the_network_sees_larger(prepare):
    (batch,), _ = prepare("test")
    (larger,), _ = prepare("test", image_size=[2 * SIZE, 4 * SIZE])
    assert larger.images_per_pass == batch.images_per_pass // 8


@pytest.mark.parametrize(("target", "classes"), [("true", [0, 1] * 3), ("last", [1] * 6)])
def test_the_target_can_be_the_label(prepare, target, classes):
    (batch,), _ = prepare("all", target=target)

    assert batch.targets.tolist() == classes


def job_of(method):
    return ImportanceJob(
        name=method,
        method=method,
        options={},
        image_shape=(1, SIZE, SIZE),
        seed=1,
        subsets=("test",),
        shard="1of1",
        classes=("no contrast", "contrast"),
        activation="logit",
        classifier=None,
    )


@pytest.mark.parametrize("method", ["mean_mask", "random", "centre", "sobel_edges"])
def test_controls_need_no_classifier_and_no_predictions(method, slices, tmp_path):
    explain_slices(job_of(method), Files(None, slices), tmp_path / "maps.parquet", 1)
    assert len(read_images(tmp_path / "maps.parquet", "importance")) == 2


def test_lacking_masks_of_training_slices_are_named_with_the_remedy(monkeypatch, slices, tmp_path):
    monkeypatch.setattr(workload, "load_training_masks", lambda slices: np.empty((0, 1, 1), bool))
    message = r"mean_mask: needs masks of training slices.*mean_mask: null"
    with pytest.raises(InputError, match=message):
        explain_slices(job_of("mean_mask"), Files(None, slices), tmp_path / "maps.parquet", 1)


def test_items_come_in_their_order():
    assert list(prefetch(iter(range(5)))) == list(range(5))
    assert list(prefetch([])) == []
    assert list(prefetch([None, None])) == [None, None]


def test_the_next_item_is_made_while_the_present_one_is_used():
    made = [threading.Event() for _ in range(3)]

    def items():
        for event in made:
            event.set()
            yield event

    coming = prefetch(items())
    next(coming)

    assert made[1].wait(5)
    assert not made[2].is_set()
    coming.close()


def test_an_error_comes_in_the_place_of_its_item():
    def items():
        yield 1
        raise ValueError("the second")

    coming = prefetch(items())

    assert next(coming) == 1
    with pytest.raises(ValueError, match="the second"):
        next(coming)
