"""Variations of trainings: which jobs they add, and which run again after which change."""

from types import SimpleNamespace

import pytest

from ct_importance.classifier.jobs import RandomisationJob
from ct_importance.cohort.jobs import ChoiceJob
from ct_importance.errors import InputError
from ct_importance.saliency.jobs import ImportanceJob
from tests.workflow.test_study import asked, study_of, wildcards

SANITY = {"randomised_weights": {"layers": [0.5, 1], "sample": 4}}
RANDOMISED = "randomised/layers_1-test_4"
FOLDER = "results/demo/resnet50/1"


def varied(**values):
    return wildcards(replicate=f"1/{RANDOMISED}", **values)


def test_without_such_a_metric_there_is_none():
    study = study_of()
    assert (study.variations, study.choices(), study.replicate) == ({}, {}, r"\d+")
    one = wildcards(estimator="random", metric="roc")
    assert (
        study.explained_slices(one) == study.evaluated_slices(one) == "results/demo/slices.parquet"
    )
    assert study.maps_of_variations(one) == study.answers_of_variations(one) == []
    assert study.training_slices(one) == study.values_of_sanity(one) == []


def test_a_variation_is_explained_like_its_training():
    study = study_of(metrics=SANITY)
    one = varied(estimator="backpropagation")
    assert study.explained_slices(one) == "results/demo/cohort/chosen/test_4.parquet"
    assert study.training_slices(one) == "results/demo/slices.parquet"
    classifier = f"{FOLDER}/{RANDOMISED}/classifier/classifier.pt"
    assert study.classifier_file("classifier.pt")(one) == classifier
    assert study.predictions(one) == f"{FOLDER}/predictions.parquet"
    itself, variation = (
        asked(study, "compute_importance", ImportanceJob, estimator="backpropagation", **values)
        for values in ({}, {"replicate": f"1/{RANDOMISED}"})
    )
    assert itself.subsets == ("annotated", "test")
    assert variation == itself.model_copy(update={"subsets": ("all",)})


def test_what_it_is_made_of():
    study = study_of(metrics=SANITY)
    job = asked(study, "randomise_classifier", RandomisationJob, randomised="layers_0.5-test_4")
    assert (job.layers, job.seed, job.source.architecture) == (0.5, 0, "resnet50")
    job = asked(study, "choose_slices", ChoiceJob, chosen="test_4")
    assert (job.slices, job.sample) == ("test", 4)


def test_a_metric_reads_its_variations_in_their_order():
    study = study_of(metrics=SANITY)
    one = wildcards(estimator="random", metric="randomised_weights")
    assert study.evaluated_slices(one) == "results/demo/cohort/chosen/test_4.parquet"
    assert study.maps_of_variations(one) == [
        f"{FOLDER}/randomised/layers_{share}-test_4/saliency/random.parquet"
        for share in ("0.5", "1")
    ]
    assert study.answers_of_variations(one) == []
    (values,) = study.values_of_sanity(SimpleNamespace(classifier="resnet50"))
    assert values == "results/demo/resnet50/statistics/randomised_weights/values.parquet"


def test_metrics_of_equal_options_share_a_variation():
    other = {"mine": {"method": "randomised_weights", "layers": [0.2, 1], "sample": 4}}
    study = study_of(metrics=SANITY | other)
    assert len(study.variations) == 3
    assert list(study.choices()) == ["test_4"]


def test_what_has_no_layers_or_no_maps_is_refused_in_one_line(tmp_path):
    (tmp_path / "maps").mkdir()
    given = {"mine": {"method": "precomputed", "folder": "maps"}}
    expected = r"^config: metrics\.randomised_weights .* estimators\.mine [^\n]*null}$"
    with pytest.raises(InputError, match=expected):
        study_of(data_dir=str(tmp_path), estimators=given, metrics=SANITY)
    (tmp_path / "net.onnx").touch()
    graph = {"resnet50": None, "graph": {"source": "onnx", "onnx": str(tmp_path / "net.onnx")}}
    no_gradients = dict.fromkeys(study_of().estimators) | {"occlusion": {}, "random": {}}
    expected = r"^config: metrics\.randomised_weights re-init.* classifiers\.graph [^\n]*program`$"
    with pytest.raises(InputError, match=expected):
        study_of(classifiers=graph, estimators=no_gradients, metrics=SANITY)
