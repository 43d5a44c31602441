import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pydantic
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from ct_importance.classifier.forward.runtime import open_forward
from ct_importance.classifier.networks.input import Adapter
from ct_importance.classifier.sources.onnx import Onnx
from ct_importance.cohort.options import ExtractionOptions
from ct_importance.errors import InputError
from tests.classifier.networks.exported.programs import SIZE, small
from tests.classifier.networks.functions import Of, mean

PROJECT = Path(__file__).parents[3]
# The exporter that writes what the workflow itself writes; its notices are not the user's.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:torch|tests")
SLICES = ExtractionOptions(image_size=SIZE)
IMAGES = torch.rand(3, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(2))


def write_graph(path, network, example=None, batch=True, **how):
    """Export a network as users are told to."""
    example = torch.rand(2, 1, SIZE, SIZE) if example is None else example
    axes = {"dynamic_axes": {"images": {0: "batch"}}} if batch else {}
    how |= {"dynamo": False, "input_names": ["images"], **axes}
    torch.onnx.export(network.eval(), (example,), str(path), **how)
    return path


def taken_over(file, preparation=SLICES, **keys):
    source = Onnx(onnx=str(file), **keys)
    classifier = file.parent / "classifier.pt"
    source.check(preparation)
    source.take_over(preparation, classifier)
    file.unlink()  # it is not needed any more
    return source, classifier


def scores_of(source, classifier):
    """What predictions and metrics get."""
    graph = classifier.with_name("forward.onnx")
    graph.write_bytes(source.graph(classifier, SIZE))
    return torch.from_numpy(open_forward(source, classifier, graph, 1).scores(IMAGES[:, 0].numpy()))


def test_graphs_answer_as_networks_do(tmp_path):
    network = small()
    source, classifier = taken_over(write_graph(tmp_path / "net.onnx", network))
    wanted = network(IMAGES)
    torch.testing.assert_close(scores_of(source, classifier)[:, 1:], wanted)
    found = source.load(classifier)
    torch.testing.assert_close(found.network(IMAGES), wanted)
    torch.testing.assert_close(found.scores(IMAGES), torch.cat([-wanted, wanted], dim=1))
    assert not source.gives_gradients
    assert not source.is_trained_here
    assert Onnx(onnx="net.onnx").files() == {"onnx": "net.onnx"}


def test_two_outputs_are_one_logit(tmp_path):
    network = small(outputs=2)
    source, classifier = taken_over(write_graph(tmp_path / "net.onnx", network))
    logits = network(IMAGES)
    wanted = logits[:, 1:] - logits[:, :1]
    torch.testing.assert_close(scores_of(source, classifier)[:, 1:], wanted)
    torch.testing.assert_close(source.load(classifier).network(IMAGES), wanted)


@pytest.mark.parametrize("keys", [{"classes": 3}, {"classes": 2, "head": "multilabel"}])
def test_a_class_each(keys, tmp_path):
    network = small(outputs=keys["classes"])
    source, classifier = taken_over(write_graph(tmp_path / "net.onnx", network), **keys)
    torch.testing.assert_close(scores_of(source, classifier), network(IMAGES))
    torch.testing.assert_close(source.load(classifier).scores(IMAGES), network(IMAGES))


SEEN = {
    "copies": {"channels": 3},
    "windows": {"windows": [[-1000, 400], [-160, 240], [-1000, -300]]},
    "one window": {"windows": [[-160, 240]]},
    "normalised": {"channels": 3, "normalize": {"mean": 0.5, "std": [0.2, 0.3, 0.4]}},
    "one channel, normalised": {"normalize": {"mean": 0.4, "std": 0.2}},
    "another size": {"image_size": [21, 45]},
    "all": {
        "windows": [[-1000, 400], [-160, 240], [-1000, -300]],
        "normalize": {"mean": [0.4, 0.5, 0.6], "std": 0.3},
        "image_size": [20, 28],
    },
}


@pytest.mark.parametrize("seen", SEEN)
def test_what_the_graph_sees_of_a_slice(seen, tmp_path):
    """The adapter of torch, in front of what the graph was made of."""
    keys = SEEN[seen]
    source = Onnx(onnx="net.onnx", **keys)
    channels, rows, columns = source.taken(SIZE)
    last = nn.Linear(2 * (rows - 2) * (columns - 2), 1)
    network = nn.Sequential(nn.Conv2d(channels, 2, 3), nn.ReLU(), nn.Flatten(), last).eval()
    file = write_graph(tmp_path / "net.onnx", network, torch.rand(2, channels, rows, columns))
    adapter = Adapter(source, SLICES.hu_window)

    found = scores_of(*taken_over(file, **keys))

    wanted = network(adapter(IMAGES))
    torch.testing.assert_close(found[:, 1:], wanted, rtol=1e-5, atol=1e-5)
    assert not torch.allclose(network(adapter(IMAGES.flip(-1))), wanted, atol=1e-3)


