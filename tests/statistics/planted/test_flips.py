"""Flips of answers that are known."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from ct_importance.statistics.options import StatisticsOptions
from ct_importance.statistics.planted.flips import Answers, flipped_slices, flips_of

OPTIONS = StatisticsOptions(resamples=400)
PATIENTS = [f"p{number:02d}" for number in range(12)]
LABEL = 1


def answers(predicted, toggled, rise=0.3):
    """Two slices of each patient; those of odd patients are of the class that has the sign."""
    rows = [(f"{it}.{n}", it, int(it[-1]) % 2) for it in PATIENTS for n in range(2)]
    seen = pd.DataFrame(rows, columns=["slice_id", "patient_id", "label"])
    has_sign = seen["label"] == LABEL
    seen = seen.assign(predicted=predicted, probability=np.where(has_sign, 0.5 + rise, 0.2))
    after = seen.assign(predicted=toggled, probability=np.where(has_sign, 0.5, 0.2 + rise)).sample(
        frac=1, random_state=0
    )
    # Training slices have answers as well, and no opposite.
    training = seen.iloc[:1].assign(slice_id="trained on")
    return Answers(pd.concat([training, seen]), after)


def of_each(flips):
    """Answers of which those flip whose slice is named."""
    base = answers(0, 0)
    names = base.seen["slice_id"].iloc[1:]
    return answers(0, names.isin(flips).astype(int).to_numpy())


def test_a_flip_is_an_answer_that_changes_with_the_sign():
    found = flips_of([of_each(["p01.0", "p01.1", "p03.0", "p00.1"])], LABEL, OPTIONS, seed=0)
    removed, added = found.set_index("what").loc[["removed", "added"]].itertuples()
    assert (removed.slices, removed.flipped, removed.patients) == (12, 3, 6)
    assert removed.rate == pytest.approx(3 / 12)
    assert (added.slices, added.flipped) == (12, 1)
    assert 0 <= removed.rate_low < removed.rate < removed.rate_high <= 1
    assert removed.change == pytest.approx(0.3)
    assert added.change == pytest.approx(0.3)


def test_what_flips_does_so_in_every_training():
    one, two = of_each(["p01.0", "p03.0", "p00.0"]), of_each(["p01.0", "p05.1"])
    assert flipped_slices([one], LABEL) == {"p01.0", "p03.0"}
    assert flipped_slices([one, two], LABEL) == {"p01.0"}
    found = flips_of([one, two], LABEL, OPTIONS, seed=0).set_index("what")
    assert found.loc["removed", "flipped"] == 1
    assert found.loc["removed", "rate"] == pytest.approx((2 + 2) / 2 / 12)


def test_intervals_of_the_rate_hold_the_truth():
    """Patients flip or not as a whole: slices of one are not independent."""
    rng, truth, held = np.random.default_rng(0), 0.6, []
    for _ in range(150):
        flip = {it for it in PATIENTS if rng.random() < truth}
        of = of_each([f"{it}.{n}" for it in flip for n in range(2)])
        row = flips_of([of], LABEL, OPTIONS, seed=0).iloc[0]
        held.append(row.rate_low <= truth <= row.rate_high)
    assert 0.85 <= np.mean(held) <= 1


@pytest.mark.parametrize("rate", [0, 1])
def test_where_all_are_alike_the_interval_is_that_of_as_many_patients(rate):
    of = of_each([f"{it}.{n}" for it in PATIENTS * rate for n in range(2)])
    row = flips_of([of, of], LABEL, OPTIONS, seed=0).iloc[0]
    exact = binomtest(6 * rate, 6).proportion_ci(0.95, "exact")
    assert (row.rate_low, row.rate_high) == pytest.approx((exact.low, exact.high))
    assert row.flipped_patients == 6 * rate
