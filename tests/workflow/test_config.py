import json
from collections.abc import Iterator
from typing import Any, get_args

import jsonschema
import pytest
import yaml
from pydantic import ValidationError, model_validator

from ct_importance.cohort.jobs import ExtractionJob
from ct_importance.cohort.options import CohortOptions
from ct_importance.errors import InputError
from ct_importance.options import Options
from ct_importance.plugins import load, name_of, names
from ct_importance.workflow.config import (
    Config,
    RunOptions,
    canonical_json,
    config_schema,
    parse_config,
    tables_of,
)
from tests.estimators import PAPER
from tests.workflow.project import ROOT, merge

DEFAULT = yaml.safe_load((ROOT / "config.yaml").read_text())


def configured(**changes: Any) -> Config:
    """Parse a small configuration with some top-level keys changed."""
    raw = {"run": "r", "estimators": {"random": {}}, "metrics": {"roc": {}}}
    return parse_config(raw | changes)


def test_a_graph_of_onnx_is_judged_by_estimators_that_take_no_gradient():
    found = configured(
        classifiers={"graph": {"source": "onnx", "onnx": "net.onnx"}},
        estimators={"random": {}, "smoothgrad": None},
    )
    assert list(found.estimators) == ["random"]


def complaint(**changes: Any) -> str:
    with pytest.raises(InputError) as error:
        configured(**changes)
    assert str(error.value).startswith("config: ")
    return str(error.value).removeprefix("config: ")


# What ships with the project


def test_the_schema_file_is_in_step_with_the_models():
    assert (ROOT / "schemas" / "config.schema.json").read_text() == config_schema(), (
        "run make schema"
    )


def schema_errors(**changes: Any) -> list[str]:
    """Where the schema finds mistakes in the default configuration with some entries changed."""
    changed = {key: DEFAULT[key] | entries for key, entries in changes.items()}
    schema = jsonschema.Draft202012Validator(json.loads(config_schema()))
    return [error.json_path for error in schema.iter_errors(DEFAULT | changed)]


def test_the_schema_takes_what_is_right():
    assert schema_errors() == []
    fine = {"fidelity_fine": {"method": "fidelity", "step": 0.01}, "roc": {"method": "roc"}}
    blurred = {"method": "blur", "sigma": 0.1}
    fine |= {
        "fidelity": {"fill": "noisy_linear"},
        "fine_2": {"method": "fidelity", "fill": blurred},
    }
    many = {"smoothgrad_50": {"method": "smoothgrad", "samples": 50}, "random": None}
    assert schema_errors(metrics=fine | {"dice": None}, estimators=many) == []


@pytest.mark.parametrize(
    ("section", "name", "entry"),
    [
        ("estimators", "smoothgrad", {"sampels": 3}),
        ("estimators", "smoothgrad", {"samples": "many"}),
        ("estimators", "smoothgrad_50", {"method": "smoothgrad", "sampels": 50}),
        ("estimators", "mine", {"samples": 50}),
        ("metrics", "roc", {"treshold": 3}),
        ("metrics", "fidelity", {"fill": "blurred"}),
        ("metrics", "fidelity", {"fill": {"method": "blur", "sigma": 8}}),
        ("metrics", "fidelity", {"answer": "score"}),
        ("metrics", "roc", {"method": "dice"}),
        ("metrics", "fidelity_fine", {"method": "fidelity", "thresholds": 3}),
        ("metrics", "rok", {}),
    ],
)
def test_the_schema_knows_the_keys_of_every_estimator_and_metric(section, name, entry):
    assert schema_errors(**{section: {name: entry}}) == [f"$.{section}.{name}"]
    changed = {section: DEFAULT[section] | {name: entry}}
    with pytest.raises(InputError, match=f"^config: {section}.{name}"):
        parse_config(DEFAULT | changed)


def test_the_default_configuration_has_the_metrics_of_the_paper_and_a_test_of_sanity():
    config = parse_config(DEFAULT)

    assert set(PAPER) <= set(config.estimators) <= set(names("estimator"))
    assert list(config.metrics) == ["fidelity", "roc", "dice", "randomised_weights"]


