"""Signs on slices: which files each classifier sees, and what is refused."""

import re

import pytest

from ct_importance.cohort.jobs import DoseJob, ExtractionJob
from ct_importance.errors import InputError
from ct_importance.report.jobs import ExplorerJob
from ct_importance.statistics.jobs import TruthJob
from tests.workflow.test_study import asked, study_of, wildcards

OF_SIGNS = {"sensitivity": {"slices": "planted"}, "planted_likeness": {}}


def planted(dose, in_class="contrast", **entry):
    sign = {"sign": "marker", "in_class": in_class, "dose": dose}
    return {"architecture": "resnet50", "planted": sign, **entry}


def study_of_signs(metrics=OF_SIGNS, **classifiers):
    return study_of(classifiers={"resnet50": None, **classifiers}, metrics=metrics)


def test_without_signs_nothing_has_another_place():
    study = study_of()
    assert (study.doses, study.signs, study.flips()) == ({}, [], [])
    assert re.fullmatch(study.planted, "")
    one = wildcards(estimator="random", metric="roc")
    assert study.seen("slices.parquet")(one) == "results/demo/slices.parquet"


def test_classifiers_of_one_dose_share_their_slices():
    study = study_of_signs(none=planted(0), half=planted(0.5), again=planted(0.5))
    assert list(study.doses) == ["marker_contrast_0.5", "marker_contrast_0"]
    folders = {
        name: study.folder_of_slices(wildcards(classifier=name)) for name in study.classifiers
    }
    assert folders["half"] == folders["again"] == "results/demo/planted/marker_contrast_0.5"
    assert folders["none"] == "results/demo/planted/marker_contrast_0"
    for folder in folders.values():
        assert re.fullmatch(study.planted, folder.removeprefix("results/demo"))


def test_one_page_of_all_maps_is_for_classifiers_that_are_tested_alike():
    doses = {"none": planted(0), "half": planted(0.5)}
    study = study_of_signs(**doses)
    assert study.explorers_of_all() == ["results/demo/explorer.html"]
    assert study.seen_by_all("slices.parquet").startswith("results/demo/planted/marker_contrast_0")
    assert asked(study, "explore_classifiers", ExplorerJob).subsets == ("test",)
    moved = planted(1) | {"planted": {"sign": "offset", "in_class": "contrast", "dose": 1}}
    assert study_of_signs(**doses, moved=moved).explorers_of_all() == []


def test_the_opposite_of_its_slices_is_explained_by_the_same_classifier():
    study = study_of_signs(half=planted(0.5))
    one = wildcards(classifier="half", replicate="1/toggled/planted_all", estimator="occlusion")
    folder = "results/demo/planted/marker_contrast_0.5"
    assert study.explained_slices(one) == f"{folder}/toggled/planted.parquet"
    assert study.training_slices(one) == f"{folder}/slices.parquet"
    assert study.segments_explained(one) == f"{folder}/toggled/segments.parquet"
    weights = study.classifier_file("classifier.pt")(one)
    assert weights == "results/demo/half/1/classifier/classifier.pt"


def test_what_is_put_on_slices_is_asked_of_the_jobs():
    study = study_of_signs(half=planted(0.5, in_class="No contrast"))
    dose = asked(study, "dose_slices", DoseJob, dose="marker_no_contrast_0.5")
    assert (dose.label, dose.dose) == (0, 0.5)
    sign = asked(study, "extract_planted", ExtractionJob, sign="marker")
    assert (sign.sign, sign.folder) == ("marker", "results/demo/planted/marker")
    plain = asked(study, "extract_slices", ExtractionJob)
    assert plain.sign is None
    assert plain.options == sign.options


def test_a_metric_of_signs_alone_needs_maps_of_test_slices():
    study = study_of_signs({"fidelity": None, "roc": None, "dice": None, **OF_SIGNS}, a=planted(1))
    assert study.explained() == ["annotated", "test"]
    assert study.ceiling("sensitivity", "values") == []


@pytest.mark.parametrize(
    ("classifiers", "message"),
    [
        ({"a": planted(1), "plain": {"architecture": "resnet50"}}, "classifiers.plain: give it a"),
        ({"a": planted(1), "b": planted(1, in_class="no contrast")}, "different classes"),
    ],
)
def test_classifiers_that_metrics_of_signs_cannot_compare(classifiers, message):
    with pytest.raises(InputError, match=message):
        study_of_signs(**classifiers)
    # Without these metrics it is asked of each whether it uses its sign.
    study = study_of_signs(dict.fromkeys(OF_SIGNS), **classifiers)
    assert study.flips() == ["results/demo/statistics/flips.parquet"]
    job = asked(study, "measure_truth", TruthJob)
    assert list(job.trainings) == list(job.labels) == list(study.planted_of)


def test_figures_of_signs_are_there_for_one_classifier_too():
    assert set(study_of_signs(one=planted(1)).figures_across) == {
        "planted_sensitivity",
        "planted_metrics",
    }
    assert study_of().figures_across == {}


def test_what_is_judged_on_slices_with_a_sign_need_not_tell_of_it():
    metrics = OF_SIGNS | {"fidelity": {"slices": "planted", "step": 0.25}}
    study = study_of_signs(metrics, one=planted(1))
    assert set(study._outline("one").against_signs) == {"sensitivity", "planted_likeness"}


def test_regions_of_test_slices_are_needed_to_judge_them_against_a_sign():
    assert study_of_signs(one=planted(1)).segmented() == ["annotated"]
    of_regions = OF_SIGNS | {"planted_dice": {"method": "dice", "slices": "planted"}}
    assert study_of_signs(of_regions, one=planted(1)).segmented() == ["annotated", "test"]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (planted(1, in_class="contrats"), "planted.in_class: .* did you mean 'contrast'"),
        (planted(0.5, weights="net.pt"), "planted.dose: .* not trained here; set it to 0"),
        (planted(2), "planted.dose"),
    ],
)
def test_signs_that_cannot_be(entry, message):
    with pytest.raises(InputError, match=f"classifiers.a.{message}"):
        study_of_signs(a=entry)
