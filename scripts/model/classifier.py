"""Files of classifiers: written, read, and imported from elsewhere."""

from __future__ import annotations

import io
import os
import pickle
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from scripts.atomic import replacing
from scripts.errors import InputError
from scripts.model.resnet import ResNet50

FORMAT = "ct-importance classifier 1"
SHOWN = 4  # differences an error message lists before it only counts them

StateDict = dict[str, torch.Tensor]


def save_classifier(
    path: str | os.PathLike, network: nn.Module, image_size: int, hu_window: Sequence[float]
) -> None:
    """Write a classifier with the preparation of the images it was trained on, atomically.

    The same weights give the same bytes.

    Args:
        path: File to write.
        network: A `ResNet50` on any device.
        image_size: Rows and columns of its images.
        hu_window: Lowest and highest HU, shown as 0 and 1.
    """
    content = {
        "format": FORMAT,
        "state_dict": {name: _plain(tensor) for name, tensor in network.state_dict().items()},
        "image_size": int(image_size),
        "hu_window": [float(bound) for bound in hu_window],
    }
    # A file name given to torch.save goes into the archive: a buffer keeps the bytes the same.
    buffer = io.BytesIO()
    torch.save(content, buffer)
    with replacing(path) as temporary:
        temporary.write_bytes(buffer.getvalue())


def load_classifier(
    path: str | os.PathLike,
    image_size: int | None = None,
    hu_window: Sequence[float] | None = None,
    device: torch.device | str = "cpu",
) -> nn.Module:
    """Return a classifier that `save_classifier` wrote.

    Args:
        path: The file.
        image_size: Rows and columns of the images it is meant for; None: not checked.
        hu_window: HU window of the images it is meant for; None: not checked.
        device: Where to put it.

    Returns:
        A `ResNet50` in eval mode, whose parameters require no gradient.

    Raises:
        InputError: If the file is missing, is something else, or its images were prepared
            otherwise.
    """
    content = _read(path)
    if content.get("format") != FORMAT:
        raise InputError(
            f"{path}: not a classifier of this workflow (no format {FORMAT!r}); delete the file "
            "to have it made again, or give weights from elsewhere as model.weights"
        )
    _check_preparation(path, content, image_size, hu_window)
    return _network(path, content["state_dict"], device)


def import_weights(
    path: str | os.PathLike,
    image_size: int | None = None,
    hu_window: Sequence[float] | None = None,
    device: torch.device | str = "cpu",
) -> nn.Module:
    """Return the classifier in a file of a user.

    Args:
        path: A file of `save_classifier`, or a checkpoint of a ResNet-50 with torchvision's
            parameter names (MONAI has the same): a state dict, alone or under the key
            ``state_dict`` or ``model``; names may begin with ``module.`` or ``model.``. What
            weights do not show must be as in torchvision: the first convolution has stride 2.
        image_size: As in `load_classifier`; only files of `save_classifier` tell theirs.
        hu_window: Likewise.
        device: Where to put it.

    Returns:
        A `ResNet50` in eval mode, whose parameters require no gradient.

    Raises:
        InputError: If the file is missing, cannot be read, holds another network or values that
            are not finite, or its images were prepared otherwise.
    """
    content = _read(path)
    if content.get("format") == FORMAT:
        _check_preparation(path, content, image_size, hu_window)
    return _network(path, _state_dict(path, content), device)


def fuse_for_inference(network: nn.Module, device: torch.device | str = "cpu") -> nn.Module:
    """Return a faster copy of a network, for forward passes only.

    Each BatchNorm is folded into the convolution before it and the layout is channels-last:
    about twice as fast on a CPU. Logits agree to rounding. Gradients do not: rounding moves
    activations across the kink of a ReLU, which changes pixels of a gradient by up to 3 % of its
    maximum, so importance maps are computed on the network itself.

    Args:
        network: A network in eval mode that torch.fx can trace, such as `ResNet50`.
        device: Where to put the copy.
    """
    traced = fx.symbolic_trace(network)
    modules = dict(traced.named_modules())
    for node in list(traced.graph.nodes):
        if node.op != "call_module" or not isinstance(modules[node.target], nn.BatchNorm2d):
            continue
        source = node.args[0]
        convolution = modules.get(source.target) if source.op == "call_module" else None
        if not isinstance(convolution, nn.Conv2d) or len(source.users) > 1:
            continue
        fused = fuse_conv_bn_eval(convolution, modules[node.target])
        traced.set_submodule(source.target, fused)
        node.replace_all_uses_with(source)
        traced.graph.erase_node(node)
    traced.delete_all_unused_submodules()
    traced.recompile()
    fast = traced.eval().requires_grad_(False)
    return fast.to(device=device, memory_format=torch.channels_last)


