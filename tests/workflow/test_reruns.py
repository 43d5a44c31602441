"""Which jobs run after which change: the full set, no more and no less."""

import copy
import os
import shutil

import pandas as pd
import pytest
import torch
import yaml

from tests.estimators import PAPER
from tests.workflow.project import TINY, Project, copy_project


def figures(*names):
    return {f"plot_figure({name})" for name in names}


def differences(*metrics):
    of_both = (f"differences_{name}_{it}" for name in metrics for it in ("original", "absolute"))
    return figures(*of_both)


CURVES = figures(
    *("figure2_fidelity_area", "figure4_fidelity_curves", "figure5_roc_curves"),
    "figure6_dice_curves",
)
CAPTIONS = {"write_captions(resnet50/figures)"}
EXAMPLES = figures("figure1_examples", "figure3_xrai")
RESNET50 = TINY["classifiers"]["resnet50"]
METRICS = ("fidelity", "roc", "dice")
MASKS = ("roc", "dice")
RANKING = {"rank_estimators", "write_agreement", "write_summary", *figures("ranks")}
STATISTICS = {*(f"estimate_values({name})" for name in METRICS), *differences(*METRICS), *RANKING}
TABLES = {f"write_table({name})" for name in ("table1_fidelity", "table2_auc", "table3_dice")}


NOISY = "noisy_gradients-noise_{}-samples_{}-target_last"
PATH = "path_gradients-reference_{}-steps_{}-target_predicted"
PARTS = [PATH.format(0.0, 2), PATH.format(1.0, 2), NOISY.format(0.15, 2)]
ALONE = {"backpropagation", "deconvolution", "expected_gradients", "random"}


def jobs_of(estimator, *parts):
    return {
        *(f"share_passes({part})" for part in parts),
        f"{'compute_importance' if estimator in ALONE else 'combine_shared'}({estimator})",
        *(f"evaluate_importance({metric}, {estimator})" for metric in ("fidelity", "roc", "dice")),
        *STATISTICS,
        *TABLES,
        *CURVES,
        "write_cost",
        "build_explorer",
    }


def jobs_of_the_classifier():
    """What depends on the answers of the classifier: of the control only whether it explains it."""
    parts = (f"share_passes({part})" for part in PARTS)
    control = {
        "compute_importance(random)",
        *(f"evaluate_importance({it}, random)" for it in MASKS),
    }
    return EXAMPLES.union({"predict_slices"}, parts, *map(jobs_of, PAPER)) - control


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
    assert project.planned_jobs() == jobs_of("smoothgrad", NOISY.format(0.15, 3))
    untouched = project.training / "saliency" / "backpropagation.parquet"
    before = untouched.stat().st_mtime_ns
    project.run()
    assert untouched.stat().st_mtime_ns == before
    assert project.planned_jobs() == set()


def test_the_file_of_one_estimator(project):
    edit(project, "ct_importance/saliency/estimators/backward/deconvolution.py")
    assert project.planned_jobs() == jobs_of("deconvolution")


def test_the_file_of_an_estimator_made_of_parts_leaves_the_parts(project):
    edit(project, "ct_importance/saliency/estimators/gradient/smoothgrad.py")
    assert project.planned_jobs() == jobs_of("smoothgrad")


def test_a_part_that_two_estimators_share(project):
    edit(project, "ct_importance/saliency/shared/noisy_gradients.py")
    # Figure 1 shows smoothgrad_squared.
    expected = jobs_of("smoothgrad", NOISY.format(0.15, 2)) | jobs_of("smoothgrad_squared")
    assert project.planned_jobs() == expected | figures("figure1_examples")


