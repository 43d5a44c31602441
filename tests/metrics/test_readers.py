"""Slices that several readers marked."""

from dataclasses import replace

import numpy as np
import pytest

from ct_importance.metrics.evaluate import VARIANTS, evaluate_slice, points_schema
from ct_importance.metrics.metric import Probe
from ct_importance.metrics.readers import each_against_the_others
from ct_importance.plugins import load, names
from tests.metrics.images import random_maps, sample
from tests.saliency.networks import overlapping_blocks

PROBE = Probe(seed=0)
SIZE = 32
IMPORTANCE = random_maps((SIZE, SIZE))["smooth"]
SEGMENTS = overlapping_blocks(SIZE, SIZE)
MASKS = np.zeros((3, SIZE, SIZE), bool)
MASKS[0, 4:14, 4:14] = MASKS[1, 8:18, 6:16] = MASKS[2, 20:30, 10:20] = True
WITH_MASKS = [name for name in names("metric") if "mask" in load("metric", name).needs]


def seen(mask, readers=None):
    return replace(sample(mask=mask, segments=SEGMENTS), readers=readers)


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("name", WITH_MASKS)
def test_a_map_is_judged_by_each_reader_and_the_mean_counts(name, count):
    metric = load("metric", name)()
    together = seen(MASKS[:count].any(axis=0), MASKS[:count])

    found = evaluate_slice(metric, together, IMPORTANCE, PROBE)

    alone = [evaluate_slice(metric, seen(mask), IMPORTANCE, PROBE) for mask in MASKS[:count]]
    for variant in VARIANTS:
        for column in metric.mean_columns:
            expected = np.mean([one[variant][column] for one in alone], axis=0)
            np.testing.assert_allclose(found[variant][column], expected, rtol=1e-12)
        for column in metric.position_columns:
            np.testing.assert_array_equal(found[variant][column], alone[0][variant][column])
        for column, kind in zip(
            points_schema(metric).names, points_schema(metric).types, strict=True
        ):
            if column in found[variant]:
                assert np.asarray(found[variant][column]).dtype == kind.to_pandas_dtype()


def test_what_needs_no_mask_sees_the_slice_once():
    metric = load("metric", "sparseness")()
    both, one = (
        evaluate_slice(metric, seen(MASKS[0], readers), IMPORTANCE, PROBE)["original"]["score"]
        for readers in (MASKS, None)
    )
    assert both == one


def test_each_reader_is_judged_by_the_others():
    found = each_against_the_others(seen(MASKS.any(axis=0), MASKS))
    assert len(found) == 3
    for number, (others, importance) in enumerate(found):
        np.testing.assert_array_equal(importance, MASKS[number])
        np.testing.assert_array_equal(others.readers, np.delete(MASKS, number, axis=0))
    (first, importance), (second, other) = each_against_the_others(seen(MASKS[0], MASKS[:2]))
    assert first.readers is second.readers is None
    np.testing.assert_array_equal(first.mask, other)
    np.testing.assert_array_equal(second.mask, importance)
