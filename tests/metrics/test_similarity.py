import numpy as np
import pytest
from scipy.stats import spearmanr

from ct_importance.metrics.similarity import rank_correlation, structural_similarity
from tests.metrics.images import random_maps


def ssim_by_hand(one, other, span, size=7):
    """Wang et al. 2004, equation 13, with a window of equal weights, inside the image."""
    windows = [
        np.lib.stride_tricks.sliding_window_view(it, (size, size)).reshape(-1, size * size)
        for it in (one, other)
    ]
    means = [it.mean(axis=1) for it in windows]
    variances = [it.var(axis=1, ddof=1) for it in windows]
    centred = [it - mean[:, None] for it, mean in zip(windows, means, strict=True)]
    covariance = (centred[0] * centred[1]).sum(axis=1) / (size * size - 1)
    c1, c2 = (0.01 * span) ** 2, (0.03 * span) ** 2
    above = (2 * means[0] * means[1] + c1) * (2 * covariance + c2)
    below = (means[0] ** 2 + means[1] ** 2 + c1) * (variances[0] + variances[1] + c2)
    return (above / below).mean()


@pytest.mark.parametrize("kind", ["noise", "smooth", "squared"])
def test_structural_similarity_is_that_of_its_paper(kind):
    one, other = (random_maps((24, 20), seed)[kind] for seed in (0, 1))
    scaled = [it / np.abs(it).max() for it in (one, other)]
    expected = ssim_by_hand(*scaled, 1 if kind == "squared" else 2)
    assert structural_similarity(one, other) == pytest.approx(expected, abs=1e-9)
    assert structural_similarity(7 * one, other) == pytest.approx(expected, abs=1e-9)
    assert structural_similarity(one, one) == pytest.approx(1)


def test_of_maps_of_one_value_nothing_is_not_a_number():
    nothing, some = np.zeros((8, 8)), np.arange(64.0).reshape(8, 8)
    assert structural_similarity(nothing, nothing) == 1
    assert 0 <= structural_similarity(nothing, some) < 1
    assert rank_correlation(nothing, nothing) == 1
    assert rank_correlation(nothing, some) == rank_correlation(some, nothing) == 0


@pytest.mark.parametrize("kind", ["noise", "smooth", "squared"])
def test_rank_correlation_is_spearmans(kind):
    one, other = (random_maps((24, 20), seed)[kind].round(3) for seed in (0, 1))
    expected = spearmanr(one.ravel(), other.ravel()).statistic
    assert rank_correlation(one, other) == pytest.approx(expected, abs=1e-11)
