"""Programs of torch.export, and such as no torch writes."""

import json
import zipfile
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

SIZE = 32


class Small(nn.Module):
    """A buffer, a constant and a BatchNorm, and a view that holds for contiguous images only."""

    def __init__(self, outputs=1):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(5)
            self.first = nn.Conv2d(1, 4, 3, padding=1)
            self.norm = nn.BatchNorm2d(4)
            self.norm.running_mean.normal_()
            self.last = nn.Linear(4 * 64, outputs)
        self.register_buffer("scale", torch.full((1,), 2.0))
        self.shift = torch.tensor([0.25])

    def forward(self, x):
        x = F.relu(self.norm(self.first(x)))
        return self.last(F.max_pool2d(x, 4).flatten(1)) * self.scale + self.shift


def small(outputs=1):
    return Small(outputs).eval().requires_grad_(False)


def write_program(path, network, example=None, sizes=None, **how):
    """Export a network as users are told to; `sizes` None: with a batch of any size."""
    example = torch.rand(2, 1, SIZE, SIZE) if example is None else example
    sizes = {0: torch.export.Dim("batch")} if sizes is None else sizes
    program = torch.export.export(network, (example,), dynamic_shapes=(sizes or None,), **how)
    torch.export.save(program, path)
    return path


def rewritten(source: Path, path: Path, changes: dict) -> Path:
    """Copy an archive; a change is a member's new content, or a function of its old JSON."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w") as new:
        root = old.namelist()[0].split("/")[0]
        members = {name.removeprefix(f"{root}/"): old.read(name) for name in old.namelist()}
        for name, change in changes.items():
            if callable(change):
                content = json.loads(members[name])
                change(content)
                change = json.dumps(content).encode()
            members[name] = change
        for name, content in members.items():
            if content is not None:
                new.writestr(f"program/{name}", content)
    return path
