import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score, roc_curve

from ct_importance.errors import InputError
from ct_importance.metrics.averaging import mean_curves, sum_by_patient
from ct_importance.metrics.catalogue.localisation import roc
from ct_importance.metrics.catalogue.localisation.roc import Roc
from ct_importance.metrics.metric import Probe
from tests.metrics.images import sample, scored_masks
from tests.metrics.summary import summarise_points


def evaluate(importance, mask, **options):
    maps = {"original": importance}
    return Roc(**options).evaluate(sample(mask=mask), maps, Probe(seed=0))["original"]


def table(points_of_slices):
    """Return the table of one estimator from the points of its slices."""
    frames = [
        pd.DataFrame(
            {
                "slice_id": str(index),
                "patient_id": str(index // 2),
                "label": 1,
                "variant": "original",
            }
            | points
        )
        for index, points in enumerate(points_of_slices)
    ]
    return pd.concat(frames, ignore_index=True)


def area(points):
    return np.trapezoid(points["tpr"], points["fpr"])


@settings(max_examples=100, deadline=None)
@given(scored_masks(), st.integers(1, 130))
def test_rank_grid_interpolates_the_curve_of_scikit_learn(scored, thresholds):
    importance, mask = scored
    points = evaluate(importance, mask, thresholds=thresholds)
    fpr, tpr, _ = roc_curve(mask.ravel(), importance.ravel(), drop_intermediate=False)
    share = tpr * mask.mean() + fpr * (1 - mask.mean())
    np.testing.assert_allclose(points["threshold"], np.arange(thresholds + 1) / thresholds)
    np.testing.assert_allclose(points["tpr"], np.interp(points["threshold"], share, tpr), atol=1e-9)
    np.testing.assert_allclose(points["fpr"], np.interp(points["threshold"], share, fpr), atol=1e-9)


@settings(max_examples=100, deadline=None)
@given(scored_masks())
def test_exact_auc_is_that_of_scikit_learn(scored):
    importance, mask = scored
    expected = roc_auc_score(mask.ravel(), importance.ravel())
    np.testing.assert_allclose(evaluate(importance, mask)["auc_exact"], expected, atol=1e-12)


@settings(max_examples=50, deadline=None)
@given(scored_masks())
def test_as_many_thresholds_as_pixels_give_the_exact_auc(scored):
    importance, mask = scored
    points = evaluate(importance, mask, thresholds=mask.size)
    # Steps of whole pixels pass through every corner of the exact curve.
    assert area(points) == pytest.approx(points["auc_exact"][0], abs=1e-12)


@settings(max_examples=100, deadline=None)
@given(scored_masks(), st.sampled_from(["rank", "minmax"]), st.integers(1, 130))
def test_rates_rise_from_0_to_1(scored, grid, thresholds):
    points = evaluate(*scored, grid=grid, thresholds=thresholds)
    for rate in ("tpr", "fpr"):
        assert points[rate][0] == 0
        assert points[rate][-1] == 1
        assert (np.diff(points[rate]) >= -1e-12).all()
    assert len({len(column) for column in points.values()}) == 1
    assert points.keys() == Roc.point_columns.keys()


@settings(max_examples=50, deadline=None)
@given(scored_masks(), st.integers(0, 2**32 - 1), st.sampled_from(["rank", "minmax"]))
def test_order_of_the_pixels_does_not_matter(scored, seed, grid):
    importance, mask = scored
    order = np.random.default_rng(seed).permutation(mask.size)
    shuffled = [array.ravel()[order].reshape(mask.shape) for array in scored]
    expected = evaluate(importance, mask, grid=grid)
    for name, column in evaluate(*shuffled, grid=grid).items():
        np.testing.assert_array_equal(column, expected[name])


@settings(max_examples=50, deadline=None)
@given(scored_masks())
def test_rank_grid_sees_ranks_alone(scored):
    importance, mask = scored
    _, ranks = np.unique(importance, return_inverse=True)
    expected = evaluate(importance, mask)
    for name, column in evaluate(ranks.reshape(mask.shape) ** 3, mask).items():
        np.testing.assert_array_equal(column, expected[name])


@settings(max_examples=50, deadline=None)
@given(scored_masks(), st.integers(1, 30))
def test_minmax_grid_thresholds_the_scaled_map(scored, thresholds):
    importance, mask = scored
    importance[0, 0] += 1  # not constant
    points = evaluate(importance, mask, grid="minmax", thresholds=thresholds)
    importance = importance.astype(np.float64)
    scaled = (importance - importance.min()) / (importance.max() - importance.min())
    for threshold, tpr, fpr in zip(points["threshold"], points["tpr"], points["fpr"], strict=True):
        assert tpr == pytest.approx((scaled > threshold)[mask].mean())
        assert fpr == pytest.approx((scaled > threshold)[~mask].mean())


@pytest.mark.parametrize("grid", ["rank", "minmax"])
@pytest.mark.parametrize("value", [0.0, 0.1, -3.0])
def test_constant_map_has_auc_one_half(grid, value):
    mask = np.zeros((24, 24), bool)
    mask[3:8, 2:9] = True
    points = evaluate(np.full(mask.shape, value, np.float32), mask, grid=grid)
    assert area(points) == pytest.approx(0.5, abs=1e-12)
    assert points["auc_exact"][0] == 0.5


@pytest.mark.parametrize("grid", ["rank", "minmax"])
def test_map_equal_to_the_mask_has_auc_1(grid):
    mask = np.zeros((20, 20), bool)
    mask[3:8, 2:6] = True  # 5 %, a threshold of the rank grid
    points = evaluate(mask.astype(np.float32), mask, grid=grid)
    assert area(points) == 1
    assert points["auc_exact"][0] == 1
    reverse = evaluate(-mask.astype(np.float32), mask, grid=grid)
    assert area(reverse) == pytest.approx(0, abs=1e-12)


def test_random_maps_have_auc_about_one_half():
    rng = np.random.default_rng(0)
    mask = np.zeros((32, 32), bool)
    mask[5:15, 5:15] = True
    summary = summarise_points(
        Roc(), table(evaluate(rng.random(mask.shape), mask) for _ in range(100))
    )
    for column in ("value", "auc_exact", "auc_mean_height"):
        assert summary[column][0] == pytest.approx(0.5, abs=0.01)


def test_rank_grid_is_not_blinded_by_one_bright_pixel():
    # One bright pixel outside squeezes all but the lowest into one step of the min-max scale: the
    # rank grid still sees that the mask comes next.
    mask = np.zeros((20, 20), bool)
    mask[3:8, 2:6] = True
    importance = mask.astype(np.float32)
    importance[-1, -2:] = -1, 1e6
    assert area(evaluate(importance, mask, grid="rank")) > 0.99
    assert area(evaluate(importance, mask, grid="minmax")) < 0.51


@pytest.mark.parametrize(("mask", "message"), [(False, "is empty"), (True, "covers the whole")])
def test_mask_without_inside_or_outside_is_refused(mask, message):
    with pytest.raises(InputError, match=message):
        evaluate(np.zeros((4, 4)), np.full((4, 4), mask))


@pytest.mark.parametrize("grid", ["rank", "minmax"])
def test_summary_averages_curves_before_the_area(grid):
    rng = np.random.default_rng(1)
    mask = np.zeros((16, 16), bool)
    mask[:6, :6] = True
    maps = [rng.random(mask.shape) + shift * mask for shift in (0.0, 0.5, 2.0)]
    slices = [evaluate(importance, mask, grid=grid) for importance in maps]
    on_ranks = [evaluate(importance, mask) for importance in maps]
    summary = summarise_points(Roc(), table(slices)).iloc[0]
    tpr, fpr = (np.mean([points[rate] for points in slices], 0) for rate in ("tpr", "fpr"))
    assert summary["value"] == pytest.approx(np.trapezoid(tpr, fpr))
    heights = np.mean([points["tpr"] for points in on_ranks], 0)
    assert summary["auc_mean_height"] == pytest.approx(heights.mean())
    exact = [roc_auc_score(mask.ravel(), importance.ravel()) for importance in maps]
    assert summary["auc_exact"] == pytest.approx(np.mean(exact))
    curves = mean_curves(Roc(), sum_by_patient(Roc(), table(slices))["original"])
    np.testing.assert_allclose(curves.means["tpr"][0], tpr)
    assert (np.diff(curves.means["fpr"][0]) >= 0).all()
    shown = Roc().figure_curves(curves)
    np.testing.assert_allclose(shown.means["tpr"][0], np.interp(roc.FIGURE_FPR, fpr, tpr))
    assert shown.positions["fpr"][[0, -1]].tolist() == [0, 1]


def test_its_description_names_the_grid():
    assert "the top t of the pixels" in Roc().describe()
    assert "scaled to [0, 1]" in Roc(grid="minmax").describe()