def test_the_default_configuration_shows_every_key():
    shown, known = set(), set()

    def collect(found: set[str], content: dict, path: str = "") -> None:
        for key, value in content.items():
            found.add(path + key)
            if isinstance(value, dict):
                collect(found, value, f"{path}{key}.")

    collect(shown, {key: DEFAULT[key] for key in DEFAULT if key not in ("estimators", "metrics")})
    collect(known, parse_config(DEFAULT).options.model_dump(exclude={"estimators", "metrics"}))
    assert shown == known


def test_the_default_estimators_run_with_the_settings_of_the_paper():
    estimators = parse_config(DEFAULT).estimators
    options = {name: estimator.model_dump() for name, estimator in estimators.items()}

    assert all(name_of(type(estimator)) == name for name, estimator in estimators.items())
    assert options["integrated_gradients"]["steps"] == 25
    assert options["integrated_gradients_bw"]["steps"] == 25
    assert options["expected_gradients"]["samples"] == 25
    for name in ("smoothgrad", "smoothgrad_squared"):
        assert (options[name]["samples"], options[name]["noise"]) == (15, 0.15)


@pytest.mark.parametrize(
    "overlay", sorted((ROOT / "configs").glob("*.yaml")), ids=lambda it: it.stem
)
def test_overlays_are_valid_on_top_of_the_default(overlay):
    parse_config(merge(DEFAULT, yaml.safe_load(overlay.read_text())))


# What is wrong with a key


def labels(options: dict) -> dict:
    return {"cohort": {"datasets": {"a": {"dicom": "x", "labels": options}}}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sead": 1}, "sead: 'sead' is not known; did you mean 'seed'?"),
        (
            {"cohort": {"test_fractoin": 0.2}},
            "cohort.test_fractoin: 'test_fractoin' is not known; did you mean 'test_fraction'?",
        ),
        (
            {"cohort": {"datasets": {"a": {"dicom": "x", "labels": {"sorces": []}}}}},
            "cohort.datasets.a.labels.sorces: 'sorces' is not known; did you mean 'sources'?",
        ),
        (
            {"classifiers": {"resnet50": {"training": {"augmentation": {"rotatoin": 3}}}}},
            "classifiers.resnet50.training.augmentation.rotatoin: 'rotatoin' is not known; "
            "did you mean 'rotation'?",
        ),
        (
            {"cohort": {"slices_per_patient": {"validation": 3}}},
            "cohort.slices_per_patient.validation: 'validation' is not known; "
            "there are: train, test",
        ),
        (
            {"estimators": {"smothgrad": {}}},
            "estimators.smothgrad: 'smothgrad' is not known; did you mean 'smoothgrad'?",
        ),
        (
            {"estimators": {"mine": {"method": "smothgrad"}}},
            "estimators.mine: 'smothgrad' is not known; did you mean 'smoothgrad'?",
        ),
        ({"estimators": {"mine": {"method": 5}}}, "estimators.mine: 5 is not known; there are: "),
        (
            {"estimators": {"smoothgrad": {"sampels": 3}}},
            "estimators.smoothgrad.sampels: 'sampels' is not known; did you mean 'samples'?",
        ),
        ({"metrics": {"rok": {}}}, "metrics.rok: 'rok' is not known; did you mean 'roc'?"),
        (
            {"metrics": {"roc": {"treshold": 3}}},
            "metrics.roc.treshold: 'treshold' is not known; did you mean 'thresholds'?",
        ),
        (
            {"report": {"figure1_estimator": "smoothgrad"}},
            "report.figure1_estimator: 'smoothgrad' is not known; there are: random",
        ),
        (
            {"report": {"figure3_estimator": "randm"}},
            "report.figure3_estimator: 'randm' is not known; did you mean 'random'?",
        ),
    ],
)  # fmt: skip
def test_a_name_that_is_not_known_comes_with_what_was_perhaps_meant(changes, message):
    assert complaint(**changes).startswith(message)


