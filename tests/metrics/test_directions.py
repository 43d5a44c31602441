"""Every metric ranks the truth above chance, and chance above the opposite of the truth.

Public code has metrics that are ranked the wrong way round, and metrics that take a classifier with
one neuron for one with none. So each is asked about maps whose place is known, of a classifier with
one logit, with two outputs and with three classes. A new metric is taken by itself; options that
make it quick go to `QUICK`.
"""

import numpy as np
import pytest

from ct_importance.errors import InputError
from ct_importance.plugins import load, names
from tests.metrics.known_truth import OUTPUTS, like_noise, setting, value_of

QUICK = {
    **{name: {"step": 0.1} for name in ("fidelity", "deletion", "insertion")},
    "pointing_game": {"tolerance": 4},
}
"""Options under which the order shows and no time is lost; by default those of a run."""
OPPOSITES = {
    # Of all values, negative ones count as nothing, and the sign for nothing.
    "relevance_mass": lambda truth: truth.max() - truth,
    "pointing_game": lambda truth: _peak_in_the_corner(truth),
    "sparseness": np.ones_like,
    "entropy": np.ones_like,
}
"""What the worst map is made of the truth by, for metrics that its negative says nothing to."""


def _peak_in_the_corner(truth):
    """The negative, with one maximum far from all places: of many equal ones, some are near."""
    far = -truth
    far[-1, -1] = 2 * np.abs(truth).max()
    return far


METRICS = pytest.mark.parametrize(
    # What others compare maps with is more than a classifier and a slice.
    "name",
    [name for name in names("metric") if "variations" not in load("metric", name).needs],
)
HEADS = pytest.mark.parametrize("head", OUTPUTS)


@pytest.fixture(scope="module")
def settings():
    return {head: setting(outputs) for head, outputs in OUTPUTS.items()}


def merit_of(name, known, maps):
    """How good maps are, the higher the better."""
    metric = load("metric", name)(**QUICK.get(name, {}))
    return float(metric.merit(np.array(value_of(metric, known, list(maps)))))


@HEADS
@METRICS
def test_truth_beats_chance_and_chance_its_opposite(name, head, settings):
    known = settings[head]
    opposite = OPPOSITES.get(name, np.negative)

    truth = merit_of(name, known, known.truths)
    chance = merit_of(name, known, like_noise(known.truths))
    worst = merit_of(name, known, map(opposite, known.truths))

    gap = truth - worst
    assert truth > chance + 0.1 * gap
    assert chance > worst
    if load("metric", name).chance is not None:
        expected = load("metric", name).merit(np.array(load("metric", name).chance))
        assert chance == pytest.approx(expected, abs=0.15 * gap)


@HEADS
@METRICS
def test_a_constant_map_is_chance_or_undefined_with_a_word(name, head, settings):
    known = settings[head]
    try:
        constant = merit_of(name, known, [np.full_like(it, 0.5) for it in known.truths])
    except InputError as error:
        assert "map" in str(error)  # noqa: PT017 (a value is as good an answer)
        return

    assert np.isfinite(constant)
    truth = merit_of(name, known, known.truths)
    assert constant < truth
    if load("metric", name).chance is not None:
        chance = load("metric", name).merit(np.array(load("metric", name).chance))
        assert constant == pytest.approx(chance, abs=0.05 * (truth - chance))


@METRICS
def test_a_logit_and_two_outputs_are_one_classifier(name, settings):
    one, two = (
        merit_of(name, settings[head], settings[head].truths)
        for head in ("one_logit", "two_logits")
    )
    assert one == pytest.approx(two, rel=1e-5)
