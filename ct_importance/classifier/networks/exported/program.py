"""Reads files of torch.export.save without torch; nothing in them is run.

`torch.export.load` unpickles objects, evaluates sizes, guards and names as Python, imports modules
that a file names and loads its compiled libraries. This takes the list of operators and the
numbers of the tensors instead, and leaves all else unread.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ct_importance.classifier.checkpoint import (
    LARGEST_STRUCTURE,
    TYPES,
    Storage,
    StoredTensor,
    check_sizes,
    start_of,
    view_of,
)
from ct_importance.classifier.networks.exported.operators import ASSERTIONS, is_allowed
from ct_importance.classifier.networks.exported.shapes import Shape
from ct_importance.classifier.networks.state import read_values
from ct_importance.errors import InputError, first_line
from ct_importance.io.paths import StrPath
from ct_importance.io.system_errors import REMEDIES, naming

SCHEMA = 8
"""Of the description of a program, `torch._export.serde.schema.SCHEMA_VERSION`."""
KINDS = {5: "Long", 6: "Half", 7: "Float", 8: "Double", 12: "Bool", 13: "BFloat16"}
"""Kinds of numbers (`schema.ScalarType`) as torch names their storages."""
EXPORT = (
    "torch.export.save(torch.export.export(network.eval(), (torch.rand(2, 1, rows, columns),), "
    'dynamic_shapes=({0: torch.export.Dim("batch")},)), file)'
)
REPLACE = "bring the network by `source: factory`"
LARGEST_GRAPH = 4 * LARGEST_STRUCTURE
"""Bytes of its JSON; that of a ResNet-50 has 400,000."""


@dataclass(frozen=True)
class Exported:
    """A network as a list of operators."""

    graph: dict[str, Any]
    """What a job builds it of, as JSON holds it: `steps` (target, inputs and outputs of each
    operator), `tensors` (names that steps have for them), `image` and `answer` (names of both)."""
    tensors: dict[str, StoredTensor]
    """By the names that the file gives them, in the order of the graph; nothing of their values has
    been read."""
    image: Shape
    answer: Shape


def read_program(path: StrPath) -> Exported:
    """Return the program in a file.

    Raises:
        InputError: If there is none, it is damaged, made by another torch, or more than operators
            of torch on plain tensors, that map one tensor to one.
        OSError: If it cannot be read.
    """
    if not Path(path).is_file():
        raise InputError(f"{path}: no such file; `program` of a classifier must name a .pt2 file")
    try:
        with naming(path), zipfile.ZipFile(path) as archive:
            check_sizes(archive, os.path.getsize(path))
            return _Reader(path, archive).program()
    except (InputError, MemoryError):
        raise
    except Exception as error:  # damaged files make zipfile, json and this raise anything
        if isinstance(error, OSError) and error.errno in REMEDIES:
            raise
        reason = first_line(error) or "nothing in it"
        raise InputError(
            f"{path}: cannot be read as a program ({type(error).__name__}: {reason}); write it "
            f"with {EXPORT}"
        ) from error


def checked_step(path: StrPath, node: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is needed of an operator's call, after checking that it may be called.

    Raises:
        InputError: If not.
    """
    target = node["target"]
    if not is_allowed(target):
        raise InputError(
            f"{path}: uses {target}, but only operators of torch that compute tensors are run; "
            "export program.run_decompositions(), or bring the network by `source: factory`"
        )
    for given in node["inputs"]:
        [(kind, value)] = given["arg"].items()
        if kind in ("as_graph", "as_custom_obj", "as_operator"):
            raise InputError(f"{path}: {target} gets more than tensors and numbers; {REPLACE}")
        if given["name"] in ("train", "training", "use_input_stats") and value is True:
            raise InputError(
                f"{path}: was exported while in training mode ({target}); call network.eval() "
                "before torch.export.export"
            )
    return {key: node[key] for key in ("target", "inputs", "outputs")}


def numbers_of(path: StrPath, tensors: Mapping[str, StoredTensor]) -> dict[str, np.ndarray]:
    """Return the values of tensors, float32 or int64.

    Raises:
        InputError: If they are no plain numbers, or not finite.
    """
    whole = [name for name, tensor in tensors.items() if tensor.kind == "Long"]
    return read_values(path, dict(tensors), tensors, whole)


