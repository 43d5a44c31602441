import hashlib

import pandas as pd
import pytest

from scripts.image_table import read_images
from tests.workflow.project import copy_project

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
]


@pytest.mark.parametrize("table", TABLES)
def test_tables_have_a_sorted_row_per_estimator(finished, table):
    rows = pd.read_csv(finished.results / "tables" / f"{table}.csv")
    assert list(rows.columns) == ["estimator", "original", "absolute"]
    assert set(rows.estimator) == ESTIMATORS
    assert rows.absolute.is_monotonic_decreasing
    assert rows.notna().all(axis=None)
    markdown = (finished.results / "tables" / f"{table}.md").read_text()
    assert markdown.count("\n| ") == len(ESTIMATORS) + 1  # and the heading
    latex = (finished.results / "tables" / f"{table}.tex").read_text()
    assert latex.count(r" \\") == len(ESTIMATORS) + 1


def test_maps_without_negative_values_have_equal_variants(finished):
    for table in TABLES:
        rows = pd.read_csv(finished.results / "tables" / f"{table}.csv", index_col="estimator")
        for estimator in ("smoothgrad_squared", "random"):
            assert rows.original[estimator] == rows.absolute[estimator]


@pytest.mark.parametrize("figure", FIGURES)
def test_figures_are_there_in_every_format(finished, figure):
    starts = {"svg": b"<?xml", "pdf": b"%PDF", "png": b"\x89PNG"}
    for suffix, start in starts.items():
        path = finished.results / "figures" / f"{figure}.{suffix}"
        assert path.read_bytes().startswith(start)


def test_the_explorer_holds_every_slice_with_maps(finished):
    page = (finished.results / "explorer.html").read_text()
    slices = pd.read_parquet(finished.results / "slices.parquet")
    with_maps = slices[slices.annotated | ((slices.split == "test") & slices.sampled)]
    assert page.count('<script type="application/json" id="slice-') == len(with_maps)
    assert all(slice_id in page for slice_id in with_maps.slice_id)


def test_the_run_ends_by_showing_tables_and_places(finished):
    assert "Classifier: balanced accuracy" in finished.output
    assert finished.output.count("| SmoothGrad Squared |") == 3
    for place in ("tables", "figures", "logs"):
        assert f"results/tiny/{place}/" in finished.output


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


def test_a_pass_in_another_order_gives_the_same_bytes(finished, tmp_path):
    again = copy_project(tmp_path / "again")
    again.run("--resources", "gpu=1")
    assert _digests(again.results) == _digests(finished.results)


def _digests(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        # Logs and benchmarks hold times, and so does what is known of the headers.
        and not {"logs", "benchmarks", "headers"} & set(path.relative_to(folder).parts)
        and path.name != ".snakemake_timestamp"
    }
