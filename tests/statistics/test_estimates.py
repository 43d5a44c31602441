import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ct_importance.errors import InputError
from ct_importance.metrics.averaging import PatientSums
from ct_importance.plugins import load
from ct_importance.statistics import estimates
from ct_importance.statistics.comparisons import differing_pairs
from ct_importance.statistics.estimates import read_sums
from ct_importance.statistics.options import StatisticsOptions
from tests.metrics.summary import summarise_points
from tests.metrics.test_averaging import points

METRICS = {name: load("metric", name)() for name in ("fidelity", "roc", "dice")}
FEW = StatisticsOptions(resamples=300, permutations=300)


@pytest.fixture
def tables(tmp_path):
    def write(name, **seeds):
        paths = {}
        for estimator, seed in seeds.items():
            paths[estimator] = tmp_path / f"{estimator}.parquet"
            points(name, patients=12, seed=seed).to_parquet(paths[estimator])
        return paths

    return write


def sums_of(metric, paths):
    """Those of one training."""
    found = read_sums(metric, {estimator: [path] for estimator, path in paths.items()})
    return {key: of_key for key, (of_key,) in found.items()}


def estimate_values(metric, sums, *arguments, **named):
    """Of one training."""
    trainings = {key: [of_key] for key, of_key in sums.items()}
    return estimates.estimate_values(metric, trainings, *arguments, **named)


@pytest.mark.parametrize("name", METRICS)
def test_values_and_curves_have_intervals(name, tables):
    metric, paths = METRICS[name], tables(name, one=0, two=1)
    found = estimate_values(metric, sums_of(metric, paths), FEW, seed=0)

    keys = found.values[["estimator", "variant"]].to_numpy().tolist()
    assert keys == [[one, v] for one in ("one", "two") for v in ("original", "absolute")]
    assert set(found.values["patients"]) == {12}
    assert set(found.values["slices"]) == {24}
    assert set(found.values["classes"]) == {"0 and 1"}
    fewest = pd.read_parquet(paths["one"]).groupby("label").patient_id.nunique().min()
    assert set(found.values["fewest_patients_of_class"]) == {fewest if metric.balanced else 12}
    expected = summarise_points(metric, pd.read_parquet(paths["two"]))
    np.testing.assert_array_equal(found.values["value"][2:], expected["value"])
    for table in (found.values, found.curves):
        shown = [column.removesuffix("_low") for column in table if column.endswith("_low")]
        assert shown
        for column in shown:
            assert (table[f"{column}_low"] <= table[f"{column}_high"]).all()
    inside = found.values["value"].between(found.values["value_low"], found.values["value_high"])
    assert inside.all()


def test_fidelity_is_also_told_of_each_class_alone(tables):
    paths = tables("fidelity", one=0)
    values = estimate_values(
        METRICS["fidelity"], sums_of(METRICS["fidelity"], paths), FEW, seed=0
    ).values

    rows = pd.read_parquet(paths["one"])
    for label, name in ((0, "no_contrast"), (1, "contrast")):
        expected = summarise_points(METRICS["fidelity"], rows[rows["label"] == label])["value"]
        np.testing.assert_allclose(values[f"value_{name}"], expected)
        assert (
            values[f"value_{name}"]
            .between(values[f"value_{name}_low"], values[f"value_{name}_high"])
            .all()
        )
    mean = (values["value_contrast"] + values["value_no_contrast"]) / 2
    np.testing.assert_allclose(values["value"], mean)


def test_the_classes_have_the_names_of_the_task(tables):
    sums = sums_of(METRICS["fidelity"], tables("fidelity", one=0))

    values, named = (
        estimate_values(METRICS["fidelity"], sums, FEW, seed=0, **names).values
        for names in ({}, {"classes": ("healthy", "lesion")})
    )

    np.testing.assert_array_equal(named["value_lesion"], values["value_contrast"])
    np.testing.assert_array_equal(named["value_healthy"], values["value_no_contrast"])
    assert not any("contrast" in name for name in named.columns)


@pytest.mark.parametrize("name", METRICS)
def test_where_training_patients_take_part_test_patients_are_told_alone(name, tables):
    metric, paths = METRICS[name], tables(name, one=0)
    rows = pd.read_parquet(paths["one"])
    training = set(sorted(rows["patient_id"].unique())[:7])
    sums = sums_of(metric, paths)
    values = estimate_values(metric, sums, FEW, seed=0, training=training).values

    tested = rows[~rows["patient_id"].isin(training)]
    np.testing.assert_allclose(values["value_test"], summarise_points(metric, tested)["value"])
    assert (values["value_test_low"] < values["value_test_high"]).all()
    assert set(values["training_patients"]) == {7}
    of_training = rows[rows["patient_id"].isin(training)]
    assert set(values["training_slices"]) == {of_training["slice_id"].nunique()}
    for others in ((), set(rows["patient_id"])):
        values = estimate_values(metric, sums, FEW, seed=0, training=others).values
        assert "value_test" not in values
        assert set(values["training_patients"]) == {len(others)}


