"""Paths of the user with characters that mean something to Snakemake."""

import os
import shutil
from pathlib import Path

import pytest
import torch

from ct_importance.classifier.resnet import ResNet50
from ct_importance.cohort.options import PhantomOptions
from ct_importance.cohort.phantom.cohort import write_phantom_cohort
from ct_importance.io.table_file import read_table
from tests.cohort.volume_files import voxels, write_volume
from tests.workflow.project import TINY, Project, copy_project

ODD = "{run} {} {a,b} <results> <x> {{dataset}}"
PHANTOM = PhantomOptions(patients=4, slices=4, matrix=64, annotated_slices=1)


@pytest.fixture
def project(tmp_path) -> Project:
    """A project whose every path of the user is odd; beside each lies what it would turn into."""
    data = tmp_path / f"data {ODD}"
    write_phantom_cohort(tmp_path / "phantom", PHANTOM, seed=0)
    shutil.copytree(tmp_path / "phantom" / "dicom", data / f"ct {ODD}")
    for mask in (tmp_path / "phantom" / "masks").iterdir():
        for_one = data / f"masks {ODD}" / mask.name.removesuffix(suffix_of(mask))
        for_one.mkdir(parents=True)
        mask.rename(for_one / f"{ODD}{suffix_of(mask)}")
    (data / "labels{run}.csv").write_text(label_lines(odd_are=1))
    (data / "labelstiny.csv").write_text(label_lines(odd_are=0))
    (data / f"secret {ODD}").write_text("a secret of the user")
    for number in range(2):
        write_volume(data / f"volumes {ODD}" / f"{ODD}{number}.nii.gz", voxels(number, (4, 64, 64)))
    (data / f"patients {ODD}.csv").write_text(
        f'file,patient_id,contrast\n"{ODD}0.nii.gz","V0 {ODD}",1\n"{ODD}1.nii.gz",V1,0\n'
    )
    for folder in (f"ct {ODD}", f"masks {ODD}", f"volumes {ODD}"):
        for name in (b"\xff.png", b"\xff.nii.gz", b"\xff.mhd"):
            Path(os.fsdecode(os.fsencode(data / folder) + b"/" + name)).write_bytes(b"no image")
    torch.save(ResNet50().state_dict(), data / f"{ODD}.pt")
    datasets = {
        "a": {
            "dicom": f"ct {ODD}",
            "masks": f"masks {ODD}",
            "labels": {"csv": "labels{run}.csv"},
        },
        "b": {
            "volumes": f"volumes {ODD}",
            "patients": f"patients {ODD}.csv",
            "labels": {"csv": f"patients {ODD}.csv", "key_column": "patient_id"},
        },
    }
    cohort = {"datasets": datasets, "pseudonym_key": f"secret {ODD}"}
    return copy_project(
        tmp_path / "project",
        TINY
        | {
            "data_dir": str(data),
            "cohort": TINY["cohort"] | cohort,
            "classifiers": {"resnet50": {"weights": str(data / f"{ODD}.pt")}},
            "report": {"example_slices": {"contrast": ODD}},
        },
    )


def suffix_of(mask: Path) -> str:
    return ".png" if mask.suffix == ".png" else ".nii.gz"


def label_lines(odd_are: int) -> str:
    lines = [f"PHANTOM-{number:04d},{(number + odd_are + 1) % 2}\n" for number in range(1, 5)]
    return "".join(["patient_id,contrast\n", *lines])


def test_they_are_taken_as_they_are(project):
    targets = [
        "results/tiny/cohort/rejected.parquet",
        "results/tiny/resnet50/1/classifier/classifier.pt",
    ]

    output = project.run("--", *targets)

    labels = read_table(project.results / "cohort/labels.parquet").to_pylist()
    index = read_table(project.results / "cohort/index.parquet").to_pylist()
    label_of = {row["patient_id"]: row["label"] for row in labels}
    name_of = {row["patient_id"]: Path(row["path"]).parts for row in index}
    phantoms = {
        part: label_of[patient]
        for patient, parts in name_of.items()
        for part in parts
        if part.startswith("PHANTOM")
    }
    assert phantoms == {f"PHANTOM-{number:04d}": number % 2 for number in range(1, 5)}
    assert "Labels of b: 2 from csv" in output
    rejected = read_table(project.results / "cohort/rejected.parquet").to_pylist()
    odd = [row["reason"] for row in rejected if "\\udcff" in row["path"]]
    assert odd == ["file name is not UTF-8: rename the file or its folder"] * 9
    slices = sorted((project.results / "slices").iterdir())
    assert len(slices) == 6
    masks = [row["mask"] for path in slices for row in read_table(path).to_pylist()]
    assert sum(mask is not None for mask in masks) == 4
    assert project.planned_jobs("--", *targets) == set()

    data = Path(project.results.parents[2] / f"data {ODD}")
    (data / "labels{run}.csv").write_text(label_lines(odd_are=0))
    next((data / f"masks {ODD}").rglob("*> {{dataset}}.png")).touch()
    jobs = project.planned_jobs("--", *targets)
    assert {"label_series", "plan_extraction"} <= jobs
    assert not {"import_classifier", "read_headers(a)"} & jobs
    # Of all other rules, too, Snakemake takes what stands there.
    assert "write_summary" in project.planned_jobs()
