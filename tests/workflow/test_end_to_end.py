import json
import re

import pandas as pd
import pytest

from ct_importance.io.image_table import read_images
from tests.report.explorer.chromium import PROGRAM, chromium

TABLES = ["table1_fidelity", "table2_auc", "table3_dice"]
ESTIMATORS = {
    "backpropagation",
    "deconvolution",
    "expected_gradients",
    "integrated_gradients",
    "integrated_gradients_bw",
    "random",
    "smoothgrad",
    "smoothgrad_squared",
}
FIGURES = [
    "figure1_examples",
    "figure2_fidelity_area",
    "figure3_xrai",
    "figure4_fidelity_curves",
    "figure5_roc_curves",
    "figure6_dice_curves",
    "training_curve",
    "ranks",
    *(f"differences_{metric}_absolute" for metric in ("fidelity", "roc", "dice")),
    *(f"differences_{metric}_original" for metric in ("fidelity", "roc", "dice")),
]


@pytest.mark.parametrize("table", TABLES)
def test_tables_have_a_sorted_row_per_estimator(finished, table):
    rows = pd.read_csv(finished.classifier / "tables" / f"{table}.csv")
    assert list(rows.columns) == [
        *("estimator", "original", "absolute"),
        *("original_low", "original_high", "absolute_low", "absolute_high"),
        *("original_letters", "absolute_letters"),
    ]
    for variant in ("original", "absolute"):
        assert (rows[f"{variant}_low"] <= rows[f"{variant}_high"]).all()
    assert set(rows.estimator) == ESTIMATORS
    assert rows.absolute.is_monotonic_decreasing
    # Too few patients for any test.
    assert rows[["original_letters", "absolute_letters"]].isna().all(axis=None)
    assert rows.drop(columns=["original_letters", "absolute_letters"]).notna().all(axis=None)
    markdown = (finished.classifier / "tables" / f"{table}.md").read_text()
    lines = len(ESTIMATORS) + 1 + (table == "table3_dice")  # the heading, and the ceiling
    assert markdown.count("\n| ") == lines
    latex = (finished.classifier / "tables" / f"{table}.tex").read_text()
    assert latex.count(r" \\") == lines


def test_maps_without_negative_values_have_equal_variants(finished):
    for table in TABLES:
        rows = pd.read_csv(finished.classifier / "tables" / f"{table}.csv", index_col="estimator")
        for estimator in ("smoothgrad_squared", "random"):
            assert rows.original[estimator] == rows.absolute[estimator]


@pytest.mark.parametrize("figure", FIGURES)
def test_figures_are_there_in_every_format(finished, figure):
    starts = {"svg": b"<?xml", "pdf": b"%PDF", "png": b"\x89PNG"}
    for suffix, start in starts.items():
        path = finished.classifier / "figures" / f"{figure}.{suffix}"
        assert path.read_bytes().startswith(start)


def test_comparisons_ranks_and_costs_are_there(finished):
    tables = finished.classifier / "tables"
    for table in TABLES:
        pairs = pd.read_csv(tables / f"{table}_comparisons.csv")
        assert len(pairs) == 2 * 28 + 8
        assert pairs.p_holm.between(0, 1).all()
    assert len(pd.read_csv(tables / "ranks.csv")) == 3 * 2 * 8
    assert len(pd.read_csv(tables / "agreement.csv")) == 2 * 3
    cost = pd.read_csv(tables / "cost.csv", index_col="estimator")
    assert cost.backward_passes.to_dict() == {
        **dict.fromkeys(["backpropagation", "deconvolution"], 1),
        **dict.fromkeys(["expected_gradients", "integrated_gradients"], 2),
        **dict.fromkeys(["smoothgrad", "smoothgrad_squared"], 2),
        "integrated_gradients_bw": 4,
        "random": 0,
    }
    assert (cost.seconds > 0).all()
    complete = {"expected_gradients", "integrated_gradients", "integrated_gradients_bw"}
    assert set(cost.index[cost.gap_median.notna()]) == complete
    assert (cost.gap_max >= cost.gap_median).loc[list(complete)].all()


def test_the_ceiling_and_the_training_slices_are_told(finished):
    tables = finished.classifier / "tables"
    assert "| Perfect map (the mask itself) |" in (tables / "table3_dice.md").read_text()
    for table in ("table2_auc", "table3_dice"):
        details = pd.read_csv(tables / f"{table}_details.csv")
        assert set(details.training_patients) == {4}
        assert details.value_test.notna().all()
        told = "4 of the 8 slices and 4 of the 8 patients are training ones."
        assert told in (tables / f"{table}.md").read_text()
    # Nor are the figures silent.
    for figure in ("figure5_roc_curves", "figure6_dice_curves"):
        assert told in (finished.classifier / "figures" / f"{figure}.svg").read_text()
    fidelity = pd.read_csv(tables / "table1_fidelity_details.csv")
    mean = (fidelity.value_contrast + fidelity.value_no_contrast) / 2
    assert fidelity.value.tolist() == pytest.approx(mean.tolist())


