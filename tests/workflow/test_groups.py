"""Jobs that share a submission on a cluster can be planned, whatever the run has."""

import re
from pathlib import Path

import pytest
import yaml

from tests.workflow.project import ROOT, TINY, copy_project

PROFILE = ROOT / "profiles" / "slurm" / "profile.yaml"
SIGN = {"sign": "marker", "in_class": "contrast", "dose": 1}
NETWORK = {"architecture": "resnet50", "training": {"epochs": 1, "batch_size": 4, "test_every": 1}}
RUNS = {
    "one classifier": {},
    "several trainings": {"replicates": 2},
    "several classifiers": {"classifiers": {"other": NETWORK}},
    "signs": {
        "classifiers": {"resnet50": None, "marker": NETWORK | {"planted": SIGN}},
        "metrics": {"sensitivity": {"slices": "planted"}},
    },
}


@pytest.fixture(scope="module")
def groups():
    """Those of the profile; without it, which asks for the plugin of the cluster."""
    groups = yaml.safe_load(PROFILE.read_text())["groups"]
    return ["--workflow-profile", "none", "--groups", *(f"{k}={v}" for k, v in groups.items())]


@pytest.mark.parametrize("run", RUNS)
def test_groups_of_the_profile_fit_every_run(tmp_path, groups, run):
    project = copy_project(tmp_path / "project", TINY | RUNS[run])
    assert "write_summary" in project.run("--dry-run", *groups)


def test_groups_are_of_rules_that_there_are(groups):
    rules = "".join(path.read_text() for path in Path(ROOT, "rules").glob("*.smk"))
    named = {group.partition("=")[0] for group in groups[3:]}
    assert named
    for rule in named:
        assert re.search(rf"\b(rule|checkpoint|as) {rule}\b", rules)