def edited(path, change):
    model = onnx.load(path)
    change(model)
    onnx.save(model, path)
    return path


UNFIT = {
    "one image": (mean, {"example": torch.rand(1, 1, SIZE, SIZE), "batch": False},
        r"for batches of 1 alone; export it for batches of any size: torch\.onnx\.export\("),
    "another size": (mean, {"example": torch.rand(2, 1, 16, 16)},
        r"exported for images \(N, 1, 16, 16\), but gets \(N, 1, 32, 32\); export it for these"),
    "three channels": (mean, {"example": torch.rand(2, 3, SIZE, SIZE)},
        r"exported for images \(N, 3, 32, 32\), but gets .* set `channels` and `image_size`"),
    "volumes": (lambda x: x.mean(dim=(1, 2, 3, 4))[:, None],
        {"example": torch.rand(2, 1, 4, SIZE, SIZE)},
        r"wants 3-D images; slices are 2-D: \(N, 1, 32, 32\)"),
    "features": (lambda x: x.mean(dim=(1, 2)), {"example": torch.rand(2, SIZE, SIZE)},
        r"takes images \(N, 32, 32\); it will get \(N, 1, 32, 32\)"),
    "five outputs": (lambda x: mean(x).repeat(1, 5), {},
        r"with the shape \(N, 5\), expected \(N, 1\) or \(N, 2\): the logits of a task of two"),
    "two answers": (lambda x: (mean(x), x), {}, r"takes 1 inputs and answers 2; it must map"),
    "another type": (lambda x: mean(x.double()), {}, r"answers double, not float32 \(float\)"),
}  # fmt: skip


@pytest.mark.parametrize("kind", UNFIT)
def test_graphs_that_do_not_fit_are_refused_before_the_run(kind, tmp_path):
    answer, how, message = UNFIT[kind]
    file = write_graph(tmp_path / "net.onnx", Of(answer), **how)
    with pytest.raises(InputError, match=message) as caught:
        Onnx(onnx=str(file)).check(SLICES)
    assert "\n" not in str(caught.value)


def custom(model):
    model.graph.node[0].domain = "my.own"
    model.opset_import.append(helper.make_opsetid("my.own", 1))


def custom_inside(model):
    """The operator is in a branch of an If."""
    inner = helper.make_node("Secret", [], ["secret"], domain="my.own")
    info = helper.make_tensor_value_info("secret", TensorProto.FLOAT, [1])
    branch = helper.make_graph([inner], "branch", [], [info])
    model.graph.initializer.append(numpy_helper.from_array(np.array(True), "yes"))
    node = helper.make_node("If", ["yes"], ["unused"], then_branch=branch, else_branch=branch)
    model.graph.node.append(node)
    model.opset_import.append(helper.make_opsetid("my.own", 1))


def external(model):
    tensor = model.graph.initializer[0]
    tensor.data_location = TensorProto.EXTERNAL
    tensor.ClearField("raw_data")
    tensor.external_data.add(key="location", value="../../etc/passwd")


def external_constant(model):
    tensor = TensorProto(data_type=TensorProto.FLOAT, dims=[1], name="value")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
    model.graph.node.append(helper.make_node("Constant", [], ["unused"], value=tensor))


