from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest
from scipy.stats import rankdata

from ct_importance.statistics.together import groups_of_all, judge_together, krippendorff_alpha


def alpha_by_hand(rankings):
    """One minus the disagreement within estimators over that of all pairs of values."""
    values = [(unit, rank) for ranks in rankings for unit, rank in enumerate(rankdata(ranks))]
    pairs = list(combinations(values, 2))
    observed = np.mean([(a - b) ** 2 for (u, a), (v, b) in pairs if u == v])
    expected = np.mean([(a - b) ** 2 for (_, a), (_, b) in pairs])
    return 1 - observed / expected


@pytest.mark.parametrize(("metrics", "levels"), [*product([2, 3, 7], [3, 100])])
def test_alpha_is_that_of_its_definition(metrics, levels):
    merits = np.random.default_rng(metrics).integers(0, levels, (5, metrics, 8))
    expected = [alpha_by_hand(rankings) for rankings in merits]
    np.testing.assert_allclose(krippendorff_alpha(merits), expected, rtol=1e-12)


def test_alpha_of_chance_is_zero_and_of_one_opinion_one():
    generator = np.random.default_rng(0)
    by_chance = generator.random((3000, 4, 10))
    assert krippendorff_alpha(by_chance).mean() == pytest.approx(0, abs=0.05)
    assert krippendorff_alpha(np.tile(by_chance[:1, :1], (1, 4, 1))) == pytest.approx(1)
    assert np.isnan(krippendorff_alpha(by_chance[:2, :1])).all()
    assert np.isnan(krippendorff_alpha(np.ones((1, 3, 4)))).all()


def comparisons(*differing, p=0.01):
    names = ["a", "b", "c"]
    rows = [
        {"first": one, "second": other, "p_holm": p if (one, other) in differing else 1.0}
        for one, other in combinations(names, 2)
    ]
    return pd.DataFrame(rows).assign(first_variant="original", second_variant="original")


def test_who_is_told_apart_by_one_metric_is_told_apart():
    tables = [comparisons(("a", "c")), comparisons()]
    assert groups_of_all("abc", "original", tables, 0.05) == {"a": "a", "b": "ab", "c": "b"}
    both = [comparisons(("a", "c")), comparisons(("b", "c"))]
    assert groups_of_all("abc", "original", both, 0.05) == {"a": "a", "b": "a", "c": "b"}
    assert set(groups_of_all("abc", "absolute", both, 0.05).values()) == {"a"}


def test_the_error_rate_is_that_of_all_metrics():
    tables = [comparisons(("a", "c"), p=0.03), comparisons()]
    assert set(groups_of_all("abc", "original", tables, 0.05).values()) == {"a"}
    assert groups_of_all("abc", "original", tables[:1], 0.05)["c"] == "b"


def test_a_row_per_estimator_in_the_order_of_mean_ranks():
    ranks = pd.DataFrame({"variant": "original", "estimator": list("abc"), "rank": [3.0, 1, 2]})
    alphas = {"original": (0.2, 0.1, 0.3)}
    found = judge_together(ranks, alphas, [comparisons(("a", "b"))], 0.05)
    assert found["estimator"].tolist() == ["b", "c", "a"]
    assert found["group"].tolist() == ["a", "ab", "b"]
    assert found["alpha"].tolist() == [0.2] * 3