@pytest.mark.parametrize(
    ("changes", "key", "part"),
    [
        ({"run": "a/b"}, "run", "'a/b'"),
        ({"run": ""}, "run", "''"),
        ({"seed": -1}, "seed", "(it is -1)"),
        ({"seed": "x"}, "seed", "(it is 'x')"),
        ({"cohort": {"test_fraction": 1.5}}, "cohort.test_fraction", "at most 1"),
        ({"cohort": {"test_fraction": float("nan")}}, "cohort.test_fraction", "finite"),
        ({"cohort": {"inner_fraction": 0}}, "cohort.inner_fraction", "above 0"),
        ({"cohort": {"image_size": 16}}, "cohort.image_size", "at least 32"),
        ({"cohort": {"hu_window": [400, -1000]}}, "cohort.hu_window", "must be below the second"),
        ({"cohort": {"hu_window": [float("-inf"), 0]}}, "cohort.hu_window", "finite"),
        ({"cohort": {"hu_window": [0]}}, "cohort.hu_window", ""),
        (labels({"sources": []}), "cohort.datasets.a.labels.sources", "at least one source"),
        (labels({"sources": ["csv", "csv"]}), "cohort.datasets.a.labels.sources", "once"),
        (labels({"sources": ["tag"]}), "cohort.datasets.a.labels.sources", "'dicom_tag'"),
        (labels({"key": "name"}), "cohort.datasets.a.labels.key", "'patient_id'"),
        (labels({"csv": "x", "sources": ["pylidc"]}), "cohort.datasets.a.labels", "csv is set"),
        ({"cohort": {"datasets": {"a": {}}}}, "cohort.datasets.a", "one of dicom and volumes"),
        ({"cohort": {"datasets": {"a b": {"dicom": "x"}}}}, "cohort.datasets", "letters, digits"),
        (
            {"cohort": {"datasets": {"a": {"dicom": "x", "structures": ["aorta"]}}}},
            "cohort.datasets.a",
            "structures is set but masks is not",
        ),
        (
            {"cohort": {"datasets": {"a": {"dicom": "x", "patients": "p.csv"}}}},
            "cohort.datasets.a",
            "patients is for volumes",
        ),
        ({"cohort": {"slices_per_patient": {"test": 0}}}, "cohort.slices_per_patient.test", ""),
        ({"cohort": {"phantom": {"patients": 1}}}, "cohort.phantom.patients", ""),
        ({"cohort": None}, "cohort", ""),
        ({"saliency": {"target": "softmax"}}, "saliency.target", "'logit' or 'probability'"),
        ({"estimators": {"smoothgrad": {"samples": 0}}}, "estimators.smoothgrad.samples", ""),
        ({"estimators": {"smoothgrad": 15}}, "estimators.smoothgrad", "mapping"),
        ({"estimators": {"smooth grad": {}}}, "estimators", "letters, digits and underscores"),
        ({"estimators": {"../x": {"method": "random"}}}, "estimators", "letters, digits and under"),
        ({"estimators": {}}, "estimators", "name at least one"),
        ({"estimators": {"random": None}}, "estimators", "name at least one"),
        ({"metrics": {"roc": None}}, "metrics", "name at least one"),
        ({"report": {"example_slices": {"contrats": "1"}}}, "report.example_slices.contrats", ""),
    ],
)  # fmt: skip
def test_a_bad_value_is_named_by_its_key(changes, key, part):
    message = complaint(**changes)

    assert message.startswith(f"{key}: ") or message.startswith(f"{key}.")
    assert part in message


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        ({"seed": "a"}, ["seed: must be a whole number (it is 'a')"]),
        ({"seed": 1.5}, ["seed: must be a whole number (it is 1.5)"]),
        ({"seed": None}, ["seed: must be a whole number (it is null)"]),
        ({"seed": -1}, ["seed: must be at least 0 (it is -1)"]),
        ({"run": "a b"}, [
            "run: must be letters, digits, - and _, the first a letter or a digit (it is 'a b')"
        ]),
        ({"run": 2024}, ["run: must be text (it is 2024; put it in quotes)"]),
        ({"estimators": []}, ["estimators: must be a mapping, like {key: value} (it is [])"]),
        ({"estimators": {5: {}}}, ["estimators.5: this name must be text: put it in quotes"]),
        ({"cohort": None}, ["cohort: must be a mapping, like {key: value} (it is null)"]),
        ({"cohort": {"hu_window": [1]}}, [
            "cohort.hu_window: must be a list of 2 values (it is [1])"
        ]),
        ({"cohort": {"hu_window": []}}, [
            "cohort.hu_window: must be a list of 2 values (it is [])"
        ]),
        ({"cohort": {"hu_window": [1, 2, 3]}}, [
            "cohort.hu_window: must be a list of at most 2 values (it is [1, 2, 3])"
        ]),
        ({"cohort": {"hu_window": ["low", 2]}}, [
            "cohort.hu_window: entry 1: must be a number (it is 'low')"
        ]),
        ({"cohort": {"datasets": {"a": {"dicom": 3}}}}, [
            "cohort.datasets.a.dicom: must be text or a list (it is 3)"
        ]),
        ({"cohort": {"datasets": {"a": {"dicom": ["b", 3]}}}}, [
            "cohort.datasets.a.dicom: entry 2: must be text (it is 3; put it in quotes)"
        ]),
        ({"cohort": {"datasets": {"a": {"dicom": "b", "keep_derived": "maybe"}}}}, [
            "cohort.datasets.a.keep_derived: must be true or false (it is 'maybe')"
        ]),
        ({"seed": True}, ["seed: must be a number, or text in quotes (it is true)"]),
        ({"cohort": {"hu_window": [False, 400]}}, [
            "cohort.hu_window: must be a number, or text in quotes (it is false)"
        ]),
        ({"estimators": {"smoothgrad": {"samples": True}}}, [
            "estimators.smoothgrad.samples: must be a number, or text in quotes (it is true)"
        ]),
        ({"run": "slurm_logs"}, [
            "run: results/slurm_logs/ holds what SLURM says: take another name (it is 'slurm_logs')"
        ]),
        ({"run": "a" * 250}, [
            f"run: must be text of at most 100 characters (it is '{'a' * 76}...)"
        ]),
        ({"estimators": {"b" * 250: {"method": "random"}}}, [
            f"estimators: '{'b' * 100}': use at most 100 letters, digits and underscores"
        ]),
        ({"cohort": {"datasets": {"c" * 250: {"dicom": "x"}}}}, [
            f"cohort.datasets: '{'c' * 100}': use at most 100 letters, digits and underscores"
        ]),
        ({"classifiers": {"densenet": {}}}, [
            "classifiers.densenet.architecture: 'densenet' is not known; there are: "
            "monai.DenseNet121, monai.DenseNet169, monai.DenseNet201, monai.DenseNet264"
        ]),
        ({"classifiers": {"mine": {"architecture": "monai.Densenet121"}}}, [
            "classifiers.mine.architecture: 'monai.Densenet121' is not known; did you mean "
            "'monai.DenseNet121'?"
        ]),
        ({"classifiers": {"mine": {"architecture": "monai.ViT", "arguments": {"patch_size": 8}}}}, [
            "classifiers.mine: monai.ViT needs img_size"
        ]),
        ({"estimators": {"deconvolution": {}}, "classifiers": {"mine": {
            "architecture": "monai.ViT", "arguments": {"img_size": 224, "patch_size": 16}
        }}}, [
            "estimators.deconvolution cannot explain classifiers.mine: the network has no ReLU, "
            "and only there would the map differ from the gradient: take backpropagation instead; "
            "write deconvolution: null under estimators to leave it out"
        ]),
        ({"classifiers": {"mine": {"source": "archtecture"}}}, [
            "classifiers.mine.source: 'archtecture' is not known; did you mean 'architecture'?"
        ]),
        ({
            "classifiers": {"resnet50": {}, "graph": {"source": "onnx", "onnx": "net.onnx"}},
            "estimators": {"random": {}, "backpropagation": {}, "smoothgrad": {"samples": 2}},
        }, [
            "classifiers.graph: gives no gradients, which backpropagation, smoothgrad need; leave "
            "them out of this run (estimators: {backpropagation: null, smoothgrad: null}), or "
            "bring the network in another form, e.g. `source: program`"
        ]),
        ({"classifiers": {"resnet50": {"channels": 2}}}, [
            "classifiers.resnet50.channels: must be 1 or 3 (it is 2)"
        ]),
        ({"classifiers": {"resnet50": {"channels": 3, "windows": [[-160, 240]]}}}, [
            "classifiers.resnet50: channels is 3, but there are 1 windows; name one per channel, "
            "also if they are the same"
        ]),
        ({"classifiers": {"resnet50": {"windows": [[-160, 240], [-900, 0]]}}}, [
            "classifiers.resnet50: there are 2 windows or values of normalize; name 1 or 3"
        ]),
        ({"classifiers": {"resnet50": {"windows": [[240, -160]]}}}, [
            "classifiers.resnet50: windows: the first value must be below the second, not "
            "[240, -160]"
        ]),
        ({"classifiers": {"resnet50": {"normalize": {"mean": 0.5}}}}, [
            "classifiers.resnet50.normalize.std: must be given"
        ]),
        ({"classifiers": {"resnet50": {"normalize": {"mean": 0.5, "std": 0}}}}, [
            "classifiers.resnet50.normalize.std: must be above 0 or a list (it is 0)"
        ]),
        ({"classifiers": {"resnet50": {"channels": 1, "normalize": {"mean": [1] * 3, "std": 1}}}}, [
            "classifiers.resnet50: normalize.mean has 3 values, but the network 1 channel; give a "
            "number, or one per channel"
        ]),
        ({"classifiers": {"mine": {
            **{"architecture": "resnet50", "windows": [[0, 1]]},
            "normalize": {"mean": 0, "std": [1] * 3},
        }}}, [
            "classifiers.mine: channels is 3, but there are 1 windows; name one per channel, "
            "also if they are the same"
        ]),
        ({"classifiers": {"resnet50": {"image_size": 224}}}, [
            "classifiers.resnet50.image_size: must be a list (it is 224)"
        ]),
        ({"classifiers": {"resnet50": {"image_size": [224, 4]}}}, [
            "classifiers.resnet50.image_size: entry 2: must be at least 8 (it is 4)"
        ]),
        ({"classifiers": {"Tables": {}}}, [
            "classifiers: results/<run>/Tables/ holds other results: take another name"
        ]),
        ({"classifiers": {"resnet50": None}}, ["classifiers: name at least one"]),
        ({"replicates": 0}, ["replicates: must be at least 1 (it is 0)"]),
        ({"model": {"weights": "a.pt"}}, [
            "model: is now the entry resnet50 of classifiers, of which there can be several; write",
            "    classifiers:",
            "      resnet50:",
            "        weights: a.pt",
            "Files of results/<run>/model/ are now in results/<run>/resnet50/1/.",
        ]),
        ({"shards": 10**6}, ["shards: must be at most 100 (it is 1000000)"]),
        ({"classifiers": {"resnet50": {"weights": True}}}, [
            "classifiers.resnet50.weights: must be text (it is true; put it in quotes)"
        ]),
        ({"classifiers": {"resnet50": {"weights": ""}}}, [
            "classifiers.resnet50.weights: must be text that is not empty (it is '')"
        ]),
        ({"report": {"example_slices": {"foo": "x"}}}, [
            "report.example_slices.foo: 'foo' is not known; there are: contrast, no_contrast"
        ]),
        ({"report": {"example_slices": {"contrats": "x"}}}, [
            "report.example_slices.contrats: 'contrats' is not known; did you mean 'contrast'?"
        ]),
        ({"report": {"example_slices": {"contrast": "x"}}, "task": {"classes": ["no", "yes"]}}, [
            "report.example_slices.contrast: 'contrast' is not known; there are: no, yes"
        ]),
        ({"report": {"example_slices": {"no contrast": "x", "no_contrast": "y"}}}, [
            "report.example_slices.no contrast: names a class twice; name one slice of it"
        ]),
        ({"report": {"example_slices": {"contrast": 1.2}}}, [
            "report.example_slices.contrast: must be text (it is 1.2; put it in quotes)"
        ]),
        ({"metrics": {"fidelity": {"step": 0}}}, [
            "metrics.fidelity.step: must be at least 0.001 (it is 0)"
        ]),
        ({"metrics": {"dice": {"percentages": [1, "all"]}}}, [
            "metrics.dice.percentages: entry 2: must be a number (it is 'all')"
        ]),
        ({"estimators": {"smoothgrad": {"samples": 0, "noize": 2}}}, [
            "estimators.smoothgrad.samples: must be at least 1 (it is 0)",
            "estimators.smoothgrad.noize: 'noize' is not known; did you mean 'noise'?",
        ]),
    ],
)  # fmt: skip
def test_messages_are_in_the_terms_of_the_file(changes, lines):
    assert complaint(**changes).splitlines() == lines


