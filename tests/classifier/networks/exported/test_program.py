"""What torch.export.load would run of a file is neither run nor unpickled here."""

import contextlib
import io
import json
import pickle
import sys
import zipfile

import pytest
import torch

from ct_importance.classifier.networks.exported.program import read_program
from ct_importance.classifier.sources.program import Program
from ct_importance.cohort.options import ExtractionOptions
from ct_importance.errors import InputError
from tests.classifier.networks.exported.programs import SIZE, rewritten, small, write_program

SLICES = ExtractionOptions(image_size=SIZE)
GRAPH = "models/model.json"
WEIGHTS = "data/weights/model_weights_config.json"
CONSTANTS = "data/constants/model_constants_config.json"
PLAIN = r"is no plain tensor; write it with torch\.export\.save\("


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return write_program(tmp_path_factory.mktemp("base") / "base.pt2", small())


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, marker):
        self.marker = str(marker)

    def __reduce__(self):
        return open, (self.marker, "w")


def saved(trap):
    buffer = io.BytesIO()
    torch.save(trap, buffer)
    return buffer.getvalue()


def first(config, **changes):
    next(iter(config["config"].values())).update(changes)


def pickled(trap, kind, config):
    name = {"weights": "weight_0", "constants": "tensor_0"}[kind]
    return {
        config: lambda content: first(content, use_pickle=True),
        f"data/{kind}/{name}": saved(trap),
    }


def opaque(trap):
    change = {"path_name": "opaque_obj_0", "tensor_meta": None, "use_pickle": True}
    return {
        CONSTANTS: lambda content: first(content, **change),
        "data/constants/opaque_obj_0": pickle.dumps(trap),
    }


def size_that_is_code(content, code):
    size = content["graph_module"]["graph"]["tensor_values"]["x"]["sizes"][0]
    size["as_expr"]["expr_str"] = code


def guard_that_is_code(content, code):
    content["guards_code"] = [f"[{code}]"]


def name_that_is_code(content, code):
    text = json.dumps(content).replace('"x"', json.dumps(f"x={code}"))
    content.clear()
    content.update(json.loads(text))


def container_of_a_module(content):
    context = {
        "default_factory_module": "trap_of_a_program",
        "default_factory_name": "list",
        "dict_context": "[]",
    }
    tree = {"type": "collections.defaultdict", "context": context, "children_spec": []}
    [entry] = [it for it in content["graph_module"]["module_call_graph"] if it["signature"]]
    entry["signature"]["in_spec"] = json.dumps([1, tree])


def call(target, *arguments):
    """Put the call of an operator before all others."""

    def change(content):
        graph = content["graph_module"]["graph"]
        inputs = [{"name": name, "arg": value, "kind": 1} for name, value in arguments]
        node = {"target": target, "inputs": inputs, "metadata": {}, "name": "trap"}
        graph["nodes"].insert(0, node | {"outputs": [{"as_tensor": {"name": "trap"}}]})
        graph["tensor_values"]["trap"] = graph["tensor_values"]["x"]

    return change


def changes_of(door, marker):
    trap, code = Trap(marker), f"open({str(marker)!r}, 'w')"
    file = {"as_string": str(marker)}
    x = {"as_tensor": {"name": "x"}}
    return {
        "example inputs": lambda: {"data/sample_inputs/model.pt": saved(trap)},
        "a pickled weight": lambda: pickled(trap, "weights", WEIGHTS),
        "a pickled constant": lambda: pickled(trap, "constants", CONSTANTS),
        "an opaque object": lambda: opaque(trap),
        "constants of torch 2.8": lambda: {"data/constants/model.pt": saved(trap)},
        "weights of torch 2.8": lambda: {"data/weights/model.pt": saved(trap)},
        "a size": lambda: {GRAPH: lambda it: size_that_is_code(it, code)},
        "a guard": lambda: {GRAPH: lambda it: guard_that_is_code(it, code)},
        "a name": lambda: {GRAPH: lambda it: name_that_is_code(it, code)},
        "a container": lambda: {GRAPH: container_of_a_module},
        "a function": lambda: {GRAPH: call("torch.os.mkdir", ("", file))},
        "a file mapped": lambda: {
            GRAPH: call(
                "torch.ops.aten.from_file.default",
                *(("filename", file), ("shared", {"as_bool": True}), ("size", {"as_int": 16})),
            )
        },
        "a file written": lambda: {
            GRAPH: call("torch.ops.aten.save.default", ("t", x), ("filename", file))
        },
    }[door]()


UNREAD = None
DOORS = {
    "example inputs": UNREAD,
    "a pickled weight": f"first.weight {PLAIN}",
    "a pickled constant": f"shift {PLAIN}",
    "an opaque object": f"shift {PLAIN}",
    "constants of torch 2.8": UNREAD,
    "weights of torch 2.8": UNREAD,
    "a size": UNREAD,
    "a guard": UNREAD,
    "a name": UNREAD,
    "a container": UNREAD,
    "a file mapped": r"uses torch\.ops\.aten\.from_file\.default, but only .* run; export program",
}


