import csv
import errno
import faulthandler
import os
import signal
from pathlib import Path

import numpy as np
import pytest

from ct_importance.cohort import body_region
from ct_importance.cohort.body_region import Chest, find_chest, find_chests, lung_share
from ct_importance.cohort.dicom.header import read_header
from ct_importance.cohort.options import BodyRegionOptions
from ct_importance.cohort.pixels import read_hounsfield
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


def test_the_edges_of_the_bowels_gas_are_no_lung():
    hounsfield = np.full((SIZE, SIZE), -1000.0)
    hounsfield[12:52, 12:52] = 40
    for row in (20, 30, 40):
        hounsfield[row : row + 6, 16:48] = -700
        hounsfield[row + 2 : row + 4, 18:46] = -1000

    assert lung_share(hounsfield) == 0


def test_a_slice_of_air_shows_no_lung():
    assert lung_share(np.full((SIZE, SIZE), -1000.0)) == 0


def series_of_shares(folder: Path, shares: list[float]) -> list:
    paths = []
    for number, share in enumerate(shares):
        stored = slice_with_lungs(share)
        stored[12:52, 12:16] = stored[12:52, 48:52] = 1064
        stored[0, 0] = number  # no two slices are copies
        paths.append(
            write_ct(folder / f"{number}.dcm", z=number * 5.0, stored=stored, PixelSpacing=[4, 4])
        )
    return [read_header(path) for path in paths]


def test_the_chest_is_the_longest_run_of_slices_with_lung(tmp_path):
    slices = series_of_shares(tmp_path, [0, 0.4, 0, 0, 0.2, 0.5, 0.6, 0.3, 0, 0])

    chest = find_chest(slices, BodyRegionOptions(region="chest", probes=10))

    assert chest.region == (20, 35)
    assert list(chest.shares) == [5.0 * number for number in range(10)]
    assert chest.shares[0] == 0
    assert chest.shares[5] == pytest.approx(0.32)


def test_lungs_with_infiltrates_between_healthy_ones_are_chest(tmp_path):
    # Their share is below lung_air, but not by half; that of the last lies beside no lung.
    slices = series_of_shares(tmp_path, [0, 0.2, 0.5, 0.1, 0.1, 0.1, 0.2, 0.1, 0, 0.1])
    options = BodyRegionOptions(region="chest", probes=10, lung_air=0.14)
    shares = find_chest(slices, options).shares.values()

    assert [round(share, 2) for share in shares] == [
        0, 0.16, 0.4, 0.08, 0.08, 0.08, 0.16, 0.08, 0, 0.08
    ]  # fmt: skip
    assert find_chest(slices, options).region == (5, 35)
    assert find_chest(slices[3:6], options).region is None


def test_series_without_lung_have_no_chest_and_damaged_slices_are_passed_over(tmp_path):
    abdomen = series_of_shares(tmp_path / "abdomen", [0, 0, 0])
    chest = series_of_shares(tmp_path / "chest", [0.5, 0.5, 0.5])
    Path(chest[1].path).write_bytes(b"damaged")

    options = BodyRegionOptions(region="chest")
    assert find_chest(abdomen, options) == Chest(None, {0: 0, 5: 0, 10: 0})
    assert find_chest(chest, options).region == (0, 10)


def test_a_slice_that_may_not_be_read_is_an_error_not_a_series_without_lung(tmp_path):
    chest = series_of_shares(tmp_path, [0.5, 0.5])

    with refusing(chest[1].path, errno.EACCES), pytest.raises(PermissionError):
        find_chest(chest, BodyRegionOptions(region="chest"))


@pytest.mark.parametrize("workers", [1, 2])
def test_a_slice_that_crashes_its_decoder_is_passed_over(tmp_path, monkeypatch, workers):
    slices = series_of_shares(tmp_path / "a", [0.5, 0.5, 0.5])
    read_slice = body_region.read_slice

    def crash(path: str, frame: int | None) -> np.ndarray:
        if path == slices[1].path:
            faulthandler.disable()
            os.kill(os.getpid(), signal.SIGSEGV)
        return read_slice(path, frame)

    monkeypatch.setattr(body_region, "read_slice", crash)

    (chest,) = find_chests(slices, BodyRegionOptions(region="chest"), workers).values()

    assert list(chest.shares) == [0, 10]
    assert chest.region == (0, 10)


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
def test_real_slices_with_lung_are_told_from_those_without():
    folder = Path(os.environ["CT_IMPORTANCE_DATA"]) / "tcga_luad_contrast"
    with open(folder / "manifest.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    infiltrated, emphysema, gas_in_the_bowel = (
        ("0042", "0055"),
        "0029",
        ("0028", "0045", "0079", "0080", "0094"),
    )
    least = BodyRegionOptions().lung_air
    much, little = [], []
    for row in rows:
        hounsfield, _ = read_hounsfield(folder / "dicom" / row["file"])
        share, air = lung_share(hounsfield[::4, ::4]), float(row["inner_air_pct"])
        number = row["file"][3:7]
        if air > 27.5 or number in (*infiltrated, emphysema):
            much.append(share)
        elif air < 4 or number in gas_in_the_bowel:
            little.append(share)
    assert len(much) > 40
    assert len(little) > 20
    assert max(little) < least <= min(much)
