"""Device and precision of passes through a network."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import nn

from ct_importance.compute.device_claim import claim_device, claims_folder

Network = TypeVar("Network", bound=nn.Module)
Precision = str
"""One of "float32", "tf32", "bfloat16"; see `in_precision`."""


@functools.cache
def pick_device() -> torch.device:
    """Return the CUDA device that the fewest jobs on this machine use, without CUDA the CPU.

    Of several devices it stays claimed until this process ends, see `device_claim`.
    """
    devices = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if devices < 2:
        return torch.device("cuda" if devices else "cpu")
    # Indices differ between processes that see different devices (CUDA_VISIBLE_DEVICES).
    uuids = [str(torch.cuda.get_device_properties(index).uuid) for index in range(devices)]
    device = torch.device("cuda", claim_device(uuids, claims_folder()))
    torch.cuda.set_device(device)
    return device


def make_deterministic(threads: int) -> None:
    """Make torch repeat its results bit for bit, with a fixed number of CPU threads."""
    # cuBLAS repeats its results only with a workspace of fixed size, set before its first use.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(threads)
    # As use_deterministic_algorithms(True), which also imports torch's compiler: 2 s of each job.
    torch.set_deterministic_debug_mode("error")
    # It would also fill new memory, against operations that forget to write: 9 % of a gradient.
    # (A property of a module, which type checkers do not know.)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False


class _Autocast(nn.Module):
    """A network whose convolutions and products are computed in bfloat16."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        with torch.autocast(x.device.type, torch.bfloat16):
            answer: torch.Tensor = self.network(x)
            return answer.float()

    def get_submodule(self, target: str) -> nn.Module:
        """Return a module of the network by the name it has there."""
        return self.network.get_submodule(target)


def in_precision(network: nn.Module, precision: Precision) -> nn.Module:
    """Return a network in eval mode whose passes are computed in a precision.

    Args:
        network: In eval mode.
        precision: "float32"; "tf32", products with 10 bits of mantissa, on GPUs that have them, for
            the whole process; "bfloat16", products and activations with 7 bits.
    """
    # torch lets cuDNN take TF32 for float32 unless it is told not to.
    torch.backends.cudnn.allow_tf32 = precision == "tf32"
    torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
    return _Autocast(network).eval() if precision == "bfloat16" else network


def channels_last(network: Network) -> Network:
    """Put the weights of a network into the layout that convolutions are fastest in."""
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not among torch's
    return network


def with_less_if_needed(
    function: Callable[..., torch.Tensor], *batch: torch.Tensor
) -> torch.Tensor:
    """Apply a function to a batch, in halves where the memory of the GPU does not suffice.

    Args:
        function: Maps tensors (N, ...) to (N, ...), each item by itself.
        *batch: Its arguments, each (N, ...).

    Raises:
        torch.OutOfMemoryError: If not even one item fits.
    """
    try:
        return function(*batch)
    except torch.OutOfMemoryError:
        if len(batch[0]) == 1:
            raise
    # Outside of the handler, which would keep the tensors of the failed attempt alive.
    torch.cuda.empty_cache()
    halves = zip(*(tensor.chunk(2) for tensor in batch), strict=True)
    return torch.cat([with_less_if_needed(function, *half) for half in halves])