DAMAGED = {
    "a custom operator": (custom, r"uses my\.own\.Conv, an operator that is none of ONNX; export"),
    "a custom operator inside": (custom_inside, r"uses my\.own\.Secret, an operator that is none"),
    "weights elsewhere": (external, r"keeps weights in another file, .*; write one file: onnx\.s"),
    "a constant elsewhere": (external_constant, r"keeps weights in another file, which is not"),
    "an unknown operator": (
        lambda model: model.graph.node[0].MergeFrom(onnx.NodeProto(op_type="Nothing")),
        r"cannot be read as a graph of ONNX \(.*Nothing.*\); write it with torch\.onnx\.export",
    ),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_graphs_that_cannot_be_used(kind, tmp_path):
    change, message = DAMAGED[kind]
    file = edited(write_graph(tmp_path / "net.onnx", small()), change)
    with pytest.raises(InputError, match=message) as caught:
        Onnx(onnx=str(file)).check(SLICES)
    assert "\n" not in str(caught.value)


def test_files_that_are_no_graphs(tmp_path):
    file = tmp_path / "net.onnx"
    with pytest.raises(InputError, match=r"no such file; `onnx` of a classifier must name a graph"):
        Onnx(onnx=str(file)).check(SLICES)
    for content in (b"", b"no graph", b"\x80\x02}q\x00."):
        file.write_bytes(content)
        with pytest.raises(InputError, match=r"cannot be read as a graph of ONNX \(.*export\("):
            Onnx(onnx=str(file)).check(SLICES)


def test_functions_of_the_file_are_operators_of_onnx(tmp_path):
    file = write_graph(tmp_path / "net.onnx", small())

    def wrap(model):
        inner = helper.make_node("Relu", ["x"], ["y"])
        opsets = list(model.opset_import)
        model.functions.append(
            helper.make_function("local", "Layer", ["x"], ["y"], [inner], opsets)
        )
        [relu] = [node for node in model.graph.node if node.op_type == "Relu"]
        relu.op_type, relu.domain = "Layer", "local"
        model.opset_import.append(helper.make_opsetid("local", 1))

    source, classifier = taken_over(edited(file, wrap))
    torch.testing.assert_close(scores_of(source, classifier)[:, 1:], small()(IMAGES))


def fixed_inside(x):
    return mean(x).reshape(2, 1)


UNUSABLE = {
    "not finite": (lambda x: mean(x) / 0 * 0, {}, "answers to black, white and noise are not fini"),
    "of the whole batch": (lambda x: mean(x) - x.std(), {}, "differently alone and beside others"),
    "a batch of two": (fixed_inside, {}, r"cannot be applied to slices, .* any number of images"),
    "no column": (lambda x: mean(x)[:, 0], {}, r"shape \(N\), expected \(N, 1\) or"),
}


@pytest.mark.parametrize("kind", UNUSABLE)
def test_graphs_whose_answers_do_not_fit(kind, tmp_path):
    answer, how, message = UNUSABLE[kind]
    file = write_graph(tmp_path / "net.onnx", Of(answer), **how)
    source = Onnx(onnx=str(file))
    with pytest.raises(InputError, match=message) as caught:
        source.take_over(SLICES, tmp_path / "classifier.pt")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "classifier.pt").exists()


def test_weights_that_are_not_finite(tmp_path):
    network = small()
    network.last.bias.fill_(torch.nan)
    source = Onnx(onnx=str(write_graph(tmp_path / "net.onnx", network)))
    with pytest.raises(InputError, match=r"not finite in .*; the training diverged"):
        source.take_over(SLICES, tmp_path / "classifier.pt")


def test_old_operators_and_windows_beyond_the_slices(tmp_path):
    file = write_graph(tmp_path / "net.onnx", Of(mean))
    beyond = Onnx(onnx=str(file), windows=[[-1000, 9000]])
    with pytest.raises(InputError, match=r"windows: .* reaches beyond cohort\.hu_window"):
        beyond.take_over(SLICES, tmp_path / "classifier.pt")
    write_graph(file, Of(mean), opset_version=11)
    old = Onnx(onnx=str(file), normalize={"mean": 0.5, "std": 0.5})
    with pytest.raises(InputError, match=r"opset 11, .* need 13; export it with opset_version=17"):
        old.take_over(SLICES, tmp_path / "classifier.pt")


def test_precision_is_that_of_the_graph():
    with pytest.raises(pydantic.ValidationError, match="precision: a graph of ONNX is computed"):
        Onnx(onnx="net.onnx", precision="bfloat16")


def test_it_is_checked_and_asked_without_torch(tmp_path):
    file = write_graph(tmp_path / "net.onnx", small())
    source = Onnx(onnx=str(file))
    source.take_over(SLICES, tmp_path / "classifier.pt")
    code = f"""
import sys
import numpy as np
from ct_importance.classifier.forward.runtime import open_forward
from ct_importance.classifier.sources.onnx import Onnx
from ct_importance.cohort.options import ExtractionOptions
source, classifier = Onnx(onnx={str(file)!r}), {str(tmp_path / "classifier.pt")!r}
source.check(ExtractionOptions(image_size={SIZE}))
open({str(tmp_path / "forward.onnx")!r}, "wb").write(source.graph(classifier, {SIZE}))
forward = open_forward(source, classifier, {str(tmp_path / "forward.onnx")!r}, 1)
forward.scores(np.zeros((2, {SIZE}, {SIZE}), np.float32))
sys.exit("torch" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], cwd=PROJECT).returncode == 0
