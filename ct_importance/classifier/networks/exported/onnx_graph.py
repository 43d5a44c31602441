"""Reads and checks graphs of ONNX of the user; they are not run, and nothing else is read."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, checker, helper, inliner, numpy_helper

from ct_importance.classifier.networks.exported.shapes import Shape, check_shapes
from ct_importance.classifier.options import InputOptions
from ct_importance.errors import InputError, first_line
from ct_importance.io.paths import StrPath
from ct_importance.io.system_errors import naming

EXPORT = (
    "torch.onnx.export(network.eval(), (torch.rand(2, 1, rows, columns),), file, dynamo=False, "
    'input_names=["images"], dynamic_axes={"images": {0: "batch"}})'
)
LARGEST_FILE = (1 << 31) - 1
"""Bytes that a message of protobuf can have."""
STANDARD = ("", "ai.onnx")
"""Domains of the operators of ONNX itself."""
LOWEST_OPSET = 13
"""Of the operators that make what the network takes of a slice."""
OWN = "ct_importance/"
"""Beginning of names that are added to a graph."""


def read_graph(path: StrPath, taken: Sequence[int], outputs: Sequence[int]) -> onnx.ModelProto:
    """Return the graph in a file of the user, whose local functions are written out.

    Args:
        path: The file.
        taken: Channels, rows and columns of what it will get.
        outputs: How many will do (`ct_importance.classifier.source.Source.outputs`).

    Raises:
        InputError: If it is damaged, needs other files or operators that are none of ONNX, or does
            not map images, any number of them, to logits.
        OSError: If it cannot be read.
    """
    if not Path(path).is_file():
        raise InputError(f"{path}: no such file; `onnx` of a classifier must name a graph of ONNX")
    if os.path.getsize(path) > LARGEST_FILE:
        raise InputError(f"{path}: is larger than 2 GB; give the network by `source: program`")
    with naming(path), open(path, "rb") as file:
        content = file.read()
    try:
        model = onnx.load_model_from_string(content)
        _check_files(path, model)
        checker.check_model(model)
        model = inliner.inline_local_functions(model)
    except InputError:
        raise
    except Exception as error:  # protobuf and ONNX have errors of many kinds
        reason = first_line(error) or type(error).__name__
        raise InputError(
            f"{path}: cannot be read as a graph of ONNX ({reason}); write it with {EXPORT}"
        ) from error
    _check_operators(path, model)
    image, answer = _shapes(path, model)
    check_shapes(path, image, answer, taken, outputs, EXPORT)
    return model


def check_numbers(path: StrPath, model: onnx.ModelProto) -> None:
    """Check that all weights are finite.

    Raises:
        InputError: If one is not.
    """
    for tensor in _tensors(model):
        values = numpy_helper.to_array(tensor)
        if values.dtype.kind == "f" and np.isnan(values).any():
            raise InputError(
                f"{path}: values that are not finite in {tensor.name or 'a constant'}; the "
                "training diverged: take an earlier network"
            )


def taking_slices(
    path: StrPath, model: onnx.ModelProto, options: InputOptions, hu_window: Sequence[float]
) -> onnx.ModelProto:
    """Return a graph that takes slices, as `ct_importance.classifier.networks.input.Adapter` does.

    Args:
        path: Its file, for messages.
        model: Takes what the options say.
        options: What it sees of a slice.
        hu_window: Hounsfield units that are 0 and 1 in slices.

    Raises:
        InputError: If a window reaches beyond that of the slices, or its operators are too old.
    """
    if not options.input:
        return model
    opset = max(it.version for it in model.opset_import if it.domain in STANDARD)
    if opset < LOWEST_OPSET:
        raise InputError(
            f"{path}: is of opset {opset}, and `channels` and the keys beside it need "
            f"{LOWEST_OPSET}; export it with opset_version=17"
        )
    added = _Chain(f"{OWN}slices")
    if options.image_size:
        added.resize(options.image_size)
    windows = options.windows_in(hu_window)
    if windows:
        low, high = np.array(windows).T
        added.apply("Sub", low.reshape(-1, 1, 1))
        added.apply("Div", (high - low).reshape(-1, 1, 1))
        added.apply("Clip", np.array(0.0), np.array(1.0))
    if options.normalize:
        added.apply("Sub", np.array(options.normalize.mean).reshape(-1, 1, 1))
        added.apply("Div", np.array(options.normalize.std).reshape(-1, 1, 1))
    added.apply("Expand", np.array([1, options.number_of_channels, 1, 1]))
    return _in_front(model, added)


def as_one_logit(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a graph with two outputs, (N, 2), as one with a logit: the second less the first."""
    found = onnx.ModelProto()
    found.CopyFrom(model)
    added = _Chain(found.graph.output[0].name)
    added.apply("MatMul", np.array([[-1.0], [1.0]]))
    found.graph.node.extend(added.nodes)
    found.graph.initializer.extend(added.initializers)
    del found.graph.output[:]
    found.graph.output.append(
        helper.make_tensor_value_info(added.last, TensorProto.FLOAT, ["batch", 1])
    )
    return found


