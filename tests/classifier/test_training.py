import logging

import numpy as np
import pytest
import torch
from sklearn.metrics import balanced_accuracy_score, recall_score
from torch import nn

from ct_importance.classifier import fitting
from ct_importance.classifier.forward.torch_runtime import TorchForward
from ct_importance.classifier.options import TrainingOptions
from ct_importance.classifier.training import batch_slices, class_weights, train_classifier
from ct_importance.cohort.options import ExtractionOptions
from ct_importance.errors import InputError
from tests.slices import write_slices

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def task():
    """Slices that differ by a bright disk, three times as many without it as with it."""
    random = np.random.default_rng(0)
    labels = np.array([1, 0, 0, 0] * 6)
    images = random.uniform(0, 0.4, (24, 32, 32)).astype(np.float32)
    y, x = np.mgrid[:32, :32]
    images[labels == 1] += np.where((y - 16) ** 2 + (x - 16) ** 2 < 49, 0.5, 0).astype("float32")
    return images, labels


def test_learns_a_simple_task_the_same_way_twice(task, caplog):
    """12 steps of BatchNorm averages would not do: see `settle_batch_norm`."""
    images, labels = task
    options = TrainingOptions(epochs=4, batch_size=8, test_every=3)
    test = images[:8], labels[:8]
    with caplog.at_level(logging.INFO):
        network, history = train_classifier(*task, options, 1, CPU, test)
    logits = TorchForward(network).scores(images)[:, 1]
    assert balanced_accuracy_score(labels, logits > 0) > 0.9
    assert not network.training
    assert [row["epoch"] for row in history] == list(range(1, 5))
    assert history[-1]["loss"] < history[0]["loss"]
    evaluated = [row["epoch"] for row in history if row["test_loss"] is not None]
    assert evaluated == [3, 4]
    logits = TorchForward(network).scores(test[0])[:, 1]
    assert history[-1]["test_balanced_accuracy"] == balanced_accuracy_score(test[1], logits > 0)
    losses = np.logaddexp(0, np.where(test[1] == 1, -logits, logits))
    by_class = [losses[test[1] == value].mean() for value in (0, 1)]
    assert history[-1]["test_loss"] == pytest.approx(np.mean(by_class), rel=1e-3)
    assert "epoch 4 of 4: loss" in caplog.text

    torch.manual_seed(99)  # neither the global state nor looking more often matters
    once = TrainingOptions(epochs=4, batch_size=8)
    again, same_history = train_classifier(*task, once, 1, CPU)
    for name, tensor in network.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor), name
    assert [row["loss"] for row in same_history] == [row["loss"] for row in history]
    assert same_history[-1]["test_loss"] is None


def test_the_seed_matters_and_the_global_generator_is_left_alone(task):
    options = TrainingOptions(epochs=1, batch_size=16)
    before = torch.get_rng_state()
    first, _ = train_classifier(*task, options, 1, CPU)
    second, _ = train_classifier(*task, options, 2, CPU)
    assert torch.equal(torch.get_rng_state(), before)
    assert not torch.equal(first.conv1.weight, second.conv1.weight)


def test_a_last_batch_of_one_is_trained_on(task):
    images, labels = task
    _, history = train_classifier(
        images[:9], labels[:9], TrainingOptions(epochs=1, batch_size=8), 1, CPU
    )
    assert np.isfinite(history[0]["loss"])


@pytest.mark.parametrize(
    ("count", "size", "expected"),
    [
        (8, 4, [4, 4]),
        (9, 4, [4, 5]),
        (10, 4, [4, 4, 2]),
        (3, 16, [3]),
        (1, 16, [1]),
        (17, 16, [17]),
    ],
)
def test_every_slice_is_in_one_batch_and_none_is_alone(count, size, expected):
    batches = batch_slices(count, size)
    assert [len(range(count)[batch]) for batch in batches] == expected
    assert [i for batch in batches for i in range(count)[batch]] == list(range(count))


