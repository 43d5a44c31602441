"""Which jobs run after which change: the full set, no more and no less."""

import copy
import os
import shutil

import pytest

from tests.workflow.project import ROOT, TINY, Project

CURVES = {
    "plot_figure2_fidelity_area",
    "plot_figure4_fidelity_curves",
    "plot_figure5_roc_curves",
    "plot_figure6_dice_curves",
}
TABLES = {f"write_table({name})" for name in ("table1_fidelity", "table2_auc", "table3_dice")}


def jobs_of(estimator):
    return {
        f"compute_importance({estimator})",
        *(f"evaluate_importance({metric}, {estimator})" for metric in ("fidelity", "roc", "dice")),
        *TABLES,
        *CURVES,
    }


@pytest.fixture
def project(finished, tmp_path) -> Project:
    shutil.copytree(finished.folder, tmp_path / "copy", copy_function=shutil.copy2)
    return Project(tmp_path / "copy")


def edit(project, path, text="\n# An edit.\n"):
    with open(project.folder / path, "a") as file:
        file.write(text)


def changed(**sections):
    overlay = copy.deepcopy(TINY)
    for section, values in sections.items():
        overlay[section] = overlay.get(section, {}) | values
    return overlay


def test_nothing_changed_nothing_runs(project):
    assert project.planned_jobs() == set()


def test_one_option_of_one_estimator(project):
    project.configure(changed(estimators={"smoothgrad": {"samples": 3}}))
    assert project.planned_jobs() == jobs_of("smoothgrad")
    untouched = project.results / "saliency" / "backpropagation.parquet"
    before = untouched.stat().st_mtime_ns
    project.run()
    assert untouched.stat().st_mtime_ns == before
    assert project.planned_jobs() == set()


def test_the_file_of_one_estimator(project):
    edit(project, "scripts/saliency/estimators/deconvolution.py")
    assert project.planned_jobs() == jobs_of("deconvolution")


def test_a_helper_that_two_estimators_share(project):
    edit(project, "scripts/saliency/noise.py")
    # Figure 1 shows smoothgrad_squared.
    expected = jobs_of("smoothgrad") | jobs_of("smoothgrad_squared") | {"plot_figure1_examples"}
    assert project.planned_jobs() == expected


def test_swapped_option_values(project):
    project.configure(changed(estimators={"smoothgrad": {"samples": 2, "noise": 0.2}}))
    assert project.planned_jobs() == jobs_of("smoothgrad")


def test_the_file_of_one_metric(project):
    edit(project, "scripts/metrics/roc.py")
    estimators = [path.stem for path in (ROOT / "scripts/saliency/estimators").glob("[a-z]*.py")]
    expected = {f"evaluate_importance(roc, {estimator})" for estimator in estimators}
    expected |= {"write_table(table2_auc)", "plot_figure5_roc_curves"}
    assert project.planned_jobs() == expected


def test_the_style_of_the_figures(project):
    edit(project, "scripts/report/style.py")
    figures = {*CURVES, "plot_figure1_examples", "plot_figure3_xrai", "plot_training_curve"}
    assert project.planned_jobs() == figures


def test_touched_but_equal_code(project):
    for path in (project.folder / "scripts").rglob("*.py"):
        if "snakemake." not in path.read_text():  # scripts of rules themselves are compared by time
            os.utime(path)
    assert project.planned_jobs() == set()


def test_reordered_keys(project):
    overlay = copy.deepcopy(TINY)
    project.configure({key: overlay[key] for key in reversed(overlay)})
    assert project.planned_jobs() == set()


def test_an_estimator_left_out_leaves_no_row(project):
    project.configure(changed(estimators={"random": None}))
    assert project.planned_jobs() == TABLES | CURVES
    project.run()
    for table in (project.results / "tables").glob("*.csv"):
        assert "random" not in table.read_text()


def test_an_estimator_under_another_name(project):
    project.configure(changed(estimators={"smoothgrad_3": {"method": "smoothgrad", "samples": 3}}))
    assert project.planned_jobs() == jobs_of("smoothgrad_3")