def test_an_option_that_gives_an_estimator_the_part_of_another(project):
    options = {"steps": 3}
    project.configure(changed(estimators={"integrated_gradients": options}))
    assert project.planned_jobs() == jobs_of("integrated_gradients", PATH.format(0.0, 3))
    project.run("--", "results/tiny/resnet50/1/saliency/integrated_gradients.parquet")

    project.configure(
        changed(estimators={"integrated_gradients": options, "integrated_gradients_bw": options})
    )

    maps = "results/tiny/resnet50/1/saliency/integrated_gradients_bw.parquet"
    part = f"share_passes({PATH.format(1.0, 3)})"
    assert project.planned_jobs("--", maps) == {part, "combine_shared(integrated_gradients_bw)"}


def test_swapped_option_values(project):
    project.configure(changed(estimators={"smoothgrad": {"samples": 2, "noise": 0.2}}))
    assert project.planned_jobs() == jobs_of("smoothgrad", NOISY.format(0.2, 2))


def test_the_file_of_one_metric(project):
    edit(project, "ct_importance/metrics/catalogue/localisation/roc.py")
    expected = {f"evaluate_importance(roc, {estimator})" for estimator in PAPER}
    expected |= {"estimate_values(roc)", "write_table(table2_auc)", "build_explorer", *RANKING}
    expected |= figures("figure5_roc_curves") | differences("roc")
    assert project.planned_jobs() == expected


def test_masks_of_test_patients_alone_need_no_other_maps(project):
    roc = TINY["metrics"]["roc"] | {"slices": "annotated_test"}
    project.configure(changed(metrics={"roc": roc}))
    expected = {f"evaluate_importance(roc, {estimator})" for estimator in PAPER}
    expected |= {"estimate_values(roc)", "write_table(table2_auc)", "build_explorer", *RANKING}
    expected |= figures("figure5_roc_curves") | differences("roc") | CAPTIONS
    assert project.planned_jobs() == expected
    project.run("--", "results/tiny/resnet50/tables/table2_auc.csv")
    details = pd.read_csv(project.classifier / "tables" / "table2_auc_details.csv")
    assert set(details.patients) == {4}
    assert set(details.training_patients) == {0}


def test_the_style_of_the_figures(project):
    edit(project, "ct_importance/report/style.py")
    others = figures("training_curve", "ranks")
    assert project.planned_jobs() == CURVES | EXAMPLES | others | differences(*METRICS)


def test_the_file_of_one_figure(project):
    edit(project, "ct_importance/report/figures/paper/figure5_roc_curves.py")
    assert project.planned_jobs() == figures("figure5_roc_curves")


@pytest.mark.parametrize("name", ["page.html", "page.css", "pictures/stage.js"])
def test_a_template_of_the_explorer(project, name):
    edit(project, f"ct_importance/report/explorer/templates/{name}")
    assert project.planned_jobs() == {"build_explorer"}


def test_touched_but_equal_code(project):
    for path in (project.folder / "scripts").rglob("*.py"):
        if "snakemake." not in path.read_text():  # scripts of rules themselves are compared by time
            os.utime(path)
    assert project.planned_jobs() == set()


def backwards(content):
    """A configuration with the keys of all its sections in reverse order."""
    if not isinstance(content, dict):
        return content
    return {key: backwards(content[key]) for key in reversed(content)}


def test_reordered_keys(project):
    default = project.folder / "config.yaml"
    default.write_text(
        yaml.safe_dump(backwards(yaml.safe_load(default.read_text())), sort_keys=False)
    )
    project.configure(backwards(TINY))
    assert project.planned_jobs() == set()


def test_an_estimator_left_out_leaves_no_row(project):
    project.configure(changed(estimators={"random": None}))
    expected = STATISTICS | TABLES | CURVES | {"write_cost", "build_explorer"}
    assert project.planned_jobs() == expected
    project.run()
    shown = [
        *(project.classifier / "tables").iterdir(),
        *(project.classifier / "figures").glob("*.svg"),
    ]
    assert len(shown) > 15
    for path in shown:
        assert "random" not in path.read_text().lower()


