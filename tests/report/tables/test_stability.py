"""The table of what depends on the training, made of tables as the statistics write them."""

import numpy as np
import pandas as pd
import pytest

from ct_importance.io.table_file import write_frame
from ct_importance.metrics.jobs import ChosenMetric
from ct_importance.report.jobs import StabilityJob
from ct_importance.report.tables.stability import spread_table
from ct_importance.statistics.components import components_of_values
from ct_importance.statistics.estimates import estimate_values
from ct_importance.statistics.options import StatisticsOptions
from ct_importance.statistics.similarity import similarity_of_maps
from tests.report.scripts import run_script
from tests.statistics.crossed import METRICS, crossed, sums_of_curves

OPTIONS = StatisticsOptions(resamples=200, permutations=200)
NAMES = ("dice", "fidelity")
ESTIMATORS = ("random", "smoothgrad")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Three trainings of two estimators; the files that the rule's script writes."""
    folder, rng = tmp_path_factory.mktemp("stability"), np.random.default_rng(0)
    inputs = {"values": [], "components": [], "similarity": []}
    for name in NAMES:
        sums = {
            (estimator, variant): sums_of_curves(name, crossed(3, 12, (1, 1, 1), rng) + place)
            for place, estimator in enumerate(ESTIMATORS)
            for variant in ("original", "absolute")
        }
        found = {
            "values": estimate_values(METRICS[name], sums, OPTIONS, seed=0).values,
            "components": components_of_values(METRICS[name], sums, 0.95),
        }
        for kind, table in found.items():
            inputs[kind].append(folder / f"{name}_{kind}.parquet")
            write_frame(inputs[kind][-1], table)
    for estimator in ESTIMATORS:
        slices = ((f"p{n}", list(rng.normal(size=(3, 6, 6)))) for n in range(8))
        table = similarity_of_maps(slices, resamples=100, confidence=0.95, seed=0)
        table.insert(0, "estimator", estimator)
        inputs["similarity"].append(folder / f"{estimator}.parquet")
        write_frame(inputs["similarity"][-1], table)
    chosen = tuple(ChosenMetric(name=name, method=name, options={}) for name in NAMES)
    output = {kind: folder / f"stability.{kind}" for kind in ("csv", "markdown", "html")}
    job = StabilityJob(metrics=chosen, statistics=OPTIONS, trainings=3)
    run_script("write_stability", job, log=folder / "log", input=inputs, output=output)
    return inputs, output


def test_everything_is_in_one_table(made):
    inputs, output = made
    table = pd.read_csv(output["csv"])

    # Three pairs of trainings; three components; three pairs and their mean.
    assert table["what"].value_counts().to_dict() == {
        "ranking": 2 * 2 * 3,
        "spread": 2 * 4 * 3,
        "maps": 2 * 2 * 4,
    }
    components = pd.read_parquet(inputs["components"][0])
    spread = table.query("what == 'spread' and metric == 'dice'")
    np.testing.assert_allclose(spread["value"] ** 2, components["variance"], atol=1e-12)
    np.testing.assert_allclose(spread["high"] ** 2, components["high"])
    similarity = pd.read_parquet(inputs["similarity"][1])
    maps = table.query("what == 'maps' and estimator == 'smoothgrad'")
    np.testing.assert_allclose(maps["value"], similarity["similarity"])


@pytest.mark.parametrize("kind", ["markdown", "html"])
def test_people_read_all_three_parts(made, kind):
    _, output = made
    text = output[kind].read_text()

    assert "which of 3 trainings" in text
    assert "SmoothGrad" in text
    assert all(f"{first} and {second}" in text for first, second in ((1, 2), (1, 3), (2, 3)))
    table = pd.read_csv(output["csv"])
    row = table.query("what == 'spread' and metric == 'dice'").iloc[0]
    assert f"{row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}]" in text
    row = table.query("what == 'maps' and first == 0 and estimator == 'random'").iloc[0]
    shown = [f"{row[name]:.2f}".replace("-", "−") for name in ("value", "low", "high")]
    assert f"{shown[0]} [{shown[1]}, {shown[2]}]" in text
    assert "8 of 8 patients" in text


def test_of_one_patient_of_a_class_the_spread_is_not_known_and_left_out():
    lacking = components_of_values(
        METRICS["fidelity"],
        {("a", "original"): sums_of_curves("fidelity", np.zeros((2, 3)))},
        0.95,
    )
    assert spread_table(lacking.rename(columns={"variance": "value"}), 1)[1] == []
