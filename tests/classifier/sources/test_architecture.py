import numpy as np
import pydantic
import pytest
import torch

from ct_importance.classifier import fitting
from ct_importance.classifier.networks import by_name
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


def test_a_resnet50_of_three_channels_is_the_one_with_their_sum(tmp_path):
    three = ResNet50(channels=3).eval()
    one = ResNet50().eval()
    summed = three.conv1.weight.sum(1, keepdim=True)
    one.load_state_dict(three.state_dict() | {"conv1.weight": summed})
    file = tmp_path / "mine.pt"
    torch.save(three.state_dict(), file)
    source = Architecture(architecture="resnet50", weights=str(file), channels=3)

    source.check(SMALL)
    source.take_over(SMALL, tmp_path / "classifier.pt")
    found = source.load(tmp_path / "classifier.pt")

    images = torch.rand(2, 1, 32, 32)
    torch.testing.assert_close(found.network(images), one(images), rtol=1e-4, atol=1e-5)
    assert torch.equal(found.layer("conv1").weight, three.conv1.weight)
    with pytest.raises(InputError, match=r'.*"channels": 3.* says a ResNet-50; delete this file'):
        Architecture(architecture="resnet50").load(tmp_path / "classifier.pt")
    with pytest.raises(InputError, match="Set `channels` of the classifier to 3, and `windows`"):
        source.model_copy(update={"channels": None}).check(SMALL)


@pytest.mark.parametrize(("outputs", "head"), [(2, "softmax"), (3, None), (3, "multilabel")])
def test_a_resnet50_with_an_output_per_class(tmp_path, outputs, head):
    network = ResNet50(outputs=outputs).eval()
    file = tmp_path / "mine.pt"
    torch.save(network.state_dict(), file)
    source = Architecture(architecture="resnet50", weights=str(file), classes=outputs, head=head)

    source.check(SMALL)
    source.take_over(SMALL, tmp_path / "classifier.pt")
    found = source.load(tmp_path / "classifier.pt")

    images = torch.rand(2, 1, 32, 32)
    answer = network(images)
    if outputs == 2:
        assert found.head == "logit"
        torch.testing.assert_close(found.network(images), answer[:, 1:] - answer[:, :1])
    else:
        assert found.head == (head or "softmax")
        torch.testing.assert_close(found.scores(images), answer)
    with pytest.raises(InputError, match=r'weights of .*"outputs": .* says a ResNet-50; delete'):
        Architecture(architecture="resnet50").load(tmp_path / "classifier.pt")
    other = source.model_copy(update={"classes": 5, "head": None})
    with pytest.raises(InputError, match=r"and 5 output neurons.*Train the network with 5 output"):
        other.check(SMALL)


DENSENET = {"init_features": 4, "growth_rate": 2, "block_config": [1, 1], "dropout_prob": 0.2}


