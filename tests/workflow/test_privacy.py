"""What the headers say of the patient must not come out anywhere."""

import gzip
from pathlib import Path

import pyarrow.parquet as pq
import pydicom
from pydicom.datadict import DicomDictionary, keyword_for_tag
from pydicom.multival import MultiValue

from tests.workflow.project import SLOW, TINY, Project, copy_project

SECRET = "Quillfeather"
VALUES = {
    "PN": f"{SECRET}^Jane",
    "LO": f"{SECRET} clinic",
    "SH": f"{SECRET[:12]}",
    "ST": f"{SECRET} street",
    "LT": f"{SECRET} said",
    "UT": f"{SECRET} said",
    "UC": f"{SECRET} said",
    "CS": "QUILLFEATHER",
    "DA": "19330517",
    "DT": "19330517101500",
    "AS": "093Y",
    "AE": "QUILLFEATHER",
    "TM": "093347.771",
}
# What decides whether and how a slice is read keeps its value; the patient's id gets a secret one.
KEPT = {
    *("ImageType", "Modality", "PhotometricInterpretation", "RescaleType", "PatientPosition"),
    *("PatientID", "SpecificCharacterSet"),
}
SECRETS = (SECRET, SECRET.upper(), "19330517", "093347", "Secret-Id")


def plant(path: Path, number: int) -> None:
    """Fill every text element of the dictionary that a CT slice may hold with a secret."""
    dataset = pydicom.dcmread(path)
    for tag, (kind, *_) in DicomDictionary.items():
        keyword = keyword_for_tag(tag)
        # Groups of the patient, the study, the acquisition, the image; others are of messages.
        if 0x0008 <= tag >> 16 < 0x0060 and keyword and keyword not in KEPT and kind in VALUES:
            setattr(dataset, keyword, VALUES[kind])
    dataset.ImageType = MultiValue(str, [*dataset.ImageType, "QUILLFEATHER"])
    dataset.PatientID = f"Secret-Id-{dataset.PatientID}"
    dataset.save_as(path)
    if number % 20 == 7:  # damaged files have their say in messages
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2])


def files_of(project: Project) -> list[Path]:
    roots = [project.folder / "results", project.folder / ".snakemake"]
    return [path for root in roots for path in root.rglob("*") if path.is_file()]


def test_no_text_of_the_headers_is_in_any_output_log_or_message(finished, tmp_path):
    project = copy_project(tmp_path / "project")
    source = finished.results / "phantom"
    for number, path in enumerate(sorted((source / "dicom").rglob("*.dcm"))):
        target = tmp_path / "dicom" / f"{number:04d}.dcm"
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(path.read_bytes())
        plant(target, number)
    truth = (source / "truth.csv").read_text().splitlines()
    (tmp_path / "labels.csv").write_text(
        "\n".join([truth[0], *(f"Secret-Id-{line}" for line in truth[1:])])
    )
    (tmp_path / "key").write_text("a secret of the user, long enough")
    labels = {"csv": str(tmp_path / "labels.csv"), "sources": ["csv", "dicom_tag", "description"]}
    masks = {"masks": str(source / "masks")}
    cohort = TINY["cohort"] | {
        "datasets": {"a": {"dicom": str(tmp_path / "dicom"), "labels": labels} | masks},
        "pseudonym_key": str(tmp_path / "key"),
    }
    estimators = dict.fromkeys(SLOW) | {"backpropagation": {}, "random": {}}
    project.configure(
        {
            **TINY,
            "run": "private",
            "cohort": cohort,
            "estimators": estimators,
            "report": {"figure3_estimator": "random"},
        }
    )

    said = project.run("all", "export")

    rejected = pq.read_table(project.folder / "results/private/cohort/rejected.parquet")
    assert rejected.num_rows >= 3
    patients = sorted((project.folder / "results/private/slices").iterdir())
    assert len(patients) == 8
    assert all(len(path.stem) == 16 and int(path.stem, 16) for path in patients)
    outputs = files_of(project)
    assert len(outputs) > 80
    exported = [path.suffix for path in outputs if "export" in path.parts]
    assert {".gz", ".dcm", ".csv"} <= set(exported)
    for secret in SECRETS:
        assert secret not in said
        for path in outputs:
            content = path.read_bytes()
            if path.suffix == ".gz":
                content = gzip.decompress(content)
            assert secret.encode() not in content, path
            assert secret not in path.name
            if path.suffix == ".parquet":  # columns are compressed
                names = [
                    field.name for field in pq.read_schema(path) if str(field.type) == "string"
                ]
                assert secret not in str(pq.read_table(path, columns=names).to_pylist()), path
