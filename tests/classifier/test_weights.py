"""Weights of users are told good from bad without torch, and before memory is taken."""

import os
import random
import re
import subprocess
import sys
import tracemalloc
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from ct_importance.classifier.checkpoint import (
    _REBUILD,
    LARGEST_FILE,
    Storage,
    StoredTensor,
    read_checkpoint,
)
from ct_importance.classifier.networks.state import FORMATS
from ct_importance.classifier.resnet import ResNet50
from ct_importance.classifier.weights import read_weights, resnet50_shapes
from ct_importance.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
MEMORY = 40 << 20
"""Bytes that a refusal may take where no value has been looked at."""
NETWORK = 130 << 20
"""Bytes beyond those of a ResNet-50."""


@pytest.fixture(scope="module")
def state():
    torch.manual_seed(0)
    return dict(ResNet50().state_dict())


def save(folder: Path, content: object, **options: object) -> Path:
    torch.save(content, folder / "weights.pt", **options)
    return folder / "weights.pt"


def refusal(path: Path, memory: int = MEMORY) -> str:
    """Return the message about a file, which must not take memory."""
    tracemalloc.start()
    try:
        with pytest.raises(InputError) as caught:
            read_weights(path)
        assert tracemalloc.get_traced_memory()[1] < memory
    finally:
        tracemalloc.stop()
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message


def rewrite(path: Path, change) -> Path:
    """Write an archive anew with other contents of its entries, uncompressed."""
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, change(name, content))
    return path


# What is read


def test_the_shapes_are_those_of_the_network(state):
    assert resnet50_shapes() == {name: tuple(tensor.shape) for name, tensor in state.items()}
    assert list(resnet50_shapes()) == list(state)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
def test_values_are_those_that_torch_reads(tmp_path, dtype):
    stored = torch.randn(5, 4, 3).to(dtype)
    views = {"whole": stored, "part": stored[1:3, ::2], "turned": stored.permute(2, 0, 1)}
    path = save(tmp_path, views | {"copy": stored[:1].expand(3, 4, 3), "one": stored[0, 0, 0]})

    found = read_checkpoint(path)

    for name, tensor in torch.load(path, weights_only=True).items():
        assert found[name].read().dtype == np.float32
        np.testing.assert_array_equal(found[name].read(), tensor.float().numpy(), err_msg=name)


def test_weights_that_share_one_storage_are_read(tmp_path, state):
    flat = torch.cat([tensor.flatten().float() for tensor in state.values()])
    views, start = {}, 0
    for name, tensor in state.items():
        if "num_batches" not in name:
            views[name] = flat[start : start + tensor.numel()].view(tensor.shape)
        start += tensor.numel()

    found = read_weights(save(tmp_path, views))

    assert all(np.array_equal(found[name], state[name].numpy()) for name in views)


def test_objects_of_other_classes_do_not_hinder(tmp_path, state):
    content = {"state_dict": state, "hyper": Path("a"), "loss": np.float64(3), "seen": {1, 2}}
    assert set(read_weights(save(tmp_path, content))) == set(state)


def test_parameters_are_tensors(tmp_path):
    network = torch.nn.Linear(2, 1)
    found = read_checkpoint(save(tmp_path, dict(network.named_parameters())))
    np.testing.assert_array_equal(found["weight"].read(), network.weight.detach().numpy())


def test_torch_is_not_needed():
    code = "import sys, ct_importance.classifier.weights; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


# What is refused


def quantised(tensor: torch.Tensor) -> torch.Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.quantize_per_tensor(tensor, 0.1, 0, torch.qint8)


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda it: it.to(torch.int8), "int8"),
        (lambda it: it.to(torch.bool), "bool"),
        (lambda it: it.to(torch.int64), "int64"),
        (lambda it: it.to(torch.complex64), "complex64"),
        (quantised, "quantised"),
        (lambda it: it.to_sparse(), "sparse"),
        (lambda it: it.to("meta"), "meta (without values)"),
    ],
)
def test_numbers_of_another_kind(tmp_path, state, change, kind):
    for name in ("layer3.0.conv2.weight", "conv1.weight", "fc.weight"):
        message = refusal(save(tmp_path, state | {name: change(state[name])}))
        assert f"not plain floating-point numbers: {name} is {kind}; save the weights" in message


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fc.weight": None, "bn1.bias": None}, "missing: bn1.bias, fc.weight. Only ResNet-50"),
        ({"layer1.0.bn1.running_var": -1e-3}, "a variance below 0 in layer1.0.bn1.running_var:"),
        ({"layer1.0.bn1.weight": float("nan")}, "not finite in layer1.0.bn1.weight; the training"),
        ({"conv1.weight": 0.0}, "conv1.weight is 0 throughout: every image would get the same"),
    ],
)
def test_values_that_cannot_be(tmp_path, state, changes, message):
    changed = state | {
        name: torch.full_like(state[name], value)
        for name, value in changes.items()
        if value is not None
    }
    kept = {name: it for name, it in changed.items() if changes.get(name, 0) is not None}
    assert message in refusal(save(tmp_path, kept), NETWORK)


