"""Files of weights, as other tools write them."""

import json
from pathlib import Path

import torch

KINDS = {
    torch.float32: "F32",
    torch.float64: "F64",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int8: "I8",
}


def write_safetensors(path: Path, state: dict[str, torch.Tensor]) -> Path:
    """Write a state dict as the specification of safetensors says."""
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, tensor in state.items():
        flat = tensor.contiguous().reshape(-1)
        content = flat.view(torch.uint8).numpy().tobytes() if tensor.numel() else b""
        header[name] = {
            "dtype": KINDS[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [len(data), len(data) + len(content)],
        }
        data += content
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return path
