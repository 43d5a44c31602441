import errno
import logging

import numpy as np
import pytest
import torch
from torch import nn

from ct_importance.classifier.forward.export import TOLERANCE, graph_of, largest_difference
from ct_importance.classifier.forward.onnx_runtime import OnnxForward
from ct_importance.classifier.forward.torch_runtime import TorchForward


def test_the_graph_of_the_paper_s_network_answers_as_the_network(network, images):
    graph = graph_of(network, 64)
    found = OnnxForward(graph, 1).scores(images)
    np.testing.assert_allclose(found, TorchForward(network).scores(images), rtol=1e-4)
    assert largest_difference(network, graph, 64) < TOLERANCE


def test_the_same_weights_give_the_same_bytes(network):
    assert graph_of(network, 64) == graph_of(network, 64)


def test_a_graph_of_another_network_is_noticed(network):
    class Twice(nn.Module):
        def forward(self, x):
            return 2 * network(x)

    assert largest_difference(Twice().eval(), graph_of(network, 64), 64) > TOLERANCE


def test_a_network_that_asks_what_is_in_an_image_has_no_graph(caplog):
    class Asking(nn.Module):
        def forward(self, x):
            total = x.sum((1, 2, 3))[:, None]
            return total if total.max() > 3000 else -total

    with caplog.at_level(logging.WARNING):
        assert graph_of(Asking().eval(), 64) == b""
    assert "asked through torch: as a graph of ONNX its answers would differ" in caplog.text


def test_a_network_that_onnx_cannot_say_has_no_graph(caplog):
    class Sorting(nn.Module):
        def forward(self, x):
            return torch.linalg.svdvals(x[:, 0])[:, :1]

    with caplog.at_level(logging.WARNING):
        assert graph_of(Sorting().eval(), 64) == b""
    assert "asked through torch: ONNX cannot say the network" in caplog.text


def test_what_the_machine_refuses_says_nothing_of_the_network(network, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(torch.onnx, "export", full)
    with pytest.raises(OSError, match="No space left"):
        graph_of(network, 64)
