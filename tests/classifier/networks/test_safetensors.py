import json

import numpy as np
import pytest
import torch

from ct_importance.classifier.networks.safetensors import read_safetensors
from ct_importance.classifier.networks.state import read_state
from ct_importance.errors import InputError
from tests.classifier.networks.files import write_safetensors


@pytest.mark.parametrize(
    "dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64]
)
def test_values_are_those_that_were_written(tmp_path, dtype):
    state = {
        "a.weight": torch.arange(6).reshape(2, 3).to(dtype),
        "a.scalar": torch.tensor(7).to(dtype),
    }
    found = read_state(write_safetensors(tmp_path / "mine.safetensors", state))
    assert list(found) == list(state)
    for name, tensor in state.items():
        np.testing.assert_array_equal(found[name].read(), tensor.float().numpy())


def test_other_kinds_are_known_as_such(tmp_path):
    file = write_safetensors(tmp_path / "a.safetensors", {"a": torch.ones(2, dtype=torch.int8)})
    assert read_safetensors(file)["a"].kind == "I8"


ONE = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04 a zip file, whose first bytes make a large number",
        (3).to_bytes(8, "little") + b"{[}",
        (2).to_bytes(8, "little") + b"[]",
        *(
            len(json.dumps({"a": entry})).to_bytes(8, "little")
            + json.dumps({"a": entry}).encode()
            + bytes(8)
            for entry in (
                7,
                {},
                ONE | {"shape": [2.0]},
                ONE | {"shape": [-2]},
                ONE | {"shape": [3]},
                ONE | {"data_offsets": [8, 16]},
                ONE | {"data_offsets": [0]},
            )
        ),
    ],
)
def test_what_is_none_or_damaged_is_refused(tmp_path, content):
    file = tmp_path / "mine.safetensors"
    file.write_bytes(content)
    with pytest.raises(InputError, match=r"mine\.safetensors: cannot be read .*; write it again"):
        read_safetensors(file)
