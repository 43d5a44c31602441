"""Reads what a MONAI bundle says of its network, without torch; nothing in it is run."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, get_args

import yaml
from pydantic import BaseModel, ValidationError

from ct_importance.classifier.networks.by_name import OfMonai
from ct_importance.errors import InputError, first_line
from ct_importance.io.system_errors import naming

METADATA = "configs/metadata.json"
WEIGHTS = "models/model.pt"
CONFIGS = [
    f"configs/{name}.{suffix}"
    for name in ("inference", "evaluate", "train")
    for suffix in ("json", "yaml", "yml")
]
"""Where a bundle may define its network; the first that does counts."""
NETWORKS = {name.removeprefix("monai.").casefold(): name for name in get_args(OfMonai)}
"""Those that can be built; MONAI spells some of them in several ways."""
OF_NO_CONCERN = frozenset({"_target_", "_desc_", "_requires_", "pretrained", "progress"})
"""Keys of a definition that say nothing of a network whose weights are given."""
DEEPEST = 20
"""References that lead to references are followed so far."""


class Tensor(BaseModel):
    """What is known of an input or an output; other keys are of no concern."""

    num_channels: int
    spatial_shape: list[int | str] = []
    """Fixed sizes, or texts that say what a size may be."""
    value_range: list[float] = []
    """[lowest, highest]; [] if it is not known."""
    channel_def: dict[str, str] = {}
    """What each channel is, by its index."""


class _Inputs(BaseModel):
    image: Tensor


class _Outputs(BaseModel):
    pred: Tensor


class Data(BaseModel):
    """What the network maps to what."""

    inputs: _Inputs
    outputs: _Outputs


class _Metadata(BaseModel):
    network_data_format: Data


class Definition(NamedTuple):
    """A network that MONAI builds."""

    name: str
    """One of `ct_importance.classifier.networks.by_name.Name`."""
    arguments: dict[str, Any]
    """What it is built with."""


def read_data_format(bundle: Path) -> Data:
    """Return what the network of a bundle takes and answers.

    Raises:
        InputError: If the file of metadata is missing or damaged, or does not say it.
    """
    path = bundle / METADATA
    if not path.is_file():
        raise InputError(
            f"{bundle}: no {METADATA}; name the folder of a MONAI bundle, in which it says what "
            "the network takes"
        )
    try:
        return _Metadata.model_validate(_read(path)).network_data_format
    except ValidationError as error:
        (first, *_) = error.errors()
        key = ".".join(map(str, first["loc"])) or "its content"
        raise InputError(f"{path}: {key}: {first['msg']}; add it, or mend it") from error


def config_of(bundle: Path) -> Path | None:
    """Return the file that defines the network of a bundle; None if no file seems to."""
    for name in CONFIGS:
        path = bundle / name
        if path.is_file():
            with naming(path):
                if b"network_def" in path.read_bytes():
                    return path
    return None


def read_definition(bundle: Path) -> Definition:
    """Return which network a bundle defines, and what it is built with.

    Raises:
        InputError: If it defines none, one that is not known here, or one by code.
    """
    path = config_of(bundle)
    config = _read(path) if path else None
    if not isinstance(config, Mapping) or "network_def" not in config:
        raise InputError(
            f"{bundle}: no network_def in configs/inference.json (or .yaml, or train.json); the "
            "network is built as it says"
        )
    try:
        found = _literal(config["network_def"], config, "network_def")
    except ValueError as error:
        raise InputError(f"{path}: {error}") from error
    if not isinstance(found, dict) or "_target_" not in found:
        raise InputError(f"{path}: network_def has no _target_, the network's name in MONAI")
    target = str(found["_target_"])
    own = target.rpartition(".")[2] if target.startswith("monai.networks.nets.") else target
    if own.casefold() not in NETWORKS:
        known = ", ".join(name.removeprefix("monai.") for name in NETWORKS.values())
        raise InputError(
            f"{path}: network_def is {target!r}, none of MONAI's networks that classify ({known}); "
            "take `source: factory`, which builds any network"
        )
    arguments = {key: value for key, value in found.items() if key not in OF_NO_CONCERN}
    return Definition(NETWORKS[own.casefold()], arguments)


def weights_of(bundle: Path) -> Path:
    """Return the file of the weights of a bundle.

    Raises:
        InputError: If there is none, or one of TorchScript.
    """
    path = bundle / WEIGHTS
    scripts = [it for it in (path, *sorted(path.parent.glob("*.ts"))) if _is_torchscript(it)]
    if not path.is_file() and not scripts:
        raise InputError(f"{bundle}: no {WEIGHTS}; put the weights of the network there")
    if path in scripts or not path.is_file():
        name = scripts[0].name
        raise InputError(
            f"{bundle}: models/{name} is TorchScript, which is code, and code of a bundle is not "
            f"run; save its weights: torch.save(torch.jit.load({name!r}).state_dict(), 'model.pt')"
        )
    return path


def _is_torchscript(path: Path) -> bool:
    if not path.is_file() or not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any("/code/" in name for name in archive.namelist())


def _read(path: Path) -> Any:
    with naming(path):
        content = path.read_bytes()
    try:
        return json.loads(content) if path.suffix == ".json" else yaml.safe_load(content)
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        kind = "JSON" if path.suffix == ".json" else "YAML"
        raise InputError(f"{path}: is no {kind} ({first_line(error)}); mend it") from error


def _literal(value: Any, config: Mapping[str, Any], where: str, depth: int = 0) -> Any:
    """Return a value with what it refers to in its place.

    Raises:
        ValueError: If it is code, or refers to what is not there.
    """
    if depth > DEEPEST:
        raise ValueError(f"{where}: refers to itself; write its value there")
    if isinstance(value, dict):
        if depth and "_target_" in value:
            raise ValueError(
                f"{where} is an object ({value['_target_']}); only values can be taken"
            )
        return {key: _literal(it, config, f"{where}.{key}", depth + 1) for key, it in value.items()}
    if isinstance(value, list):
        return [_literal(it, config, where, depth + 1) for it in value]
    if isinstance(value, str) and value.startswith(("$", "%")):
        raise ValueError(
            f"{where} is {value!r}, which is code, and code of a bundle is not run; write its "
            "value there"
        )
    if isinstance(value, str) and value.startswith("@"):
        return _literal(_look_up(value, config, where), config, where, depth + 1)
    return value


def _look_up(reference: str, config: Any, where: str) -> Any:
    for key in reference[1:].replace("#", "::").split("::"):
        if isinstance(config, Mapping) and key in config:
            config = config[key]
        elif isinstance(config, list) and key.isdecimal() and int(key) < len(config):
            config = config[int(key)]
        else:
            raise ValueError(f"{where} refers to {reference}, which is not there")
    return config
