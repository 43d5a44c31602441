"""Which jobs run after a change of the data: images, labels, masks, split."""

import os
import shutil

import pyarrow.parquet as pq
import pydicom
import pytest

from tests.workflow.project import TINY, Project, copy_project

TARGET = "results/tiny/cohort/rejected.parquet"
INDEX = {"read_headers(a)", "index_cohort", "label_series"}
COLLECT = {"plan_extraction", "collect_slices"}


def overlay(**cohort: object) -> dict:
    labels = {"csv": "labels.csv", "sources": ["csv"]}
    dataset = {"dicom": "dicom", "masks": "masks", "labels": labels}
    changes = {"datasets": {"a": dataset}, "test_fraction": 0.5} | cohort
    return TINY | {"cohort": TINY["cohort"] | changes}


@pytest.fixture(scope="module")
def extracted(finished, tmp_path_factory) -> Project:
    """A project whose slices were extracted from files of the user."""
    project = copy_project(tmp_path_factory.mktemp("extracted"), overlay())
    phantom = finished.results / "phantom"
    shutil.copytree(phantom / "dicom", project.folder / "dicom")
    shutil.copytree(phantom / "masks", project.folder / "masks")
    shutil.copy(phantom / "truth.csv", project.folder / "labels.csv")
    project.run("--", TARGET)
    return project


@pytest.fixture
def project(extracted, tmp_path) -> Project:
    shutil.copytree(extracted.folder, tmp_path / "copy", copy_function=shutil.copy2)
    return Project(tmp_path / "copy")


def extractions(*patients: int) -> set[str]:
    return {f"extract_slices(PHANTOM-{patient:04d})" for patient in patients}


def test_nothing_changed(project):
    assert project.jobs_run("--", TARGET) == set()


def test_a_mask_of_one_patient(project):
    masks = sorted((project.folder / "masks").glob("*.png"))
    slices = {
        str(pydicom.dcmread(path, stop_before_pixels=True).SOPInstanceUID): path
        for path in (project.folder / "dicom").rglob("*.dcm")
    }
    number = int(slices[masks[0].stem].relative_to(project.folder / "dicom").parts[0][-4:])
    other = next(mask for mask in masks[1:] if f"{number:04d}" not in str(slices[mask.stem].parent))
    masks[0].write_bytes(other.read_bytes())

    assert project.jobs_run("--", TARGET) == COLLECT | extractions(number)


def test_a_new_patient_that_changes_nobody_elses_side(project):
    folder = project.folder / "dicom"
    sources = sorted((folder / "PHANTOM-0001").rglob("*.dcm"))
    for number, path in enumerate(sources):
        dataset = pydicom.dcmread(path)
        dataset.PatientID = "NEW"
        dataset.SeriesInstanceUID = "1.2.3"
        dataset.SOPInstanceUID = f"1.2.3.{number}"
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.PixelData = dataset.pixel_array[::-1].tobytes()  # no copy of the other patient
        (folder / "NEW").mkdir(exist_ok=True)
        dataset.save_as(folder / "NEW" / f"{number}.dcm")
    before = split_of(project)
    with open(project.folder / "labels.csv", "a") as file:
        file.write("NEW,0\n")

    jobs = project.jobs_run("--", TARGET)

    after = split_of(project)
    moved = {patient for patient in before if before[patient] != after[patient]}
    assert len(moved) <= 1
    assert jobs == INDEX | COLLECT | {f"extract_slices({patient})" for patient in {"NEW", *moved}}
    log = (project.results / "logs" / "read_headers" / "a.log").read_text()
    assert f"{len(sources)} to be read" in log


def split_of(project: Project) -> dict[str, str]:
    rows = pq.read_table(project.results / "cohort" / "split.parquet").to_pylist()
    return {row["patient_id"]: row["split"] for row in rows}


def test_a_label(project):
    path = project.folder / "labels.csv"
    path.write_text(path.read_text().replace("PHANTOM-0003,0", "PHANTOM-0003,"))
    before = split_of(project)

    jobs = project.jobs_run("--", TARGET)

    after = split_of(project)
    moved = {patient for patient in after if before[patient] != after[patient]}
    assert "PHANTOM-0003" not in after
    assert jobs == COLLECT | {"label_series"} | {f"extract_slices({name})" for name in moved}


@pytest.mark.parametrize("change", ["seed", "test_fraction"])
def test_the_split(project, change):
    before = split_of(project)
    if change == "seed":
        project.configure(overlay() | {"seed": 5})
    else:
        project.configure(overlay(test_fraction=0.25))

    jobs = project.jobs_run("--", TARGET)

    after = split_of(project)
    moved = {patient for patient in after if before[patient] != after[patient]}
    assert moved
    assert jobs == COLLECT | {f"extract_slices({name})" for name in moved}


def test_the_size_of_the_slices(project):
    project.configure(overlay(image_size=40))

    assert project.jobs_run("--", TARGET) == extractions(*range(1, 9)) | {"collect_slices"}


def test_the_code_of_the_extraction(project):
    with open(project.folder / "ct_importance" / "cohort" / "extraction.py", "a") as file:
        file.write("\n# An edit.\n")

    assert project.jobs_run("--", TARGET) == extractions(*range(1, 9)) | {"collect_slices"}


def test_touched_but_equal_files(project):
    os.utime(project.folder / "ct_importance" / "cohort" / "extraction.py")
    for path in [*(project.folder / "masks").iterdir(), project.folder / "labels.csv"]:
        os.utime(path)

    assert project.jobs_run("--", TARGET) == set()


def test_the_body_region_is_looked_for_only_where_it_is_wanted(project):
    # Of the tiny phantom too little lung is left to space slices over less than the whole scan.
    project.configure(overlay(body_region={"region": "chest", "lung_air": 0.01}))

    jobs = project.jobs_run("--", TARGET)

    # What was set aside is collected again only if it has changed.
    assert {"find_chest", "plan_extraction"} <= jobs
    assert jobs - extractions(*range(1, 9)) <= {"find_chest"} | COLLECT


# Several patients to a process


@pytest.fixture
def sharing(project) -> Project:
    """The same where the eight patients are many: four processes extract them."""
    layout = project.folder / "ct_importance" / "workflow" / "layout" / "batches.py"
    layout.write_text(layout.read_text().replace("ALONE = 16", "ALONE = 4"))
    jobs = project.jobs_run("--", TARGET)
    assert len(jobs - COLLECT) <= 4
    return project


def tables_of(project: Project) -> dict[str, int]:
    tables = (project.results / "slices").glob("*.parquet")
    return {path.stem: path.stat().st_mtime_ns for path in tables}


def test_of_patients_that_share_a_process_those_that_changed_are_extracted(sharing):
    split, before = split_of(sharing), tables_of(sharing)
    sharing.configure(overlay(test_fraction=0.25))

    jobs = sharing.jobs_run("--", TARGET)

    moved = {name for name, side in split_of(sharing).items() if side != split[name]}
    after = tables_of(sharing)
    assert {name for name in after if after[name] != before[name]} == moved
    assert 1 <= len(jobs - COLLECT) <= len(moved)
    assert sharing.jobs_run("--", TARGET) == set()


def test_a_lost_table_of_a_patient_that_shares_a_process_is_made_again(sharing):
    before = tables_of(sharing)
    (sharing.results / "slices" / "PHANTOM-0003.parquet").unlink()

    sharing.run("--forcerun", "extract_slices", "--", TARGET)

    after = tables_of(sharing)
    assert after.keys() == before.keys()
    assert {name for name in after if after[name] != before[name]} == {"PHANTOM-0003"}
