import math

import pytest
import torch

from ct_importance.classifier.augmentation import augment
from ct_importance.classifier.options import AugmentationOptions

NOTHING = {
    "flip": 0,
    "rotation": 0,
    "translation": 0,
    "scale": (1, 1),
    "intensity": 0,
    "masking": 0,
}


def options(**changes):
    return AugmentationOptions(**(NOTHING | changes))


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def batch():
    """Smooth images, which interpolation changes little, (6, 1, 32, 48)."""
    y, x = torch.meshgrid(torch.linspace(0, 1, 32), torch.linspace(0, 1, 48), indexing="ij")
    return torch.stack([(0.2 + 0.1 * i * x + 0.3 * y)[None] for i in range(6)]).clamp(0, 1)


def test_nothing_asked_nothing_changed(batch):
    torch.testing.assert_close(augment(batch, options(), generator()), batch)


def test_flip_is_left_to_right(batch):
    torch.testing.assert_close(augment(batch, options(flip=1), generator()), batch.flip(3))
    some = augment(batch.repeat(20, 1, 1, 1), options(flip=0.5), generator())
    same = (some - batch.repeat(20, 1, 1, 1)).abs().amax((1, 2, 3)) < 1e-3
    assert 30 < int(same.sum()) < 100


@pytest.mark.parametrize("shape", [(32, 48), (48, 32), (32, 32)])
def test_rotation_keeps_angles_in_oblong_images(shape):
    """A disk off the centre stays a disk at the same distance from the centre."""
    height, width = shape
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    center_y, center_x = (height - 1) / 2, (width - 1) / 2
    disk = ((y - center_y) ** 2 + (x - center_x - 9) ** 2 < 16).float()[None, None]
    turned = augment(disk.repeat(8, 1, 1, 1), options(rotation=90), generator())[:, 0]
    mass = turned.sum((1, 2))
    torch.testing.assert_close(mass, disk.sum().expand(8), rtol=0.03, atol=0)
    offset_y = (turned * y).sum((1, 2)) / mass - center_y
    offset_x = (turned * x).sum((1, 2)) / mass - center_x
    distance = torch.hypot(offset_y, offset_x)
    torch.testing.assert_close(distance, torch.full((8,), 9.0), rtol=0.02, atol=0)
    angles = torch.atan2(offset_y, offset_x) * 180 / math.pi
    assert angles.abs().max() <= 91
    assert angles.std() > 10


def test_shifts_stay_within_bounds_and_let_air_in():
    white = torch.ones(50, 1, 40, 40)
    shifted = augment(white, options(translation=0.25), generator())
    missing = 1 - shifted.mean((1, 2, 3))
    assert missing.max() <= 1 - 0.75**2 + 1e-3
    assert missing.max() > 0.2
    assert shifted.min() == 0


def test_scale_magnifies():
    square = torch.zeros(1, 1, 40, 40)
    square[..., 15:25, 15:25] = 1
    assert augment(square, options(scale=(2, 2)), generator()).sum() == pytest.approx(400, rel=0.05)


def test_intensity_is_one_change_per_image_within_bounds():
    gray = torch.full((200, 1, 4, 4), 0.5)
    changed = augment(gray, options(intensity=0.2), generator())
    assert (changed.amax((1, 2, 3)) - changed.amin((1, 2, 3))).max() < 1e-6
    assert 0.15 < (changed - 0.5).abs().max() <= 0.2 + 1e-6
    extreme = augment((gray > 1).float(), options(intensity=0.5), generator())
    assert 0 <= extreme.min() <= extreme.max() <= 1


def test_draws_depend_on_the_generator_alone(batch):
    everything = AugmentationOptions(intensity=0.1)
    first = augment(batch, everything, generator(1))
    torch.manual_seed(99)
    assert torch.equal(augment(batch, everything, generator(1)), first)
    assert not torch.allclose(augment(batch, everything, generator(2)), first)
    assert first.shape == batch.shape


def test_masking_scatters_black_or_white_over_every_other_image():
    gray = torch.full((400, 1, 20, 20), 0.5)
    masked = augment(gray, options(masking=0.3), generator())
    share = (masked != 0.5).float().mean((1, 2, 3))
    touched = share > 0
    assert 150 < int(touched.sum()) < 250
    assert 0.25 < share.max() < 0.4
    assert share[touched].mean() == pytest.approx(0.15, abs=0.03)
    white, black = (masked == 1).any(1).any(-1).any(-1), (masked == 0).any(1).any(-1).any(-1)
    assert not (white & black).any()
    assert int(white.sum()) == pytest.approx(100, abs=30)
    assert set(masked.unique().tolist()) == {0.0, 0.5, 1.0}
    # Scattered: neighbours are masked independently of each other.
    pairs = (masked[..., 1:] != 0.5) & (masked[..., :-1] != 0.5)
    assert pairs.float().mean((1, 2, 3))[touched].max() < 0.2


def test_masking_by_the_mean():
    images = torch.rand(50, 1, 20, 20, generator=generator())
    masked = augment(images, options(masking=0.3, masking_fill="mean"), generator())
    for before, after in zip(images, masked, strict=True):
        changed = after[(after - before).abs() > 1e-5]
        torch.testing.assert_close(changed, before.mean().expand_as(changed))


def test_boxes_are_masked_around_some_of_the_pixels():
    gray = torch.full((40, 1, 224, 224), 0.5)
    plain, boxes = (
        augment(gray, options(masking=0.3, masking_boxes=share), generator()) != 0.5
        for share in (0.0, 0.01)
    )
    assert (boxes | ~plain).all()  # what is masked without them is with them
    before, after = (masked.float().mean((1, 2, 3)) for masked in (plain, boxes))
    dense = before > 0.25
    assert (after[dense] / before[dense]).mean() == pytest.approx(0.39 / 0.3, rel=0.1)
    # Within a box, neighbours are masked together.
    alone = boxes[..., 1:] & ~plain[..., 1:]
    assert boxes[..., :-1][alone].float().mean() > 0.7


def test_masking_that_is_not_asked_for_draws_nothing(batch):
    one, other = generator(), generator()
    augment(batch, options(), one)
    augment(batch, AugmentationOptions(), other)
    assert torch.rand(1, generator=one) == torch.rand(1, generator=other)
