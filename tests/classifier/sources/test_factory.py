import pickle

import numpy as np
import pydantic
import pytest
import torch
from torch import nn

from ct_importance.classifier.forward.torch_runtime import TorchForward
from ct_importance.classifier.networks.folding import fold_batch_norm
from ct_importance.classifier.sources.factory import Factory
from ct_importance.cohort.options import ExtractionOptions
from ct_importance.errors import InputError
from ct_importance.saliency.differentiating import ExplainedScores
from tests.classifier.networks.files import write_safetensors

SMALL = ExtractionOptions(image_size=32)
CODE = """
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

OUTPUTS = 1


@dataclass
class Size:
    width: int = 4


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        width = Size().width
        self.model = nn.Conv2d(1, width, 3, padding=1)
        self.norm = nn.BatchNorm2d(width)
        self.last = nn.Linear(width * 64, OUTPUTS)

    def forward(self, x):
        x = F.relu(self.norm(self.model(x)))
        return self.last(F.max_pool2d(x, 4).flatten(1))


def build():
    return Net()
"""


@pytest.fixture
def network():
    """The network of CODE."""
    names = {"__name__": "test"}
    with torch.random.fork_rng():
        torch.manual_seed(3)
        exec(CODE.replace("@dataclass", ""), names)
        found = names["build"]()
        found.norm.running_mean.normal_()
        found.norm.running_var.uniform_(0.5, 2)
    return found.eval().requires_grad_(False)


@pytest.fixture
def source(tmp_path, network):
    (tmp_path / "net.py").write_text(CODE)
    torch.save(network.state_dict(), tmp_path / "weights.pt")
    return Factory(factory=f"{tmp_path}/net.py:build", weights=f"{tmp_path}/weights.pt")


def taken_over(source, tmp_path):
    source.check(SMALL)
    source.take_over(SMALL, tmp_path / "classifier.pt")
    return source.load(tmp_path / "classifier.pt")


def test_the_network_of_the_user_is_taken_over(source, network, tmp_path):
    found = taken_over(source, tmp_path)
    images = torch.rand(2, 1, 32, 32)
    assert torch.equal(found.network(images), network(images))
    assert not found.network.training
    assert not any(parameter.requires_grad for parameter in found.network.parameters())
    assert not source.is_trained_here
    assert source.files() == {
        "factory": f"{tmp_path}/net.py",
        "weights": f"{tmp_path}/weights.pt",
    }


@pytest.mark.parametrize("prefix", ["", "module."])
def test_weights_as_safetensors(source, network, tmp_path, prefix):
    state = {prefix + name: tensor for name, tensor in network.state_dict().items()}
    file = write_safetensors(tmp_path / "mine.safetensors", state)
    found = taken_over(source.model_copy(update={"weights": str(file)}), tmp_path)
    images = torch.rand(2, 1, 32, 32)
    assert torch.equal(found.network(images), network(images))


def test_two_outputs_are_read_as_one_logit(source, network, tmp_path):
    """Logit z, and the same network with outputs (-z/2, z/2)."""
    one = taken_over(source, tmp_path)
    state = network.state_dict()
    for name in ("last.weight", "last.bias"):
        state[name] = torch.cat([-state[name] / 2, state[name] / 2])
    (tmp_path / "two.py").write_text(CODE.replace("OUTPUTS = 1", "OUTPUTS = 2"))
    torch.save(state, tmp_path / "two.pt")
    two = taken_over(
        Factory(factory=f"{tmp_path}/two.py:build", weights=f"{tmp_path}/two.pt"), tmp_path
    )
    images = torch.rand(3, 1, 32, 32)

    torch.testing.assert_close(two.network(images), one.network(images))
    torch.testing.assert_close(two.scores(images), one.scores(images))
    gradients = []
    for classifier in (one, two):
        x = images.clone().requires_grad_()
        ExplainedScores(classifier)(x)[:, 1].sum().backward()
        gradients.append(x.grad)
    torch.testing.assert_close(*gradients)
    fast = [fold_batch_norm(classifier.network) for classifier in (one, two)]
    answers = [TorchForward(it).scores(images[:, 0].numpy())[:, 1] for it in fast]
    np.testing.assert_allclose(*answers, rtol=1e-5, atol=1e-6)


def test_what_it_sees_is_put_in_front(source, network, tmp_path):
    code = CODE.replace("nn.Conv2d(1,", "nn.Conv2d(3,").replace("OUTPUTS = 1", "OUTPUTS = 2")
    (tmp_path / "net.py").write_text(code)
    state = network.state_dict()
    state["model.weight"] = torch.rand(4, 3, 3, 3)
    state |= {name: torch.cat([state[name]] * 2) for name in ("last.weight", "last.bias")}
    state["last.bias"][1] += 1
    torch.save(state, tmp_path / "weights.pt")
    with pytest.raises(InputError, match=r"build: cannot be applied to slices.*`channels`"):
        source.take_over(SMALL, tmp_path / "classifier.pt")

    seen = source.model_copy(update={"channels": 3, "image_size": (32, 32)})
    found = taken_over(seen, tmp_path)

    torch.testing.assert_close(found.network(torch.rand(2, 1, 48, 40)), torch.ones(2, 1))
    assert torch.equal(found.layer("model").weight, state["model.weight"])
    with pytest.raises(InputError, match=r"\"input\": .*; delete this file and run again"):
        source.load(tmp_path / "classifier.pt")


