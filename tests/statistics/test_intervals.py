import numpy as np
import pytest

from ct_importance.errors import InputError
from ct_importance.metrics.averaging import PatientSums, mean_curves
from ct_importance.plugins import load
from ct_importance.statistics import intervals
from ct_importance.statistics.intervals import _quantile, interval, resample_patients


def test_resamples_draw_as_many_patients_with_replacement():
    weights = resample_patients(np.ones((1, 5)), 4000, seed=0)

    assert weights.shape == (4000, 5)
    assert (weights.sum(axis=1) == 5).all()
    np.testing.assert_allclose(weights.mean(axis=0), 1, atol=0.06)
    np.testing.assert_allclose(weights.var(axis=0), 1 - 1 / 5, atol=0.06)


def test_no_resample_lacks_a_class():
    counts = np.array([[2, 0, 0, 0, 0], [0, 1, 1, 1, 3]])  # one patient of class 0
    weights = resample_patients(counts, 500, seed=0)

    assert (weights[:, 0] >= 1).all()
    assert (weights[:, 1:].sum(axis=1) >= 1).all()
    assert (weights.sum(axis=1) == 5).all()


def test_resamples_depend_on_the_seed_alone():
    counts = np.ones((1, 6))

    np.testing.assert_array_equal(
        resample_patients(counts, 50, seed=3), resample_patients(2 * counts, 50, seed=3)
    )
    assert (resample_patients(counts, 50, seed=3) != resample_patients(counts, 50, seed=4)).any()


def test_of_many_patients_and_without_bias_it_is_the_percentile_interval():
    replicates = np.random.default_rng(0).normal(size=100_000)[:, None]
    low, high = interval(np.median(replicates, axis=0), replicates, 0.9, patients=[10_000])

    np.testing.assert_allclose([low[0], high[0]], np.quantile(replicates, [0.05, 0.95]), atol=0.01)


def test_it_is_wider_for_few_patients():
    replicates = np.random.default_rng(0).normal(size=(20_000, 1))
    widths = []
    for patients in (4, 8, 20, 100):
        low, high = interval(np.zeros(1), replicates, 0.95, [patients])
        widths.append(float(high[0] - low[0]))

    assert widths == sorted(widths, reverse=True)


def test_classes_of_equal_variance_are_as_one_group_to_welch_and_satterthwaite():
    assert _quantile(0.95, np.array([8.0])) == pytest.approx(2.3646 * np.sqrt(8 / 7), abs=1e-4)
    # t(14), for two classes of 8: two times 7 degrees of freedom.
    assert _quantile(0.95, np.array([8.0, 8.0])) == pytest.approx(2.1448 * np.sqrt(8 / 7), abs=1e-4)


def test_the_bias_of_the_resamples_is_taken_off_and_not_counted_twice():
    replicates = np.random.default_rng(0).normal(0.5, 1, size=(20_000, 1))
    low, high = interval(np.zeros(1), replicates, 0.95, patients=[1000])

    assert (low[0] + high[0]) / 2 == pytest.approx(-0.5, abs=0.1)


@pytest.mark.parametrize("rounding", [0, 1e-15, -1e-15])
def test_resamples_that_equal_the_estimate_are_no_bias(rounding):
    # Half of them equal it, the others lie evenly to both sides.
    others = np.random.default_rng(0).normal(size=10_000)
    replicates = np.concatenate([others, -others, np.full(20_000, rounding)])[:, None]
    low, high = interval(np.zeros(1), replicates, 0.95, patients=[10_000])

    np.testing.assert_allclose(
        [low[0], high[0]], np.quantile(replicates, [0.025, 0.975]), rtol=1e-2
    )
    assert low[0] == pytest.approx(-high[0], rel=1e-2)


def test_a_value_that_never_varies_is_its_own_interval():
    low, high = interval(np.array([0.1 + 0.2]), np.full((100, 1), 0.3), 0.95, patients=[5])

    assert low == high == 0.3


@pytest.mark.parametrize("patients", [[1], [1, 9]])
def test_one_patient_alone_or_of_a_class_has_no_interval(patients):
    low, high = interval(np.zeros(3), np.zeros((100, 3)), 0.95, patients)

    assert np.isnan([*low, *high]).all()


def test_resamples_in_which_a_value_is_undefined_are_left_out():
    replicates = np.random.default_rng(0).normal(size=(500, 2))
    gaps = replicates.copy()
    gaps[::3, 0] = np.nan
    gaps[:, 1] = np.nan
    estimate = np.array([0.1, np.nan])

    low, high = interval(estimate, gaps, 0.95, [30])

    there = gaps[~np.isnan(gaps[:, 0]), :1]
    expected = np.ravel(interval(estimate[:1], there, 0.95, [30]))
    np.testing.assert_allclose([low[0], high[0]], expected)
    assert np.isnan([low[1], high[1]]).all()