class _Reader:
    def __init__(self, path: StrPath, archive: zipfile.ZipFile) -> None:
        self._path, self._archive = path, archive
        names = archive.namelist()
        found = [name for name in names if name.endswith("/models/model.json")]
        if any(Path(name).name == "serialized_exported_program.json" for name in names):
            raise self._other("it was written by a torch before 2.8")
        if len(found) != 1 or found[0].count("/") != 2:
            raise self._other("it holds no models/model.json")
        self._root = found[0].removesuffix("models/model.json")
        order = f"{self._root}byteorder"
        is_big = order in names and archive.read(order) == b"big"
        self._order = ">" if is_big else "<"

    def program(self) -> Exported:
        description = self._json("models/model.json")
        major = description["schema_version"]["major"]
        if major != SCHEMA:
            version = description.get("torch_version", "another version")
            raise self._other(f"it was written by torch {version}, in format {major}, not {SCHEMA}")
        module = description["graph_module"]
        graph = module["graph"]
        image, names = self._inputs(module["signature"]["input_specs"])
        answer = self._output(module["signature"]["output_specs"])
        steps = [
            checked_step(self._path, node)
            for node in graph["nodes"]
            if node["target"] not in ASSERTIONS
        ]
        stored = self._tensors("data/weights", "weights") | self._tensors(
            "data/constants", "constants"
        )
        shown = graph["tensor_values"][image]
        if shown["dtype"] != 7:
            raise self._other("it does not take images of float32")
        return Exported(
            {"image": image, "answer": answer, "tensors": list(names), "steps": steps},
            {name: stored[name] for name in names.values()},
            _sizes(shown),
            _sizes(graph["tensor_values"][answer]),
        )

    def _inputs(self, specs: list[dict[str, Any]]) -> tuple[str, dict[str, str]]:
        images, names = [], {}
        for spec in specs:
            [(kind, value)] = spec.items()
            if kind == "user_input":
                images.append(value["arg"].get("as_tensor", {}).get("name"))
            elif kind in ("parameter", "buffer", "tensor_constant"):
                names[value["arg"]["name"]] = value[f"{kind}_name"]
            else:
                raise self._other(f"it holds more than tensors ({kind})")
        if len(images) != 1 or images[0] is None:
            raise self._other(f"it takes {len(images)} inputs, not one image alone")
        return images[0], names

    def _output(self, specs: list[dict[str, Any]]) -> str:
        kinds = [next(iter(spec)) for spec in specs]
        if any(kind != "user_output" for kind in kinds):
            raise self._other("it changes its own tensors while it runs; call network.eval()")
        [name] = (
            [spec["user_output"]["arg"].get("as_tensor", {}).get("name") for spec in specs]
            if len(specs) == 1
            else [None]
        )
        if name is None:
            raise self._other(f"it returns {len(specs)} values, not the tensor of logits alone")
        return str(name)

    def _tensors(self, folder: str, kind: str) -> dict[str, StoredTensor]:
        config = self._json(f"{folder}/model_{kind}_config.json")["config"]
        return {name: self._tensor(name, folder, entry) for name, entry in config.items()}

    def _tensor(self, name: str, folder: str, entry: dict[str, Any]) -> StoredTensor:
        shown = entry["tensor_meta"]
        if entry["use_pickle"] or shown is None or shown["layout"] != 7:
            raise self._other(f"{name} is no plain tensor")
        kind = KINDS.get(shown["dtype"], "unusual")
        stored = self._archive.getinfo(f"{self._root}{folder}/{entry['path_name']}")
        dtype = np.dtype(self._order + TYPES.get(kind, "u1"))
        start = start_of(self._archive, stored)
        count = stored.file_size // dtype.itemsize
        storage = Storage(kind, os.fspath(self._path), dtype, start, count)
        shape, strides = (tuple(it["as_int"] for it in shown[key]) for key in ("sizes", "strides"))
        return view_of(storage, shown["storage_offset"]["as_int"], shape, strides)

    def _json(self, name: str) -> Any:
        if f"{self._root}{name}" not in self._archive.namelist():
            raise self._other(f"it holds no {name}; another torch wrote it")
        if self._archive.getinfo(f"{self._root}{name}").file_size > LARGEST_GRAPH:
            raise self._other(f"{name} is too large")
        return json.loads(self._archive.read(f"{self._root}{name}"))

    def _other(self, reason: str) -> InputError:
        return InputError(f"{self._path}: {reason}; write it with {EXPORT}")


def _sizes(shown: dict[str, Any]) -> Shape:
    return tuple(size.get("as_int") for size in shown["sizes"])
