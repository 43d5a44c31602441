"""Checks the shapes that an exported network says it takes and answers, before it is run."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ct_importance.errors import InputError
from ct_importance.io.paths import StrPath

Shape = tuple[int | None, ...]
"""Of a tensor; None: any size."""


def check_shapes(
    path: StrPath,
    image: Shape,
    answer: Shape | None,
    taken: Sequence[int],
    outputs: Collection[int],
    export: str,
) -> None:
    """Check that an exported network takes what it will get, and answers with logits.

    Args:
        path: Its file.
        image: Shape of what it takes.
        answer: Shape of what it answers; None if it does not say.
        taken: Channels, rows and columns of what it will get, any number at once.
        outputs: How many will do (`ct_importance.classifier.source.Source.outputs`).
        export: Code that exports a network with a batch of any size.

    Raises:
        InputError: If not.
    """
    given = (None, *taken)
    if len(image) == 5:
        raise InputError(f"{path}: wants 3-D images; slices are 2-D: {in_words(given)}")
    if len(image) != 4:
        raise InputError(f"{path}: takes images {in_words(image)}; it will get {in_words(given)}")
    if image[0] is not None:
        raise InputError(
            f"{path}: was exported for batches of {image[0]} alone; export it for batches of any "
            f"size: {export}"
        )
    if not _fits(image, given):
        raise InputError(
            f"{path}: was exported for images {in_words(image)}, but gets {in_words(given)}; "
            "export it for these, or set `channels` and `image_size` of the classifier"
        )
    wanted = [(None, count) for count in outputs]
    if answer is not None and not any(_fits(answer, it) for it in wanted):
        classes = max(outputs)
        raise InputError(
            f"{path}: answers images with the shape {in_words(answer)}, expected "
            f"{' or '.join(map(in_words, wanted))}: the logits of a task of "
            f"{classes if classes > 2 else 'two'} classes"
        )


def in_words(shape: Shape) -> str:
    """Return a shape as messages show it.

    >>> in_words((None, 1))
    '(N, 1)'
    """
    return f"({', '.join('N' if size is None else str(size) for size in shape)})"


def _fits(shape: Shape, wanted: Shape) -> bool:
    return len(shape) == len(wanted) and all(
        have is None or have == size for have, size in zip(shape, wanted, strict=True)
    )
