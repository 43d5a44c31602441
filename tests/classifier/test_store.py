import re

import numpy as np
import pytest
import torch
from torch import nn

from ct_importance.classifier.forward.torch_runtime import TorchForward
from ct_importance.classifier.store import (
    import_weights,
    load_classifier,
    save_classifier,
)
from ct_importance.errors import InputError

WINDOW = (-1000, 400)


@pytest.fixture(scope="module")
def saved(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "classifier.pt"
    save_classifier(path, network, 64, WINDOW)
    return path


@pytest.fixture
def checkpoint(tmp_path):
    """A function that writes something with torch.save and returns the file."""

    def write(content, name="weights.pt"):
        path = tmp_path / name
        torch.save(content, path)
        return path

    return write


@pytest.fixture
def state(network):
    return dict(network.state_dict())


class TestSavedClassifier:
    def test_comes_back_ready_to_use(self, saved, network, images):
        loaded = load_classifier(saved, 64, WINDOW)
        assert not loaded.training
        assert not any(parameter.requires_grad for parameter in loaded.parameters())
        assert np.array_equal(
            TorchForward(loaded).scores(images)[:, 1], TorchForward(network).scores(images)[:, 1]
        )
        assert sorted(file.name for file in saved.parent.iterdir()) == ["classifier.pt"]

    def test_same_weights_same_bytes(self, saved, tmp_path):
        loaded = load_classifier(saved).to(memory_format=torch.channels_last)
        again = tmp_path / "sub" / "another name.pt"
        save_classifier(again, loaded, 64, [-1000.0, 400.0])
        assert again.read_bytes() == saved.read_bytes()

    def test_an_existing_file_survives_a_failure(self, saved, network, tmp_path, monkeypatch):
        path = tmp_path / "classifier.pt"
        path.write_text("old")

        def fail(source, target):
            raise OSError("disk full")

        monkeypatch.setattr("os.replace", fail)
        with pytest.raises(OSError, match="disk full"):
            save_classifier(path, network, 64, WINDOW)
        assert path.read_text() == "old"
        assert list(tmp_path.iterdir()) == [path]

    @pytest.mark.parametrize("read", [load_classifier, import_weights])
    def test_images_prepared_otherwise_are_refused(self, saved, read):
        with pytest.raises(InputError, match=r"classifier\.pt: .*image_size 64, .* says 224; set"):
            read(saved, 224, WINDOW)
        with pytest.raises(InputError, match=r"hu_window \[-1000\.0, 400\.0\], .*\[-160\.0, 240"):
            read(saved, 64, (-160, 240))

    def test_a_foreign_file_is_not_taken_for_a_saved_one(self, checkpoint, state):
        with pytest.raises(InputError, match=r"not a classifier of this workflow.*`weights`"):
            load_classifier(checkpoint(state))

    def test_it_can_be_imported(self, saved, network):
        imported = import_weights(saved, 64, WINDOW)
        assert torch.equal(imported.fc.weight, network.fc.weight)


class TestImportedWeights:
    @pytest.mark.parametrize("prefix", ["", "module.", "model.", "model.module."])
    @pytest.mark.parametrize("key", [None, "state_dict", "model"])
    def test_common_layouts_are_read(self, checkpoint, state, network, images, prefix, key):
        renamed = {prefix + name: tensor for name, tensor in state.items()}
        content = renamed if key is None else {key: renamed, "epoch": 3}
        imported = import_weights(checkpoint(content), 224, WINDOW)
        assert np.array_equal(
            TorchForward(imported).scores(images)[:, 1], TorchForward(network).scores(images)[:, 1]
        )
        assert not imported.training
        assert not any(parameter.requires_grad for parameter in imported.parameters())

    def test_half_precision_and_missing_counters_are_accepted(self, checkpoint, state):
        halves = {name: t.half() for name, t in state.items() if "num_batches" not in name}
        imported = import_weights(checkpoint(halves))
        assert imported.fc.weight.dtype == torch.float32
        assert torch.equal(imported.conv1.weight, state["conv1.weight"].half().float())

    def test_missing_file(self, tmp_path):
        with pytest.raises(InputError, match=r"nowhere\.pt: no such file; `weights`"):
            import_weights(tmp_path / "nowhere.pt")

    @pytest.mark.parametrize("content", [b"", b"hello, these are no weights", b"PK\x03\x04 cut"])
    def test_not_a_checkpoint(self, tmp_path, content):
        path = tmp_path / "weights.pt"
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"weights\.pt: cannot be read as .*; save"):
            import_weights(path)

    def test_a_truncated_checkpoint(self, saved, tmp_path):
        path = tmp_path / "weights.pt"
        path.write_bytes(saved.read_bytes()[:100_000])
        with pytest.raises(InputError, match=r"weights\.pt: cannot be read as .*; save"):
            import_weights(path)

    def test_a_pickled_network(self, checkpoint):
        with pytest.raises(InputError, match=r"holds a Linear, not weights by name; save the"):
            import_weights(checkpoint(nn.Linear(2, 1)))

    @pytest.mark.parametrize("content", [[torch.zeros(2)], torch.zeros(2)])
    def test_not_weights_by_name(self, checkpoint, content):
        with pytest.raises(InputError, match=r"holds a (list|Tensor), not weights by name; save"):
            import_weights(checkpoint(content))

    def test_no_tensors(self, checkpoint):
        with pytest.raises(InputError, match=r"no tensors by name \(its keys: epoch, net\); save"):
            import_weights(checkpoint({"epoch": 3, "net": {"fc.weight": torch.zeros(2)}}))

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            (
                {"fc.weight": (1000, 2048), "fc.bias": (1000,)},
                "fc.weight is (1000, 2048), expected (1, 2048); fc.bias is (1000,), expected (1,). "
                "Train the network with one output neuron",
            ),
            (
                {"fc.weight": (2, 2048), "fc.bias": (2,)},
                "expected (1,). It answers with one number per class: set `head` of the",
            ),
            (
                {"conv1.weight": (64, 3, 7, 7)},
                "conv1.weight is (64, 3, 7, 7), expected (64, 1, 7, 7). Set `channels` of the",
            ),
        ],
    )
    def test_another_head_or_input(self, checkpoint, state, changes, message):
        changed = state | {name: torch.zeros(shape) for name, shape in changes.items()}
        with pytest.raises(InputError, match=re.escape(message)):
            import_weights(checkpoint(changed))

    def test_a_resnet18(self, checkpoint):
        monai = pytest.importorskip("monai.networks.nets")
        other = monai.resnet18(spatial_dims=2, n_input_channels=1, num_classes=1)
        with pytest.raises(InputError) as error:
            import_weights(checkpoint(other.state_dict()))
        text = str(error.value)
        assert "layer1.0.conv1.weight is (64, 64, 3, 3), expected (64, 64, 1, 1)" in text
        assert "missing: layer1.0.conv3.weight" in text
        assert "Only ResNet-50 with torchvision's parameter names can be used" in text
        assert len(text) < 1200

    def test_monais_default_resnet50(self, checkpoint, state):
        biases = {
            f"layer{i}.0.downsample.0.bias": torch.zeros(64 * 2 ** (i + 1)) for i in range(1, 5)
        }
        with pytest.raises(InputError, match="train it with bias_downsample=False"):
            import_weights(checkpoint(state | biases))

    @pytest.mark.parametrize("value", [float("nan"), float("inf")])
    def test_values_that_are_not_finite(self, checkpoint, state, value):
        broken = state["layer2.0.bn1.weight"].clone()
        broken[3] = value
        content = state | {"layer2.0.bn1.weight": broken}
        with pytest.raises(InputError, match=r"not finite in layer2\.0\.bn1\.weight; the training"):
            import_weights(checkpoint(content))


def test_a_damaged_classifier_of_a_run_is_to_be_deleted(saved, tmp_path):
    content = bytearray(saved.read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "classifier.pt").write_bytes(content)
    with pytest.raises(InputError, match=r"classifier\.pt: .*Bad CRC.*delete this file and"):
        load_classifier(tmp_path / "classifier.pt")
