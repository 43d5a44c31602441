"""Maps that change with the sign, that do not, and that change their sign alone."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from ct_importance.metrics.catalogue.faithfulness.planted_likeness import PlantedLikeness
from ct_importance.metrics.evaluate import evaluate_slice
from ct_importance.metrics.metric import Probe, Sample

RANDOM = np.random.default_rng(0)
MAP = RANDOM.normal(size=(8, 9)).astype(np.float32)


def scores(without):
    sample = Sample("slice", "patient", 1, variations=without[None].astype(np.float32))
    points = evaluate_slice(PlantedLikeness(), sample, MAP, Probe(0))
    return {variant: float(of["score"][0]) for variant, of in points.items()}


def test_it_is_spearmans_correlation_of_each_variant():
    other = RANDOM.normal(size=MAP.shape)
    found = scores(other)
    assert found["original"] == pytest.approx(spearmanr(MAP.ravel(), other.ravel()).statistic)
    absolute = spearmanr(np.abs(MAP).ravel(), np.abs(other).ravel()).statistic
    assert found["absolute"] == pytest.approx(absolute)


def test_a_map_that_stays_is_all_alike_and_one_that_turns_its_sign_is_its_opposite():
    assert scores(MAP) == {"original": 1.0, "absolute": 1.0}
    assert scores(-MAP) == {"original": -1.0, "absolute": 1.0}


def test_it_asks_for_the_same_slices_without_the_sign():
    (variation,) = PlantedLikeness(sample=5).variations
    assert (variation.file, variation.chosen) == ("toggled/planted.parquet", "planted_5")
