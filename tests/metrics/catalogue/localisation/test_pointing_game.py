import numpy as np
import pytest

from ct_importance.metrics.catalogue.localisation.pointing_game import PointingGame
from tests.metrics.images import sample, score_of

MASK = np.zeros((20, 20), bool)
MASK[8:12, 8:12] = True


def peaks(*places):
    """A map with equal maxima at these places."""
    importance = np.random.default_rng(0).random(MASK.shape)
    for place in places:
        importance[place] = 2
    return importance


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        ([(8, 8)], 1),
        ([(7, 8)], 0),
        ([(8, 8), (0, 0)], 0.5),
        ([(8, 8), (11, 11), (0, 0)], 2 / 3),
    ],
)
def test_the_maximum_decides_and_of_several_their_share(places, expected):
    assert score_of(PointingGame(), peaks(*places), MASK) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("tolerance", "place", "hit"),
    [(1, (7, 8), 1), (1, (7, 7), 0), (1.5, (7, 7), 1), (5, (8, 3), 1), (4.9, (8, 3), 0)],
)
def test_a_pixel_near_the_mask_is_a_hit_up_to_the_tolerance(tolerance, place, hit):
    assert score_of(PointingGame(tolerance=tolerance), peaks(place), MASK) == hit


@pytest.mark.parametrize("tolerance", [0, 1, 3.5])
def test_a_constant_map_is_chance(tolerance):
    metric = PointingGame(tolerance=tolerance)
    rows, columns = np.mgrid[:20, :20]
    inside = np.argwhere(MASK)
    distances = np.hypot(rows[..., None] - inside[:, 0], columns[..., None] - inside[:, 1])
    near = (distances.min(axis=2) <= tolerance).mean()
    assert score_of(metric, np.zeros(MASK.shape), MASK) == pytest.approx(near)
    assert metric.chance_of(sample(mask=MASK)) == pytest.approx(near)


def test_the_caption_says_what_is_near():
    assert "3 pixels away" in PointingGame(tolerance=3).describe()
    assert "away" not in PointingGame().describe()
