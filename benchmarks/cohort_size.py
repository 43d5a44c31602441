"""Times the cohort stage at the paper's size: `make benchmark-cohort`.

Builds LIDC-IDRI/ (DICOM, headers like those of a scanner, pixels small) and LNDb/ (MetaImage) with
1312 patients and about 320,000 slices in a temporary folder, and prints a Markdown table of: header
reading against bare pydicom, re-indexing, the dry run of configs/paper.yaml, and extraction against
bare decoding of the same slices.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import itertools
import os
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import psutil
import pydicom
from pydicom.uid import JPEG2000Lossless

from ct_importance.cohort.dicom.header import read_header
from ct_importance.cohort.extraction import extract_slices, read_slice
from ct_importance.cohort.headers import ImageSource, update_headers
from ct_importance.cohort.options import ExtractionOptions, PhantomOptions
from ct_importance.cohort.phantom.cohort import write_phantom_cohort
from ct_importance.compute.workers import process_pool

ROOT = Path(__file__).resolve().parents[1]
SCANS, VOLUMES = 1018, 294
SLICES = 310
"""Of a DICOM scan; with those of the volumes, 320,000 in all."""
VOLUME_SLICES = 16
PIXELS = 16
UID = "1.2.826.0.1.3680043.8.498.1{:09d}.1{:04d}"
PAIRS = 5
NEW_SCAN = 9998
SLICE_UID = "1.2.826.0.1.3680043.8.498.8888888888.88888"
SCAN_UID = "1.2.826.0.1.3680043.8.498.7777777777.77777"
"""Of the template; as long as those that take their place."""


def main() -> None:
    """Build the tree, time the stages on it and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--share", type=float, default=1.0, help="share of the patients")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--folder", type=Path, help="where to build (default: a temporary folder)")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(dir=arguments.folder))
    try:
        files = build(folder, arguments.share, arguments.workers)
        print(f"{len(files)} DICOM files\n\n| step | seconds | memory, MB | note |")
        print("|---|---:|---:|---|")
        for row in itertools.chain(
            header_rows(folder, arguments.workers),
            workflow_rows(folder, arguments.workers),
            extraction_rows(folder),
        ):
            print("| " + " | ".join(row) + " |", flush=True)
    finally:
        shutil.rmtree(folder)


# The tree


