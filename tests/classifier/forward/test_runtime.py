"""Both runtimes keep one contract."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from ct_importance.classifier.forward import runtime
from ct_importance.classifier.forward.export import graph_of
from ct_importance.classifier.forward.onnx_runtime import OnnxForward
from ct_importance.classifier.forward.torch_runtime import TorchForward
from ct_importance.errors import InputError


class Linear(nn.Module):
    """One output per row of weights: the sum of weights x pixels."""

    def __init__(self, weights: np.ndarray) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.from_numpy(weights))
        self.sizes = []
        self.eval().requires_grad_(False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.sizes.append(len(x))
        return torch.einsum("nhw,khw->nk", x[:, 0], self.weights)


def weights(outputs):
    return np.random.default_rng(1).normal(size=(outputs, 64, 64)).astype(np.float32)


def in_torch(network):
    return TorchForward(network)


def in_onnx(network):
    return OnnxForward(graph_of(network, 64), 1)


RUNTIMES = pytest.mark.parametrize("opened", [in_torch, in_onnx])


@RUNTIMES
@pytest.mark.parametrize("outputs", [1, 2, 3])
def test_scores_of_the_classes(opened, outputs, images):
    values = weights(outputs)
    expected = np.einsum("nhw,khw->nk", images.astype(float), values)
    if outputs == 1:  # a logit z is the scores (-z, z)
        expected = np.concatenate([-expected, expected], axis=1)
    found = opened(Linear(values)).scores(images)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


@RUNTIMES
def test_images_that_cannot_be_written_to_and_none(opened, images):
    images = images.copy()
    images.flags.writeable = False
    asked = opened(Linear(weights(1)))
    assert asked.scores(images).shape == (3, 2)
    assert len(asked.scores(images[:0])) == 0


@RUNTIMES
def test_masked_scores_are_those_of_masked_images(opened, images):
    asked = opened(Linear(weights(1)))
    generator = np.random.default_rng(2)
    ranks = np.stack([generator.permutation(64 * 64).reshape(64, 64) for _ in range(2)])
    jobs = np.array([(0, 0), (1, 100), (0, 4000), (1, 64 * 64)])
    masked = [np.where(ranks[order] < count, 0.25, images[0]) for order, count in jobs]
    expected = asked.scores(np.array(masked, np.float32))
    for batch in (None, 1, 3):
        found = asked.masked_scores(images[0], ranks.astype(np.int32), jobs, 0.25, batch)
        np.testing.assert_allclose(found, expected, rtol=1e-4)


@RUNTIMES
def test_masked_pixels_are_filled_by_an_image_or_by_what_is_left(opened, images):
    asked = opened(Linear(weights(2)))
    ranks = np.random.default_rng(2).permutation(64 * 64).reshape(1, 64, 64).astype(np.int32)
    jobs = np.array([(0, 0), (0, 100), (0, 64 * 64)])
    masks = ranks < jobs[:, 1, None, None]

    def inverted(masked):
        return np.where(masked, 1 - images[0], images[0]).astype(np.float32)

    expected = asked.scores(inverted(masks))
    for fill in (1 - images[0], inverted):
        for batch in (None, 1, 2):
            found = asked.masked_scores(images[0], ranks, jobs, fill, batch)
            np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_an_answer_in_onnx_runtime_is_the_same_alone_beside_others_and_with_more_threads(network):
    graph = graph_of(network, 64)
    images = np.random.default_rng(3).random((16, 64, 64), dtype=np.float32)
    together = OnnxForward(graph, 1).scores(images, batch=16)
    for batch, threads in ((1, 1), (3, 1), (8, 2)):
        assert np.array_equal(OnnxForward(graph, threads).scores(images, batch), together)


def test_large_sets_are_taken_in_passes():
    network = Linear(np.zeros((1, 224, 224), np.float32))
    assert TorchForward(network).scores(np.zeros((20, 224, 224), np.float32)).shape == (20, 2)
    assert max(network.sizes) < 20
    assert sum(network.sizes) == 20


def test_a_network_that_is_being_trained_is_not_asked():
    with pytest.raises(ValueError, match="evaluation mode"):
        TorchForward(Linear(weights(1)).train())


class TestWhichRuntime:
    class Source:
        precision = "float32"
        gives_gradients = True

    @pytest.fixture(autouse=True)
    def runtimes(self, monkeypatch):
        monkeypatch.setattr(
            "ct_importance.classifier.forward.onnx_runtime.OnnxForward", lambda *_: "onnx"
        )
        monkeypatch.setattr(
            "ct_importance.classifier.forward.torch_runtime.load_forward", lambda *_: "torch"
        )
        monkeypatch.setattr(runtime, "has_gpu", lambda: False)

    @pytest.fixture
    def graph(self, tmp_path):
        path = tmp_path / "forward.onnx"
        path.write_bytes(b"a graph")
        return path

    def test_onnx_runtime_on_a_cpu(self, graph):
        assert runtime.open_forward(self.Source(), "classifier.pt", graph, 1) == "onnx"

    def test_torch_on_a_gpu(self, graph, monkeypatch):
        monkeypatch.setattr(runtime, "has_gpu", lambda: True)
        assert runtime.open_forward(self.Source(), "classifier.pt", graph, 1) == "torch"

    def test_torch_without_a_graph(self, graph):
        graph.write_bytes(b"")
        assert runtime.open_forward(self.Source(), "classifier.pt", graph, 1) == "torch"

    def test_torch_for_a_precision_that_only_torch_has(self, graph):
        source = self.Source()
        source.precision = "bfloat16"
        assert runtime.open_forward(source, "classifier.pt", graph, 1) == "torch"


def test_a_damaged_graph(tmp_path):
    path = tmp_path / "forward.onnx"
    path.write_bytes(b"no graph")
    with pytest.raises(InputError, match=r"forward\.onnx: ONNX Runtime cannot run it .* run again"):
        OnnxForward(path, 1)


def test_asking_needs_no_torch():
    code = (
        "import sys; import ct_importance.metrics.evaluate, ct_importance.classifier.predictions;"
        "import ct_importance.metrics.catalogue.faithfulness.fidelity;"
        "import ct_importance.classifier.forward.onnx_runtime;"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
