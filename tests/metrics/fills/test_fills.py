"""What each fill puts in the place of masked pixels."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from ct_importance.metrics.filling import as_entry, filling_of
from ct_importance.metrics.metric import Probe
from ct_importance.plugins import load, names
from ct_importance.task import Task
from tests.metrics.images import sample, smooth_image

SHAPE = (24, 20)
ONE = sample(smooth_image(SHAPE))


def filled(entry, one=ONE, probe=None):
    """The slice with its left half masked, and with everything masked."""
    masks = np.zeros((2, *SHAPE), bool)
    masks[0, :, :10] = True
    masks[1] = True
    found = filling_of(entry).of(one, probe or Probe(0))
    if callable(found):
        return found(masks)
    return np.where(masks, np.asarray(found, np.float32), one.image)


@pytest.mark.parametrize("entry", names("fill"))
def test_what_is_not_masked_stays_and_what_is_does_not_depend_on_other_masks(entry):
    half, whole = filled(entry)
    assert half.dtype == np.float32
    np.testing.assert_array_equal(half[:, 10:], ONE.image[:, 10:])
    assert (half[:, :10] != ONE.image[:, :10]).any()
    np.testing.assert_array_equal(filled(entry)[1], whole)


@pytest.mark.parametrize("entry", ["noise", "noisy_linear"])
def test_noise_depends_on_slice_and_seed_alone(entry):
    again = sample(ONE.image.copy())
    np.testing.assert_array_equal(filled(entry, again), filled(entry))
    other = sample(ONE.image, slice_id="other")
    assert (filled(entry, other)[0] != filled(entry)[0]).any()
    assert (filled(entry, probe=Probe(1))[0] != filled(entry)[0]).any()


def test_greys():
    assert (filled("constant")[1] == 0).all()
    assert (filled({"method": "constant", "value": 0.25})[1] == 0.25).all()
    mean = np.float32(ONE.image.mean(dtype=np.float64))
    assert (filled("mean")[1] == mean).all()
    assert (filled("by_class", probe=Probe(0, fill=(1.0, 0.75)))[1] == 0.75).all()
    assert (filled("by_class", probe=Probe(0, fill=(1.0, "mean")))[1] == mean).all()


def test_blur_is_a_gaussian_whose_width_is_a_share_of_the_side():
    side = sample(smooth_image((20, 20)))
    found = filling_of({"method": "blur", "sigma": 0.1}).of(side, Probe(0))
    np.testing.assert_allclose(found, gaussian_filter(side.image, 2, mode="nearest"), rtol=1e-6)


def test_noise_has_the_grey_values_of_the_slice():
    binary = sample((ONE.image > 0.7).astype(np.float32))
    drawn = filled("noise", binary)[1]
    assert set(np.unique(drawn)) == {0, 1}
    assert drawn.mean() == pytest.approx(binary.image.mean(), abs=0.08)


@pytest.mark.parametrize("entry", names("fill"))
def test_an_entry_stays_what_it_is(entry):
    fill = filling_of(entry)
    assert filling_of(as_entry(fill)) == fill
    assert not fill.in_words(Task()).endswith(".")
    assert load("fill", entry).title


def test_an_entry_without_options_is_a_name():
    assert as_entry(filling_of("mean")) == "mean"
    assert as_entry(filling_of("blur")) == {"method": "blur", "sigma": 0.045}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("blurred", "name of a fill .*by_class.*noisy_linear"),
        (0.5, "name of a fill"),
        ({"blur": 8}, "with its name as `method`"),
        ({"method": "blur", "sigma": 8}, "sigma: .*less than or equal to 1"),
        ({"method": "blur", "width": 8}, "width: .*the keys of blur are: sigma"),
        ({"method": "mean", "value": 0.5}, "value: .*the keys of mean are: none"),
    ],
)
def test_what_is_no_fill_is_answered_with_what_there_is(entry, message):
    with pytest.raises(ValueError, match=message):
        filling_of(entry)
