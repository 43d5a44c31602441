import numpy as np
import pandas as pd
import pytest

from ct_importance.errors import InputError
from ct_importance.metrics.averaging import mean_curves, sum_by_patient
from ct_importance.plugins import load
from tests.metrics.summary import summarise_points

METRICS = {name: load("metric", name)() for name in ("fidelity", "roc", "dice")}


def points(name, patients=7, seed=0):
    """A table of one estimator: one to three slices of each patient, one with both classes."""
    rng = np.random.default_rng(seed)
    frames = []
    for patient in range(patients):
        for number in range(1 + patient % 3):
            label = int(number == 1) if patient == 1 else patient % 2
            for variant in ("original", "absolute"):
                frames.append(
                    pd.DataFrame(
                        {
                            "slice_id": f"{patient}.{number}",
                            "patient_id": f"patient {patient}",
                            "label": label,
                            "variant": variant,
                        }
                        | CURVES[name](rng)
                    )
                )
    return pd.concat(frames, ignore_index=True)


def fidelity_points(rng):
    return {
        "order": np.repeat(["mif", "lif"], 5),
        "fraction": np.tile(np.arange(5) / 4, 2),
        "correct": rng.random(10) < 0.5,
    }


def roc_points(rng):
    tpr, fpr = np.sort(rng.random((2, 6)), axis=1)
    repeated = {name: np.full(6, rng.random()) for name in ("auc_exact", "mean_height")}
    return {"threshold": np.arange(6) / 5, "tpr": tpr, "fpr": fpr} | repeated


def dice_points(rng):
    shown = np.sort(rng.random(4)) * 100
    return {
        "percentage": np.array([1.0, 2.0, 5.0, 9.0]),
        "dsc": rng.random(4),
        "shown_percentage": shown,
    }


CURVES = {"fidelity": fidelity_points, "roc": roc_points, "dice": dice_points}


def plain_values(name, rows):
    """The value of each variant as the paper defines it, out of the table row by row."""
    values = {}
    for variant, of_variant in rows.groupby("variant", sort=False):
        if name == "fidelity":
            of_classes = of_variant.groupby(["order", "fraction", "label"])["correct"].mean()
            accuracy = of_classes.groupby(["order", "fraction"]).mean()
            areas = {
                order: np.trapezoid(accuracy[order], accuracy[order].index)
                for order in ("lif", "mif")
            }
            values[variant] = 10 * (areas["lif"] - areas["mif"])
        elif name == "roc":
            curve = of_variant.groupby("threshold")[["tpr", "fpr"]].mean()
            values[variant] = np.trapezoid(curve["tpr"], curve["fpr"])
        else:
            values[variant] = of_variant.groupby("percentage")["dsc"].mean().max()
    return values


def repeated(rows, weights):
    """The table with each patient's slices as often as the weights say, as other patients."""
    frames = []
    for patient, times in weights.items():
        of_patient = rows[rows["patient_id"] == patient]
        for time in range(times):
            copy = of_patient.assign(
                slice_id=of_patient["slice_id"] + f"/{time}", patient_id=f"{patient}/{time}"
            )
            frames.append(copy)
    return pd.concat(frames, ignore_index=True)


@pytest.mark.parametrize("name", METRICS)
def test_the_value_is_the_papers(name):
    rows = points(name)
    found = summarise_points(METRICS[name], rows).set_index("variant")["value"]

    for variant, value in plain_values(name, rows).items():
        assert found[variant] == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize("name", METRICS)
def test_weights_of_one_give_the_tables_value_exactly(name):
    metric = METRICS[name]
    for sums in sum_by_patient(metric, points(name)).values():
        whole, weighted, several = (
            metric.summarise(mean_curves(metric, sums, weights))
            for weights in (None, *(np.ones((count, len(sums.patients))) for count in (1, 3)))
        )
        for detail in whole:
            assert weighted[detail] == whole[detail]
            # Products of larger matrices add up in another order.
            np.testing.assert_allclose(several[detail], np.repeat(whole[detail], 3), rtol=1e-14)


@pytest.mark.parametrize("name", METRICS)
def test_a_resample_has_the_value_of_the_table_with_its_patients(name):
    metric, rows = METRICS[name], points(name)
    rng = np.random.default_rng(1)
    sums = sum_by_patient(metric, rows)
    weights = rng.multinomial(7, np.full(7, 1 / 7), 20)
    weights[:, :2] += 1  # both classes
    for variant, of_variant in sums.items():
        found = metric.summarise(mean_curves(metric, of_variant, weights))
        for number, times in enumerate(weights):
            table = repeated(rows, dict(zip(of_variant.patients, times, strict=True)))
            expected = summarise_points(metric, table).set_index("variant").loc[variant]
            for detail in found:
                assert found[detail][number] == pytest.approx(expected[detail], abs=1e-12)


def test_the_order_of_the_table_does_not_matter():
    rows = points("dice")
    whole = summarise_points(METRICS["dice"], rows).set_index("variant")
    mixed = summarise_points(METRICS["dice"], rows.iloc[::-1]).set_index("variant")

    np.testing.assert_allclose(mixed["value"], whole["value"][mixed.index], atol=1e-14)


def test_slices_with_points_elsewhere_are_an_error():
    rows = points("dice")
    rows.loc[0, "percentage"] = 1.5

    with pytest.raises(InputError, match="points at different positions"):
        sum_by_patient(METRICS["dice"], rows)


def test_a_metric_of_one_number_per_slice_needs_no_positions():
    class Metric:
        position_columns = ()
        averaged = ("dsc",)
        balanced = False

        @staticmethod
        def summarise(curves):
            return {"value": curves.means["dsc"][:, 0]}

    rows = points("dice").query("percentage == 1")
    found = summarise_points(Metric, rows).set_index("variant")["value"]

    expected = rows.groupby("variant")["dsc"].mean()
    np.testing.assert_allclose(found[expected.index], expected)
