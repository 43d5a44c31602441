"""Images, maps and classifiers for the tests of the metrics."""

import numpy as np
import torch
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from ct_importance.classifier.forward.torch_runtime import TorchForward
from ct_importance.metrics.evaluate import evaluate_slice
from ct_importance.metrics.metric import Probe, Sample
from ct_importance.task import DEFAULT_TASK


def smooth_image(shape, seed=0):
    """Return an image in [0, 1] with structures of the size of organs."""
    noise = np.random.default_rng(seed).normal(size=shape)
    image = gaussian_filter(noise, max(shape) / 30)
    return ((image - image.min()) / np.ptp(image)).astype(np.float32)


def random_maps(shape, seed=0):
    """Return maps by kind: noise, smooth and signed, smooth and skewed; float64."""
    noise = np.random.default_rng(seed).normal(size=shape)
    smooth = gaussian_filter(noise, 4)
    return {"noise": noise, "smooth": smooth, "squared": smooth**2}


def sample(image=None, mask=None, label=1, slice_id="slice", segments=None):
    """Return a slice; without an image, one of zeros in the shape of the mask."""
    if image is None:
        image = np.zeros(mask.shape)
    return Sample(slice_id, "patient", label, image.astype(np.float32), mask, segments)


@st.composite
def scored_masks(draw):
    """Draw a map, with many ties, some or none, and a mask with pixels inside and outside."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = draw(st.tuples(st.integers(2, 12), st.integers(2, 12)))
    importance = rng.integers(0, draw(st.sampled_from([2, 5, 10**9])), shape) / 7 - 1
    mask = rng.random(shape) < 0.4
    mask[0, 0], mask[-1, -1] = True, False
    return importance.astype(np.float32), mask


def score_of(metric, importance, mask=None):
    """Return the number that a metric of one number per slice gives a map; NaN: undefined."""
    one = sample(np.zeros(importance.shape), mask)
    points = evaluate_slice(metric, one, importance, Probe(seed=0))["original"]
    return points["score"][0] if points["defined"][0] else np.nan


def point_of(metric, one, importance):
    """Return the point that a metric of one point per slice gives a map, by variant, as numbers."""
    found = evaluate_slice(metric, one, importance, Probe(seed=0))
    return {variant: {k: float(v[0]) for k, v in it.items()} for variant, it in found.items()}


def asking(network, seed=0, fill=DEFAULT_TASK.fill):
    """Return a probe that asks a network."""
    return Probe(seed, TorchForward(network), fill)


class Linear(torch.nn.Module):
    """Logit = sum of weights x pixels - threshold."""

    def __init__(self, weights, threshold=0.0):
        super().__init__()
        self.weights = torch.as_tensor(np.asarray(weights, np.float32))
        self.threshold = threshold
        self.images_seen = 0
        self.eval()

    def forward(self, images):
        assert images.shape[1] == 1
        assert images.dtype == torch.float32
        self.images_seen += len(images)
        return (images[:, 0] * self.weights).sum((1, 2))[:, None] - self.threshold
