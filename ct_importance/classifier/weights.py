"""Checks a file of ResNet-50 weights without torch, before a run begins."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ct_importance.classifier.networks.state import (
    COUNTER,
    Made,
    State,
    differences,
    in_words,
    read_state,
    read_values,
    without_prefixes,
)
from ct_importance.errors import InputError
from ct_importance.io.paths import StrPath


def read_weights(
    path: StrPath,
    image_size: int | None = None,
    hu_window: Sequence[float] | None = None,
    own: bool = False,
    made: Made | None = None,
    channels: int = 1,
    outputs: int = 1,
) -> dict[str, np.ndarray]:
    """Return the weights in a file by torchvision's names, float32; counters int64.

    Args:
        path: A checkpoint (`ct_importance.classifier.store.import_weights`).
        image_size: As in `import_weights`.
        hu_window: Likewise.
        own: Whether only a file of `save_classifier` will do.
        made: What the network is made of, where that is more than a ResNet-50 for slices.
        channels: Those that it takes.
        outputs: Numbers that it answers.

    Raises:
        InputError: If the weights cannot be used, with the reason and the remedy.
    """
    state = without_prefixes(path, read_state(path, image_size, hu_window, made, own))
    expected = resnet50_shapes(channels, outputs)
    _check_same_network(path, state, expected)
    weights = read_values(path, state, expected)
    if not weights["conv1.weight"].any():
        raise InputError(
            f"{path}: conv1.weight is 0 throughout: every image would get the same answer; "
            "take the weights of a trained network"
        )
    return weights


def resnet50_shapes(channels: int = 1, outputs: int = 1) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the parameters and buffers of `ResNet50` by name."""
    shapes: dict[str, tuple[int, ...]] = {"conv1.weight": (64, channels, 7, 7)}
    shapes |= _norm("bn1", 64)
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
    return shapes | {"fc.weight": (outputs, channels), "fc.bias": (outputs,)}


def _norm(name: str, channels: int) -> dict[str, tuple[int, ...]]:
    names = ("weight", "bias", "running_mean", "running_var")
    return {f"{name}.{it}": (channels,) for it in names} | {f"{name}.{COUNTER}": ()}


def _check_same_network(path: StrPath, state: State, expected: dict[str, tuple[int, ...]]) -> None:
    found = differences(state, expected)
    if found:
        channels, outputs = expected["conv1.weight"][1], expected["fc.bias"][0]
        missing, extra = found.get("missing", []), found.get("unexpected", [])
        takes = {1: "one input channel", 3: "three input channels"}[channels]
        answers = _neurons(outputs)
        raise InputError(
            f"{path}: not a ResNet-50 with {takes} and {answers}. {in_words(found)}. "
            f"{_remedy(state, missing, extra, channels, outputs)}"
        )


def _neurons(outputs: int) -> str:
    return "one output neuron" if outputs == 1 else f"{outputs} output neurons"


def _remedy(state: State, missing: list[str], extra: list[str], channels: int, outputs: int) -> str:
    if extra and not missing and all(name.endswith("downsample.0.bias") for name in extra):
        return "This is MONAI's default ResNet-50: train it with bias_downsample=False"
    if missing or extra:
        return "Only ResNet-50 with torchvision's parameter names can be used"
    advice = []
    takes = state["conv1.weight"].shape[1:2]
    if takes in ((1,), (3,)) and takes != (channels,):
        advice.append(
            f"Set `channels` of the classifier to {takes[0]}, and `windows` and `normalize` to "
            "what the network was trained with"
        )
    answers = state["fc.weight"].shape[:1]
    if (answers, outputs) == ((2,), 1):
        advice.append(
            "It answers with one number per class: set `head` of the classifier to softmax"
        )
    elif answers != (outputs,):
        advice.append(f"Train the network with {_neurons(outputs)} for this task")
    return ". ".join(advice) or "Take the weights of a ResNet-50"
