"""The contract of a forward runtime, which only asks a classifier, and which one is taken.

Asking is most of what metrics do. On a CPU it is fastest in ONNX Runtime, whose answers to an image
are the same bits alone and beside others, and which starts in a tenth of torch's time.
"""

from __future__ import annotations

import ctypes
import functools
import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from ct_importance.compute.batch_size import images_per_pass
from ct_importance.io.paths import StrPath

if TYPE_CHECKING:
    from ct_importance.classifier.source import Source

Item = TypeVar("Item", bound=np.generic)
Answers = NDArray[np.float32]
"""(N, K), the score of each class before sigmoid or softmax; see `Classifier.scores`."""
Fixed = float | NDArray[np.float32]
"""What takes the place of pixels, whichever are masked: one grey value, or the pixels of an image
(H, W)."""
Imputed = Callable[[NDArray[np.bool_]], NDArray[np.float32]]
"""From masks (n, H, W), True where a pixel is masked, to the images (n, H, W) with these pixels
replaced, each by what is left."""


class Forward(ABC):
    """A classifier that is asked, and never changed."""

    device: str
    """Kind of the device it computes on, ``"cpu"`` or ``"cuda"``."""

    @abstractmethod
    def _ask(self, images: NDArray[np.float32]) -> Answers:
        """Return the outputs (n, O) for images (n, H, W), in one pass."""

    def _masking(
        self, image: NDArray[np.float32], ranks: NDArray[np.int32], fill: Fixed | Imputed
    ) -> Callable[[NDArray[np.int64]], Answers]:
        """Return a function from `masked_scores`' jobs (n, 2) to the outputs (n, O), in one pass.

        Masks are made where the network is: on the CPU, unless a runtime says otherwise.
        """

        def ask(jobs: NDArray[np.int64]) -> Answers:
            order, count = jobs.T
            return self._ask(with_masked(image, ranks[order] < count[:, None, None], fill))

        return ask

    def outputs(self, images: NDArray[np.float32], batch: int | None = None) -> Answers:
        """Return what the network answers, (N, O).

        Args:
            images: (N, H, W) in [0, 1].
            batch: Images per pass; None for as many as suit the device.
        """
        size = batch or self._images_per_pass(*images.shape[1:])
        return _in_passes(self._ask, images, size)

    def scores(self, images: NDArray[np.float32], batch: int | None = None) -> Answers:
        """Return the score of each class, (N, K); a single logit z is the scores (-z, z).

        Args:
            images: (N, H, W) in [0, 1].
            batch: As in `outputs`.
        """
        return as_scores(self.outputs(images, batch))

    def masked_scores(
        self,
        image: NDArray[np.float32],
        ranks: NDArray[np.int32],
        jobs: NDArray[np.int64],
        fill: Fixed | Imputed,
        batch: int | None = None,
    ) -> Answers:
        """Return the score of each class for one image, masked in several ways.

        Args:
            image: (H, W) in [0, 1].
            ranks: (R, H, W): when each pixel is masked, 0 for the first, in each of R orders.
            jobs: (N, 2): which order, and how many of its pixels to mask.
            fill: What takes the place of the masked pixels.
            batch: As in `scores`.

        Returns:
            (N, K), as in `scores`.
        """
        size = batch or self._images_per_pass(*image.shape)
        return as_scores(_in_passes(self._masking(image, ranks, fill), jobs, size))

    def _images_per_pass(self, height: int, width: int) -> int:
        return images_per_pass(self.device, height, width, gradient=False)


def with_masked(
    image: NDArray[np.float32], masks: NDArray[np.bool_], fill: Fixed | Imputed
) -> NDArray[np.float32]:
    """Return an image with some of its pixels masked, in several ways.

    Args:
        image: (H, W) in [0, 1].
        masks: (n, H, W), True where a pixel is masked.
        fill: What takes their place.

    Returns:
        (n, H, W).
    """
    if callable(fill):
        return fill(masks)
    return np.where(masks, np.asarray(fill, np.float32), image)


def as_scores(outputs: Answers) -> Answers:
    """Return the scores (N, K) of a network's outputs (N, O): of one logit z, (-z, z).

    Example:
        >>> as_scores(np.array([[2.0]], np.float32)).tolist()
        [[-2.0, 2.0]]
    """
    return np.concatenate([-outputs, outputs], axis=1) if outputs.shape[1] == 1 else outputs


def _in_passes(
    function: Callable[[NDArray[Item]], Answers], items: NDArray[Item], size: int
) -> Answers:
    if not len(items):
        return np.empty((0, 1), np.float32)
    return np.concatenate([function(items[at : at + size]) for at in range(0, len(items), size)])


def open_forward(source: Source, classifier: StrPath, graph: StrPath, threads: int) -> Forward:
    """Return the fastest runtime for a classifier here.

    On a GPU that is torch; on a CPU ONNX Runtime, unless the network could not be exported or
    another precision is asked for. What came as a graph of ONNX is always asked as that.

    Args:
        source: Where the classifier comes from.
        classifier: Its file.
        graph: Its ONNX file; an empty one if there is none.
        threads: CPU threads to use.

    Raises:
        InputError: If a file is missing or damaged.
    """
    suits = source.precision != "bfloat16" and not has_gpu()
    if (suits or not source.gives_gradients) and os.path.getsize(graph):
        from ct_importance.classifier.forward.onnx_runtime import OnnxForward

        return OnnxForward(graph, threads)
    from ct_importance.classifier.forward.torch_runtime import load_forward

    return load_forward(source, classifier, threads)


@functools.cache
def has_gpu() -> bool:
    """Tell whether this process may use a CUDA device, without importing torch where it may not."""
    try:
        cuda, count = ctypes.CDLL("libcuda.so.1"), ctypes.c_int()
    except OSError:
        return False
    if cuda.cuInit(0) or cuda.cuDeviceGetCount(ctypes.byref(count)) or not count.value:
        return False
    import torch

    return torch.cuda.is_available()