def test_the_weights_of_a_classifier(project):
    classifier = "results/tiny/resnet50/1/classifier/classifier.pt"
    mine = project.folder / "mine.pt"
    shutil.copy(project.folder / classifier, mine)
    project.configure(changed(classifiers={"resnet50": {"weights": "mine.pt"}}))
    # There is no training curve, and no caption of it.
    everything = {"import_classifier", "export_classifier", *jobs_of_the_classifier(), *CAPTIONS}
    assert project.planned_jobs() == everything
    project.run("--", classifier)

    os.utime(mine)
    assert project.planned_jobs("--", classifier) == set()

    content = torch.load(mine)
    content["state_dict"]["fc.bias"] += 1
    torch.save(content, mine)
    os.utime(mine, (0, 0))
    assert project.planned_jobs() == everything


def test_the_precision(project):
    project.configure(changed(classifiers={"resnet50": RESNET50 | {"precision": "bfloat16"}}))
    assert project.planned_jobs() == jobs_of_the_classifier()


def test_another_classifier_leaves_the_others_as_they_are(project):
    project.configure(changed(classifiers={"another": {"architecture": "resnet50"}}))
    planned = project.planned_jobs()
    compared = {"compare_classifiers", "write_classifiers", "plot_classifiers(classifiers)"}
    compared |= {"write_captions(figures)", "explore_classifiers", "write_summary"}
    assert {job for job in planned if "another" not in job} == compared
    assert "compute_importance(another, backpropagation)" in planned
    assert "write_table(another, table2_auc)" in planned


def test_another_training_leaves_the_first_as_it_is(project):
    project.configure(changed() | {"replicates": 2})
    planned = project.planned_jobs()
    assert "train_classifier(2)" in planned
    assert "evaluate_importance(2, roc, random)" in planned
    of_both = planned - {job for job in planned if "(2" in job}
    compared = {f"compare_maps({name})" for name in PAPER}
    stability = {*(f"estimate_components({name})" for name in METRICS), "write_stability"}
    assert of_both == STATISTICS | TABLES | CURVES | compared | stability


def test_the_options_of_the_statistics(project):
    project.configure(changed(statistics={"resamples": 100}))
    assert project.planned_jobs() == {"evaluate_ceiling(dice)"} | STATISTICS | TABLES | CURVES


def test_tables_of_an_earlier_run_are_not_shown_as_those_of_this_one(project):
    project.configure(changed(statistics={"resamples": 300}))
    rule = "write_cost"
    printed = project.run("--until", rule, "--forcerun", rule)

    assert "SmoothGrad Squared" not in printed
    tables = [
        f"results/tiny/resnet50/tables/{stem}.md" for stem in ("table1_fidelity", "table2_auc")
    ]
    assert f"Not made by this call, may be old: {', '.join(tables)}" in printed


def test_versions_of_libraries(project):
    for path in (project.folder / "envs").iterdir():
        path.write_text(path.read_text().replace("==", "==9999."))
    assert project.planned_jobs() == {"write_summary"}


def test_results_copied_into_a_fresh_clone(project, tmp_path):
    clone = copy_project(tmp_path / "clone")
    # New times in any order, and nothing of what Snakemake knows of the files.
    shutil.copytree(project.results, clone.results, copy_function=shutil.copyfile)

    clone.run("--touch")

    assert clone.planned_jobs() == set()
    clone.configure(changed(estimators={"smoothgrad": {"samples": 3}}))
    assert clone.planned_jobs() == jobs_of("smoothgrad", NOISY.format(0.15, 3))


def test_another_run_beside_this_one(project):
    before = project.digests()
    project.configure(TINY | {"run": "other"})
    project.run("--", "results/other/cohort/labels.parquet")
    assert (project.folder / "results/other/cohort/labels.parquet").exists()

    project.configure(TINY)

    assert project.digests() == before
    assert project.planned_jobs() == set()


def test_an_estimator_under_another_name(project):
    project.configure(changed(estimators={"smoothgrad_3": {"method": "smoothgrad", "samples": 3}}))
    assert project.planned_jobs() == jobs_of("smoothgrad_3", NOISY.format(0.15, 3))
