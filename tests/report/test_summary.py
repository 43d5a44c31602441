import json
import subprocess

import docutils.core
import docutils.utils
import pytest

from ct_importance.io.digests import file_digest
from ct_importance.report.landing import landing_text, readme_text
from ct_importance.report.summary import (
    HIDDEN,
    PATH_KEYS,
    git_commit,
    hardware,
    package_versions,
    shareable_config,
)
from ct_importance.workflow.config import config_schema

NOBODY = {"n": 0, "balanced_accuracy": None, "sensitivity": None, "specificity": None}
TESTED = {"n": 4, "balanced_accuracy": 0.75, "sensitivity": None, "specificity": 0.75}
CLASSIFIER = {
    "is_trained_here": True,
    "trainings": [{"train": NOBODY, "test": TESTED}],
    "warnings": ["maps of a *poor* classifier_ explain `little`"],
    "findings": ["my_own_ ranks 2nd for Dice but last for {{ fidelity }}"],
    "digests": {"classifier": ["cd34"]},
}
SUMMARY = {
    "run": "tiny_run",
    "seed": 3,
    "data": {
        "slices": 10,
        "slices_evenly_spaced": 8,
        "patients": 4,
        "slices_by_class": {"no contrast": 4, "contrast": 6},
        "patients_by_split": {"test": 1, "train": 3},
    },
    "classifiers": {"resnet50": CLASSIFIER},
    "metrics": {"roc": "Thresholds of *ROC* are levels."},
    "digests": {"slices": "ab12"},
    "code": None,
    "packages": {"numpy": "1.2", "torch": None},
    "hardware": {
        "processor": "P",
        "cores": 2,
        "memory_gb": 8,
        "gpus": [],
        "system": "Linux",
        "python": "3.11",
    },
    "config": {"run": "tiny_run"},
}


def summary_of(**classifiers):
    return SUMMARY | {"classifiers": classifiers}


def test_paths_and_slice_ids_of_the_configuration_are_hidden():
    config = {
        "data_dir": "/home/anna/ct",
        "cohort": {
            "datasets": {
                "a": {"dicom": ["/disk/Dr. No"], "masks": None, "labels": {"csv": "x.csv"}}
            },
            "phantom": {"patients": 24},
        },
        "report": {"example_slices": {"contrast": "1.2.3"}},
        "seed": 1,
    }
    assert shareable_config(config) == {
        "data_dir": HIDDEN,
        "cohort": {
            "datasets": {"a": {"dicom": HIDDEN, "masks": None, "labels": {"csv": HIDDEN}}},
            "phantom": {"patients": 24},
        },
        "report": {"example_slices": HIDDEN},
        "seed": 1,
    }
    assert config["data_dir"] == "/home/anna/ct"


def test_every_key_of_the_configuration_that_holds_free_text_is_known():
    schema = json.loads(config_schema())
    texts = {
        name
        for model in [schema, *schema["$defs"].values()]
        for name, content in model["properties"].items()
        for kind in [content, *content.get("anyOf", [])]
        if kind.get("type") == "string" and not {"enum", "pattern", "const"} & set(kind)
    }
    no_paths = {"figure1_estimator", "figure3_estimator", "key_column", "label_column", "target"}
    assert texts == (PATH_KEYS - {"run"}) | no_paths


def test_the_digest_is_that_of_the_content(tmp_path):
    for name, content in (("a", b"x"), ("b", b"x"), ("c", b"y")):
        (tmp_path / name).write_bytes(content)
    first, same, other = (file_digest(tmp_path / name) for name in "abc")

    assert first == same != other
    assert len(first) == 32


def test_packages_that_are_not_installed_have_no_version():
    versions = package_versions(["numpy", "no-such-package"])

    assert versions["numpy"].count(".") >= 1
    assert versions["no-such-package"] is None


def git(folder, *arguments):
    identity = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True)