@pytest.mark.parametrize("head", ["softmax", "multilabel"])
def test_an_output_per_class(source, network, tmp_path, head):
    state = network.state_dict()
    for name in ("last.weight", "last.bias"):
        state[name] = torch.cat([state[name], -state[name], 2 * state[name]])
    torch.save(state, tmp_path / "weights.pt")
    (tmp_path / "net.py").write_text(CODE.replace("OUTPUTS = 1", "OUTPUTS = 3"))
    three = source.model_copy(update={"classes": 3, "head": head})
    found = taken_over(three, tmp_path)
    images = torch.rand(3, 1, 32, 32)
    logit = network(images)
    torch.testing.assert_close(found.scores(images), torch.cat([logit, -logit, 2 * logit], dim=1))
    assert found.head == head
    for classes in (2, 4):
        other = source.model_copy(update={"classes": classes})
        with pytest.raises(
            InputError, match=r"shape \(3, 3\), expected .*: the logits of a task of"
        ):
            other.take_over(SMALL, tmp_path / "classifier.pt")


def test_the_function_must_not_change_meanwhile(source, tmp_path):
    taken_over(source, tmp_path)
    (tmp_path / "net.py").write_text(CODE + "\n# changed\n")
    with pytest.raises(InputError, match=r"net\.py: has changed since .*; run again"):
        source.load(tmp_path / "classifier.pt")


def test_neither_the_code_nor_a_pickle_runs_before_the_run(source, tmp_path):
    class Trap:
        def __reduce__(self):
            return open, (str(tmp_path / "trapped"), "w")

    torch.save({"state_dict": {"last.bias": torch.ones(1)}, "trap": Trap()}, tmp_path / "trap.pt")
    (tmp_path / "net.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n" + CODE)
    trapped = source.model_copy(update={"weights": str(tmp_path / "trap.pt")})

    trapped.check(SMALL)
    assert not (tmp_path / "ran").exists()
    with pytest.raises(InputError, match=r"not the weights of .*net\.py:build\. missing:"):
        trapped.take_over(SMALL, tmp_path / "classifier.pt")
    assert (tmp_path / "ran").exists()
    assert not (tmp_path / "trapped").exists()


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import torch.nowhere", r"net\.py: raises ModuleNotFoundError: .*nowhere' \(line 1\)"),
        ("import sys\nsys.exit(3)", r"net\.py: raises SystemExit: 3 \(line 2\)"),
        ("def other(): pass", r"net\.py: defines no function build"),
        ("build = 3", r"net\.py: defines no function build"),
        ("def build():\n    raise KeyError('x')", r"build raises KeyError: 'x' \(line 2\); it is"),
        ("def build(width): pass", r"net\.py:build raises TypeError: .*width.*; it is called with"),
        ("def build(): return {}", r"net\.py:build returns a dict; return a torch\.nn\.Module"),
        (CODE.replace("OUTPUTS = 1", "OUTPUTS = 5"), r"last\.weight is \(1, 256\), expected \(5"),
        (CODE.replace("return self.last(", "return None, ("), r"net\.py:build: answers with a tup"),
        (CODE.replace("return self.last(", "return ("), r"shape \(3, 256\), expected \(3, 1\) or"),
        (CODE.replace("return self.last(", "return 1 / 0 * ("), r"applied to slices.*ZeroDivision"),
        (CODE.replace("return self.last(", "return torch.nan * self.last("), "are not finite"),
        (CODE.replace("F.relu(", "F.dropout("), "nothing may be random"),
    ],
)
def test_functions_that_cannot_be_used(source, tmp_path, code, message):
    (tmp_path / "net.py").write_text(code)
    source.check(SMALL)
    with pytest.raises(InputError, match=message) as caught:
        source.take_over(SMALL, tmp_path / "classifier.pt")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "classifier.pt").exists()


def test_a_network_that_wants_volumes(source, tmp_path):
    network = nn.Sequential(nn.Conv3d(1, 1, 3))
    (tmp_path / "net.py").write_text(
        "from torch import nn\ndef build(): return nn.Sequential(nn.Conv3d(1, 1, 3))"
    )
    torch.save(network.state_dict(), tmp_path / "weights.pt")
    with pytest.raises(InputError, match=r"net\.py:build: wants 3-D images"):
        source.take_over(SMALL, tmp_path / "classifier.pt")


def test_what_is_no_python_or_no_weights_is_told_before_the_run(source, tmp_path):
    (tmp_path / "net.py").write_text("def build(:\n")
    with pytest.raises(InputError, match=r"net\.py: is no Python: .*\(line 1\)"):
        source.check(SMALL)
    (tmp_path / "net.py").write_text(CODE)
    (tmp_path / "weights.pt").write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(InputError, match=r"weights\.pt: cannot be read as a file of torch\.save"):
        source.check(SMALL)


@pytest.mark.parametrize("factory", ["net.py", "net:build", "net.py:", ":build", "net.py:a b"])
def test_a_factory_is_a_file_and_a_function(factory):
    with pytest.raises(pydantic.ValidationError, match="factory"):
        Factory(factory=factory, weights="weights.pt")