def test_a_class_without_test_patients_is_no_mean_of_two(tables):
    for name, metric in METRICS.items():
        paths = tables(name, one=0)
        rows = pd.read_parquet(paths["one"])
        of_one = rows.groupby("patient_id")["label"].transform("max")
        training = set(rows.loc[of_one == 1, "patient_id"])
        sums = sums_of(metric, paths)
        values = estimate_values(metric, sums, FEW, seed=0, training=training).values
        assert 0 < len(training) < 12
        assert ("value_test" in values) == (name != "fidelity")


def test_every_pair_is_compared_within_a_variant_and_the_variants_within_an_estimator(tables):
    sums = sums_of(METRICS["roc"], tables("roc", a=0, b=1, c=2))
    found = estimate_values(METRICS["roc"], sums, FEW, seed=0).comparisons

    names = ["first", "first_variant", "second", "second_variant"]
    original, absolute = (
        [[one, variant, other, variant] for one, other in ("ab", "ac", "bc")]
        for variant in ("original", "absolute")
    )
    between = [[name, "original", name, "absolute"] for name in "abc"]
    assert found[names].to_numpy().tolist() == original + absolute + between
    assert (found["p_holm"] >= found["p"]).all()
    assert found["difference"].between(found["low"], found["high"]).all()


def test_drawn_flips_and_resamples_are_those_of_the_seed(tables):
    sums = sums_of(METRICS["roc"], tables("roc", a=0, b=1, c=2))
    one, again, other = (
        estimate_values(METRICS["roc"], sums, FEW, seed).comparisons[["p", "low", "high"]]
        for seed in (0, 0, 1)
    )

    pd.testing.assert_frame_equal(one, again)
    assert (one != other).any().all()


def test_differences_are_paired_by_patient(tables):
    sums = sums_of(METRICS["dice"], tables("dice", a=0))
    better = {
        ("b", variant): PatientSums(
            these.patients,
            these.classes,
            these.counts,
            these.positions,
            these.sums | {"dsc": these.sums["dsc"] + 0.01 * these.counts[..., None]},
        )
        for (_, variant), these in sums.items()
    }
    found = estimate_values(METRICS["dice"], sums | better, FEW, seed=0)

    row = found.comparisons.iloc[0]
    assert row["difference"] == pytest.approx(-0.01)
    assert row["low"] == pytest.approx(-0.01)
    assert row["high"] == pytest.approx(-0.01)
    widths = found.values["value_high"] - found.values["value_low"]
    assert (widths > 0.05).all()
    letters = found.values.set_index(["variant", "estimator"])["letters"]
    assert letters["original"].to_dict() == {"a": "b", "b": "a"}

    class Lower(type(METRICS["dice"])):
        higher_is_better = False

    lower = estimate_values(Lower(), sums | better, FEW, seed=0)
    letters = lower.values.set_index(["variant", "estimator"])["letters"]
    assert letters["original"].to_dict() == {"a": "a", "b": "b"}
    pd.testing.assert_frame_equal(lower.comparisons, found.comparisons)


@pytest.mark.parametrize(("permutations", "expected"), [(1000, {"a", "b"}), (100, {""})])
def test_where_no_test_is_possible_there_are_no_letters(tables, permutations, expected):
    # With 100 permutations the smallest p-value of ten pairs is 0.099.
    sums = sums_of(METRICS["dice"], tables("dice", a=0, b=1, c=2, d=3))
    sums |= {
        ("best", variant): replace(
            these, sums=these.sums | {"dsc": these.sums["dsc"] + 0.9 * these.counts[..., None]}
        )
        for (estimator, variant), these in sums.items()
        if estimator == "a"
    }
    options = StatisticsOptions(resamples=100, permutations=permutations)
    found = estimate_values(METRICS["dice"], sums, options, seed=0)

    assert set(found.values["letters"]) == expected


def test_pairs_that_differ_are_those_below_the_error_rate():
    table = pd.DataFrame(
        {
            "first": ["a", "a", "b", "a"],
            "second": ["b", "c", "c", "a"],
            "first_variant": ["original"] * 4,
            "second_variant": ["original"] * 3 + ["absolute"],
            "p_holm": [0.04, 0.06, 0.05, 0.001],
        }
    )
    assert differing_pairs(table, "original", 0.05) == {frozenset("ab"), frozenset("bc")}
    assert differing_pairs(table, "absolute", 0.05) == set()