def test_every_count_has_a_limit():
    def endless(model: type[Options], path: str = "") -> Iterator[str]:
        for name, info in model.model_fields.items():
            kinds = [info.annotation, *get_args(info.annotation)]
            is_limited = any(hasattr(limit, "le") for limit in info.metadata)
            if int in kinds and str not in kinds and not is_limited:
                yield path + name
            for kind in kinds:
                if isinstance(kind, type) and issubclass(kind, Options):
                    yield from endless(kind, f"{path}{name}.")

    models = [
        RunOptions,
        *(load("source", name) for name in names("source")),
        *(load("estimator", name) for name in names("estimator")),
        *(load("metric", name) for name in names("metric")),
    ]
    assert [key for model in models for key in endless(model)] == ["seed"]
    assert complaint(cohort={"phantom": {"patients": 10**12}}) == (
        "cohort.phantom.patients: must be at most 10000 (it is 1000000000000)"
    )


def test_the_head_of_a_classifier_fits_the_task():
    assert configured(classifiers={"resnet50": {"head": "softmax"}})
    assert complaint(classifiers={"resnet50": {"classes": 3}}) == (
        "classifiers.resnet50.classes: is no key of a classifier, but one of task"
    )
    assert complaint(classifiers={"resnet50": {"hed": "softmax"}}) == (
        "classifiers.resnet50.hed: 'hed' is not known; did you mean 'head'?"
    )
    with pytest.raises(ValidationError, match="one logit tells two classes apart"):
        load("source", "architecture")(architecture="resnet50", classes=3, head="logit")


