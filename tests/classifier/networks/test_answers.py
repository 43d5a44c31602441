import pytest
import torch
from torch import nn

from ct_importance.classifier.networks.answers import check_answers
from ct_importance.errors import InputError
from tests.classifier.networks.functions import Of, mean

SIZE = 8


def explode(x):
    raise KeyError("weights")


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (Of(explode), r"cannot be applied to slices, images of shape \(3, 1, 8, 8\) \(KeyError"),
        (nn.Sequential(nn.Conv3d(1, 1, 3)), "wants 3-D images"),
        (nn.Conv2d(3, 1, 8), "any number of images of what `channels` and"),
        (Of(lambda x: (mean(x), [])), "answers with a tuple; return the tensor of logits alone"),
        (Of(lambda x: mean(x)[:, 0]), r"answers 3 images with the shape \(3,\), expected \(3, 1\)"),
        (Of(lambda x: mean(x).repeat(1, 5)), r"the shape \(3, 5\), expected \(3, 1\) or \(3, 2\)"),
        (Of(lambda x: mean(x).mean()[None, None]), r"the shape \(1, 1\), expected"),
        (Of(lambda x: mean(x) / 0), "are not finite"),
        (Of(lambda x: mean(x) - mean(x).mean()), "differently alone and beside others"),
        (Of(lambda x: mean(x) + torch.rand(len(x), 1)), "nothing may be random"),
    ],
)
def test_answers_that_cannot_be(network, message):
    with pytest.raises(InputError, match=message) as caught:
        check_answers(network.eval(), SIZE, "mine.pt", (1, 2))
    assert str(caught.value).startswith("mine.pt: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("outputs", [1, 2])
def test_the_number_of_outputs(outputs):
    network = nn.Sequential(nn.Flatten(), nn.Linear(SIZE * SIZE, outputs))
    assert check_answers(network, SIZE, "mine.pt", (1, 2)) == outputs


def test_two_outputs_are_too_many_where_one_is_wanted():
    with pytest.raises(InputError, match=r"expected \(3, 1\): the logits"):
        check_answers(Of(lambda x: mean(x).repeat(1, 2)), SIZE, "mine.pt")


def test_the_outputs_of_more_classes():
    three = Of(lambda x: mean(x).repeat(1, 3))
    assert check_answers(three, SIZE, "mine.pt", (3,)) == 3
    with pytest.raises(InputError, match=r"\(3, 3\), expected \(3, 4\): the logits of .* 4 class"):
        check_answers(three, SIZE, "mine.pt", (4,))