@pytest.mark.parametrize("door", DOORS)
def test_nothing_in_a_file_is_run(door, base, tmp_path, monkeypatch):
    marker = tmp_path / "trapped"
    (tmp_path / "trap_of_a_program.py").write_text(f"open({str(marker)!r}, 'w')\nlist = list\n")
    monkeypatch.syspath_prepend(tmp_path)
    file = rewritten(base, tmp_path / "trap.pt2", changes_of(door, marker))
    with contextlib.suppress(Exception):
        torch.export.load(file).module()(torch.rand(2, 1, SIZE, SIZE))
    sys.modules.pop("trap_of_a_program", None)
    assert marker.exists(), "torch's own reader is caught"
    marker.rmdir() if marker.is_dir() else marker.unlink()

    images = torch.rand(2, 1, SIZE, SIZE)
    source = Program(program=str(file))
    if DOORS[door] is UNREAD:
        source.check(SLICES)
        source.take_over(SLICES, tmp_path / "classifier.pt")
        found = source.load(tmp_path / "classifier.pt").network(images)
        torch.testing.assert_close(found, small()(images))
    else:
        with pytest.raises(InputError, match=DOORS[door]) as caught:
            source.check(SLICES)
        assert "\n" not in str(caught.value)
    assert not marker.exists()


@pytest.mark.parametrize("door", ["a function", "a file written"])
def test_only_operators_of_tensors_are_run(door, base, tmp_path):
    marker = tmp_path / "written"
    file = rewritten(base, tmp_path / "trap.pt2", changes_of(door, marker))
    with pytest.raises(InputError, match=r"uses torch\..*, but only operators of torch that"):
        read_program(file)
    assert not marker.exists()


def test_a_library_in_the_file_is_not_loaded(base, tmp_path):
    added = {"data/aotinductor/model/library.so": b"\x7fELF"}
    file = rewritten(base, tmp_path / "compiled.pt2", added)
    assert read_program(file).graph == read_program(base).graph


def change_graph(change):
    return {GRAPH: lambda content: change(content["graph_module"]["graph"])}


def without(name):
    return {name: None}


def argument(graph, node, name, value):
    nodes = {it["name"]: it for it in graph["nodes"]}
    [given] = [it for it in nodes[node]["inputs"] if it["name"] == name]
    given["arg"] = value


DAMAGED = {
    "no graph": (without(GRAPH), r"holds no models/model\.json; write it with torch"),
    "no weights": (without(WEIGHTS), r"holds no data/weights/model_weights_config\.json; another"),
    "a lost weight": (without("data/weights/weight_0"), r"cannot be read as a program \(KeyError"),
    "a short weight": ({"data/weights/weight_0": b"1234"}, "a tensor is larger than its storage"),
    "no JSON": ({GRAPH: b"{"}, r"cannot be read as a program \(JSONDecodeError"),
    "a list": ({GRAPH: b"[]"}, r"cannot be read as a program \(TypeError"),
    "deep JSON": ({GRAPH: b"[" * 100_000}, r"cannot be read as a program \(RecursionError"),
    "another format": (
        {GRAPH: lambda it: it["schema_version"].update(major=9)},
        r"written by torch 2\..*, in format 9, not 8; write it with",
    ),
    "a custom operator": (
        change_graph(lambda it: it["nodes"][0].update(target="torch.ops.mine.net.default")),
        r"uses torch\.ops\.mine\.net\.default, .* `source: factory`",
    ),
    "operators inside": (
        change_graph(lambda it: argument(it, "linear", "bias", {"as_graph": {}})),
        r"linear\.default gets more than tensors and numbers; bring the network by `source",
    ),
    "training": (
        change_graph(lambda it: argument(it, "batch_norm", "training", {"as_bool": True})),
        r"was exported while in training mode .*; call network\.eval\(\) before torch\.export",
    ),
    "whole numbers": (
        change_graph(lambda it: it["tensor_values"]["x"].update(dtype=5)),
        r"does not take images of float32",
    ),
    "two inputs": (
        {GRAPH: lambda it: it["graph_module"]["signature"]["input_specs"].append(
            {"user_input": {"arg": {"as_tensor": {"name": "y"}}}}
        )},
        r"takes 2 inputs, not one image alone",
    ),
    "two answers": (
        {GRAPH: lambda it: it["graph_module"]["signature"]["output_specs"].append(
            {"user_output": {"arg": {"as_tensor": {"name": "y"}}}}
        )},
        r"returns 2 values, not the tensor of logits alone",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", DAMAGED)
def test_programs_that_cannot_be_used(kind, base, tmp_path):
    changes, message = DAMAGED[kind]
    file = rewritten(base, tmp_path / "damaged.pt2", changes)
    with pytest.raises(InputError, match=message) as caught:
        read_program(file)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"{file}: ")


def test_files_that_are_no_programs(tmp_path):
    with pytest.raises(InputError, match=r"no such file; `program` of a classifier must name"):
        read_program(tmp_path / "none.pt2")
    (tmp_path / "text.pt2").write_text("no program")
    with pytest.raises(InputError, match=r"cannot be read as a program \(BadZipFile"):
        read_program(tmp_path / "text.pt2")
    torch.save(small().state_dict(), tmp_path / "weights.pt2")
    with pytest.raises(InputError, match=r"holds no models/model\.json; write it with"):
        read_program(tmp_path / "weights.pt2")
    with zipfile.ZipFile(tmp_path / "old.pt2", "w") as archive:
        archive.writestr("serialized_exported_program.json", "{}")
    with pytest.raises(InputError, match=r"written by a torch before 2\.8; write it with"):
        read_program(tmp_path / "old.pt2")
    with zipfile.ZipFile(tmp_path / "large.pt2", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/models/model.json", " " * 100_000)
    with pytest.raises(InputError, match="its parts are compressed, which torch does not do"):
        read_program(tmp_path / "large.pt2")