def test_of_more_than_two_classes_the_predicted_one_is_explained_unless_another_is_named():
    estimators = {"backpropagation": {}, "last": {"method": "backpropagation", "target": "last"}}
    dataset = {"dicom": "a", "labels": {"csv": "b"}}
    three = {"classes": ["a", "b", "c"], "fill": [0, 0, 0]}
    found = configured(
        estimators=estimators, task=three, cohort={"datasets": {"mine": dataset}}
    ).estimators
    assert {name: one.target for name, one in found.items()} == {
        "backpropagation": "predicted",
        "last": "last",
    }
    assert configured(estimators=estimators).estimators["backpropagation"].target == "last"


def test_a_misspelt_key_below_a_name_of_the_users_own():
    dataset = {"dicom": "b", "labels": {"sorces": []}}

    assert complaint(cohort={"datasets": {"labels": dataset}}) == (
        "cohort.datasets.labels.labels.sorces: 'sorces' is not known; did you mean 'sources'?"
    )


def test_a_mistake_that_concerns_several_keys_does_not_repeat_them_all():
    message = complaint(cohort={"datasets": {"a": {}}})

    assert message == "cohort.datasets.a: name one of dicom and volumes"


def test_options_that_do_not_go_together_are_named_by_their_entry(monkeypatch):
    class Never(load("metric", "roc")):
        @model_validator(mode="after")
        def _never(self):
            raise ValueError("low must be below high")

    monkeypatch.setattr(
        "ct_importance.workflow.config.load",
        lambda kind, name: Never if kind == "metric" else load(kind, name),
    )

    assert complaint(metrics={"roc": {}}) == "metrics.roc: low must be below high"