def build(folder: Path, share: float, workers: int) -> list[str]:
    """Write the tree and return the DICOM files."""
    template = _template(folder)
    scans, volumes = round(share * SCANS), round(share * VOLUMES)
    with process_pool(workers) as pool:
        files = list(pool.map(partial(_write_scan, folder, template), range(scans), chunksize=8))
    for number in range(volumes):
        _write_volume(folder / "LNDb", number)
    with open(folder / "lndb_contrast.csv", "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["patient_id", "contrast"])
        rows.writerows([f"LNDb-{number:04d}", number % 2] for number in range(volumes))
    for name in ("LIDC-IDRI", "LNDb"):
        (folder / "masks" / name).mkdir(parents=True)
    _write_masks(folder)
    return sorted(path for paths in files for path in paths)


def _template(folder: Path) -> bytes:
    """Return a DICOM file in which UIDs, patient, position and contrast agent can be replaced."""
    options = PhantomOptions(patients=4, slices=4, matrix=64)
    write_phantom_cohort(folder / "phantom", options, seed=0)
    dataset = pydicom.dcmread(_axial_files(folder / "phantom" / "dicom")[0])
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = SLICE_UID
    dataset.SeriesInstanceUID = dataset.StudyInstanceUID = SCAN_UID
    dataset.PatientID = "LIDC-IDRI-8888"
    dataset.ImagePositionPatient = ["-100", "-100", "+88888.0"]
    dataset.ContrastBolusAgent = "IIII"
    dataset.Rows = dataset.Columns = PIXELS
    dataset.PixelData = np.full(PIXELS * PIXELS, 7777, np.uint16).tobytes()
    path = folder / "template.dcm"
    dataset.save_as(path)
    return path.read_bytes()


def _axial_files(folder: Path) -> list[Path]:
    files = sorted(folder.rglob("*.dcm"))
    return [path for path in files if "LOCALIZER" not in pydicom.dcmread(path).ImageType]


def _write_scan(folder: Path, template: bytes, scan: int) -> list[str]:
    generator = np.random.default_rng(scan)
    patient = f"LIDC-IDRI-{scan + 1:04d}"
    uid = UID.format(scan, 0)
    place = folder / "LIDC-IDRI" / patient / uid / uid
    place.mkdir(parents=True)
    scan_bytes = (
        template.replace(SCAN_UID.encode(), uid.encode())
        .replace(b"LIDC-IDRI-8888", patient.encode())
        .replace(b"IIII", b"IV  " if scan % 2 else b"NONE")
    )
    stored = np.full(PIXELS * PIXELS, 7777, np.uint16).tobytes()
    paths = []
    for number in range(SLICES):
        pixels = generator.integers(0, 2000, PIXELS * PIXELS, dtype=np.uint16).tobytes()
        content = (
            scan_bytes.replace(SLICE_UID.encode(), UID.format(scan, number + 1).encode())
            .replace(b"+88888.0", f"{number * 1.25:+08.2f}".encode())
            .replace(stored, pixels)
        )
        path = place / f"{(number * 7919) % SLICES:06d}.dcm"
        path.write_bytes(content)
        paths.append(str(path))
    return paths


def _write_volume(folder: Path, number: int) -> None:
    import SimpleITK

    folder.mkdir(exist_ok=True)
    shape = (VOLUME_SLICES, PIXELS, PIXELS)
    voxels = np.random.default_rng(10_000 + number).integers(-1000, 400, shape).astype(np.int16)
    image = SimpleITK.GetImageFromArray(voxels)
    SimpleITK.WriteImage(image, str(folder / f"LNDb-{number:04d}.mhd"))


def _write_masks(folder: Path) -> None:
    """Write a mask for one slice of each set: the dry run needs the folders to hold something."""
    from PIL import Image

    mask = Image.fromarray(np.full((PIXELS, PIXELS), 255, np.uint8))
    mask.save(folder / "masks" / "LIDC-IDRI" / f"{UID.format(0, 5)}.png")
    mask.save(folder / "masks" / "LNDb" / "LNDb-0000-0005.png")


# Header reading


def header_rows(folder: Path, workers: int) -> Iterator[tuple[str, ...]]:
    """Yield header reading of a quarter of the scans against bare pydicom, in turns."""
    scans = sorted((folder / "LIDC-IDRI").iterdir())
    scans = scans[: max(1, len(scans) // 4)]
    files = [str(path) for scan in scans for path in sorted(scan.rglob("*.dcm"))]
    source, table = ImageSource("lidc_idri", scans), folder / "headers.parquet"
    bare, ours, peaks = [], [], []
    for _ in range(PAIRS):
        bare.append(_seconds(partial(_bare_headers, files, workers)))
        table.unlink(missing_ok=True)
        seconds, peak = _in_process(partial(update_headers, source, table, "", workers))
        ours.append(seconds)
        peaks.append(peak)
    ratio = statistics.median(one / other for one, other in zip(ours, bare, strict=True))
    what = f"{len(files)} files, {workers} processes"
    yield "bare pydicom headers", f"{statistics.median(bare):.1f}", "", what
    note = f"{ratio:.2f} x bare; {what}; memory of the parent"
    yield "our headers", f"{statistics.median(ours):.1f}", f"{max(peaks):.0f}", note


def _bare_headers(files: list[str], workers: int) -> None:
    with process_pool(workers) as pool:
        for _ in pool.map(_bare_header, files, chunksize=64):
            pass


def _bare_header(path: str) -> str:
    return str(pydicom.dcmread(path, stop_before_pixels=True).SOPInstanceUID)


# The workflow


def workflow_rows(folder: Path, workers: int) -> Iterator[tuple[str, ...]]:
    """Yield the dry runs of configs/paper.yaml, and the steps up to the extraction plan."""
    project = folder / "project"
    for part in ("rules", "scripts", "envs", "profiles", "report"):
        shutil.copytree(ROOT / part, project / part)
    for part in ("Snakefile", "config.yaml"):
        shutil.copy(ROOT / part, project)
    command = [
        *(sys.executable, "-m", "snakemake", "--directory", project, "--cores", workers),
        *("--snakefile", project / "Snakefile", "--configfile", ROOT / "configs" / "paper.yaml"),
        *("--config", f"data_dir={folder}"),
    ]
    plan = "results/paper/cohort/split.parquet"
    reports = project / "results" / "paper" / "benchmarks"
    yield "snakemake -n, first", *_run([*command, "--dry-run"]), "before the checkpoint"
    yield "up to the extraction plan", *_run([*command, "--", plan]), "memory of Snakemake alone"
    for path in sorted(reports.rglob("*.tsv")):
        yield f"- {path.stem}", *_of_report(path), "of these"
    yield "snakemake -n, all patients", *_run([*command, "--dry-run"]), "a job per patient"
    _write_scan(folder / "new", (folder / "template.dcm").read_bytes(), NEW_SCAN)
    patient = f"LIDC-IDRI-{NEW_SCAN + 1:04d}"
    shutil.move(folder / "new" / "LIDC-IDRI" / patient, folder / "LIDC-IDRI" / patient)
    yield "one new patient", *_run([*command, "--", plan]), f"reads {SLICES} new files"
    for name in ("read_headers/lidc_idri", "index_cohort", "label_series", "plan_extraction"):
        yield f"- {Path(name).stem}", *_of_report(reports / f"{name}.tsv"), "of these"


def _of_report(path: Path) -> tuple[str, str]:
    """Return the seconds and the peak memory (MB, with child processes) of a job."""
    with open(path, newline="") as file:
        row = next(csv.DictReader(file, delimiter="\t"))
    return f"{float(row['s']):.1f}", row["max_pss"].split(".")[0]


def _run(command: list) -> tuple[str, str]:
    """Return the seconds and the peak memory (MB) of a command."""
    peak = 0
    with tempfile.TemporaryFile("w+") as log:
        started = time.perf_counter()
        process = psutil.Popen(list(map(str, command)), stdout=log, stderr=log, cwd=command[4])
        while process.poll() is None:
            with contextlib.suppress(psutil.NoSuchProcess):
                peak = max(peak, process.memory_info().rss)
            time.sleep(0.05)
        seconds = time.perf_counter() - started
        if process.wait():
            log.seek(0)
            raise SystemExit(log.read()[-2000:])
    return f"{seconds:.1f}", f"{peak / 1e6:.0f}"


# Extraction


def extraction_rows(folder: Path) -> Iterator[tuple[str, ...]]:
    """Yield the extraction of one patient of 16 slices of 512 x 512, against bare decoding."""
    options = PhantomOptions(patients=4, slices=16, matrix=512)
    write_phantom_cohort(folder / "large", options, seed=0)
    plain = _axial_files(next((folder / "large" / "dicom").iterdir()))
    zipped = []
    for path in plain:
        dataset = pydicom.dcmread(path)
        dataset.compress(JPEG2000Lossless, generate_instance_uid=False)
        dataset.save_as(folder / path.name)
        zipped.append(folder / path.name)
    yield from _one_patient("not compressed", plain, folder)
    yield from _one_patient("JPEG 2000", zipped, folder)


def _one_patient(kind: str, files: list[Path], folder: Path) -> Iterator[tuple[str, ...]]:
    plan = [
        {
            "slice_id": path.stem,
            "path": str(path),
            "frame": None,
            "label": 0,
            "sampled": True,
            "geometry": asdict(read_header(path).geometry),
            "masks": None,
        }
        for path in files
    ]
    table = folder / "patient.parquet"
    steps: dict[str, Callable[[], object]] = {
        "bare decoding": lambda: [pydicom.dcmread(path).pixel_array for path in files],
        "Hounsfield units": lambda: [read_slice(str(path), None) for path in files],
        "extract_slices": lambda: extract_slices("P", "test", plan, ExtractionOptions(), table),
    }
    for step in steps.values():
        step()
    times = {name: [] for name in steps}
    for _ in range(PAIRS):
        for name, step in steps.items():
            times[name].append(_seconds(step))
    for name, seconds in times.items():
        ratios = [ours / bare for ours, bare in zip(seconds, times["bare decoding"], strict=True)]
        note = f"{statistics.median(ratios):.2f} x bare, {len(files)} slices of 512 x 512, {kind}"
        yield f"one patient: {name}", f"{statistics.median(seconds):.3f}", "", note


def _seconds(step: Callable[[], object]) -> float:
    started = time.perf_counter()
    step()
    return time.perf_counter() - started


def _in_process(step: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds and the peak memory (MB) of a step that runs in a process of its own."""
    with process_pool(1) as pool:
        return pool.submit(_measured, step).result()


def _measured(step: Callable[[], object]) -> tuple[float, float]:
    seconds = _seconds(step)
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
