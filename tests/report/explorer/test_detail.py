import numpy as np
import pytest

from ct_importance.report.explorer.detail import LADDER, choose_detail, details, level_shares
from ct_importance.report.explorer.slices import Material, pack_images

WINDOW = (-1000.0, 400.0)


def entropy(shares):
    return -(shares * np.log2(shares)).sum()


def bits_of(detail):
    """What a map of noise needs, in bytes, at 100 x 100 pixels."""
    return [entropy(detail.shares) / 8 * 10_000 / detail.factor**2]


def test_shares_sum_to_one_and_are_smallest_at_both_ends():
    for side, ratio, _ in LADDER:
        shares = level_shares(side, ratio)
        assert len(shares) == 2 * side
        assert shares.sum() == pytest.approx(1)
        np.testing.assert_allclose(shares, shares[::-1])
        assert shares[0] <= shares[side]


def test_each_rung_needs_less_than_the_one_before():
    needed = [bits_of(detail)[0] for detail in details(1)]

    assert needed == sorted(needed, reverse=True)


def test_what_fits_is_kept_as_finely_as_it_may_be():
    assert len(choose_detail([0], 1, 10_000, bits_of).shares) == 256
    chosen = choose_detail([0], 10, 50_000, bits_of)
    assert (chosen.factor, len(chosen.shares)) == (1, 24)
    assert 10 * bits_of(chosen)[0] <= 50_000
    finer = [one for one in details(1) if len(one.shares) > len(chosen.shares)]
    assert all(10 * bits_of(one)[0] > 50_000 for one in finer)


def test_what_is_kept_anyway_counts():
    assert len(choose_detail([5_000], 10, 100_000, bits_of).shares) < 256


def test_resolution_is_given_up_last_and_never_without_end():
    assert choose_detail([0], 100, 100_000, bits_of).factor == 2
    assert choose_detail([0], 10**9, 1, bits_of).factor == 8


@pytest.mark.parametrize(
    ("window", "step", "greys"),
    [((-200, 400), 1.0, 601), (WINDOW, 2.0, 701), (WINDOW, None, 256), ((-30, 30), 1.0, 256)],
)
def test_grey_values_are_a_step_of_hounsfield_units_apart(window, step, greys):
    detail = next(one for one in details(1) if one.step == step)

    assert detail.greys(window) == greys


def test_smooth_maps_leave_room_for_more_levels_than_noise():
    random = np.random.default_rng(0)
    noise = random.normal(size=(64, 64)).astype("f4")
    smooth = np.add.outer(np.arange(64), np.arange(64)).astype("f4")
    image = random.random((64, 64)).astype("f4")

    def levels_of(importance):
        row = {"slice_id": "a", "image": image, "mask": None}
        material = Material(row, {"one": importance, "two": importance}, None)
        kept = choose_detail(
            [0], 1, 13_000, lambda one: [len(str(pack_images(material, one, WINDOW)))]
        )
        return len(kept.shares)

    assert levels_of(smooth) > levels_of(noise)