def test_a_long_value_is_cut_short():
    message = complaint(seed=["x"] * 1000)

    assert message.startswith("seed: must be a whole number (it is [")
    assert len(message) < 130


def test_a_lacking_key_is_named():
    with pytest.raises(InputError) as error:
        parse_config({"estimators": {"random": {}}, "metrics": {"roc": {}}})

    assert str(error.value) == "config: run: must be given"


def test_each_mistake_has_a_line():
    message = complaint(sead=1, cohort={"image_size": 1})

    assert [line.split(":")[0] for line in message.splitlines()] == ["cohort.image_size", "sead"]


# Estimators and metrics


@pytest.mark.parametrize(
    ("network", "fits"),
    [
        ({"architecture": "resnet50"}, True),
        ({"architecture": "monai.resnet18"}, True),
        ({"architecture": "monai.SEResNet50"}, True),
        # Nobody knows before it is built.
        ({"architecture": "monai.resnet18", "arguments": {"act": "gelu"}}, True),
        ({"source": "factory", "factory": "net.py:build", "weights": "net.pt"}, True),
        (
            {
                "architecture": "monai.EfficientNetBN",
                "arguments": {"model_name": "efficientnet-b0"},
            },
            False,
        ),
    ],
)
@pytest.mark.parametrize("method", ["deconvolution", "guided_backprop"])
def test_methods_of_relus_are_for_networks_with_relus(network, fits, method):
    changes = {"classifiers": {"mine": network}, "estimators": {method: {}}}
    if fits:
        assert method in configured(**changes).estimators
    else:
        assert f"estimators.{method} cannot explain classifiers.mine: " in complaint(**changes)