class _Chain:
    """Operators, each of which takes what the one before it answers."""

    def __init__(self, first: str) -> None:
        self.first = self.last = first
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []

    def apply(self, operator: str, *values: np.ndarray) -> None:
        """Add an operator, with constants behind what it takes."""
        self._add(operator, [self.last, *(self._constant(it) for it in values)])

    def resize(self, size: Sequence[int]) -> None:
        """Resize images as torch does: bilinear, without smoothing."""
        images = self.last
        self._add("Shape", [images])
        self._add("Slice", [self.last, *(self._constant(np.array([it])) for it in (0, 2))])
        self._add("Concat", [self.last, self._constant(np.array(size))], axis=0)
        self._add(
            *("Resize", [images, "", "", self.last]),
            mode="linear",
            coordinate_transformation_mode="half_pixel",
        )

    def _constant(self, values: np.ndarray) -> str:
        kept = values.astype(np.float32) if values.dtype.kind == "f" else values.astype(np.int64)
        name = f"{OWN}constant_{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(kept, name))
        return name

    def _add(self, operator: str, inputs: Sequence[str], **how: Any) -> None:
        self.last = f"{OWN}{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [self.last], self.last, **how))


def _in_front(model: onnx.ModelProto, added: _Chain) -> onnx.ModelProto:
    found = onnx.ModelProto()
    found.CopyFrom(model)
    graph = found.graph
    [taken] = _inputs(graph)
    added.nodes[-1].output[0] = taken.name
    graph.input.remove(taken)
    sizes: list[str | int | None] = ["batch", 1, None, None]
    graph.input.insert(0, helper.make_tensor_value_info(added.first, TensorProto.FLOAT, sizes))
    nodes = [*added.nodes, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    graph.initializer.extend(added.initializers)
    return found


def _check_files(path: StrPath, model: onnx.ModelProto) -> None:
    if any(tensor.data_location == TensorProto.EXTERNAL for tensor in _tensors(model)):
        raise InputError(
            f"{path}: keeps weights in another file, which is not read; write one file: "
            "onnx.save(onnx.load(file), file)"
        )


def _check_operators(path: StrPath, model: onnx.ModelProto) -> None:
    for node in _nodes(model):
        if node.domain not in STANDARD:
            raise InputError(
                f"{path}: uses {node.domain}.{node.op_type}, an operator that is none of ONNX; "
                "export the network without it, or give it by `source: program` or `factory`"
            )


def _shapes(path: StrPath, model: onnx.ModelProto) -> tuple[Shape, Shape | None]:
    """Return the shapes of what a graph takes and answers; None if it does not say the latter."""
    inputs, outputs = _inputs(model.graph), model.graph.output
    if len(inputs) != 1 or len(outputs) != 1:
        raise InputError(
            f"{path}: takes {len(inputs)} inputs and answers {len(outputs)}; it must map images "
            f"alone to logits alone: {EXPORT}"
        )
    for what, value in (("takes", inputs[0]), ("answers", outputs[0])):
        kind = value.type.tensor_type.elem_type
        if kind != TensorProto.FLOAT:
            name = TensorProto.DataType.Name(kind).lower() if kind else "no tensor"
            raise InputError(f"{path}: {what} {name}, not float32 (float); export it in float32")
    image, answer = (_shape(value) for value in (inputs[0], outputs[0]))
    if answer:
        # Exporters write the size of the example here, also if the graph takes any.
        answer = (None, *answer[1:])
    return image or (), answer


def _shape(value: onnx.ValueInfoProto) -> Shape | None:
    tensor = value.type.tensor_type
    if not tensor.HasField("shape"):
        return None
    return tuple(
        it.dim_value if it.HasField("dim_value") and it.dim_value > 0 else None
        for it in tensor.shape.dim
    )


def _inputs(graph: onnx.GraphProto) -> list[onnx.ValueInfoProto]:
    """Return what a graph takes; old ones count their weights among it."""
    weights = {tensor.name for tensor in graph.initializer}
    return [value for value in graph.input if value.name not in weights]


def _nodes(model: onnx.ModelProto) -> Iterator[onnx.NodeProto]:
    """Yield every operator, also of functions and of graphs inside operators."""
    waiting = [*model.graph.node, *(node for it in model.functions for node in it.node)]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(inner for graph in _inner_graphs(node) for inner in graph.node)


def _inner_graphs(node: onnx.NodeProto) -> list[onnx.GraphProto]:
    return [graph for it in node.attribute for graph in (it.g, *it.graphs)]


def _tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    """Yield every tensor of numbers in a file, wherever it is."""
    nodes = list(_nodes(model))
    found = [it for node in nodes for attribute in node.attribute for it in _given(attribute)]
    for graph in (model.graph, *(inner for node in nodes for inner in _inner_graphs(node))):
        found.extend(graph.initializer)
        found.extend(it for sparse in graph.sparse_initializer for it in _parts(sparse))
    yield from (tensor for tensor in found if tensor.data_type)


def _given(attribute: onnx.AttributeProto) -> list[onnx.TensorProto]:
    sparse = [attribute.sparse_tensor, *attribute.sparse_tensors]
    return [attribute.t, *attribute.tensors, *(it for one in sparse for it in _parts(one))]


def _parts(sparse: onnx.SparseTensorProto) -> list[onnx.TensorProto]:
    return [sparse.values, sparse.indices]
