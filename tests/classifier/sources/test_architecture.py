import pydantic
import pytest
import torch

from ct_importance.classifier.resnet import ResNet50
from ct_importance.classifier.sources.architecture import Architecture
from ct_importance.cohort.options import ExtractionOptions
from ct_importance.errors import InputError

SMALL = ExtractionOptions(image_size=32)


def test_weights_of_the_user_are_checked_and_taken_over(tmp_path):
    network = ResNet50().eval()
    file = tmp_path / "mine.pt"
    torch.save(network.state_dict(), file)
    source = Architecture(architecture="resnet50", weights=str(file))

    source.check(SMALL)
    source.take_over(SMALL, tmp_path / "classifier.pt")

    assert (source.is_trained_here, source.files()) == (False, {"weights": str(file)})
    images = torch.rand(2, 1, 32, 32)
    found = source.load(tmp_path / "classifier.pt")
    torch.testing.assert_close(found.network(images), network(images))
    assert found.head == "logit"


def test_weights_of_another_network_are_refused_before_a_run(tmp_path):
    file = tmp_path / "mine.pt"
    torch.save({"fc.weight": torch.ones(1, 3)}, file)
    with pytest.raises(InputError, match="not a ResNet-50"):
        Architecture(architecture="resnet50", weights=str(file)).check(SMALL)


def test_without_weights_it_is_trained_here():
    source = Architecture(architecture="resnet50")
    assert (source.is_trained_here, source.files()) == (True, {})
    source.check(SMALL)


class TestOptions:
    def test_defaults(self):
        options = Architecture(architecture="resnet50")
        assert options.weights is None
        assert options.training.epochs == 40
        assert options.training.batch_size == 16

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("epochs", 0),
            ("batch_size", 1),
            ("learning_rate", 0),
            ("weight_decay", -1),
            ("test_every", -1),
            ("epoch", 3),
            ("augmentation", {"flip": 1.5}),
            ("augmentation", {"scale": [1.1, 0.9]}),
            ("augmentation", {"scale": [0, 1]}),
            ("augmentation", {"translation": 2}),
        ],
    )
    def test_wrong_values_are_refused(self, key, value):
        with pytest.raises(pydantic.ValidationError, match=rf"training\.{key}"):
            Architecture.model_validate({"architecture": "resnet50", "training": {key: value}})

    def test_an_empty_file_name_is_refused(self):
        with pytest.raises(pydantic.ValidationError, match="weights"):
            Architecture(architecture="resnet50", weights="")
