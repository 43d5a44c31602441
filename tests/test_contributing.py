"""The examples of CONTRIBUTING.md run: as a package that is installed beside this project."""

import re
import tomllib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from ct_importance.classifier.classifier import Classifier
from ct_importance.classifier.jobs import ImportJob
from ct_importance.metrics.averaging import mean_curves, sum_by_patient
from ct_importance.metrics.evaluate import evaluate_estimator
from ct_importance.metrics.jobs import EvaluationJob
from ct_importance.metrics.metric import Probe, Sample
from ct_importance.plugins import load
from ct_importance.saliency.differentiating import ExplainedScores
from ct_importance.saliency.estimator import Batch
from ct_importance.saliency.explain import compute_maps
from ct_importance.workflow.config import parse_config
from ct_importance.workflow.study import Study
from tests.plug_in import installed
from tests.saliency.networks import conv_network

ROOT = Path(__file__).resolve().parents[1]
BLOCKS = re.findall(
    r"^```(\w+)\n# (\S+)\n(.*?)^```$",
    (ROOT / "CONTRIBUTING.md").read_text(),
    flags=re.MULTILINE | re.DOTALL,
)
"""Language, file and content of each example."""
SOURCES = {Path(name).stem: text for language, name, text in BLOCKS if language == "python"}
TESTS = {name: text for name, text in SOURCES.items() if name.startswith("test_")}
MODULES = {name: text for name, text in SOURCES.items() if name not in TESTS}
PYPROJECT = tomllib.loads("".join(text for language, _, text in BLOCKS if language == "toml"))
OVERLAYS = [yaml.safe_load(text) for language, _, text in BLOCKS if language == "yaml"]


@pytest.fixture(autouse=True)
def package(tmp_path):
    with installed(tmp_path, "my_package", MODULES, PYPROJECT["project"]["entry-points"]):
        yield


def test_every_block_says_which_file_it_is():
    assert (ROOT / "CONTRIBUTING.md").read_text().count("\n```") == 2 * len(BLOCKS)


def test_every_module_is_named_by_an_entry_point():
    points = PYPROJECT["project"]["entry-points"].values()
    named = {module for group in points for module in group.values()}
    assert named == {f"my_package.{name}" for name in MODULES}


def checks():
    return [
        pytest.param(name, check, id=check)
        for name, text in TESTS.items()
        for check in re.findall(r"^def (test_\w+)", text, flags=re.MULTILINE)
    ]


@pytest.mark.parametrize(("name", "check"), checks())
def test_tests_of_the_examples_pass(name, check):
    scope = {}
    exec(compile(TESTS[name], f"CONTRIBUTING.md: {name}.py", "exec"), scope)
    scope[check]()


@pytest.mark.parametrize("overlay", OVERLAYS, ids=lambda overlay: next(iter(overlay)))
def test_overlays_are_valid(overlay):
    config = parse_config(yaml.safe_load((ROOT / "config.yaml").read_text()) | overlay)
    for section, entries in overlay.items():
        assert set(getattr(config, section)) == set(entries)
    Study(config)  # refuses what would overwrite each other's files


@pytest.mark.parametrize("entry", ["input_times_gradient", "from_grey"])
def test_the_estimator_explains_as_those_of_the_project_do(entry):
    overlay = next(overlay for overlay in OVERLAYS if "estimators" in overlay)
    config = parse_config(yaml.safe_load((ROOT / "config.yaml").read_text()) | overlay)
    estimator = config.estimators[entry]
    scores = ExplainedScores(Classifier(conv_network()))
    images = torch.from_numpy(np.random.default_rng(7).random((5, 1, 32, 32), dtype=np.float32))
    ids = [f"slice {number}" for number in range(5)]

    def maps(*parts):
        batches = [
            Batch(entry, 1, ids[part], images[part], torch.ones(5).long()[part], scores, 2)
            for part in parts
        ]
        return np.concatenate([found for _, found in compute_maps(estimator, batches)])

    whole = maps(slice(5))

    assert whole.shape == (5, 32, 32)
    np.testing.assert_allclose(maps(slice(2), slice(2, 5)), whole, rtol=1e-4, atol=1e-7)
    gradient = load("estimator", "backpropagation")()
    batch = Batch("backpropagation", 1, ids, images, torch.ones(5).long(), scores, 8)
    ((_, slopes),) = compute_maps(gradient, [batch])
    black = {"input_times_gradient": 0, "from_grey": 0.5}[entry]
    np.testing.assert_allclose(whole, (images[:, 0].numpy() - black) * slopes, rtol=1e-4, atol=1e-7)


def test_the_metric_is_averaged_as_those_of_the_project_are(tmp_path):
    random = np.random.default_rng(3)
    masks = random.random((4, 20, 20)) < 0.3
    maps = random.random((4, 20, 20)) + np.array([0, 1, 1, 2])[:, None, None] * masks
    samples = [
        Sample(f"slice {number}", f"patient {number // 2}", number % 2, mask=mask)
        for number, mask in enumerate(masks)
    ]
    metric = load("metric", "precision_at_top")(top=0.25)
    table = tmp_path / "points.parquet"

    evaluate_estimator(metric, zip(samples, maps, strict=True), Probe(seed=0), table)

    sums = sum_by_patient(metric, pd.read_parquet(table))["original"]
    weights = np.array([[1, 1], [2, 0]])
    found = metric.summarise(mean_curves(metric, sums, weights))["value"]
    top = [importance >= np.sort(importance, axis=None)[-100] for importance in maps]
    each = [mask[chosen].mean() for mask, chosen in zip(masks, top, strict=True)]
    np.testing.assert_allclose(found, [np.mean(each), np.mean(each[:2])])
    assert "25%" in metric.describe()


def test_the_classifier_is_judged_as_those_of_the_project_are():
    overlay = next(overlay for overlay in OVERLAYS if "classifiers" in overlay)
    study = Study(parse_config(yaml.safe_load((ROOT / "config.yaml").read_text()) | overlay))
    assert (study.trained(), study.brought()) == (["resnet50"], ["middle"])
    asked = SimpleNamespace(classifier="middle", replicate="1", metric="fidelity")
    job = ImportJob.model_validate_json(study.job("import_classifier")(asked))
    assert job.source.threshold == 0.3
    evaluation = study.job("evaluate_importance")(
        SimpleNamespace(**vars(asked), estimator="random")
    )
    assert EvaluationJob.model_validate_json(evaluation).classifier.source == job.source