VIT = {"architecture": "monai.ViT", "arguments": {"img_size": 224, "patch_size": 16}}
GATED = {"architecture": "monai.SEResNet50"}


@pytest.mark.parametrize(
    ("method", "network", "fits"),
    [
        *(("deeplift", VIT, False), ("deeplift", GATED, True)),
        *(("lrp", VIT, False), ("lrp", GATED, False)),
        *(("lrp", {"architecture": "monai.DenseNet121"}, True), ("lrp", {}, True)),
        *(("fullgrad", VIT, False), ("fullgrad", GATED, False)),
        *(("fullgrad", {}, True), ("input_x_gradient", VIT, True)),
    ],
)
def test_methods_with_rules_are_for_networks_that_they_have_rules_of(method, network, fits):
    changes = {
        "classifiers": {"mine": {"architecture": "resnet50"} | network},
        "estimators": {method: {}},
    }
    if fits:
        assert method in configured(**changes).estimators
    else:
        assert complaint(**changes).startswith(
            f"estimators.{method} cannot explain classifiers.mine: "
        )


def test_null_leaves_an_estimator_or_a_metric_out():
    config = configured(
        estimators={"random": {}, "smoothgrad": None}, metrics={"roc": {}, "dice": None}
    )

    assert list(config.estimators) == ["random"]
    assert list(config.metrics) == ["roc"]


def test_one_method_can_run_with_several_settings():
    config = configured(
        estimators={
            "smoothgrad": {},
            "smoothgrad_50": {"method": "smoothgrad", "samples": 50},
        }
    )

    assert config.estimators["smoothgrad_50"].samples == 50
    assert config.estimators["smoothgrad"].samples == 15
    assert type(config.estimators["smoothgrad_50"]) is type(config.estimators["smoothgrad"])


def test_an_estimator_does_not_depend_on_order_or_on_defaults_written_out():
    estimators = [
        configured(estimators={"smoothgrad": entry}).estimators["smoothgrad"]
        for entry in (
            {},
            {"samples": 15, "noise": 0.15},
            {"noise": 0.15, "samples": 15},
            {"noise": 0.15, "method": "smoothgrad", "samples": 15},
        )
    ]

    assert len({canonical_json(estimator) for estimator in estimators}) == 1
    options = {"target": "last", "samples": 15, "noise": 0.15, "smooth": None, "blur": None}
    assert estimators[0].model_dump() == options


