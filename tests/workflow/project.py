"""A copy of the project in a folder of its own, with a configuration that runs in seconds."""

import hashlib
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
PARTS = [
    "Snakefile",
    "config.yaml",
    "rules",
    "scripts",
    "ct_importance",
    "envs",
    "profiles",
    "report",
    "configs",
]
LATER = ["grad_cam", "occlusion", "sobel_edges", "centre", "mean_mask"]
"""Estimators of config.yaml that are none of the paper's."""
TINY = {
    "run": "tiny",
    "cohort": {
        "phantom": {
            "patients": 8,
            "slices": 8,
            "matrix": 64,
            "annotated_patients": 8,
            "annotated_slices": 1,
        },
        "test_fraction": 0.5,
        "slices_per_patient": {"train": 2, "test": 1},
        "image_size": 32,
    },
    "classifiers": {
        "resnet50": {"training": {"epochs": 2, "batch_size": 4, "test_every": 1}},
    },
    "estimators": {
        "integrated_gradients": {"steps": 2},
        "integrated_gradients_bw": {"steps": 2},
        "expected_gradients": {"samples": 2},
        "smoothgrad": {"samples": 2},
        "smoothgrad_squared": {"samples": 2},
        # The paper's eight are enough.
        **dict.fromkeys(LATER),
    },
    "metrics": {"fidelity": {"step": 0.25}, "roc": {"thresholds": 10}},
    "statistics": {"resamples": 200, "permutations": 200},
}
# Estimators to leave out where it does not matter which ones there are.
SLOW = [
    *("deconvolution", "integrated_gradients", "integrated_gradients_bw"),
    *("expected_gradients", "smoothgrad", "smoothgrad_squared"),
    *LATER,
]
WITH_TIMES = {"logs", "benchmarks", "headers", "extracted"}
"""Folders whose files hold times: of the work, or of the user's files."""
# A rule's name and its wildcards, as a dry run prints them.
JOB = re.compile(r"^(?:local)?(?:rule|checkpoint) (\w+):\n((?:    .*\n)+)", flags=re.MULTILINE)
WILDCARDS = re.compile(r"^    wildcards: (.*)$", flags=re.MULTILINE)


@dataclass
class Project:
    """A copy of the project, its tiny configuration, and the Python that runs it."""

    folder: Path
    python: str = sys.executable

    @property
    def results(self) -> Path:
        return self.folder / "results" / "tiny"

    @property
    def classifier(self) -> Path:
        """What was found of the one classifier, over its trainings."""
        return self.results / "resnet50"

    @property
    def training(self) -> Path:
        """What was computed of its first training."""
        return self.classifier / "1"

    def configure(self, overlay: dict) -> None:
        """Write the overlay; without the test of sanity, unless it names it."""
        overlay = merge({"metrics": {"randomised_weights": None}}, overlay)
        (self.folder / "overlay.yaml").write_text(yaml.safe_dump(overlay, sort_keys=False))

    def command(self, *arguments: str) -> list[str]:
        command = [self.python, "-m", "snakemake", "--configfile", "overlay.yaml"]
        return [*command, "--resources", "gpu=2", "--cores", "2", *arguments]

    def snakemake(self, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )

    def run(self, *arguments: str) -> str:
        done = self.snakemake(*arguments)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
        return done.stdout + done.stderr

    def fail(self, *arguments: str) -> str:
        done = self.snakemake(*arguments)
        assert done.returncode != 0, "the run was expected to fail"
        return done.stdout + done.stderr

    def planned_jobs(self, *arguments: str) -> set[str]:
        """Jobs of a dry run, as rule(wildcard, ...), without the target and the run's name.

        The one classifier and its first training are not named either, nor is which ceiling it is
        where it is that of a perfect map.
        """
        return _jobs_in(self.run("--dry-run", *arguments))

    def jobs_run(self, *arguments: str) -> set[str]:
        """Run, and return the jobs that were run, named as in `planned_jobs`."""
        self.run(*arguments)
        return _jobs_in(self.log_of_snakemake())

    def log_of_snakemake(self) -> str:
        """Snakemake's own log of the last call, which tells more than the terminal shows."""
        return max((self.folder / ".snakemake" / "log").iterdir()).read_text()

    def digests(self) -> dict[str, str]:
        """A digest of every result that two runs have in common, by its path."""
        paths = [path for path in sorted(self.results.rglob("*")) if path.is_file()]
        return {
            str(path.relative_to(self.results)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in paths
            if not WITH_TIMES & set(path.relative_to(self.results).parts)
            and path.name != ".snakemake_timestamp"
            # So does the table of costs.
            and path.stem != "cost"
        }


def _jobs_in(text: str) -> set[str]:
    return {job for job in map(_job_name, JOB.finditer(text)) if job != "all"}


def _job_name(match: re.Match) -> str:
    rule, body = match.groups()
    found = WILDCARDS.search(body)
    pairs = [pair.split("=", 1) for pair in found[1].split(", ")] if found else []
    usual = {("classifier", "resnet50"), ("replicate", "1"), ("ceiling", "ceiling")}
    # Of slices without a sign, the folder is that of the run, and has no name.
    values = [
        value for name, value in pairs if value and name != "run" and (name, value) not in usual
    ]
    return f"{rule}({', '.join(values)})" if values else rule


def copy_project(folder: Path, overlay: dict = TINY) -> Project:
    folder.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        source, target = ROOT / part, folder / part
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, target)
    project = Project(folder)
    project.configure(overlay)
    return project


def merge(base: dict, changes: dict) -> dict:
    """Return a configuration with an overlay on top, as Snakemake has it."""
    both = {
        key: merge(base[key], value)
        for key, value in changes.items()
        if isinstance(value, dict) and isinstance(base.get(key), dict)
    }
    return base | changes | both
