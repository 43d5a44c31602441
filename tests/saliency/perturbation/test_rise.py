import numpy as np
import torch
from torch.nn.functional import interpolate

from ct_importance.compute.randomness import generator_for
from ct_importance.saliency.perturbation.random_masks import random_masks
from tests.saliency.networks import LinearNetwork
from tests.saliency.perturbation.conftest import SLICE_IDS

MASKS, CELLS, SHOWN = 12, 5, 0.4


def drawn(slice_id, side, masks=MASKS):
    generator = generator_for(0, slice_id, "rise")
    return np.stack(list(random_masks(generator, masks, CELLS, SHOWN, (side, side))))


def test_masks_are_enlarged_and_cut_as_in_the_paper():
    """By torch's bilinear interpolation, to (h + 1) C pixels, where C is a cell of the image."""
    generator = generator_for(0, "one", "rise")
    grids = torch.from_numpy(generator.random((MASKS, CELLS, CELLS)) < SHOWN).float()
    places = generator.integers([13, 13], size=(MASKS, 2))
    large = interpolate(grids[:, None], size=(78, 78), mode="bilinear", align_corners=False)
    expected = [
        mask[0, top : top + 64, left : left + 64]
        for mask, (top, left) in zip(large, places, strict=True)
    ]
    np.testing.assert_allclose(drawn("one", 64), torch.stack(expected), atol=1e-6)


def test_oblong_slices_have_masks_of_their_shape():
    masks = list(random_masks(generator_for(0), 200, 3, 0.5, (20, 33)))
    assert {mask.shape for mask in masks} == {(20, 33)}
    assert min(mask.min() for mask in masks) == 0
    assert max(mask.max() for mask in masks) == 1
    assert abs(np.mean(masks) - 0.5) < 0.05
    # Not the grid itself: it is moved, so that no pixel is always at the edge of a cell.
    assert len({tuple(np.flatnonzero(np.diff(mask[0]) != 0)) for mask in masks}) > 10


def test_maps_are_the_papers_formula(network, slices, maps_of, agree):
    """1 / (E[M] N) sum f(I * M_i) M_i, equation 6, written out in torch."""
    found = maps_of("rise", network, masks=MASKS, cells=CELLS, probability=SHOWN)
    for slice_id, image, importance in zip(SLICE_IDS, slices, found, strict=True):
        masks = torch.from_numpy(drawn(slice_id, 64))[:, None]
        scores = network(image * masks)
        agree(importance, (scores[:, :, None, None] * masks).sum(0)[0] / (MASKS * SHOWN))


def test_another_fill_shows_between_the_masks(slices, maps_of, agree):
    network = LinearNetwork(64)
    found = maps_of("rise", network, masks=MASKS, cells=CELLS, probability=SHOWN, fill="mean")
    for slice_id, image, importance in zip(SLICE_IDS, slices, found, strict=True):
        masks = torch.from_numpy(drawn(slice_id, 64))[:, None]
        scores = network(image * masks + image.mean() * (1 - masks))
        agree(importance, (scores[:, :, None, None] * masks).sum(0)[0] / (MASKS * SHOWN))