def _plain(tensor: torch.Tensor) -> torch.Tensor:
    tensor = tensor.detach().cpu()
    if tensor.is_floating_point():
        tensor = tensor.float()
    return tensor.clone(memory_format=torch.contiguous_format)


def _read(path: str | os.PathLike) -> Mapping[str, Any]:
    if not Path(path).is_file():
        raise InputError(f"{path}: no such file; model.weights must name a checkpoint of torch")
    remedy = "save the weights with torch.save(network.state_dict(), file)"
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        reason = str(error).strip().split("\n")[0][:200]
        raise InputError(
            f"{path}: torch.load(weights_only=True) cannot read it ({reason}); {remedy}"
        ) from error
    if not isinstance(content, Mapping):
        raise InputError(f"{path}: holds a {type(content).__name__}, not weights by name; {remedy}")
    return content


def _check_preparation(
    path: str | os.PathLike,
    content: Mapping[str, Any],
    image_size: int | None,
    hu_window: Sequence[float] | None,
) -> None:
    window = None if hu_window is None else [float(bound) for bound in hu_window]
    for key, wanted in (("image_size", image_size), ("hu_window", window)):
        if wanted is not None and content[key] != wanted:
            raise InputError(
                f"{path}: trained on images of {key} {content[key]}, but the configuration says "
                f"{wanted}; set cohort.{key} to {content[key]}, or train again"
            )


def _state_dict(path: str | os.PathLike, content: Mapping[str, Any]) -> StateDict:
    for key in ("state_dict", "model"):
        if isinstance(content.get(key), Mapping):
            content = content[key]
    state = {
        re.sub(r"^((module|model)\.)+", "", str(name)): value
        for name, value in content.items()
        if isinstance(value, torch.Tensor)
    }
    if not state:
        raise InputError(
            f"{path}: holds no tensors by name (its keys: {_some(content)}); save the weights "
            "with torch.save(network.state_dict(), file)"
        )
    return state


def _network(
    path: str | os.PathLike, state: Mapping[str, torch.Tensor], device: torch.device | str
) -> nn.Module:
    # Built on the CPU although the weights are replaced: torch's meta device would spare 0.3 s of
    # initialisation and cost 2 s of imports.
    network = ResNet50()
    expected = network.state_dict()
    # A count of training batches: without use after training, and missing in old checkpoints.
    counters = {
        name: torch.zeros((), dtype=torch.long)
        for name in expected
        if name.endswith("num_batches_tracked")
    }
    state = counters | {name: _plain(tensor) for name, tensor in state.items()}
    _check_same_network(path, state, expected)
    broken = [name for name, tensor in state.items() if not tensor.sum().isfinite()]
    if broken:
        raise InputError(
            f"{path}: values that are not finite in {_some(broken)}; the training diverged: train "
            "again with a lower learning rate, or take an earlier checkpoint"
        )
    network.load_state_dict(state, assign=True)
    return network.eval().requires_grad_(False).to(device)


def _check_same_network(
    path: str | os.PathLike, state: Mapping[str, torch.Tensor], expected: Mapping[str, torch.Tensor]
) -> None:
    shapes = [
        f"{name} is {tuple(state[name].shape)}, expected {tuple(tensor.shape)}"
        for name, tensor in expected.items()
        if name in state and state[name].shape != tensor.shape
    ]
    missing = [name for name in expected if name not in state]
    extra = [name for name in state if name not in expected]
    if not (shapes or missing or extra):
        return
    found = [f"shapes: {_some(shapes, '; ')}"] if shapes else []
    found += [f"missing: {_some(missing)}"] if missing else []
    found += [f"unexpected: {_some(extra)}"] if extra else []
    raise InputError(
        f"{path}: not a ResNet-50 with one input channel and one output neuron. "
        f"{'. '.join(found)}. {_remedy(state, missing, extra)}"
    )


def _remedy(state: Mapping[str, torch.Tensor], missing: list[str], extra: list[str]) -> str:
    if extra and not missing and all(name.endswith("downsample.0.bias") for name in extra):
        return "This is MONAI's default ResNet-50: train it with bias_downsample=False"
    if missing or extra:
        return "Only ResNet-50 with torchvision's parameter names can be used"
    advice = []
    if state["conv1.weight"].shape[1] != 1:
        advice.append(
            "If the channels were copies of one grey image, sum conv1.weight over them: "
            "weight.sum(1, keepdim=True)"
        )
    if state["fc.weight"].shape[0] == 2:
        advice.append(
            "Two softmax outputs make one logit: subtract row 0 of fc.weight and fc.bias from row 1"
        )
    return ". ".join(advice) or "Train the network with one output neuron for this task"


def _some(names: Any, separator: str = ", ") -> str:
    names = [str(name) for name in names]
    rest = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return separator.join(names[:SHOWN]) + rest
