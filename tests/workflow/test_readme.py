"""What README.md and docs/ tell users to run works, with the packages of requirements.lock."""

import csv
import re
import shlex
import shutil
import subprocess

import pandas as pd
import pytest
import yaml

from tests.workflow.project import ROOT, Project
from tests.workflow.test_paper import write_tree

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXT = "\n".join(page.read_text() for page in PAGES)
SAME = "--cores all --configfile mine.yaml"
DONE = "Nothing to be done"
# What is behind "snakemake" on these pages, and what each prints after a finished run.
COMMANDS = {
    SAME: DONE,
    f"export {SAME}": "done    export_maps resnet50 1 smoothgrad",
    f"cohort {SAME}": "done    summarise_plan",
    "-n": DONE,
    "--report report.html": "Report created.",
}
# "The same command with", and what that prints.
OPTIONS = {
    "--touch": DONE,
    "--unlock": "Unlocked working directory",
    "--resources gpu=N": DONE,
    "--forceall": "train_classifier",
    "--forcerun read_headers": "read_headers",
    "--forcerun extract_slices": "extract_slices",
}
# On data that is not there, or for longer: planned only.
PLANNED = {
    "--cores all --configfile configs/phantom_nodules.yaml",
    "--cores all --configfile configs/planted.yaml",
    "--cores all --configfile configs/randomised_labels.yaml",
    "--cores all --configfile configs/paper.yaml --config data_dir=FOLDER",
    "--cores all --configfile configs/tcga_luad_contrast.yaml --config data_dir=PATH",
    "--cores all --configfile configs/sts_sarcoma.yaml --config data_dir=PATH",
    "--cores all --configfile configs/tcga_luad_contrast.yaml configs/planted.yaml "
    "configs/tcga_luad_planted.yaml --config data_dir=PATH",
    "--cores all --configfile configs/sts_sarcoma.yaml configs/planted.yaml "
    "configs/sts_sarcoma_planted.yaml --config data_dir=PATH",
}
# Those of other environments: make test-slurm, conda, MONAI. And what is only spoken of.
ELSEWHERE = {
    "--cores all --configfile configs/two_networks.yaml",
    "--cores all --configfile configs/tcga_luad_contrast.yaml configs/tcga_luad_networks.yaml "
    "--config data_dir=PATH",
    "--cores all --configfile configs/tcga_luad_contrast.yaml configs/tcga_luad_estimators.yaml "
    "--config data_dir=PATH",
    "--cores all --configfile configs/tcga_luad_contrast.yaml configs/tcga_luad_metrics.yaml "
    "--config data_dir=PATH",
    "--workflow-profile profiles/slurm --configfile mine.yaml",
    *("--workflow-profile", "--profile", "--software-deployment-method conda", "--configfile"),
}


@pytest.fixture(scope="module")
def project(finished, tmp_path_factory) -> Project:
    folder = tmp_path_factory.mktemp("readme") / "copy"
    shutil.copytree(finished.folder, folder, copy_function=shutil.copy2)
    shutil.copy2(folder / "overlay.yaml", folder / "mine.yaml")
    return Project(folder, finished.python)


def snakemake(project, arguments):
    """Run a command of the pages; without dev packages, which may be found on the way there."""
    command = [project.python, "-m", "snakemake", *shlex.split(arguments)]
    done = subprocess.run(command, cwd=project.folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    return done.stdout + done.stderr


def test_every_command_of_the_pages_is_tried_here():
    lines = re.findall(r"^ {4,}(?:\.venv/bin/)?snakemake (.+)$", TEXT, flags=re.MULTILINE)
    spans = re.findall(r"`snakemake ([^`]+)`", TEXT)
    options = re.findall(r"`(--[^`]+)`", TEXT)

    found = {*lines, *spans, *options}

    assert found == {*COMMANDS, *OPTIONS, *PLANNED, *ELSEWHERE}


@pytest.mark.parametrize("command", COMMANDS)
def test_commands(project, command):
    with_files = command if "--configfile" in command else f"{command} --configfile mine.yaml"
    assert COMMANDS[command] in snakemake(project, with_files)


@pytest.mark.parametrize("option", OPTIONS)
def test_options_of_the_same_command(project, option):
    dry = " --dry-run" if option.startswith("--force") else ""
    said = snakemake(project, f"{SAME} {option.replace('gpu=N', 'gpu=2')}{dry}")
    assert OPTIONS[option] in said


def test_make_demo_is_planned(project):
    makefile = (ROOT / "Makefile").read_text()
    arguments = re.search(r"^demo:.*\n\t\$\(BIN\)/snakemake (.*)$", makefile, flags=re.MULTILINE)
    said = snakemake(project, arguments[1].replace("$(GPUS)", "2").split("$(if")[0] + " --dry-run")
    assert "generate_phantom" in said


@pytest.mark.parametrize("command", sorted(PLANNED))
def test_commands_for_data_of_others(project, tmp_path, command):
    write_tree(tmp_path)
    shutil.copytree(tmp_path / "LIDC-IDRI", tmp_path / "dicom")
    (tmp_path / "overview.csv").write_text("dicom_name,Contrast\n")
    with_folder = re.sub("=(FOLDER|PATH)$", f"={shlex.quote(str(tmp_path))}", command)
    assert "read_headers" in snakemake(project, f"{with_folder} --dry-run")


def test_labels_can_be_checked_before_the_rest_of_the_example(project, tmp_path):
    phantom = project.results / "phantom"
    with open(phantom / "truth.csv", newline="") as file:
        truth = {row["patient_id"]: row["contrast"] for row in csv.DictReader(file)}
    lines = [f"{patient},{label}\n" for patient, label in truth.items()]
    (tmp_path / "labels.csv").write_text("".join(["patient,contrast\n", *lines]))
    example = re.search(r"^    run: mine .*\n(?:    .*\n)*", TEXT, flags=re.MULTILINE)[0]
    for there, here in (
        ("/data/ct", phantom / "dicom"),
        ("/data/masks", phantom / "masks"),
        ("labels.csv", tmp_path / "labels.csv"),
    ):
        example = example.replace(there, str(here))
    (project.folder / "example.yaml").write_text(yaml.safe_dump(yaml.safe_load(example)))

    said = snakemake(project, "cohort --cores all --configfile example.yaml")

    assert f"Labels of mine: {len(truth)} from csv" in said
    results = project.folder / "results" / "mine"
    labels = pd.read_parquet(results / "cohort" / "labels.parquet")
    assert dict(zip(labels.patient_id, labels.label.astype(str), strict=True)) == truth
    assert set(labels.source) == {"csv"}
    assert (results / "cohort" / "plan_summary.csv").exists()
    assert not (results / "slices").exists()
