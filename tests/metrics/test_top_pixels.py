"""How many of the top pixels lie in a mask."""

from itertools import permutations

import numpy as np
import pytest

from ct_importance.errors import InputError
from ct_importance.metrics.top_pixels import check_mask, expected_hits, top_count


def test_of_tied_pixels_the_mean_over_all_orders_counts():
    importance, mask = np.array([2, 1, 1, 1, 0, 1]), np.array([0, 1, 0, 1, 1, 0], bool)
    orders = [
        sorted(order, key=lambda pixel: -importance[pixel]) for order in permutations(range(6))
    ]
    scores, positive = np.sort(importance), np.sort(importance[mask])
    hits, false_alarms = expected_hits(scores, positive, np.arange(7))
    for count in range(7):
        expected = np.mean([mask[order[:count]].sum() for order in orders])
        assert hits[count] == pytest.approx(expected)
        assert false_alarms[count] == pytest.approx(count - expected)


def test_parts_of_a_pixel_count_as_such():
    scores = np.arange(4)
    hits, _ = expected_hits(scores, scores[2:], np.array([0, 3, 6, 8]), parts=2)
    assert hits.tolist() == [0, 1.5, 2, 2]


@pytest.mark.parametrize(("fill", "word"), [(False, "empty"), (True, "whole image")])
def test_a_mask_that_says_nothing_is_refused(fill, word):
    with pytest.raises(InputError, match=word):
        check_mask(np.full((3, 3), fill))


def test_a_share_is_a_pixel_at_least():
    counts = {share: top_count(share, 100) for share in (0.001, 0.005, 0.0249, 0.025, 1)}
    assert counts == {0.001: 1, 0.005: 1, 0.0249: 2, 0.025: 3, 1: 100}
