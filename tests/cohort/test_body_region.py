import csv
import errno
import os
from pathlib import Path

import numpy as np
import pytest

from scripts.cohort.body_region import find_chest, find_chests, lung_share
from scripts.cohort.dicom_header import read_header
from scripts.cohort.options import BodyRegionOptions
from scripts.cohort.pixels import read_hounsfield
from tests.cohort.dicom_files import write_ct, write_series
from tests.cohort.failing_disk import refusing

SIZE = 64


def slice_with_lungs(share: float) -> np.ndarray:
    """Stored values: a square body in air, a share of it aerated lung, and a bubble of gas."""
    hounsfield = np.full((SIZE, SIZE), -1000)
    hounsfield[12:52, 12:52] = 40
    hounsfield[14 : 14 + round(share * 40), 12:52] = -800
    hounsfield[50, 20:24] = -1000
    hounsfield[:, 63] = -700  # the pillow under the patient, not lung
    return (hounsfield + 1024).astype(np.uint16)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.3, 0.6])
def test_the_share_of_lung_is_that_of_the_body_alone(share):
    # Lung at the skin is open to the air around the body: it is drawn with a margin inside it.
    hounsfield = slice_with_lungs(share).astype(float) - 1024
    hounsfield[12:52, [12, 51]] = 40

    expected = round(share * 40) * 38 / 1600
    assert lung_share(hounsfield) == pytest.approx(expected)


def test_a_slice_of_air_shows_no_lung():
    assert lung_share(np.full((SIZE, SIZE), -1000.0)) == 0


def series_of_shares(folder: Path, shares: list[float]) -> list:
    paths = []
    for number, share in enumerate(shares):
        stored = slice_with_lungs(share)
        stored[12:52, 12:16] = stored[12:52, 48:52] = 1064
        stored[0, 0] = number  # no two slices are copies
        paths.append(write_ct(folder / f"{number}.dcm", z=number * 5.0, stored=stored))
    return [read_header(path) for path in paths]


def test_the_chest_is_the_longest_run_of_slices_with_lung(tmp_path):
    slices = series_of_shares(tmp_path, [0, 0.4, 0, 0, 0.2, 0.5, 0.6, 0.3, 0, 0])

    chest = find_chest(slices, BodyRegionOptions(region="chest", probes=10))

    assert chest == (20, 35)


def test_series_without_lung_have_no_chest_and_damaged_slices_are_passed_over(tmp_path):
    abdomen = series_of_shares(tmp_path / "abdomen", [0, 0, 0])
    chest = series_of_shares(tmp_path / "chest", [0.5, 0.5, 0.5])
    Path(chest[1].path).write_bytes(b"damaged")

    options = BodyRegionOptions(region="chest")
    assert find_chest(abdomen, options) is None
    assert find_chest(chest, options) == (0, 10)


def test_a_slice_that_may_not_be_read_is_an_error_not_a_series_without_lung(tmp_path):
    chest = series_of_shares(tmp_path, [0.5, 0.5])

    with refusing(chest[1].path, errno.EACCES), pytest.raises(PermissionError):
        find_chest(chest, BodyRegionOptions(region="chest"))


def test_processes_change_nothing(tmp_path):
    slices = [
        read_header(path)
        for name in ("a", "b")
        for path in write_series(tmp_path / name, 3, series=name)
    ]
    options = BodyRegionOptions(region="chest")

    assert find_chests(slices, options, workers=2) == find_chests(slices, options)


@pytest.mark.skipif(
    "CT_IMPORTANCE_DATA" not in os.environ,
    reason="CT_IMPORTANCE_DATA does not name the folder with real CT",
)
def test_real_slices_with_much_lung_are_told_from_those_without():
    folder = Path(os.environ["CT_IMPORTANCE_DATA"]) / "tcga_luad_contrast"
    with open(folder / "manifest.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    verdicts = {True: [], False: []}
    for row in rows:
        air = float(row["inner_air_pct"])
        if air > 27.5 or air < 7:
            hounsfield, _ = read_hounsfield(folder / "dicom" / row["file"])
            verdicts[air > 20].append(lung_share(hounsfield[::4, ::4]) >= 0.1)
    assert len(verdicts[True]) > 40
    assert len(verdicts[False]) > 20
    assert all(verdicts[True])
    assert not any(verdicts[False])