def test_all_zero(tmp_path, state):
    zero = {name: torch.zeros_like(tensor) for name, tensor in state.items()}
    assert "every image would get the same answer" in refusal(save(tmp_path, zero), NETWORK)


@pytest.mark.parametrize("name", ["conv1.weight", "fc.weight", "another"])
def test_a_small_storage_that_claims_gigabytes_by_strides_of_0(tmp_path, state, name):
    large = state | {name: torch.ones(1).expand(40_000, 40_000)}
    assert "not a ResNet-50" in refusal(save(tmp_path, large))


def test_parts_that_are_compressed_could_unpack_to_anything(tmp_path, state):
    path = save(tmp_path, {"conv1.weight": torch.zeros(3)})
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("weights/data/9", bytes(100 << 20))
    assert "its parts are compressed" in refusal(path)


def test_parts_that_claim_more_than_there_is(tmp_path, state):
    path = save(tmp_path, state)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("weights/more", b"")
        archive.getinfo("weights/data/0").file_size = 4 << 30
    assert "its parts claim more than the file holds" in refusal(path)


def test_a_storage_that_is_cut_short(tmp_path, state):
    path = rewrite(
        save(tmp_path, state), lambda name, it: it[:-4] if name.endswith("data/0") else it
    )
    assert "(3136 numbers in 12540 bytes)" in refusal(path)


@pytest.mark.parametrize(
    ("offset", "shape", "strides"),
    [(0, (4,), (1,)), (1, (3,), (1,)), (0, (2,), (3,)), (0, (3,), (1, 1)), (-1, (1,), (1,))],
)
def test_a_tensor_that_reaches_beyond_its_storage(offset, shape, strides):
    storage = Storage("Float", "", np.dtype("f4"), 0, 3)
    with pytest.raises(ValueError, match=r"larger than its storage|proper shape"):
        _REBUILD["_rebuild_tensor_v2"](storage, offset, shape, strides)


def test_a_file_of_many_gigabytes(tmp_path):
    path = tmp_path / "weights.pt"
    path.touch()
    os.truncate(path, LARGEST_FILE + (1 << 30))
    assert "3072 MB are more than a ResNet-50 can need; save" in refusal(path)


def test_a_format_of_long_ago(tmp_path, state):
    path = save(tmp_path, state, _use_new_zipfile_serialization=False)
    assert "as torch before 1.6 wrote it: load it there and save it again" in refusal(path)


def test_a_name_that_comes_twice(tmp_path, state):
    both = {f"model.{name}": tensor for name, tensor in state.items()} | state
    assert "names come twice" in refusal(save(tmp_path, both))


def test_a_classifier_of_a_run_that_lacks_a_part(tmp_path, state):
    path = save(tmp_path, {"format": FORMATS[0], "state_dict": state})
    assert "lacks 'image_size': delete this file" in refusal(path)


class Harmful:
    def __reduce__(self):
        return os.mkdir, ("harm",)


def test_nothing_in_a_file_is_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "holds a mkdir, not weights by name" in refusal(save(tmp_path, Harmful()))
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize(
    "structure",
    [
        b"\x80\x02}r\xff\xff\xff\x7f.",  # an object number that would need 16 GB
        b"\x80\x05\x96\xff\xff\xff\xff\x7f\x00\x00\x00.",  # a byte array of 500 GB
        b"\x80\x02" + b"(" * 100_000 + b".",
        b"",
    ],
    ids=["memo", "bytearray", "marks", "empty"],
)
def test_a_structure_made_to_take_memory(tmp_path, structure):
    path = save(tmp_path, {"a": torch.zeros(3)})
    rewrite(path, lambda name, it: structure if name.endswith("data.pkl") else it)
    assert re.search(r"cannot be read as a file of torch\.save|no tensors by name", refusal(path))


def test_flipped_bits_are_noticed_or_harmless(tmp_path):
    sound = {"a": torch.randn(6, 4), "b": torch.randn(3).half()}
    content = bytearray(save(tmp_path, sound).read_bytes())
    path, noticed = tmp_path / "copy.pt", 0
    for bit in random.Random(0).sample(range(8 * len(content)), 600):
        content[bit // 8] ^= 1 << bit % 8
        path.write_bytes(content)
        content[bit // 8] ^= 1 << bit % 8
        try:
            found = read_checkpoint(path)
        except InputError:
            noticed += 1
            continue
        read = {name: it.read() for name, it in found.items() if isinstance(it, StoredTensor)}
        assert read.keys() == sound.keys()
        assert all(np.array_equal(read[name], sound[name].float()) for name in sound), bit

    assert noticed > 100


@pytest.mark.parametrize(("takes", "channels"), [(3, 1), (1, 3)])
def test_of_other_channels_the_key_is_named(tmp_path, state, takes, channels):
    file = save(tmp_path, state | {"conv1.weight": torch.ones(64, takes, 7, 7)})
    message = rf"conv1.weight is \(64, {takes}, .*Set `channels` of the classifier to {takes}, and"
    with pytest.raises(InputError, match=message):
        read_weights(file, channels=channels)


def test_of_two_channels_nothing_is_advised(tmp_path, state):
    message = refusal(save(tmp_path, state | {"conv1.weight": torch.zeros(64, 2, 7, 7)}))
    assert "`channels`" not in message
