"""Full disks, folders that cannot be written, lack of memory, lost files, two runs at once.

Each ends with one clear message, and the same command goes on after the cause is gone.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workflow.project import SLOW, TINY, Project, copy_project

ESTIMATORS = dict.fromkeys(SLOW) | {"random": None}  # one is left
OVERLAY = TINY | {"estimators": ESTIMATORS, "metrics": {"roc": None, "dice": None}}
COHORT = "results/tiny/cohort/rejected.parquet"
MODEL = "results/tiny/resnet50/1/evaluation.json"
LARGE = 400 << 20


def mount(folder: Path, size: int, *options: str) -> None:
    """Mount a disk in memory of so many bytes, or change the one that is there."""
    settings = ",".join([f"size={size}", *options])
    subprocess.run(["mount", "-t", "tmpfs", "-o", settings, "tmpfs", folder], check=True)


@pytest.fixture
def disk(tmp_path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.getuid() != 0:
        pytest.skip("to mount a small disk one has to be root")
    try:
        mount(folder, LARGE)
    except subprocess.CalledProcessError:
        pytest.skip("root may not mount a disk here")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture(scope="module")
def extracted(tmp_path_factory) -> Project:
    """A project with slices and no model."""
    project = copy_project(tmp_path_factory.mktemp("extracted"), OVERLAY)
    project.run("--", COHORT)
    return project


def copy_of(project: Project, folder: Path) -> Project:
    shutil.copytree(project.folder, folder, copy_function=shutil.copy2)
    return Project(folder)


def summary(output: str) -> str:
    """What onerror prints."""
    return output[output.index("\nFailed jobs:") :]


def temporary_files(project: Project) -> list[Path]:
    return list(project.results.rglob("*.tmp"))


def test_a_disk_that_is_too_small_for_the_model(extracted, disk):
    project = copy_of(extracted, disk / "project")
    used = shutil.disk_usage(disk).used
    mount(disk, used + (20 << 20), "remount")  # the model has 94 MB

    output = project.fail("--", MODEL)

    assert "No space left on device: free space there" in summary(output)
    assert summary(output).startswith("\nFailed jobs: 1.")
    assert not temporary_files(project)
    assert not (project.training / "classifier" / "classifier.pt").exists()
    mount(disk, LARGE, "remount")
    project.run("--", MODEL)


def test_a_disk_without_any_space(extracted, disk):
    project = copy_of(extracted, disk / "project")
    filler = disk / "filler"
    subprocess.run(
        ["dd", "if=/dev/zero", f"of={filler}", "bs=64k"], capture_output=True, check=False
    )
    assert shutil.disk_usage(disk).free == 0

    output = project.fail("--", MODEL)

    assert "No space left on device" in output
    filler.unlink()
    project.run("--", MODEL)


def test_results_that_cannot_be_written(extracted, disk, tmp_path):
    project = copy_of(extracted, tmp_path / "project")
    shutil.move(project.folder / "results", disk / "results")
    (project.folder / "results").symlink_to(disk / "results")
    mount(disk, LARGE, "remount,ro")

    output = project.fail("--", MODEL)

    assert "Read-only file system" in output
    mount(disk, LARGE, "remount,rw")
    project.run("--", MODEL)


def test_a_job_that_runs_out_of_memory(extracted, tmp_path):
    project = copy_of(extracted, tmp_path / "project")
    module = project.folder / "ct_importance/classifier/forward/runtime.py"
    sound = module.read_text()
    limit = (
        "import resource; size = int(open('/proc/self/statm').read().split()[0]) * 4096\n"
        "        resource.setrlimit(resource.RLIMIT_AS, (size + (1 << 20),) * 2)\n        "
    )
    head = re.search(r'    def scores\(.*?"""\n        (?=\w)', sound, flags=re.DOTALL)
    module.write_text(sound[: head.end()] + limit + sound[head.end() :])

    output = project.fail("--", MODEL)

    assert "ERROR memory does not suffice: run fewer jobs at once" in summary(output)
    assert not temporary_files(project)
    module.write_text(sound)
    project.run("--", MODEL)


def test_an_image_that_is_gone_after_the_index(extracted, tmp_path):
    labels = {"csv": "labels.csv", "sources": ["csv"]}
    dataset = {"dicom": "dicom", "masks": "masks", "labels": labels}
    cohort = OVERLAY["cohort"] | {"datasets": {"a": dataset}}
    project = copy_project(tmp_path / "project", OVERLAY | {"cohort": cohort})
    for name in ("dicom", "masks"):
        shutil.copytree(extracted.results / "phantom" / name, project.folder / name)
    shutil.copy(extracted.results / "phantom" / "truth.csv", project.folder / "labels.csv")
    project.run("--", "results/tiny/cohort/split.parquet")
    # A folder that is missing at the top would be seen, and the cohort indexed anew.
    (lost,) = (project.folder / "dicom" / "PHANTOM-0003").iterdir()
    lost.rename(tmp_path / "elsewhere")

    output = project.fail("--", COHORT)

    assert "PHANTOM-0003" in summary(output)
    assert "was there when the cohort was indexed and is not now; put it back" in summary(output)
    assert summary(output).startswith("\nFailed jobs: 1.")
    assert len(list((project.results / "slices").iterdir())) == 7
    (tmp_path / "elsewhere").rename(lost)
    project.run("--", COHORT)
    assert len(list((project.results / "slices").iterdir())) == 8


def test_two_at_once(extracted, tmp_path):
    project = copy_of(extracted, tmp_path / "project")
    first = subprocess.Popen(
        project.command("--", MODEL),
        cwd=project.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in first.stderr:
        if "begins  train_classifier" in line:
            break

    output = project.fail("--", MODEL)

    assert "Directory cannot be locked" in output
    assert "Traceback" not in output
    first.communicate()
    assert first.returncode == 0
    assert "Nothing to be done" in project.run("--", MODEL)