class TestMonai:
    """A network of MONAI is trained, stored and loaded as the ResNet-50 is."""

    @pytest.fixture
    def source(self):
        training = {"epochs": 2, "batch_size": 4}
        return Architecture(architecture="monai.DenseNet121", arguments=DENSENET, training=training)

    @pytest.fixture
    def trained(self, source, tmp_path, monkeypatch):
        images = np.random.default_rng(0).random((8, 32, 32), dtype=np.float32)

        def train(name, seed=1, source=source):
            labels = np.arange(8) % source.classes
            monkeypatch.setattr(fitting, "load_images", lambda *_: (None, images, labels))
            source.train("slices", SMALL, seed, tmp_path / name, tmp_path / "history.parquet")
            return tmp_path / name

        return train

    def test_the_same_seed_gives_the_same_bytes_also_with_dropout(self, trained):
        first = trained("one.pt").read_bytes()
        torch.manual_seed(99)
        assert trained("two.pt").read_bytes() == first
        assert trained("three.pt", seed=2).read_bytes() != first

    def test_what_was_trained_is_loaded(self, source, trained):
        network = source.load(trained("classifier.pt")).network
        assert (type(network).__name__, network.training) == ("DenseNet121", False)
        assert network(torch.rand(2, 1, 32, 32)).shape == (2, 1)

    @pytest.mark.parametrize(("classes", "head"), [(2, "softmax"), (2, "multilabel"), (3, None)])
    def test_it_is_trained_with_an_output_per_class(self, source, trained, classes, head):
        other = source.model_copy(update={"classes": classes, "head": head})
        file = trained("classifier.pt", source=other)
        found = other.load(file)
        assert found.scores(torch.rand(2, 1, 32, 32)).shape == (2, classes)
        assert found.head == {(2, "softmax"): "logit", (3, None): "softmax"}.get(
            (classes, head), head
        )
        with pytest.raises(InputError, match=r"not the weights of .*; delete this file"):
            source.load(file)

    def test_a_file_of_another_network_is_refused(self, source, trained):
        file = trained("classifier.pt")
        other = Architecture(
            architecture="monai.DenseNet121", arguments=DENSENET | {"growth_rate": 3}
        )
        with pytest.raises(InputError, match=r"rate\": 2.* says .*rate\": 3.*; delete this file"):
            other.load(file)
        with pytest.raises(InputError, match=r"weights of .*, but the configuration says a ResNet"):
            Architecture(architecture="resnet50").load(file)
        with pytest.raises(InputError, match="; name the network they are of"):
            Architecture(architecture="resnet50", weights=str(file)).check(SMALL)

    def test_the_file_says_for_which_slices_it_was_trained(self, source, trained):
        file = str(trained("mine.pt"))
        with pytest.raises(InputError, match="image_size 32, but the configuration says 64"):
            source.model_copy(update={"weights": file}).check(ExtractionOptions(image_size=64))

    def test_it_is_trained_on_what_it_sees(self, source, trained):
        given = {
            "windows": [(-1000, 400), (-160, 240), (-1000, -300)],
            "normalize": {"mean": 0.4, "std": [0.1, 0.2, 0.3]},
            "image_size": [40, 24],
        }
        other = Architecture(**source.model_dump() | given)
        file = trained("classifier.pt", source=other)
        found = other.load(file)
        shapes = []
        layer = found.layer("features.conv0")
        layer.register_forward_pre_hook(lambda _, inputs: shapes.append(inputs[0].shape))

        assert found.network(torch.rand(2, 1, 32, 32)).shape == (2, 1)
        assert shapes == [(2, 3, 40, 24)]
        assert layer.in_channels == 3
        weights = other.model_copy(update={"weights": str(file)})
        weights.check(SMALL)
        weights.take_over(SMALL, file.with_name("again.pt"))
        assert file.with_name("again.pt").read_bytes() == file.read_bytes()
        for change in (*({key: None} for key in given), dict.fromkeys(given)):
            last = Architecture(**other.model_dump() | {"channels": 3} | change)
            with pytest.raises(InputError, match=r"weights of .*\"input\": .*; delete this file"):
                last.load(file)
        with pytest.raises(InputError, match=r"weights of .*\"input\": .*; delete this file"):
            source.load(file)

    @pytest.mark.parametrize("prefix", ["", "module.", "model."])
    def test_weights_of_the_user(self, source, tmp_path, prefix):
        network, file = source.build(SMALL), tmp_path / "mine.pt"
        state = {prefix + name: value for name, value in network.state_dict().items()}
        torch.save({"state_dict": state}, file)
        mine = source.model_copy(update={"weights": str(file)})
        mine.check(SMALL)
        mine.take_over(SMALL, tmp_path / "classifier.pt")
        images = torch.rand(2, 1, 32, 32)
        found = mine.load(tmp_path / "classifier.pt").network(images)
        torch.testing.assert_close(found, network.eval()(images))

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda it: it[:-1], r"not the weights of .*DenseNet121.* shapes: class_layers.out.bi"),
            (lambda it: it * torch.nan, "values that are not finite in class_layers.out.bias"),
            (lambda it: it.to(torch.int8), "not plain floating-point numbers: class_layers.out.b"),
        ],
    )
    def test_weights_that_do_not_fit(self, source, tmp_path, change, message):
        state = source.build(SMALL).state_dict()
        state["class_layers.out.bias"] = change(state["class_layers.out.bias"])
        torch.save(state, tmp_path / "mine.pt")
        mine = source.model_copy(update={"weights": str(tmp_path / "mine.pt")})
        with pytest.raises(InputError, match=message):
            mine.take_over(SMALL, tmp_path / "classifier.pt")


def test_a_network_for_other_images_is_told_before_it_is_trained(monkeypatch):
    monkeypatch.setattr(by_name, "build", lambda *_: torch.nn.Conv2d(3, 1, 32))
    source = Architecture(architecture="monai.DenseNet121")
    with pytest.raises(InputError, match=r"^monai\.DenseNet121: cannot be applied to slices"):
        source.build(SMALL)