def test_the_class_that_is_explained_is_one_of_the_task():
    explained = configured(estimators={"smoothgrad": {"target": "no contrast"}})
    assert explained.estimators["smoothgrad"].target == "no contrast"
    assert complaint(estimators={"smoothgrad": {"target": "contrats"}}) == (
        "estimators.smoothgrad.target: 'contrats' is not known; did you mean 'contrast'?"
    )


def test_the_spec_tells_apart_values_that_change_places():
    one = configured(estimators={"smoothgrad": {"samples": 1, "noise": 2}})
    other = configured(estimators={"smoothgrad": {"samples": 2, "noise": 1}})

    assert one.estimators != other.estimators


def test_the_spec_of_a_metric_holds_its_defaults():
    written_out = configured(metrics={"fidelity": {}}).metrics["fidelity"].model_dump()

    assert configured(metrics={"fidelity": written_out}).metrics == (
        configured(metrics={"fidelity": {}}).metrics
    )
    assert {"slices", "step"} <= set(written_out)


def test_one_metric_can_run_with_several_settings():
    entries = {"fidelity": {}, "fidelity_fine": {"method": "fidelity", "step": 0.01}}
    metrics = configured(metrics=entries).metrics

    assert type(metrics["fidelity_fine"]) is type(metrics["fidelity"])
    assert [metrics[name].step for name in entries] == [0.025, 0.01]
    assert tables_of(metrics) == {
        "table1_fidelity": "fidelity",
        "table_fidelity_fine": "fidelity_fine",
    }


@pytest.mark.parametrize("section", ["estimators", "metrics"])
def test_the_name_of_one_method_is_not_for_another(section):
    one, other = names(section.removesuffix("s"))[:2]

    assert complaint(**{section: {one: {"method": other}}}) == (
        f"{section}.{one}: there is a {section.removesuffix('s')} '{one}', and this entry is of "
        f"'{other}'; give it another name"
    )


@pytest.mark.parametrize("part", ["details", "comparisons"])
def test_two_metrics_cannot_write_one_file(part):
    entries = {"roc_2": {"method": "roc"}, f"roc_2_{part}": {"method": "roc"}}

    for these in (entries, dict(reversed(entries.items()))):
        with pytest.raises(InputError, match=f"its table would be table_roc_2_{part}, one of"):
            tables_of(configured(metrics=these).metrics)


def test_two_metrics_cannot_share_a_table(monkeypatch):
    metrics = configured(metrics={"roc": {}, "dice": {}}).metrics
    monkeypatch.setattr(type(metrics["dice"]), "table", "table2_auc")

    with pytest.raises(InputError, match=r"metrics\.dice: its table would be table2_auc, one of m"):
        tables_of(metrics)


def test_parsing_leaves_the_configuration_as_it_was():
    raw = {"run": "r", "estimators": {"random": {"method": "random"}}, "metrics": {"roc": {}}}
    before = json.dumps(raw)
    parse_config(raw)

    assert json.dumps(raw) == before


# Parts of it


def test_the_options_of_a_step_stand_for_that_step_alone():
    place = {"folder": "results/tiny", "code": "1a"}
    cohorts = CohortOptions(image_size=64), CohortOptions(image_size=64, test_fraction=0.7)
    one, other = (canonical_json(ExtractionJob(options=it, **place)) for it in cohorts)

    assert one == other
    assert json.loads(one)["options"] == {"hu_window": [-1000.0, 400.0], "image_size": 64}
    assert ExtractionJob.model_validate_json(one).options.image_size == 64


@pytest.mark.parametrize(
    ("data_dir", "path", "full"),
    [
        (".", "ct", "ct"),
        ("data", "ct", "data/ct"),
        ("data", "/elsewhere/ct", "/elsewhere/ct"),
        ("~/data", "ct", "HOME/data/ct"),
        ("data", "~/ct", "HOME/ct"),
    ],
)
def test_relative_paths_start_at_the_data_folder(monkeypatch, data_dir, path, full):
    monkeypatch.setenv("HOME", "/HOME")

    assert configured(data_dir=data_dir).data_path(path) == full.replace("HOME", "/HOME")