def test_the_run_can_be_traced_and_names_no_patient(finished):
    text = (finished.results / "summary.json").read_text()
    summary = json.loads(text)
    assert summary["data"]["patients"] == 8
    found = summary["classifiers"]["resnet50"]
    assert summary["digests"].keys() == {"slices"}
    assert {what: len(of_one) for what, of_one in found["digests"].items()} == {
        "classifier": 1,
        "predictions": 1,
    }
    assert summary["packages"]["torch"]
    assert set(found["tables"]) == set(TABLES)
    readme = (finished.results / "README.md").read_text()
    for shown in (text, readme, (finished.results / "report.rst").read_text()):
        assert "PHANTOM-" not in shown
        assert str(finished.folder) not in shown


def test_no_page_says_more_than_the_tests_show_or_than_there_is(finished):
    summary = json.loads((finished.results / "summary.json").read_text())
    evenly_spaced = summary["data"]["slices_evenly_spaced"]
    (classifier,) = summary["classifiers"].values()
    (training,) = classifier["trainings"]
    assert evenly_spaced == sum(training[split]["n"] for split in ("test", "train"))
    ranks = pd.read_csv(finished.classifier / "tables" / "ranks.csv")
    assert set(ranks.rank_low) == {1}
    assert set(ranks.rank_high) == {len(ESTIMATORS)}
    warnings = [text for text in classifier["warnings"] if "No test possible with" in text]
    assert [text.partition(":")[0] for text in warnings] == ["Fidelity", "ROC and Dice"]
    for name in ("README.md", "report.rst"):
        page = (finished.results / name).read_text()
        assert f"{evenly_spaced} evenly spaced and" in page
        assert all(text in page for text in warnings)
        assert "could not be shown for any metric" in page
        assert "people" not in page


def test_the_report_holds_every_table_and_figure_and_names_no_patient(finished):
    finished.run("--report", "report.html")
    page = (finished.folder / "report.html").read_text()
    for name in [*FIGURES, *TABLES, "agreement", "cost"]:
        assert name in page
    assert "Which importance estimator explains this CT classifier best" in page
    assert "PHANTOM-" not in page


@pytest.mark.skipif(PROGRAM is None, reason="needs Chromium: apt install chromium")
def test_the_report_opens_at_the_top_of_its_first_page(finished, tmp_path):
    finished.run("--report", str(tmp_path / "report.html"))
    heading = "document.querySelector('.prose h1').getBoundingClientRect()"
    with chromium(tmp_path / "profile") as page:
        for width in (390, 1280):
            page.resize(width, 700)
            page.open((tmp_path / "report.html").as_uri())
            for shown in (".prose h1", "#rulegraph :is(canvas, svg)"):
                page.wait_for(f"document.querySelector('{shown}') !== null")
            assert page.evaluate(f"{heading}.top") >= 0
            assert page.evaluate(f"{heading}.left") >= 0


def test_the_explorer_holds_every_slice_with_maps(finished):
    page = (finished.classifier / "explorer.html").read_text()
    slices = pd.read_parquet(finished.results / "slices.parquet")
    with_maps = slices[slices.annotated | ((slices.split == "test") & slices.sampled)]
    assert page.count('<script type="application/json" id="slice-') == len(with_maps)
    assert all(slice_id in page for slice_id in with_maps.slice_id)


def test_the_run_ends_by_showing_tables_and_places(finished):
    assert "Classifier: balanced accuracy" in finished.output
    assert finished.output.count("\nSmoothGrad Squared  ") == 3
    for place in ("README.md", "resnet50/explorer.html", "resnet50/tables/", "logs/"):
        assert f"results/tiny/{place}\n" in finished.output
    assert "**" not in finished.output


def test_the_run_says_what_it_does_in_a_line_each(finished):
    lines = finished.output.splitlines()
    begun = [line[10:] for line in lines if re.match(r"\d\d:\d\d:\d\d  begins  ", line)]
    done = [line[10:] for line in lines if re.match(r"\d\d:\d\d:\d\d  done    ", line)]
    assert "begins  compute_importance resnet50 1 random" in begun
    assert len(begun) == len(done)
    assert re.search(
        r"done    plot_figure resnet50 \w+ \(\d+ s\), \d+ of \d+$", "\n".join(done), re.M
    )
    assert not [line for line in lines if line.startswith(("    input:", "    reason:", "Host:"))]
    assert len(max(begun, key=len)) < 120
    # What it takes is said before.
    plan = lines.index(next(line for line in lines if line.startswith("estimator ")))
    assert lines[plan - 1] == ""
    assert plan < lines.index(next(line for line in lines if "  begins  " in line))
    # Why, Snakemake's own log tells; there may be one of a later call.
    logs = (finished.folder / ".snakemake" / "log").iterdir()
    assert any("reason: " in log.read_text() for log in logs)


def test_nothing_half_written_and_every_job_logged(finished):
    assert not list(finished.results.rglob("*.tmp"))
    logs = list((finished.results / "logs").rglob("*.log"))
    assert len(logs) > 40
    assert not [path for path in logs if "ERROR" in path.read_text()]


def test_a_second_run_has_nothing_to_do(finished):
    assert "Nothing to be done" in finished.run()


def test_slices_hold_what_the_readme_says(finished):
    tables = sorted((finished.results / "slices").glob("*.parquet"))
    assert len(tables) == 8
    images = read_images(tables[0], "image")
    assert images.dtype == "float32"
    assert images.shape[1:] == (32, 32)
    assert 0 <= images.min() < images.max() <= 1
