import pytest
import torch
from torch import nn

from ct_importance.classifier.classifier import Classifier, OneLogit, classifier_of
from ct_importance.plugins import load

ANSWERS = torch.tensor([[1.0, -2.0, 0.5], [0.0, 3.0, 3.0]])


class Answers(nn.Module):
    """Answers with the first columns of ANSWERS, whatever the images."""

    def __init__(self, outputs):
        super().__init__()
        self.outputs = outputs

    def forward(self, x):
        return ANSWERS[:, : self.outputs]


def images():
    return torch.zeros(2, 1, 4, 4)


def test_one_logit_argues_for_the_second_class():
    found = classifier_of(Answers(1), 1, None)
    assert found.scores(images()).tolist() == [[-1, 1], [0, 0]]
    assert found.probabilities(images())[:, 1].tolist() == torch.sigmoid(ANSWERS[:, 0]).tolist()


@pytest.mark.parametrize("head", [None, "softmax"])
def test_two_outputs_with_softmax_are_one_logit(head):
    found = classifier_of(Answers(2), 2, head)
    assert isinstance(found.network, OneLogit)
    assert found.scores(images()).tolist() == [[3, -3], [-3, 3]]
    expected = torch.softmax(ANSWERS[:, :2], dim=1)
    torch.testing.assert_close(found.probabilities(images()), expected)


@pytest.mark.parametrize("head", [None, "softmax"])
def test_softmax_of_three_classes(head):
    found = classifier_of(Answers(3), 3, head)
    assert found.head == "softmax"
    assert torch.equal(found.scores(images()), ANSWERS)
    assert torch.equal(found.probabilities(images()), torch.softmax(ANSWERS, dim=1))


@pytest.mark.parametrize("outputs", [2, 3])
def test_multilabel_reads_each_output_on_its_own(outputs):
    found = classifier_of(Answers(outputs), outputs, "multilabel")
    assert found == Classifier(found.network, "multilabel")
    assert torch.equal(found.scores(images()), ANSWERS[:, :outputs])
    assert torch.equal(found.probabilities(images()), torch.sigmoid(ANSWERS[:, :outputs]))


@pytest.mark.parametrize(
    ("classes", "head", "outputs"),
    [
        (2, None, (1, 2)),
        (2, "logit", (1,)),
        (2, "softmax", (2,)),
        (2, "multilabel", (2,)),
        (3, None, (3,)),
        (3, "softmax", (3,)),
        (3, "multilabel", (3,)),
    ],
)
def test_how_many_outputs_will_do(classes, head, outputs):
    source = load("source", "architecture")(architecture="resnet50", classes=classes, head=head)
    assert source.outputs == outputs
