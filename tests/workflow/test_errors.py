"""Bad input ends with one clear message that names the place and the remedy."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from ct_importance.classifier.resnet import ResNet50
from tests.workflow.project import SLOW, TINY, Project, copy_project


@pytest.fixture
def project(tmp_path) -> Project:
    return copy_project(tmp_path / "project")


@pytest.fixture
def copy_of_finished(finished, tmp_path) -> Project:
    shutil.copytree(finished.folder, tmp_path / "copy", copy_function=shutil.copy2)
    return Project(tmp_path / "copy")


# Each line holds the one before it three times.
ENDLESS = b"a0: &a0 {k: v, l: w}\n" + b"".join(
    b"a%d: &a%d {k: *a%d, l: *a%d, m: *a%d}\n" % (level, level, *[level - 1] * 3)
    for level in range(1, 40)
)
NO_MASKS = {"roc": None, "dice": None}


def with_cohort(**values):
    return {**TINY, "cohort": {**TINY["cohort"], **values}}


def with_dataset(**values):
    return with_cohort(datasets={"a": values})


def phantom_with_labels(finished, labels):
    """Return a configuration that reads the phantom of a finished run as a user's DICOM files."""
    phantom = finished.results / "phantom"
    return with_dataset(
        dicom=str(phantom / "dicom"),
        masks=str(phantom / "masks"),
        labels={"csv": labels},
    )


