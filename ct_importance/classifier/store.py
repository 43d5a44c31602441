"""Writes, reads and imports files of classifiers."""

from __future__ import annotations

import io
import logging
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import nn

from ct_importance.classifier.networks.input import prepared
from ct_importance.classifier.networks.state import (
    AGAIN,
    FORMATS,
    Made,
    as_text,
    bare,
    differences,
    in_words,
    read_hu_window,
    read_state,
    read_values,
    without_prefixes,
)
from ct_importance.classifier.options import InputOptions
from ct_importance.classifier.resnet import ResNet50
from ct_importance.classifier.weights import read_weights
from ct_importance.errors import InputError
from ct_importance.io.atomic import replacing
from ct_importance.io.paths import StrPath

logger = logging.getLogger(__name__)

WEIGHTS_ELSEWHERE = (
    "is no file of this workflow with the weights of its network, so that these cannot be "
    "re-initialised; leave the metrics that ask for it out of this run"
)


def save_classifier(
    path: StrPath,
    network: nn.Module,
    image_size: int,
    hu_window: Sequence[float],
    made: Made | None = None,
) -> None:
    """Write a classifier with the preparation of the images it was trained on, atomically.

    The same weights give the same bytes.

    Args:
        path: File to write.
        network: The network, on any device.
        image_size: Rows and columns of its images.
        hu_window: Lowest and highest HU, shown as 0 and 1.
        made: What the network is made of, to be compared when it is loaded; None: a `ResNet50`.
    """
    content: dict[str, object] = {
        "format": FORMATS[made is not None],
        "state_dict": {name: _plain(tensor) for name, tensor in network.state_dict().items()},
        "image_size": int(image_size),
        "hu_window": [float(bound) for bound in hu_window],
    }
    if made is not None:
        content["made"] = as_text(made)
    _write(path, content)


def save_weights(path: StrPath, network: nn.Module, like: StrPath) -> None:
    """Write a classifier like another of the same network, with other weights, atomically.

    Args:
        path: File to write.
        network: The network with its weights, without what is put in front of it.
        like: A file of `save_classifier`.

    Raises:
        InputError: If it is none, or of another network.
    """
    state = {name: _plain(tensor) for name, tensor in network.state_dict().items()}
    try:
        content = torch.load(like, weights_only=True)
        names = set(content["state_dict"])
    except OSError:
        raise
    except Exception as error:  # a file of a source of another package can be anything
        raise InputError(f"{like}: {WEIGHTS_ELSEWHERE}") from error
    if names != set(state):
        raise InputError(f"{like}: {WEIGHTS_ELSEWHERE}")
    _write(path, content | {"state_dict": state})


def _write(path: StrPath, content: dict[str, object]) -> None:
    # A file name given to torch.save goes into the archive: a buffer keeps the bytes the same.
    buffer = io.BytesIO()
    torch.save(content, buffer)
    with replacing(path) as temporary:
        temporary.write_bytes(buffer.getvalue())


def load_classifier(
    path: StrPath,
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
    return _network(read_weights(path, image_size, hu_window, own=True), device)


def import_weights(
    path: StrPath,
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
    return _network(read_weights(path, image_size, hu_window), device)


def fill_network(
    network: nn.Module,
    path: StrPath,
    made: Made,
    what: str,
    image_size: int | None = None,
    hu_window: Sequence[float] | None = None,
    own: bool = False,
) -> nn.Module:
    """Return a network with the weights in a file, in eval mode, requiring no gradient.

    Args:
        network: With any weights; it gets those of the file.
        path: A file of `save_classifier`, or a state dict, as `read_state` takes it; names may
            begin with ``module.`` or ``model.``, whether or not those of the network do.
        made: What the network is made of.
        what: The network, for messages.
        image_size: As in `load_classifier`.
        hu_window: Likewise.
        own: Whether only a file of `save_classifier` will do.

    Raises:
        InputError: If the file is missing, cannot be read, is of another network, or holds values
            that are not finite.
    """
    state = read_state(path, image_size, hu_window, made, own)
    tensors = network.state_dict()
    expected = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    whole = [name for name, tensor in tensors.items() if not tensor.is_floating_point()]
    if differences(state, expected):
        full = {bare(name): name for name in expected}
        state = {
            full.get(name, name): tensor for name, tensor in without_prefixes(path, state).items()
        }
    found = differences(state, expected)
    if found:
        remedy = AGAIN if own else "give the weights of this network, with these arguments"
        raise InputError(f"{path}: not the weights of {what}. {in_words(found)}; {remedy}")
    values = read_values(path, state, expected, whole)
    network.load_state_dict({name: torch.from_numpy(it) for name, it in values.items()})
    return network.eval().requires_grad_(False)


def load_network(
    network: nn.Module, path: StrPath, made: Made, what: str, options: InputOptions
) -> nn.Module:
    """Return a network with the weights that `save_classifier` wrote, which takes slices.

    Args:
        network: With any weights; it gets those of the file.
        path: The file.
        made: What the network is made of, and what it sees of a slice.
        what: The network, for messages.
        options: What it sees of a slice.

    Returns:
        The network in eval mode, whose parameters require no gradient.

    Raises:
        InputError: If the file is missing or damaged, of another network or for another input.
    """
    network = fill_network(network, path, made, what, own=True)
    return prepared(network, options, read_hu_window(path) if options.windows else ())


def _plain(tensor: torch.Tensor) -> torch.Tensor:
    tensor = tensor.detach().cpu()
    if tensor.is_floating_point():
        tensor = tensor.float()
    return tensor.clone(memory_format=torch.contiguous_format)


def _network(weights: Mapping[str, np.ndarray], device: torch.device | str) -> nn.Module:
    # Built on the CPU although the weights are replaced: torch's meta device would spare 0.3 s of
    # initialisation and cost 2 s of imports.
    network = ResNet50()
    state = {name: torch.from_numpy(values) for name, values in weights.items()}
    network.load_state_dict(state, assign=True)
    return network.eval().requires_grad_(False).to(device)