def test_the_commit_is_the_projects_own_and_says_whether_files_differ(tmp_path):
    assert git_commit(tmp_path) is None
    git(tmp_path, "init", "-q")
    assert git_commit(tmp_path) is None
    (tmp_path / "file").write_text("1")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "-qm", "first")
    found = git_commit(tmp_path)
    assert len(found["commit"]) == 40
    assert not found["changed"]
    (tmp_path / "file").write_text("2")
    assert git_commit(tmp_path) == found | {"changed": True}
    (tmp_path / "inside").mkdir()
    assert git_commit(tmp_path / "inside") is None


def test_without_git_there_is_no_commit(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))

    assert git_commit(tmp_path) is None
    assert hardware()["gpus"] == []


def test_hardware_does_not_name_the_computer():
    found = hardware()

    assert found["cores"] >= 1
    assert set(found) == {"processor", "cores", "memory_gb", "gpus", "system", "python"}


def test_the_first_page_of_the_report_is_valid_and_shows_marks_as_they_are():
    text = landing_text(SUMMARY)
    page = docutils.core.publish_parts(
        text,
        writer="html",
        settings_overrides={"halt_level": docutils.utils.Reporter.WARNING_LEVEL},
    )["html_body"]

    assert "Run tiny_run" in page
    assert "<style>" in page  # or Snakemake would show the middle of a long page
    assert (
        "10 slices of 4 patients (1 for test and 3 for train): 8 evenly spaced and 2 more with a "
        "mask. They are 4 of class &quot;no contrast&quot; and 6 of class &quot;contrast&quot;."
        in page
    )
    assert "Balanced accuracy 0.750 on 4 evenly spaced test slices (sensitivity unknown" in page
    assert "a *poor* classifier_ explain `little`" in page
    assert "my_own_ ranks 2nd" in page
    assert "Thresholds of *ROC* are levels." in page
    assert "{{" not in text


def test_slices_that_a_given_model_may_never_have_seen_are_not_called_training_slices():
    part = {"n": 9, "balanced_accuracy": 0.5, "sensitivity": 0.5, "specificity": 0.5}
    of_both = [{"train": part, "test": TESTED}]
    trained = summary_of(resnet50=CLASSIFIER | {"trainings": of_both})
    given = summary_of(resnet50=CLASSIFIER | {"trainings": of_both, "is_trained_here": False})

    assert "on 9 evenly spaced training slices" in landing_text(trained)
    assert "on 9 evenly spaced other slices" in landing_text(given)


def test_where_all_slices_are_evenly_spaced_no_others_are_told_of():
    data = SUMMARY["data"] | {"slices_evenly_spaced": 10}

    assert "(1 for test and 3 for train). They are" in landing_text(SUMMARY | {"data": data})


@pytest.mark.parametrize("heading", ["Data", "Classifier", "Warnings", "What it says", "Tables"])
def test_the_readme_of_a_run_has_its_sections(heading):
    text = readme_text(SUMMARY, {"resnet50": ["**T**\n\n| a |\n"]})

    assert f"\n## {heading}\n" in text
    assert "| a |" in text
    assert "Digest of slices (BLAKE2): ab12" in text
    assert "numpy 1.2" in text
    assert "torch" not in text


def test_sections_without_content_are_left_out():
    quiet = summary_of(resnet50=CLASSIFIER | {"warnings": []})
    assert "Warnings" not in landing_text(quiet)


def test_several_classifiers_and_trainings_have_sections_of_their_own():
    twice = CLASSIFIER | {"trainings": 2 * CLASSIFIER["trainings"]}
    summary = summary_of(mine=CLASSIFIER, resnet50=twice)
    text = readme_text(summary, {"mine": ["| m |"], "resnet50": ["| r |"]})

    for heading in ("Classifier", "Warnings", "What it says", "Tables"):
        assert f"\n## {heading}: mine\n" in text
        assert f"\n## {heading}: resnet50\n" in text
    assert "- Balanced accuracy 0.750 on 4" in text
    assert "- Training 2: balanced accuracy 0.750 on 4" in text
    assert "Digest of classifier of mine (BLAKE2): cd34" in text
    assert text.index("| m |") < text.index("| r |")
