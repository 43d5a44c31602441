"""Files of weights and bundles, as other tools write them."""

import json
from pathlib import Path

import torch
from torch import nn

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


DENSENET = {"init_features": 4, "growth_rate": 2, "block_config": [1, 1]}


def metadata(**changes):
    """What a bundle says, with some keys of the image and the prediction changed."""
    image = {"num_channels": 1, "spatial_shape": [32, 32], "value_range": [0, 1]}
    pred = {"num_channels": 2, "channel_def": {"0": "No contrast", "1": "Contrast"}}
    for key, value in changes.items():
        tensor, _, name = key.partition("_")
        {"image": image, "pred": pred}[tensor][name] = value
    found = {"inputs": {"image": image}, "outputs": {"pred": pred}}
    return {"version": "0.1", "network_data_format": found}


DEFINITION = {
    "imports": ["$import glob"],
    "device": "$torch.device('cpu')",
    "classes": 2,
    "shape": {"growth": [1, 2]},
    "network_def": {
        **{"_target_": "monai.networks.nets.DenseNet121", "spatial_dims": 2, "in_channels": 1},
        **{"out_channels": "@classes", "pretrained": True},
        **DENSENET,
        "growth_rate": "@shape::growth::1",
    },
    "network": "$@network_def.to(@device)",
}


def write_bundle(folder: Path, network: nn.Module, definition: dict, **changes) -> Path:
    """Write a MONAI bundle of a network, some keys of whose metadata are changed."""
    (folder / "configs").mkdir(parents=True)
    (folder / "models").mkdir()
    (folder / "configs/metadata.json").write_text(json.dumps(metadata(**changes)))
    (folder / "configs/inference.json").write_text(json.dumps(definition))
    torch.save(network.state_dict(), folder / "models/model.pt")
    return folder
