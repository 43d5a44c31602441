"""Two networks whose importance is known in closed form: a linear one, and one with a ReLU."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

SIDE, CHANNELS = 12, 2
PARTS = np.kron([[0, 1], [2, 3]], np.ones((SIDE // 2, SIDE // 2), int))
"""The part of each pixel, (SIDE, SIDE)."""
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Question:
    """One slice x (P,) and one class of f(x) = v act(W x + c) + b, all in float64."""

    x: Array
    W: Array
    """(U, P): a convolution of 3 x 3 as a matrix."""
    c: Array
    v: Array
    """(U,): of the class."""
    b: float
    relu: bool

    def act(self, z: Array) -> Array:
        return np.maximum(z, 0) if self.relu else z

    def active(self, z: Array) -> Array:
        return (z > 0).astype(float) if self.relu else np.ones_like(z)

    def z(self, x: Array) -> Array:
        return self.W @ x + self.c

    def score(self, x: Array) -> float:
        return float(self.v @ self.act(self.z(x)) + self.b)

    def back(self, of_units: Array) -> Array:
        """The backward pass from the answer to the pixels, units weighted."""
        return self.W.T @ (self.v * of_units)

    def gradient(self) -> Array:
        return self.back(self.active(self.z(self.x)))

    def integrated(self, start: Array) -> Array:
        """The integral itself: each unit is active on one piece of the straight path."""
        before, after = self.z(start), self.z(self.x)
        crossing = np.clip(before / np.where(before == after, 1, before - after), 0, 1)
        share = np.where(after > 0, np.where(before > 0, 1, 1 - crossing), crossing)
        share = np.where((before <= 0) & (after <= 0), 0, share)
        return (self.x - start) * self.back(share if self.relu else np.ones_like(share))

    def features(self) -> tuple[Array, Array]:
        """Maps of the last layer with places, and the gradients there, (CHANNELS, SIDE, SIDE)."""
        shape = (CHANNELS, SIDE, SIDE)
        return self.act(self.z(self.x)).reshape(shape), self.v.reshape(shape)

    def fall_without(self, part: NDArray[np.bool_], fill: float) -> float:
        return self.score(self.x) - self.score(np.where(part.ravel(), fill, self.x))


@dataclass(frozen=True)
class Known:
    """A network, and what it is made of."""

    network: nn.Module
    head: str
    relu: bool
    W: Array = field(repr=False)
    c: Array = field(repr=False)
    V: Array = field(repr=False)
    b: Array = field(repr=False)

    def ask(self, image: torch.Tensor, target: int) -> Question:
        """The question about a slice (1, SIDE, SIDE) and a class."""
        x = image.double().numpy().ravel()
        v, b = self.V[-1], self.b[-1]
        if self.head == "softmax":
            v, b = self.V[target], self.b[target]
        elif target == 0:
            v, b = -v, -b
        return Question(x, self.W, self.c, v, float(b), self.relu)


def known(relu: bool, outputs: int) -> Known:
    """Return f(x) = V act(W x + c) + b of slices (N, 1, SIDE, SIDE), (N, outputs)."""
    with torch.random.fork_rng():
        torch.manual_seed(7)
        conv = nn.Conv2d(1, CHANNELS, 3, padding=1)
        head = nn.Linear(CHANNELS * SIDE**2, outputs)
        nn.init.normal_(conv.weight, std=0.5)  # or hardly a unit is active, or hardly one is not
        nn.init.normal_(conv.bias, std=0.3)
    layers = [conv, *([nn.ReLU()] if relu else []), nn.Flatten(), head]
    network = nn.Sequential(*layers).eval().requires_grad_(False)
    pixels = torch.eye(SIDE**2).reshape(-1, 1, SIDE, SIDE)
    without = nn.functional.conv2d(pixels.double(), conv.weight.double(), padding=1)
    return Known(
        network,
        head="logit" if outputs == 1 else "softmax",
        relu=relu,
        W=without.reshape(SIDE**2, -1).T.numpy(),
        c=conv.bias.double().repeat_interleave(SIDE**2).numpy(),
        V=head.weight.double().numpy(),
        b=head.bias.double().numpy(),
    )


@dataclass(frozen=True)
class Form:
    """What the map of an estimator is, (P,)."""

    of: Callable[[Question], Array]
    options: dict = field(default_factory=dict)
    tolerance: float = 1e-5
    """Of the range of the values: for rounding, for steps of an integral, or for draws."""
