import json
import subprocess

from ct_importance.io.digests import file_digest
from ct_importance.report.provenance import (
    HIDDEN,
    PATH_KEYS,
    git_commit,
    hardware,
    package_versions,
    shareable_config,
)
from ct_importance.workflow.config import config_schema


def test_paths_and_slice_ids_of_the_configuration_are_hidden():
    config = {
        "data_dir": "/home/anna/ct",
        "cohort": {
            "datasets": {
                "a": {"dicom": ["/disk/Dr. No"], "masks": None, "labels": {"csv": "x.csv"}},
                "b": {"dicom": "x", "masks": {"Dr. No": "/disk/no", "Dr. Yes": "/disk/yes"}},
            },
            "phantom": {"patients": 24},
        },
        "report": {"example_slices": {"contrast": "1.2.3"}},
        "seed": 1,
    }
    assert shareable_config(config) == {
        "data_dir": HIDDEN,
        "cohort": {
            "datasets": {
                "a": {"dicom": HIDDEN, "masks": None, "labels": {"csv": HIDDEN}},
                "b": {"dicom": HIDDEN, "masks": HIDDEN},
            },
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
        for name, content in model.get("properties", {}).items()
        for kind in [content, *content.get("anyOf", [])]
        if kind.get("type") == "string" and not {"enum", "pattern", "const"} & set(kind)
    }
    no_paths = {"figure1_estimator", "figure3_estimator", "key_column", "label_column", "target"}
    no_paths |= {"layer", "suffix", "in_class"}
    assert texts == (PATH_KEYS - {"factory"}) | no_paths  # which has a pattern of its own


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