def test_each_column_is_its_own():
    rng = np.random.default_rng(0)
    replicates = rng.normal(size=(500, 4)) * [1, 2, 3, 4] + [0, 0, 1, 9]
    estimate = np.array([0.0, 0.5, 1.0, 9.0])
    low, high = interval(estimate, replicates, 0.95, patients=[12])

    for column in range(4):
        alone = interval(estimate[[column]], replicates[:, [column]], 0.95, patients=[12])
        assert (low[column], high[column]) == (alone[0][0], alone[1][0])


# Coverage: patients differ, and so do the slices of a patient, whose number varies too.


def slices_of(name, per_patient, rng):
    """Points of the slices of each patient: (patients, slices, columns, positions)."""
    patients, slices = per_patient
    of_patient = rng.normal(size=(patients, 1, 1))
    of_slice = rng.normal(size=(patients, slices, 1))
    if name == "fidelity":
        fraction = np.linspace(0, 1, 11)
        mif = fraction < 0.2 + 0.1 * (of_patient + of_slice)
        lif = fraction < 0.6 + 0.1 * (of_patient - of_slice)
        return np.concatenate([mif, lif], axis=2)[:, :, None].astype(float)
    if name == "roc":
        fpr = np.broadcast_to(np.linspace(0, 1, 21), (patients, slices, 21))
        tpr = fpr ** np.exp(-1.2 + 0.35 * of_patient + 0.2 * of_slice)
        return np.stack([tpr, fpr, fpr, fpr], axis=2)
    percentage = np.geomspace(1, 100, 25)
    height = 0.5 + 0.1 * rng.normal(size=(patients, 1, 1))
    width = np.log(percentage) - np.log(6) + 0.4 * of_patient + 0.2 * of_slice
    dsc = height * np.exp(-(width**2) / 2)
    return np.stack([dsc, dsc], axis=2)


METRICS = {name: load("metric", name)() for name in ("fidelity", "roc", "dice")}
POSITIONS = {
    "fidelity": {
        "order": np.repeat(["mif", "lif"], 11),
        "fraction": np.tile(np.linspace(0, 1, 11), 2),
    },
    "roc": {"threshold": np.linspace(0, 1, 21)},
    "dice": {"percentage": np.geomspace(1, 100, 25)},
}


def cohort(name, by_class, rng):
    """Patients of two classes with one to four slices."""
    patients = sum(by_class)
    there = np.arange(4) < rng.integers(1, 5, (patients, 1))
    of_class = np.repeat([0, 1], by_class) == np.arange(2)[:, None]
    points = (slices_of(name, (patients, 4), rng) * there[..., None, None]).sum(axis=1)
    return PatientSums(
        patients=tuple(map(str, range(patients))),
        classes=(0, 1),
        counts=of_class * there.sum(axis=1),
        positions=POSITIONS[name],
        sums={
            column: of_class[..., None] * points[:, number]
            for number, column in enumerate(METRICS[name].averaged)
        },
    )


def value(name, sums, weights=None):
    return METRICS[name].summarise(mean_curves(METRICS[name], sums, weights))["value"]


@pytest.mark.parametrize(
    ("name", "by_class"),
    [("fidelity", [15, 15]), ("fidelity", [50, 5]), ("roc", [15, 15]), ("dice", [15, 15])],
)
def test_ninety_five_percent_intervals_cover_93_to_97_percent(name, by_class):
    rng = np.random.default_rng(2)
    truth = value(name, cohort(name, [10_000, 10_000], rng))[0]
    patients = by_class if METRICS[name].balanced else [sum(by_class)]
    cohorts, covered = 1000, []
    for number in range(cohorts):
        sums = cohort(name, by_class, rng)
        replicates = value(name, sums, resample_patients(sums.counts, 500, seed=number))
        low, high = interval(value(name, sums), replicates[:, None], 0.95, patients)
        covered.append(low[0] <= truth <= high[0])

    assert 0.93 <= np.mean(covered) <= 0.97


def test_intervals_that_take_slices_for_independent_do_not_cover():
    rng = np.random.default_rng(2)
    truth = value("roc", cohort("roc", [10_000, 10_000], rng))[0]
    covered = []
    for number in range(300):
        points = slices_of("roc", (10, 8), rng).reshape(80, 4, 21)
        sums = PatientSums(
            patients=tuple(map(str, range(80))),
            classes=(0,),
            counts=np.ones((1, 80)),
            positions=POSITIONS["roc"],
            sums={name: points[None, :, k] for k, name in enumerate(METRICS["roc"].averaged)},
        )
        replicates = value("roc", sums, resample_patients(sums.counts, 300, seed=number))
        low, high = interval(value("roc", sums), replicates[:, None], 0.95, patients=[80])
        covered.append(low[0] <= truth <= high[0])

    assert np.mean(covered) < 0.8


def test_classes_that_hardly_any_resample_holds_together(monkeypatch):
    monkeypatch.setattr(intervals, "MOST_ROUNDS", 5)
    with pytest.raises(InputError, match="hardly ever hold all 30 classes: 30 of these have one"):
        resample_patients(np.eye(30), resamples=10, seed=0)
    assert resample_patients(np.eye(2), resamples=10, seed=0).tolist() == [[1, 1]] * 10
