"""Where tensors are computed, and with how many images at a time."""

from __future__ import annotations

import os

import torch


def pick_device() -> torch.device:
    """Return the first CUDA device if there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def make_deterministic(threads: int) -> None:
    """Make torch repeat its results bit for bit, with a fixed number of CPU threads."""
    # cuBLAS repeats its results only with a workspace of fixed size, set before its first use.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False


def images_per_pass(device: torch.device, height: int, width: int) -> int:
    """Return how many images fit one forward and backward pass of a ResNet-50 well.

    On the CPU eight 224 x 224 slices keep the cores busy (more only adds memory); on a GPU
    64 of them need about 6 GB.
    """
    at_224 = 64 if device.type == "cuda" else 8
    return max(1, round(at_224 * 224 * 224 / (height * width)))
