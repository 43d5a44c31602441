"""Segments of a slice, over which XRAI averages importance.

They depend on the image alone, so they are computed once and serve every estimator. Equal, bit
for bit and in the same order, to the segments of the reference implementation of XRAI
(Kapishnikov et al. 2019; ``saliency`` 0.2.1, full mode), with a smaller dilation in images below
224 x 224: there, that of the reference would swallow what is to be found.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, find_objects
from skimage.segmentation import felzenszwalb
from skimage.transform import resize

from ct_importance.errors import InputError
from ct_importance.saliency.xrai.regions import REFERENCE_SHAPE, reference_share
from ct_importance.saliency.xrai.storage import pack_segments

SCALES = (50, 100, 150, 250, 500, 1200)
SIGMA = 0.8
MIN_SIZE = 150
DILATION_RADIUS = 5
"""Pixels, of images of `REFERENCE_SHAPE` and larger."""


def segment_image(image: np.ndarray) -> NDArray[np.bool_]:
    """Return the dilated Felzenszwalb segments of an image at all scales.

    Args:
        image: (H, W) float, finite. Only its contrast matters: it is scaled to [-1, 1].

    Returns:
        (K, H, W) bool, fine scales first. Segments of one scale overlap by their dilation; a
        segment too small for the pixel grid of the image may be empty.

    Raises:
        InputError: If the image is constant or not finite: it then has no segments.
    """
    scaled = _scale(image)
    segments = []
    for scale in SCALES:
        labels = felzenszwalb(scaled, scale=scale, sigma=SIGMA, min_size=MIN_SIZE)
        labels = resize(
            labels,
            image.shape,
            order=0,
            preserve_range=True,
            mode="constant",
            anti_aliasing=False,
        ).astype(int)
        segments.append(_dilated_masks(labels))
    return np.concatenate(segments)


def segment_and_pack(id_and_image: tuple[str, np.ndarray]) -> tuple[str, bytes]:
    """Return a slice's id and its packed segments; an error names the slice."""
    slice_id, image = id_and_image
    try:
        return slice_id, pack_segments(segment_image(image))
    except InputError as error:
        raise InputError(f"slice {slice_id}: {error}") from None


def dilate(mask: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    """Return a mask (H, W) bool grown by a disk.

    Equal to a dilation with ``skimage.morphology.disk(radius)``: a pixel is in the disk when its
    centre is at most ``radius`` away.

    Example:
        >>> dilate(np.array([[True, False, False, False]]), radius=2).astype(int).tolist()
        [[1, 1, 1, 0]]
    """
    if not mask.any():
        return mask.copy()
    grown: NDArray[np.bool_] = distance_transform_edt(~mask) <= radius
    return grown


def _scale(image: np.ndarray) -> np.ndarray:
    low, high = image.min(), image.max()
    if not np.isfinite(high - low):
        raise InputError("the image has values that are not finite, so it has no segments")
    if low == high:
        raise InputError(
            f"the image is constant (every pixel is {low:g}), so it has no segments; "
            "leave the slice out or check its HU window"
        )
    # The reference rounds in this order; segments can depend on the last bit.
    scaled = (image - low) / (high - low) * 2.0 + -1.0
    resized: np.ndarray = resize(
        scaled[..., None],
        REFERENCE_SHAPE,
        order=3,
        mode="constant",
        preserve_range=True,
        anti_aliasing=True,
    )
    return resized


def _dilated_masks(labels: np.ndarray) -> NDArray[np.bool_]:
    """Return a dilated mask for each number from the lowest label to the highest."""
    labels = labels - labels.min()
    radius = round(DILATION_RADIUS * reference_share(labels.shape))
    boxes = find_objects(labels + 1)
    masks = np.zeros((len(boxes), *labels.shape), bool)
    for label, box in enumerate(boxes):
        if box is not None:
            # Dilation reaches no further than its radius: the rest of the image stays False.
            near = tuple(slice(max(0, side.start - radius), side.stop + radius) for side in box)
            masks[label][near] = dilate(labels[near] == label, radius)
    return masks