@pytest.mark.parametrize(
    ("overlay", "message"),
    [
        ({**TINY, "sead": 1}, "sead: 'sead' is not known; did you mean 'seed'?"),
        (
            {**TINY, "estimators": {"smothgrad": {}}},
            "estimators.smothgrad: 'smothgrad' is not known; did you mean 'smoothgrad'?",
        ),
        (
            {**TINY, "estimators": {"smoothgrad": {"sample": 3}}},
            "estimators.smoothgrad.sample: 'sample' is not known; did you mean 'samples'?",
        ),
        (with_cohort(image_sise=64), "cohort.image_sise: 'image_sise' is not known; did you mean"),
        (
            {**with_dataset(dicom="nowhere"), "metrics": NO_MASKS},
            "cohort.datasets.a.dicom: nowhere does not exist; relative paths start at data_dir (.)",
        ),
        (
            {**with_dataset(volumes=".", patients="p.csv"), "metrics": NO_MASKS},
            "cohort.datasets.a.patients: p.csv does not exist",
        ),
        (with_dataset(dicom="."), "metrics.roc needs masks: set `masks` of a dataset"),
        (
            {
                **with_cohort(datasets={"a": {"dicom": "."}, "b": {"dicom": "scripts"}}),
                "metrics": NO_MASKS,
            },
            "cohort.datasets: a and b have files in common: . and scripts",
        ),
        (with_cohort(test_fraction=0), "metrics.fidelity is computed on test slices, and cohort."),
        (
            {
                **with_cohort(test_fraction=0),
                "metrics": {"fidelity": None, "roc": {"slices": "annotated_test"}},
            },
            "metrics.roc is computed on test slices, and cohort.test_fraction is 0",
        ),
        (
            {
                **with_cohort(test_fraction=0),
                "metrics": {"fidelity": None, "iou": {"top": "training"}},
            },
            "metrics.iou is of test slices, what it shows being chosen on training slices",
        ),
        (with_dataset(dicom=".", volumes="."), "datasets.a: name one of dicom and volumes"),
        (with_cohort(pseudonym_key="no key"), "cohort.pseudonym_key: no key does not exist"),
        (
            {**TINY, "classifiers": {"resnet50": {"weights": "nothing.pt"}}},
            "classifiers.resnet50.weights: nothing.pt is not a file",
        ),
        ({**TINY, "metrics": {"dise": {}}}, "'dise' is not known; did you mean 'dice'?"),
    ],
)
def test_mistakes_in_the_configuration(project, overlay, message):
    project.configure(overlay)
    output = project.fail("--dry-run")
    assert message in output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        (b"run: M\xfcller\n", [], "line 1: not UTF-8: save it as UTF-8"),
        (b"run: " + b"[" * 5000, [], "line 1: more than 50 levels"),
        (ENDLESS, [], "line 10: more than 100000 values"),
        (b"run: a\nseed: 1\nrun: b\n", [], "line 3: the key run comes twice"),
        (b"run: a\nrun: b\n", ["--workflow-profile", "none"], "line 2: the key run comes twice"),
        (b"shards: 1000000\n", [], "config: shards: must be at most 100 (it is 1000000)"),
        (b"run: slurm_logs\n", [], "config: run: results/slurm_logs/ holds what SLURM says"),
    ],
)
def test_a_text_that_snakemake_would_not_get_through(project, text, options, message):
    (project.folder / "overlay.yaml").write_bytes(text)
    snakemake = str(Path(sys.executable).with_name("snakemake"))
    done = subprocess.run(
        [snakemake, *project.command("--dry-run", *options)[3:]],
        cwd=project.folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode != 0
    assert message in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_a_secret_that_others_can_read_is_warned_about(project):
    (project.folder / "key").write_text("a secret of the user")
    project.configure(with_cohort(pseudonym_key="key"))
    warning = "config: cohort.pseudonym_key: others can read key"
    for mode, times in ((0o600, 0), (0o640, 1), (0o604, 1)):
        (project.folder / "key").chmod(mode)
        assert project.run("--dry-run").count(warning) == times


def test_a_folder_of_masks_that_cannot_be_searched(project):
    (project.folder / "masks").mkdir()
    # Deeper than a path can be long: also root cannot list it by its path.
    folder = os.open(project.folder / "masks", os.O_RDONLY)
    for _ in range(20):
        os.mkdir("m" * 250, dir_fd=folder)
        below = os.open("m" * 250, os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = below
    os.close(folder)
    project.configure(with_dataset(dicom=".", masks="masks"))
    output = project.fail("--dry-run")
    assert "cannot be read (File name too long); change its permissions, or move it" in output
    assert "cohort.datasets.<name>.masks" in output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("overlay", "closed", "message"),
    [
        (with_dataset(dicom="ct"), "ct", "datasets.a.dicom: ct cannot be read"),
        (with_dataset(dicom=".", masks="ct"), "ct", "datasets.a.masks: ct cannot be read"),
        (
            with_dataset(dicom=".", labels={"sources": ["csv"], "csv": "ct/file"}),
            "ct/file",
            "datasets.a.labels.csv: ct/file cannot be read",
        ),
        (
            {**TINY, "classifiers": {"resnet50": {"weights": "ct/file"}}},
            "ct/file",
            "classifiers.resnet50.weights: ct/file is not a file that can be read",
        ),
    ],
)
def test_no_permission_to_read(project, overlay, closed, message):
    (project.folder / "ct").mkdir()
    (project.folder / "ct" / "file").touch()
    project.configure({**overlay, "metrics": NO_MASKS})
    (project.folder / closed).chmod(0)
    command = [*without_rights_of_root(), *project.command("--dry-run")]
    done = subprocess.run(command, cwd=project.folder, capture_output=True, text=True)
    (project.folder / closed).chmod(0o700)
    assert done.returncode != 0
    assert message in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def without_rights_of_root():
    """Return the beginning of a command in which permissions hold for root as well."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("needs setpriv for root: apt install util-linux")
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]


def test_a_folder_without_ct(project):
    (project.folder / "data").mkdir()
    (project.folder / "data" / "notes.txt").write_text("no CT here")
    project.configure({**with_dataset(dicom="data"), "metrics": NO_MASKS})
    output = project.fail()
    assert "no axial CT slice in the folders of cohort.datasets.a (1 files: 1 not a DICOM" in output
    assert "Traceback" not in output
    assert not (project.results / "cohort" / "index.parquet").exists()


def test_one_class_only(finished, project):
    project.configure(phantom_with_labels(finished, "labels.csv"))
    lines = [f"PHANTOM-{number:04d},1" for number in range(1, 9)]
    (project.folder / "labels.csv").write_text("patient_id,contrast\n" + "\n".join(lines))
    output = project.fail()
    assert "patient has a slice of class 'no contrast'" in output
    assert "change cohort.test_fraction" in output


def test_a_patient_without_label_is_set_aside(finished, project):
    project.configure(phantom_with_labels(finished, "labels.csv"))
    lines = [f"PHANTOM-{number:04d},{number % 2}" for number in range(1, 8)]
    (project.folder / "labels.csv").write_text("patient_id,contrast\n" + "\n".join(lines))
    output = project.run("results/tiny/cohort/rejected.parquet")
    assert "Labels of a: 7 from csv, 1 series without a label" in output.splitlines()
    rejected = pq.read_table(project.results / "cohort" / "rejected.parquet").to_pylist()
    unlabelled = [row for row in rejected if row["reason"] == "no label from csv"]
    assert len(unlabelled) == 8
    assert all("PHANTOM-0008" in row["path"] for row in unlabelled)
    assert not (project.results / "slices" / "PHANTOM-0008.parquet").exists()


def test_a_checkpoint_of_another_network_is_refused_before_anything_runs(project):
    network = torch.nn.Linear(3, 1)
    torch.save(network.state_dict(), project.folder / "other.pt")
    project.configure({**TINY, "classifiers": {"resnet50": {"weights": "other.pt"}}})
    output = project.fail("--dry-run")
    assert "config: classifiers.resnet50: other.pt: not a ResNet-50 with one input" in output
    assert "Traceback" not in output


def test_a_model_that_answers_black_with_contrast_is_warned_about(copy_of_finished):
    network = ResNet50().eval()
    with torch.no_grad():
        network.fc.weight.zero_()
        network.fc.bias.fill_(2.0)
    torch.save(network.state_dict(), copy_of_finished.folder / "always.pt")
    copy_of_finished.configure(
        {
            **TINY,
            "classifiers": {"resnet50": {"weights": "always.pt"}},
            "estimators": dict.fromkeys([*SLOW, "backpropagation"]) | {"random": {}},
        }
    )
    output = copy_of_finished.run("--", "results/tiny/resnet50/tables/table1_fidelity.md")
    evaluation = json.loads((copy_of_finished.training / "evaluation.json").read_text())
    assert not evaluation["fills"][1]["agrees"]
    assert np.isclose(evaluation["fills"][1]["logit"], 2.0)
    warning = "an all-black image with 'no contrast', and it does not (logit 2.00)"
    assert warning in output
    for suffix in ("md", "tex"):
        assert (
            warning
            in (copy_of_finished.classifier / f"tables/table1_fidelity.{suffix}").read_text()
        )


def test_a_failed_job_names_its_log_and_the_rest_resumes(copy_of_finished):
    target = copy_of_finished.training / "saliency" / "backpropagation.parquet"
    target.unlink()
    module = (
        copy_of_finished.folder / "ct_importance/saliency/estimators/gradient/backpropagation.py"
    )
    sound = module.read_text()
    module.write_text(sound.replace("def attribute(self", "def attribute(self, *"))
    output = copy_of_finished.fail()
    assert "results/tiny/logs/compute_importance/resnet50/1/backpropagation.log" in output
    assert "Failed jobs: 1." in output
    assert "What to do: a defect of this workflow or of a file added to it" in output
    log = (
        copy_of_finished.results / "logs/compute_importance/resnet50/1/backpropagation.log"
    ).read_text()
    assert "TypeError" in log.strip().splitlines()[-1]
    assert not target.exists()
    module.write_text(sound)
    copy_of_finished.run("--", "results/tiny/resnet50/1/saliency/backpropagation.parquet")
    assert target.exists()