def test_classes_weigh_the_same():
    labels = np.array([0] * 30 + [1] * 10)
    weights = class_weights(labels)
    assert weights[labels][labels == 0].sum() == pytest.approx(weights[labels][labels == 1].sum())
    assert weights[labels].mean() == pytest.approx(1)


@pytest.mark.parametrize(
    ("labels", "counts"),
    [
        ([], "0 of the first class and 0 of the second"),
        ([0, 0], "2 of the first .* 0 of the second"),
        ([1], "0 of the first class and 1 of"),
    ],
)
def test_training_needs_both_classes(labels, counts):
    images = np.zeros((len(labels), 32, 32), np.float32)
    with pytest.raises(InputError, match=rf"training slices: {counts}.*; training needs both"):
        train_classifier(images, np.array(labels, int), TrainingOptions(epochs=1), 1, CPU)


# More than two classes, and other heads


@pytest.fixture(scope="module")
def three():
    """Slices that differ by where they are bright, of three classes, of which the first is rare."""
    random = np.random.default_rng(0)
    labels = np.array([0, 1, 2, 1, 2] * 6)
    images = random.uniform(0, 0.4, (30, 32, 32)).astype(np.float32)
    for label in range(3):
        images[labels == label, :, 10 * label : 10 * label + 10] += 0.5
    return images, labels


@pytest.mark.parametrize("head", [None, "softmax", "multilabel"])
def test_three_classes_are_learned(three, head):
    images, labels = three
    options = TrainingOptions(epochs=10, batch_size=8, learning_rate=0.1, augmentation={"flip": 0})

    def build():
        return nn.Sequential(nn.AvgPool2d(8), nn.Flatten(), nn.Linear(16, 3))

    network, history = train_classifier(*three, options, 1, CPU, three, build, classes=3, head=head)
    with torch.no_grad():
        outputs = network(torch.from_numpy(images)[:, None])
    assert outputs.shape == (30, 3)
    accuracy = recall_score(labels, outputs.argmax(1), average="macro")
    assert accuracy > 0.8
    assert history[-1]["test_balanced_accuracy"] == pytest.approx(accuracy)
    target = torch.from_numpy(labels)
    if head == "multilabel":
        own = torch.nn.functional.one_hot(target, 3) == 1
        losses = -torch.where(own, outputs, -outputs).sigmoid().log().sum(dim=1)
    else:
        losses = -outputs.log_softmax(dim=1)[torch.arange(30), target]
    by_class = [losses[target == label].mean() for label in range(3)]
    assert history[-1]["test_loss"] == pytest.approx(float(np.mean(by_class)), rel=1e-3)


def test_three_classes_weigh_the_same():
    labels = np.array([0] * 30 + [1] * 10 + [2] * 5)
    weights = class_weights(labels, 3)
    sums = [weights[labels][labels == label].sum() for label in range(3)]
    assert sums == pytest.approx([15] * 3)


def test_training_needs_all_of_three_classes():
    with pytest.raises(InputError, match="slices: 1, 0, 2 of the 3 classes; training needs all"):
        class_weights(np.array([0, 2, 2]), 3)


def test_labels_can_be_dealt_out_at_random(tmp_path):
    slices = write_slices(tmp_path, [2, 2, 2, 2], size=32, split="train")
    asked = []

    def build():
        return nn.Sequential(nn.Flatten(), nn.Linear(32 * 32, 1))

    def trained(images, labels, *others):
        asked.append(labels.tolist())
        return train_classifier(images, labels, *others)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, "train_classifier", trained)
        for shuffle, seed in ((False, 0), (True, 0), (True, 0), (True, 1)):
            fitting.fit_classifier(
                TrainingOptions(epochs=1, batch_size=4, shuffle_labels=shuffle),
                *(ExtractionOptions(image_size=32), seed, slices),
                *(tmp_path / "classifier.pt", tmp_path / "training.parquet", build),
            )
    own, first, again, other = asked
    assert own == [0, 0, 1, 1, 0, 0, 1, 1]
    assert sorted(first) == sorted(own)
    assert first == again
    assert len({tuple(it) for it in (own, first, other)}) == 3
