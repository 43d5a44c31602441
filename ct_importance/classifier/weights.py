"""Checks a file of ResNet-50 weights without torch, before a run begins."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ct_importance.classifier.checkpoint import SAVE, StoredTensor, read_checkpoint
from ct_importance.errors import InputError
from ct_importance.io.paths import StrPath

FORMAT = "ct-importance classifier 1"
SHOWN = 4  # differences an error message lists before it only counts them
COUNTER = "num_batches_tracked"
NUMBERS = ("Float", "Double", "Half", "BFloat16")
NAMES = {"Char": "int8", "Byte": "uint8", "Bool": "bool", "Long": "int64", "Int": "int32"}
NAMES |= {"ComplexFloat": "complex64", "ComplexDouble": "complex128", "Short": "int16"}
"""Of storages, as users know them."""


def read_weights(
    path: StrPath,
    image_size: int | None = None,
    hu_window: Sequence[float] | None = None,
    own: bool = False,
) -> dict[str, np.ndarray]:
    """Return the weights in a file by torchvision's names, float32; counters int64.

    Args:
        path: A checkpoint (`ct_importance.classifier.store.import_weights`).
        image_size: As in `import_weights`.
        hu_window: Likewise.
        own: Whether only a file of `save_classifier` will do.

    Raises:
        InputError: If the weights cannot be used, with the reason and the remedy.
    """
    if not Path(path).is_file():
        raise InputError(
            f"{path}: no such file; `weights` of a classifier must name a checkpoint of torch"
        )
    content = read_checkpoint(path, "delete this file and run again" if own else SAVE)
    if content.get("format") == FORMAT:
        _check_preparation(path, content, image_size, hu_window)
    elif own:
        raise InputError(
            f"{path}: not a classifier of this workflow (no format {FORMAT!r}); delete the file "
            "to have it made again, or give weights from elsewhere as `weights` of a classifier"
        )
    state = _state_dict(path, content)
    expected = resnet50_shapes()
    _check_same_network(path, state, expected)
    _check_kinds(path, state)
    weights = {name: state[name].read() for name in expected if name in state}
    _check_values(path, weights)
    # A count of training batches: without use after training, and missing in old checkpoints.
    counters = {name: np.zeros((), np.int64) for name in expected if name.endswith(COUNTER)}
    return counters | weights


def resnet50_shapes() -> dict[str, tuple[int, ...]]:
    """Return the shapes of the parameters and buffers of `ResNet50` by name."""
    shapes: dict[str, tuple[int, ...]] = {"conv1.weight": (64, 1, 7, 7), **_norm("bn1", 64)}
    channels = 64
    for layer, (blocks, width) in enumerate(((3, 64), (4, 128), (6, 256), (3, 512)), 1):
        for block in range(blocks):
            start, last = f"layer{layer}.{block}.", 4 * width
            convolutions = [(width, channels, 1, 1), (width, width, 3, 3), (last, width, 1, 1)]
            for number, shape in enumerate(convolutions, 1):
                shapes[f"{start}conv{number}.weight"] = shape
                shapes |= _norm(f"{start}bn{number}", shape[0])
            if block == 0:
                shapes[f"{start}downsample.0.weight"] = (last, channels, 1, 1)
                shapes |= _norm(f"{start}downsample.1", last)
            channels = last
    return shapes | {"fc.weight": (1, channels), "fc.bias": (1,)}


def _norm(name: str, channels: int) -> dict[str, tuple[int, ...]]:
    names = ("weight", "bias", "running_mean", "running_var")
    return {f"{name}.{it}": (channels,) for it in names} | {f"{name}.{COUNTER}": ()}


def _check_preparation(
    path: StrPath,
    content: Mapping[str, Any],
    image_size: int | None,
    hu_window: Sequence[float] | None,
) -> None:
    window = None if hu_window is None else [float(bound) for bound in hu_window]
    for key, wanted in (("image_size", image_size), ("hu_window", window)):
        if key not in content:
            raise InputError(f"{path}: lacks {key!r}: delete this file and run again")
        if wanted is not None and content[key] != wanted:
            raise InputError(
                f"{path}: trained on images of {key} {content[key]}, but the configuration says "
                f"{wanted}; set cohort.{key} to {content[key]}, or train again"
            )


def _state_dict(path: StrPath, content: Mapping[str, Any]) -> dict[str, StoredTensor]:
    for key in ("state_dict", "model"):
        if isinstance(content.get(key), Mapping):
            content = content[key]
    tensors = [(name, value) for name, value in content.items() if isinstance(value, StoredTensor)]
    state = {re.sub(r"^((module|model)\.)+", "", str(name)): value for name, value in tensors}
    if not state:
        raise InputError(f"{path}: holds no tensors by name (its keys: {_some(content)}); {SAVE}")
    if len(state) < len(tensors):
        raise InputError(f"{path}: names come twice, with and without a prefix; keep one network")
    return state


def _check_same_network(
    path: StrPath,
    state: Mapping[str, StoredTensor],
    expected: Mapping[str, tuple[int, ...]],
) -> None:
    shapes = [
        f"{name} is {state[name].shape}, expected {shape}"
        for name, shape in expected.items()
        if name in state and state[name].storage is not None and state[name].shape != shape
    ]
    missing = [name for name in expected if name not in state and not name.endswith(COUNTER)]
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


def _remedy(state: Mapping[str, StoredTensor], missing: list[str], extra: list[str]) -> str:
    if extra and not missing and all(name.endswith("downsample.0.bias") for name in extra):
        return "This is MONAI's default ResNet-50: train it with bias_downsample=False"
    if missing or extra:
        return "Only ResNet-50 with torchvision's parameter names can be used"
    advice = []
    if state["conv1.weight"].shape[1:2] == (3,):
        # A mean would have to be subtracted inside of the image only, not from its zero padding.
        advice.append(
            "If the channels were copies of one image in [0, 1], the HU window, and nothing was "
            "done to them after that (no mean subtracted, no division by a standard deviation), "
            "sum conv1.weight over them: weight.sum(1, keepdim=True). Otherwise train the network "
            "with one channel in [0, 1]: its weights cannot be converted"
        )
    if state["fc.weight"].shape[:1] == (2,):
        advice.append(
            "Two softmax outputs make one logit: subtract row 0 of fc.weight and fc.bias from row 1"
        )
    return ". ".join(advice) or "Train the network with one output neuron for this task"


def _check_kinds(path: StrPath, state: Mapping[str, StoredTensor]) -> None:
    wrong = [
        f"{name} is {NAMES.get(tensor.kind, tensor.kind)}"
        for name, tensor in state.items()
        if tensor.kind not in (("Long",) if name.endswith(COUNTER) else NUMBERS)
    ]
    if wrong:
        raise InputError(
            f"{path}: not plain floating-point numbers: {_some(wrong)}; save the weights of the "
            "network as it was trained, dense and in float32"
        )


def _check_values(path: StrPath, weights: Mapping[str, np.ndarray]) -> None:
    broken = [name for name, values in weights.items() if not np.isfinite(values).all()]
    if broken:
        raise InputError(
            f"{path}: values that are not finite in {_some(broken)}; the training diverged: train "
            "again with a lower learning rate, or take an earlier checkpoint"
        )
    negative = [
        name
        for name, values in weights.items()
        if name.endswith("running_var") and values.min() < 0
    ]
    if negative:
        raise InputError(
            f"{path}: a variance below 0 in {_some(negative)}: damaged, or not what its names "
            "say; take another checkpoint"
        )
    if not weights["conv1.weight"].any():
        raise InputError(
            f"{path}: conv1.weight is 0 throughout: every image would get the same answer; "
            "take the weights of a trained network"
        )


def _some(names: Collection[Any], separator: str = ", ") -> str:
    names = [str(name) for name in names]
    rest = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return separator.join(names[:SHOWN]) + rest
