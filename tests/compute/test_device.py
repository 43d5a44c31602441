from types import SimpleNamespace

import pytest
import torch
from torch import nn

import ct_importance.compute.device as device_module
from ct_importance.classifier.resnet import ResNet50
from ct_importance.compute.device import (
    in_precision,
    pick_device,
    with_less_if_needed,
)

CPU, GPU = torch.device("cpu"), torch.device("cuda")


class SmallMemory:
    """Doubles numbers, up to three at a time."""

    def __init__(self):
        self.sizes = []

    def __call__(self, batch):
        self.sizes.append(len(batch))
        if len(batch) > 3:
            raise torch.OutOfMemoryError("too much")
        return 2 * batch


def test_what_does_not_fit_is_done_in_halves_and_in_order():
    function, batch = SmallMemory(), torch.arange(10.0)

    assert torch.equal(with_less_if_needed(function, batch), 2 * batch)
    assert function.sizes == [10, 5, 3, 2, 5, 3, 2]


def test_what_fits_is_done_at_once():
    function = SmallMemory()
    with_less_if_needed(function, torch.arange(3.0))
    assert function.sizes == [3]


def test_where_one_item_does_not_fit_the_error_is_told():
    def nothing_fits(batch):
        raise torch.OutOfMemoryError("not even one")

    with pytest.raises(torch.OutOfMemoryError, match="not even one"):
        with_less_if_needed(nothing_fits, torch.arange(4.0))


def test_other_errors_are_not_tried_again():
    calls = []

    def broken(batch):
        calls.append(len(batch))
        raise RuntimeError("something else")

    with pytest.raises(RuntimeError, match="something else"):
        with_less_if_needed(broken, torch.arange(4.0))
    assert calls == [4]


@pytest.fixture
def network():
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return ResNet50().eval().requires_grad_(False)


@pytest.fixture
def restore_precision():
    before = torch.backends.cudnn.allow_tf32, torch.get_float32_matmul_precision()
    yield
    torch.backends.cudnn.allow_tf32 = before[0]
    torch.set_float32_matmul_precision(before[1])


@pytest.mark.usefixtures("restore_precision")
class TestPrecision:
    def test_float32_is_the_network_itself_and_forbids_tf32(self, network):
        torch.backends.cudnn.allow_tf32 = True
        assert in_precision(network, "float32") is network
        assert not torch.backends.cudnn.allow_tf32
        assert torch.get_float32_matmul_precision() == "highest"

    def test_tf32_is_allowed_where_asked_for(self, network):
        assert in_precision(network, "tf32") is network
        assert torch.backends.cudnn.allow_tf32
        assert torch.get_float32_matmul_precision() == "high"

    def test_bfloat16_is_close_but_not_equal_and_gives_float32(self, network):
        images = torch.rand(2, 1, 64, 64)
        coarse = in_precision(network, "bfloat16")

        exact, rounded = network(images), coarse(images)

        assert rounded.dtype == torch.float32
        assert not torch.equal(exact, rounded)
        torch.testing.assert_close(rounded, exact, rtol=0.1, atol=0.05)
        assert not coarse.training

    def test_gradients_of_bfloat16_resemble_those_of_float32(self, network):
        images = torch.rand(2, 1, 64, 64).requires_grad_()
        gradients = [
            torch.autograd.grad(of(images).sum(), images)[0].flatten()
            for of in (network, in_precision(network, "bfloat16"))
        ]

        assert torch.corrcoef(torch.stack(gradients))[0, 1] > 0.5
        assert gradients[1].dtype == torch.float32

    def test_modules_can_be_reached_for_hooks(self, network):
        relus = [m for m in in_precision(network, "bfloat16").modules() if isinstance(m, nn.ReLU)]
        assert len(relus) == 49


class TestPickDevice:
    @pytest.fixture
    def visible(self, monkeypatch, tmp_path):
        """Make torch see as many devices as the list it gives has names."""
        uuids, current = [], []
        monkeypatch.setattr(torch.cuda, "is_available", lambda: bool(uuids))
        monkeypatch.setattr(torch.cuda, "device_count", lambda: len(uuids))
        monkeypatch.setattr(
            torch.cuda, "get_device_properties", lambda index: SimpleNamespace(uuid=uuids[index])
        )
        monkeypatch.setattr(torch.cuda, "set_device", current.append)
        monkeypatch.setattr(device_module, "claims_folder", lambda: tmp_path / "claims")
        pick_device.cache_clear()
        yield uuids, current
        pick_device.cache_clear()

    def test_without_cuda_it_is_the_cpu(self, visible):
        assert pick_device() == CPU

    def test_the_only_device_needs_no_claim(self, visible, tmp_path):
        visible[0].append("gpu-1")
        assert pick_device() == GPU
        assert not (tmp_path / "claims").exists()

    def test_of_several_one_is_claimed_once_and_made_the_current_one(self, visible, tmp_path):
        uuids, current = visible
        uuids += ["gpu-1", "gpu-2"]
        assert pick_device() == pick_device() == torch.device("cuda", 0)
        assert current == [torch.device("cuda", 0)]
        assert {path.name for path in (tmp_path / "claims").iterdir()} >= {"gpu-1", "gpu-2"}
