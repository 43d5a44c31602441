"""How many images suit one pass through a network."""

from __future__ import annotations


def images_per_pass(device: str, height: int, width: int, gradient: bool = True) -> int:
    """Return how many images suit one pass.

    On the CPU as many as the caches hold: two 224 x 224 slices forwards, and eight with the way
    back, where larger passes only add memory. On a GPU enough to keep it busy: 64 of them need
    about 6 GB with the way back, 256 about as much without.

    Args:
        device: Kind of the device where the passes are computed, ``"cpu"`` or ``"cuda"``.
        height: Rows of an image.
        width: Columns of an image.
        gradient: Whether the gradient is wanted, too.

    Example:
        >>> images_per_pass("cpu", 224, 224)
        8
        >>> images_per_pass("cpu", 112, 112)
        32
    """
    with_gradient, without = (64, 256) if device == "cuda" else (8, 2)
    at_224 = with_gradient if gradient else without
    return max(1, at_224 * 224 * 224 // (height * width))
