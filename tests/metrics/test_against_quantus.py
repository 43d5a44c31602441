"""Metrics of agreement and complexity are those of Quantus (Hedstroem et al. 2023).

Where maps have no ties and no negative values: there it takes the order of the pixels, and signs as
they are.
"""

import numpy as np
import pytest

from ct_importance.plugins import load
from tests.metrics.images import random_maps, score_of
from tests.quantus_metrics import quantus

PLAIN = {
    **{"abs": False, "normalise": False},
    **{"return_aggregate": False, "disable_warnings": True},
}
SHAPE = (40, 36)
MASK = np.zeros(SHAPE, bool)
MASK[10:22, 5:20] = True
MAPS = {name: 1000 * (np.abs(it) + 0.3 * MASK) for name, it in random_maps(SHAPE).items()}

LOCALISATION = {
    "pointing_game": (quantus().PointingGame, {}, {}),
    "relevance_mass": (quantus().RelevanceMassAccuracy, {}, {}),
    "relevance_rank": (quantus().RelevanceRankAccuracy, {}, {}),
    "top_k": (quantus().TopKIntersection, {"k": 100}, {"k": 100}),
}


@pytest.mark.parametrize("kind", MAPS)
@pytest.mark.parametrize("name", LOCALISATION)
def test_agreement_is_that_of_quantus(name, kind):
    theirs, their_options, options = LOCALISATION[name]
    (expected,) = theirs(**their_options, **PLAIN).evaluate_batch(
        a_batch=MAPS[kind][None, None].copy(), s_batch=MASK[None, None].copy()
    )
    found = score_of(load("metric", name)(**options), MAPS[kind], MASK)
    assert found == pytest.approx(float(expected), rel=1e-12)


@pytest.mark.parametrize("kind", MAPS)
@pytest.mark.parametrize(
    ("name", "theirs"), [("sparseness", quantus().Sparseness), ("entropy", quantus().Complexity)]
)
def test_complexity_is_that_of_quantus(name, theirs, kind):
    (expected,) = theirs(**PLAIN).evaluate_batch(
        x_batch=np.zeros((1, 1, *SHAPE)), a_batch=MAPS[kind][None, None].copy()
    )
    # It adds 1e-7 to every pixel, or 1e-12 to every share.
    assert score_of(load("metric", name)(), MAPS[kind]) == pytest.approx(expected, rel=1e-8)