def test_tables_of_other_slices_are_not_compared(tmp_path):
    points("roc", patients=12).to_parquet(tmp_path / "new")
    points("roc", patients=11).to_parquet(tmp_path / "old")

    with pytest.raises(InputError, match="old: holds other slices than"):
        read_sums(METRICS["roc"], {"a": [tmp_path / "new"], "b": [tmp_path / "old"]})


def test_one_patient_has_values_without_intervals(tables, caplog):
    sums = {
        key: PatientSums(
            these.patients[2:3],
            (0,),
            these.counts[:1, 2:3],
            these.positions,
            {name: values[:1, 2:3] for name, values in these.sums.items()},
        )
        for key, these in sums_of(METRICS["dice"], tables("dice", a=0, b=1)).items()
    }
    found = estimate_values(METRICS["dice"], sums, FEW, seed=0)

    assert found.values["value"].notna().all()
    assert found.values[["value_low", "value_high"]].isna().all(axis=None)
    assert (found.comparisons["p"] == 1).all()
    assert "one patient only" in caplog.text


def test_the_papers_cohort_takes_seconds():
    # 259 patients with 16 slices, eight estimators, 41 fractions.
    rng = np.random.default_rng(0)
    of_class = (np.arange(259) % 2 == np.arange(2)[:, None]).astype(float)
    positions = {
        "order": np.repeat(["mif", "lif"], 41),
        "fraction": np.tile(np.arange(41) / 40, 2),
    }
    sums = {
        (f"e{number}", variant): PatientSums(
            patients=tuple(f"{patient:03}" for patient in range(259)),
            classes=(0, 1),
            counts=16 * of_class,
            positions=positions,
            sums={"correct": of_class[..., None] * rng.integers(0, 17, (259, 82))},
        )
        for number in range(8)
        for variant in ("original", "absolute")
    }
    start = time.process_time()
    estimate_values(METRICS["fidelity"], sums, StatisticsOptions(permutations=100), seed=0)

    assert time.process_time() - start < 10


# More than two classes


def of_three_classes(name):
    """Points of three patients of each of three classes."""
    parts = [
        points(name, patients=3, seed=label)
        .assign(label=label)
        .assign(patient_id=lambda rows, label=label: rows.patient_id + f"-{label}")
        for label in range(3)
    ]
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize("name", METRICS)
def test_each_of_three_classes_has_a_value_and_the_whole_is_their_mean(name, tmp_path):
    metric, path = METRICS[name], tmp_path / "one.parquet"
    of_three_classes(name).to_parquet(path)
    classes = ("native", "arterial", "class_low")

    found = estimate_values(
        metric, sums_of(metric, {"one": path}), FEW, seed=0, classes=classes
    ).values.set_index("variant")

    assert set(found["classes"]) == {"0 and 1 and 2"}
    rows = pd.read_parquet(path)
    for label, column in enumerate(classes):
        alone = summarise_points(metric, rows[rows.label == label])
        for variant, value in alone.set_index("variant")["value"].items():
            assert found.loc[variant, f"value_{column}"] == pytest.approx(value)
            low, high = found.loc[variant, [f"value_{column}_low", f"value_{column}_high"]]
            assert low <= high
    if name == "fidelity":
        mean = found[[f"value_{column}" for column in classes]].mean(axis=1)
        np.testing.assert_allclose(found["value"], mean)
        assert set(found["fewest_patients_of_class"]) == {3}


def test_a_metric_that_is_tuned_has_no_part_of_test_patients():
    """Its value is of them already, and without training patients there is none."""
    metric = load("metric", "iou")(top="training")
    patients = tuple("abcdef")
    generator = np.random.default_rng(0)
    training = np.array([1.0, 1, 1, 1, 0, 0])
    score = generator.random((1, 6, 2))
    columns = {
        "score": score * (1 - training)[:, None],
        "training_score": score * training[:, None],
        "chance": np.full((1, 6, 2), 0.1) * (1 - training)[:, None],
        "judged": np.broadcast_to((1 - training)[:, None], (1, 6, 2)),
        "training": np.broadcast_to(training[:, None], (1, 6, 2)),
    }
    sums = PatientSums(patients, (0,), np.ones((1, 6)), {"top": np.array([0.1, 0.2])}, columns)

    found = estimate_values(metric, {("a", "original"): sums}, FEW, 0, training=list("abcd"))

    assert "value_test" not in found.values
    (row,) = found.values.itertuples()
    best = score[0, :4].mean(axis=0).argmax()
    assert row.value == pytest.approx(score[0, 4:, best].mean())
    assert row.chance == pytest.approx(0.1)
    assert row.value_low <= row.value <= row.value_high
