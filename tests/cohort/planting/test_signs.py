"""Signs are where their mask says, in every slice elsewhere, and change nothing else."""

import numpy as np
import pytest
from scipy.ndimage import binary_erosion, gaussian_filter, label

from ct_importance.cohort.body_region import body_and_lung
from ct_importance.cohort.options import WITHOUT_PLACE
from ct_importance.cohort.phantom.anatomy.render import draw_patient, render
from ct_importance.cohort.phantom.contrast import tissues
from ct_importance.cohort.planting.signs import ALIKE, SIGNS, lung_of, plant

PLACED = sorted(set(SIGNS) - WITHOUT_PLACE)


@pytest.fixture(scope="module")
def patient():
    return draw_patient((3, "anyone"), (-165.0, 104.0), 128, 20.0)


@pytest.fixture(scope="module")
def hu(patient):
    """A slice through both lungs, with noise, (128, 128)."""
    plain = render(patient, 10.0, tissues(False, "anyone", 3)).hu
    noise = np.random.default_rng(0).normal(0, 15, plain.shape)
    return (plain + noise).astype(np.float32)


@pytest.mark.parametrize("sign", PLACED)
def test_the_mask_is_what_has_changed_and_nothing_else_has(hu, patient, sign):
    before = hu.copy()
    for number in range(10):
        planted = plant(hu, sign, patient.spacing, 0, f"slice {number}")
        np.testing.assert_array_equal(planted.hu[~planted.mask], hu[~planted.mask])
        assert (planted.hu[planted.mask] != hu[planted.mask]).all()
        assert 0 < planted.mask.mean() < 0.05
        assert planted.hu.dtype == np.float32
    np.testing.assert_array_equal(hu, before)


@pytest.mark.parametrize("sign", PLACED)
def test_the_place_depends_on_seed_and_slice_alone(hu, patient, sign):
    one = plant(hu, sign, patient.spacing, 0, "one")
    np.testing.assert_array_equal(plant(hu, sign, patient.spacing, 0, "one").hu, one.hu)
    of_slices = [plant(hu, sign, patient.spacing, 0, str(number)).mask for number in range(8)]
    of_seeds = [plant(hu, sign, patient.spacing, seed, "one").mask for seed in range(1, 8)]
    assert any((mask != one.mask).any() for mask in of_slices) == (sign not in ALIKE)
    assert any((mask != one.mask).any() for mask in of_seeds)


def test_a_nodule_lies_in_the_lung(hu, patient):
    lung = lung_of(hu, patient.spacing)
    known = render(patient, 10.0, tissues(False, "anyone", 3)).lung > 0.5
    assert (lung & known).sum() / (lung | known).sum() > 0.9
    for number in range(10):
        mask = plant(hu, "nodule", patient.spacing, 0, str(number)).mask
        assert lung[mask].all()
        assert label(mask)[1] == 1


def test_without_lung_there_is_no_nodule(patient):
    soft = np.full((64, 64), 40, np.float32)
    planted = plant(soft, "nodule", patient.spacing, 0, "abdomen")
    assert not planted.mask.any()
    np.testing.assert_array_equal(planted.hu, soft)


def test_a_line_is_as_long_and_wide_as_said():
    air = np.full((400, 400), -1000, np.float32)
    for number in range(10):
        mask = plant(air, "line", 0.5, 0, str(number)).mask
        assert mask.sum() * 0.5**2 == pytest.approx(60 * 2, rel=0.1)
        assert label(mask, np.ones((3, 3)))[1] == 1
        assert not binary_erosion(mask, np.ones((7, 7))).any()


def test_controls_change_the_whole_slice_alike(hu, patient):
    np.testing.assert_array_equal(plant(hu, "offset", patient.spacing, 0, "one").hu, hu + 40)
    smooth = plant(hu, "kernel", patient.spacing, 0, "one")
    expected = gaussian_filter(hu, 1.5 / patient.spacing, mode="nearest")
    np.testing.assert_array_equal(smooth.hu, expected)
    body, _ = body_and_lung(hu)
    assert (smooth.mask <= body).all()
    assert smooth.mask[body].mean() > 0.99


@pytest.mark.parametrize("sign", sorted(SIGNS))
def test_a_slice_need_not_be_square(hu, patient, sign):
    wide = hu[20:-12]
    planted = plant(wide, sign, patient.spacing, 0, "wide")
    assert planted.hu.shape == planted.mask.shape == wide.shape
    assert planted.mask.any()
