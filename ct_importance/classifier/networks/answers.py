"""Checks what a network answers to images, before anything is built on it."""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import nn

from ct_importance.errors import InputError, first_line

TOLERANCE = 1e-3
"""Of logits, relative to the largest: rounding depends on the size of a batch, answers do not."""


def kind_and_first_line(error: BaseException) -> str:
    """Return the kind of an error and the first line of its message."""
    text = first_line(error, most=300)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


@torch.no_grad()
def check_answers(
    network: nn.Module, image_size: int, what: str, outputs: Collection[int] = (1,)
) -> int:
    """Check that a network answers images of a run's slices, and return its number of outputs.

    It is asked about black, white and noise, together and the noise alone.

    Args:
        network: In eval mode, on the CPU.
        image_size: Rows and columns of an image.
        what: The network, for messages.
        outputs: How many will do (`ct_importance.classifier.source.Source.outputs`).

    Raises:
        InputError: If it raises, answers with something else than one number per output, with
            numbers that are not finite, or differently in another batch.
    """
    noise = torch.rand(1, 1, image_size, image_size, generator=torch.Generator().manual_seed(0))
    images = torch.cat([torch.zeros_like(noise), torch.ones_like(noise), noise])
    answers, alone = (_ask(network, batch, what, outputs) for batch in (images, noise))
    if not (answers.isfinite().all() and alone.isfinite().all()):
        raise InputError(
            f"{what}: its answers to black, white and noise are not finite; take other weights"
        )
    if (answers[-1:] - alone).abs().max() > TOLERANCE * answers.abs().max().clamp(min=1):
        raise InputError(
            f"{what}: answers an image differently alone and beside others; in eval mode nothing "
            "may be random, and nothing may be computed from the whole batch"
        )
    return answers.shape[1]


def _ask(
    network: nn.Module, images: torch.Tensor, what: str, outputs: Collection[int]
) -> torch.Tensor:
    shape = tuple(images.shape)
    try:
        answers = network(images)
    except Exception as error:  # networks raise whatever they like
        if any(isinstance(it, nn.Conv3d) for it in network.modules()):
            raise InputError(
                f"{what}: wants 3-D images (it has Conv3d); slices are 2-D: (N, 1, rows, columns)"
            ) from error
        raise InputError(
            f"{what}: cannot be applied to slices, images of shape {shape} "
            f"({kind_and_first_line(error)}); it must take any number of images of what "
            "`channels` and `image_size` of the classifier say, by default one grey channel at "
            "cohort.image_size"
        ) from error
    if not isinstance(answers, torch.Tensor):
        raise InputError(
            f"{what}: answers with a {type(answers).__name__}; return the tensor of logits alone"
        )
    wanted = [(len(images), count) for count in outputs]
    if tuple(answers.shape) not in wanted:
        classes = max(outputs)
        raise InputError(
            f"{what}: answers {len(images)} images with the shape {tuple(answers.shape)}, "
            f"expected {' or '.join(map(str, wanted))}: the logits of a task of "
            f"{classes if classes > 2 else 'two'} classes"
        )
    return answers.float()
