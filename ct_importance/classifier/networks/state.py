"""Weights by name in files, read and checked without torch; no code in a file is run."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ct_importance.classifier.checkpoint import SAVE, StoredTensor, read_checkpoint
from ct_importance.classifier.networks.safetensors import read_safetensors
from ct_importance.errors import InputError
from ct_importance.io.paths import StrPath

FORMATS = ("ct-importance classifier 1", "ct-importance classifier 2")
"""Of files of this workflow: a ResNet-50; another network, with what it was made of."""
SHOWN = 4  # differences an error message lists before it only counts them
COUNTER = "num_batches_tracked"
NUMBERS = ("Float", "Double", "Half", "BFloat16")
NAMES = {"Char": "int8", "Byte": "uint8", "Bool": "bool", "Long": "int64", "Int": "int32"}
NAMES |= {"ComplexFloat": "complex64", "ComplexDouble": "complex128", "Short": "int16"}
"""Of storages, as users know them."""
AGAIN = "delete this file and run again"

State = dict[str, StoredTensor]
Made = Mapping[str, Any]
"""What a network was made of, as JSON holds it; weights fit no other."""


def read_state(
    path: StrPath,
    image_size: int | None = None,
    hu_window: Sequence[float] | None = None,
    made: Made | None = None,
    own: bool = False,
) -> State:
    """Return the tensors in a file by name; nothing of their values has been read.

    Args:
        path: A state dict of safetensors (by its suffix) or torch.save, there alone or under the
            key ``state_dict`` or ``model``, or a file of
            `ct_importance.classifier.store.save_classifier`.
        image_size: Rows and columns of the images it is meant for; None: not checked.
        hu_window: HU window of the images it is meant for; None: not checked.
        made: What its network was made of, or part of that; None: a ResNet-50.
        own: Whether only a file of `save_classifier` will do.

    Raises:
        InputError: If it is missing, something else, or was made for other images or of another
            network.
    """
    if not Path(path).is_file():
        raise InputError(
            f"{path}: no such file; `weights` of a classifier must name a checkpoint of torch"
        )
    content: Mapping[str, Any]
    if not own and Path(path).suffix == ".safetensors":
        content = read_safetensors(path)
    else:
        content = read_checkpoint(path, AGAIN if own else SAVE)
    if content.get("format") in FORMATS:
        _check_preparation(path, content, image_size, hu_window)
        _check_made(path, content, made, own)
    elif own:
        raise InputError(
            f"{path}: not a classifier of this workflow (no format {FORMATS[made is not None]!r}); "
            "delete the file to have it made again, or give weights from elsewhere as `weights` "
            "of a classifier"
        )
    for key in ("state_dict", "model"):
        inner = content.get(key)
        if isinstance(inner, Mapping):
            content = inner
    state = {str(name): value for name, value in content.items() if isinstance(value, StoredTensor)}
    if not state:
        raise InputError(f"{path}: holds no tensors by name (its keys: {some(content)}); {SAVE}")
    return state


def read_made(path: StrPath) -> dict[str, Any]:
    """Return what the network in a file of `save_classifier` was made of.

    Raises:
        InputError: If it is none, or of a ResNet-50.
    """
    found: dict[str, Any] = json.loads(_read_own(path, FORMATS[1:])["made"])
    return found


def read_hu_window(path: StrPath) -> tuple[float, float]:
    """Return the HU window of the slices that a file of `save_classifier` is meant for.

    Raises:
        InputError: If it is none.
    """
    low, high = _read_own(path, FORMATS)["hu_window"]
    return low, high


def _read_own(path: StrPath, formats: Sequence[str]) -> Mapping[str, Any]:
    if not Path(path).is_file():
        raise InputError(f"{path}: no such file; run again")
    content = read_checkpoint(path, AGAIN)
    if content.get("format") not in formats:
        raise InputError(f"{path}: not a classifier of this workflow ({formats[-1]!r}); {AGAIN}")
    return content


def without_prefixes(path: StrPath, state: State) -> State:
    """Return tensors by names that do not begin with ``module.`` or ``model.``.

    Raises:
        InputError: If names then come twice.
    """
    found = {bare(name): value for name, value in state.items()}
    if len(found) < len(state):
        raise InputError(f"{path}: names come twice, with and without a prefix; keep one network")
    return found


def bare(name: str) -> str:
    """Return a name without ``module.`` and ``model.`` at its beginning."""
    return re.sub(r"^((module|model)\.)+", "", name)


def differences(state: State, expected: Mapping[str, tuple[int, ...]]) -> dict[str, list[str]]:
    """Return how tensors differ from those of a network: by kind, those that do.

    Args:
        state: The tensors.
        expected: The shapes that the network has.
    """
    shapes = [
        f"{name} is {state[name].shape}, expected {shape}"
        for name, shape in expected.items()
        if name in state and state[name].storage is not None and state[name].shape != shape
    ]
    missing = [name for name in expected if name not in state and not name.endswith(COUNTER)]
    extra = [name for name in state if name not in expected]
    found = {"shapes": shapes, "missing": missing, "unexpected": extra}
    return {kind: names for kind, names in found.items() if names}


def in_words(found: Mapping[str, list[str]]) -> str:
    """Return `differences` as sentences without the last full stop."""
    return ". ".join(
        f"{kind}: {some(names, '; ' if kind == 'shapes' else ', ')}"
        for kind, names in found.items()
    )


def read_values(
    path: StrPath, state: State, names: Iterable[str], whole: Collection[str] = ()
) -> dict[str, np.ndarray]:
    """Return the values of tensors, float32; whole numbers int64.

    Args:
        path: The file, for messages.
        state: Its tensors.
        names: Those to read; a counter of batches that is missing is 0: it is without use after
            training, and old checkpoints lack it.
        whole: Names of those that hold whole numbers, beside counters.

    Raises:
        InputError: If they are no plain numbers, not finite, or no variance where one should be.
    """
    _check_kinds(path, state, whole)
    values = {
        name: state[name].read() if name in state else np.zeros((), np.int64) for name in names
    }
    broken = [name for name, found in values.items() if not np.isfinite(found).all()]
    if broken:
        raise InputError(
            f"{path}: values that are not finite in {some(broken)}; the training diverged: train "
            "again with a lower learning rate, or take an earlier checkpoint"
        )
    negative = [
        name for name, found in values.items() if name.endswith("running_var") and found.min() < 0
    ]
    if negative:
        raise InputError(
            f"{path}: a variance below 0 in {some(negative)}: damaged, or not what its names "
            "say; take another checkpoint"
        )
    return values


def some(names: Collection[Any], separator: str = ", ") -> str:
    """Return the first names, and how many more there are."""
    names = [str(name) for name in names]
    rest = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return separator.join(names[:SHOWN]) + rest


def _check_kinds(path: StrPath, state: State, whole: Collection[str]) -> None:
    wrong = [
        f"{name} is {NAMES.get(tensor.kind, tensor.kind)}"
        for name, tensor in state.items()
        if tensor.kind not in (("Long",) if name.endswith(COUNTER) or name in whole else NUMBERS)
    ]
    if wrong:
        raise InputError(
            f"{path}: not plain floating-point numbers: {some(wrong)}; save the weights of the "
            "network as it was trained, dense and in float32"
        )


def _check_preparation(
    path: StrPath,
    content: Mapping[str, Any],
    image_size: int | None,
    hu_window: Sequence[float] | None,
) -> None:
    window = None if hu_window is None else [float(bound) for bound in hu_window]
    for key, wanted in (("image_size", image_size), ("hu_window", window)):
        if key not in content:
            raise InputError(f"{path}: lacks {key!r}: {AGAIN}")
        if wanted is not None and content[key] != wanted:
            raise InputError(
                f"{path}: trained on images of {key} {content[key]}, but the configuration says "
                f"{wanted}; set cohort.{key} to {content[key]}, or train again"
            )


def _check_made(path: StrPath, content: Mapping[str, Any], made: Made | None, own: bool) -> None:
    found = json.loads(content["made"]) if "made" in content else {}
    wanted = dict(made or {})
    differ = [key for key in {*wanted, "input"} if found.get(key) != wanted.get(key)]
    if bool(found) != bool(wanted) or differ:
        one, other = (as_text(it) if it else "a ResNet-50" for it in (found, wanted))
        raise InputError(
            f"{path}: weights of {one}, but the configuration says {other}; "
            f"{AGAIN if own else 'name the network they are of'}"
        )


def as_text(made: Made) -> str:
    """Return what a network was made of, as files hold it."""
    return json.dumps(made, sort_keys=True)
