"""What a network sees of a slice: resized, in other windows or copied, and normalised."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn

from ct_importance.classifier.classifier import Around
from ct_importance.classifier.options import InputOptions


class Adapter(nn.Module):
    """Makes what a network takes of slices, so that gradients come back in the slice's own grid.

    Of several channels, each made of the same slice, gradients are summed by the chain rule.
    """

    low: torch.Tensor | None
    high: torch.Tensor | None
    mean: torch.Tensor | None
    std: torch.Tensor | None

    def __init__(self, options: InputOptions, hu_window: Sequence[float]) -> None:
        """Make it for slices that show some Hounsfield units as 0 to 1.

        Raises:
            InputError: If a window reaches beyond these.
        """
        super().__init__()
        self.size, self.channels = options.image_size, options.number_of_channels
        scaled = options.windows_in(hu_window)
        low, high = zip(*scaled, strict=True) if scaled else (None, None)
        normal = options.normalize
        # Not among the weights: what is put in front of a network is in `made` of its file.
        for name, values in (
            *(("low", low), ("high", high)),
            *(("mean", normal and normal.mean), ("std", normal and normal.std)),
        ):
            tensor = None if values is None else torch.tensor(values).reshape(-1, 1, 1)
            self.register_buffer(name, tensor, persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map slices (N, 1, H, W) in [0, 1] to (N, channels, rows, columns)."""
        if self.size is not None:
            # Without antialiasing, as MONAI and torch resize unless told otherwise; with it, GPUs
            # cannot repeat a gradient bit for bit.
            x = F.interpolate(x, self.size, mode="bilinear", align_corners=False)
        if self.low is not None and self.high is not None:
            x = ((x - self.low) / (self.high - self.low)).clamp(0, 1)
        if self.mean is not None and self.std is not None:
            x = (x - self.mean) / self.std
        return x.expand(-1, self.channels, -1, -1)


class Prepared(Around):
    """A network with an adapter in front of it: it takes slices."""

    def __init__(self, network: nn.Module, adapter: Adapter) -> None:
        """Put an adapter in front of a network, in the mode that the network is in."""
        super().__init__(network)
        self.adapter = adapter
        self.train(network.training)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map slices (N, 1, H, W) in [0, 1] to what the network answers."""
        answer: torch.Tensor = self.network(self.adapter(x))
        return answer


def prepared(network: nn.Module, options: InputOptions, hu_window: Sequence[float]) -> nn.Module:
    """Return a network that takes slices: itself, if it takes them as they are.

    Args:
        network: Takes what the options say.
        options: What it sees of a slice.
        hu_window: Hounsfield units that are 0 and 1 in slices.

    Raises:
        InputError: If a window reaches beyond that of the slices.
    """
    return Prepared(network, Adapter(options, hu_window)) if options.input else network


def without_adapter(network: nn.Module) -> nn.Module:
    """Return a network without what `prepared` put in front of it."""
    return network.network if isinstance(network, Prepared) else network
