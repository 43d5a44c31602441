"""Builds the network of a program: a graph of operators of torch, with names of our own.

Names in a file are never made code: torch.fx writes Python out of the names of a graph.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import fx, nn

from ct_importance.classifier.networks.exported.operators import ATEN, is_allowed
from ct_importance.errors import InputError

DTYPES = {
    **{1: torch.uint8, 2: torch.int8, 3: torch.int16, 4: torch.int32, 5: torch.int64},
    **{6: torch.float16, 7: torch.float32, 8: torch.float64, 12: torch.bool, 13: torch.bfloat16},
}
FORMATS = {1: torch.contiguous_format, 2: torch.channels_last, 4: torch.preserve_format}
TABLES: dict[str, dict[int, Any]] = {
    "as_scalar_type": DTYPES,
    "as_layout": {7: torch.strided},
    "as_memory_format": FORMATS,
}
"""By the numbers that `torch._export.serde.schema` gives them."""
METHODS = {
    **{"sym_size.int": "size", "expand.default": "expand", "reshape.default": "reshape"},
    **{"view.default": "reshape", "_unsafe_view.default": "reshape"},
}
"""Called as methods of tensors, through which ONNX follows sizes that depend on the batch. Views
are reshaped: torch.export writes such as hold for contiguous images, not for channels-last."""


def _attention(query: Any, key: Any, value: Any, *others: Any, **keywords: Any) -> Any:
    """Compute attention, for which torch trusts that there is a value for each key."""
    if key.shape[-2] != value.shape[-2]:
        raise ValueError(f"{key.shape[-2]} keys and {value.shape[-2]} values")
    return torch.ops.aten.scaled_dot_product_attention.default(
        query, key, value, *others, **keywords
    )


def _attention_on_cpu(
    query: Any, key: Any, value: Any, dropout: float = 0.0, causal: bool = False, **keywords: Any
) -> Any:
    mask, scale = keywords.get("attn_mask"), keywords.get("scale")
    # What else the operator answers is for its gradient.
    return _attention(query, key, value, mask, dropout, causal, scale=scale), None


def _batch_norm(x: Any, weight: Any, bias: Any, mean: Any, variance: Any, *others: float) -> Any:
    given = (x, weight, bias, mean, variance, False, *others, False)
    return torch.ops.aten.batch_norm.default(*given), None, None


FUNCTIONS = {
    "_adaptive_avg_pool2d.default": torch.ops.aten.adaptive_avg_pool2d.default,
    "_native_batch_norm_legit_no_training.default": _batch_norm,
    "_scaled_dot_product_flash_attention_for_cpu.default": _attention_on_cpu,
    "scaled_dot_product_attention.default": _attention,
}
"""In place of operators that read beyond their tensors where sizes do not fit."""


def build(
    graph: dict[str, Any],
    tensors: Sequence[np.ndarray],
    what: str,
    device: torch.device | str = "cpu",
) -> fx.GraphModule:
    """Return the network, in eval mode, requiring no gradient.

    Args:
        graph: See `ct_importance.classifier.networks.exported.program.Exported`.
        tensors: In the order of the graph.
        what: The network, for messages.
        device: Where it will run.

    Raises:
        InputError: If this torch has no such operator, or not with these arguments.
    """
    try:
        return _Builder(graph, tensors, torch.device(device)).network.eval().to(device)
    except InputError:
        raise
    except Exception as error:  # a graph that lacks what it names
        raise InputError(
            f"{what}: is no whole program ({type(error).__name__}: {error}); export it again"
        ) from error


class _Builder:
    def __init__(
        self, graph: dict[str, Any], tensors: Sequence[np.ndarray], device: torch.device
    ) -> None:
        self._device, self._graph = device, fx.Graph()
        root = nn.Module()
        self._values: dict[str, Any] = {graph["image"]: self._graph.placeholder("x")}
        for number, (name, values) in enumerate(zip(graph["tensors"], tensors, strict=True)):
            root.register_buffer(f"tensor_{number}", torch.from_numpy(values))
            self._values[name] = self._graph.get_attr(f"tensor_{number}")
        for step in graph["steps"]:
            self._add(step)
        self._graph.output(self._values[graph["answer"]])
        self.network = fx.GraphModule(root, self._graph)

    def _add(self, step: dict[str, Any]) -> None:
        given = [(it["name"], it.get("kind"), self._argument(it["arg"])) for it in step["inputs"]]
        arguments = tuple(value for _, kind, value in given if kind != 2)
        keywords = {name: value for name, kind, value in given if kind == 2}
        method = METHODS.get(step["target"].removeprefix(ATEN))
        if method:
            node = self._graph.call_method(method, arguments, keywords)
        else:
            node = self._graph.call_function(_function(step["target"]), arguments, keywords)
        outputs = step["outputs"]
        if len(outputs) == 1 and "as_tensors" not in outputs[0]:
            self._values[_name(outputs[0])] = node
            return
        if len(outputs) == 1:
            outputs = [{"as_tensor": it} for it in outputs[0]["as_tensors"]]
        for number, output in enumerate(outputs):
            item = self._graph.call_function(operator.getitem, (node, number))
            self._values[_name(output)] = item

    def _argument(self, argument: dict[str, Any]) -> Any:
        [(kind, value)] = argument.items()
        if kind == "as_none":
            return None
        if kind == "as_device":
            return self._device
        if isinstance(value, dict):
            return self._named(value)
        if isinstance(value, list):
            return [self._named(it) if isinstance(it, dict) else it for it in value]
        if kind in TABLES:
            return TABLES[kind][value]
        # JSON has no infinities: they come as words.
        return float(value) if kind == "as_float" else value

    def _named(self, value: dict[str, Any]) -> Any:
        """Return what one of `{"name": ..}`, `{"as_name": ..}`, `{"as_int": ..}` stands for."""
        if "name" in value:
            return self._values[value["name"]]
        if "as_name" in value:
            return self._values[value["as_name"]]
        return self._argument(value)


def _name(output: dict[str, Any]) -> str:
    """Return the name of an operator's output; none if it is neither a tensor nor a size."""
    [value] = output.values()
    return str(value.get("name", value.get("as_name"))) if isinstance(value, dict) else ""


def _function(target: str) -> Any:
    if not is_allowed(target):
        raise InputError(f"{target} is not run; delete the classifier's file and run again")
    module, _, name = target.rpartition(".")
    if module == "_operator":
        return getattr(operator, name)
    if module in ("math", "torch"):
        return getattr({"math": math, "torch": torch}[module], name)
    if target.removeprefix(ATEN) in FUNCTIONS:
        return FUNCTIONS[target.removeprefix(ATEN)]
    packet, _, overload = target.removeprefix(ATEN).partition(".")
    return getattr(getattr(torch.ops.aten, packet), overload)
