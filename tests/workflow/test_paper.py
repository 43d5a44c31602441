"""The configuration of the paper, on a tree laid out as LIDC-IDRI and LNDb are."""

import numpy as np
import yaml
from PIL import Image
from pydicom.uid import DigitalXRayImageStorageForPresentation

from tests.cohort.dicom_files import uid, write_ct, write_series
from tests.cohort.volume_files import voxels, write_volume
from tests.workflow.project import ROOT, copy_project

SCANS = {1: "IV", 2: "NONE", 3: "IV", 5: "NONE", 7: "IV"}
VOLUMES = {1: 0, 4: 1, 9: 0}
REJECTED = "results/paper/cohort/rejected.parquet"


def write_tree(folder):
    for number, agent in SCANS.items():
        patient = f"LIDC-IDRI-{number:04d}"
        scan = folder / "LIDC-IDRI" / patient / "1.2" / "1.2.3"
        write_series(scan, 6, patient=patient, ContrastBolusAgent=agent)
        write_ct(
            folder / "LIDC-IDRI" / patient / "1.4" / "000000.dcm",
            patient=patient,
            SOPClassUID=DigitalXRayImageStorageForPresentation,
        )
    for number in VOLUMES:
        write_volume(folder / "LNDb" / f"LNDb-{number:04d}.mhd", voxels(number))
    lines = [f"LNDb-{number:04d},{label}" for number, label in VOLUMES.items()]
    (folder / "lndb_contrast.csv").write_text("\n".join(["patient_id,contrast", *lines]))
    marked = np.zeros((12, 16), np.uint8)
    marked[3:9, 4:12] = 255
    for name, slice_id in (
        ("LIDC-IDRI", uid("LIDC-IDRI-0001", 1, 0.0)),
        ("LNDb", "LNDb-0001-0002"),
    ):
        (folder / "masks" / name).mkdir(parents=True)
        Image.fromarray(marked).save(folder / "masks" / name / f"{slice_id}.png")


def test_the_protocol_of_the_paper_is_planned_whole(tmp_path):
    write_tree(tmp_path)
    overlay = yaml.safe_load((ROOT / "configs" / "paper.yaml").read_text())
    project = copy_project(tmp_path / "project", overlay | {"data_dir": str(tmp_path)})

    extracted = project.jobs_run("--", REJECTED)
    planned = project.planned_jobs()

    patients = [f"LIDC-IDRI-{number:04d}" for number in SCANS]
    patients += [f"LNDb-{number:04d}" for number in VOLUMES]
    assert {f"extract_slices({patient})" for patient in patients} <= extracted
    metrics = [job for job in planned if job.startswith("evaluate_importance")]
    assert len(metrics) == 3 * 8
    assert "train_classifier" in planned
    assert not {job for job in planned if job.startswith("extract_slices")}
