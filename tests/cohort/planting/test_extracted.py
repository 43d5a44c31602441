"""What a classifier sees of a sign: in the grid and window of the slices, and where its mask is."""

from dataclasses import asdict

import numpy as np
import pytest

from ct_importance.cohort.body_region import body_and_lung
from ct_importance.cohort.dicom.header import read_header
from ct_importance.cohort.extraction import Sign, extract_slice
from ct_importance.cohort.options import WITHOUT_PLACE, ExtractionOptions
from ct_importance.cohort.phantom.anatomy.render import draw_patient, render
from ct_importance.cohort.phantom.contrast import tissues
from ct_importance.io.slices import PLANTED
from tests.cohort.dicom_files import write_ct

SIZE = 64
UPRIGHT = (1, 0, 0, 0, 1, 0)
STORED = {
    UPRIGHT: lambda hu: hu,
    (-1, 0, 0, 0, -1, 0): lambda hu: hu[::-1, ::-1],
    (-1, 0, 0, 0, 1, 0): lambda hu: hu[:, ::-1],
    (0, 1, 0, 1, 0, 0): lambda hu: hu.T,
}
"""How one and the same slice is stored, by ImageOrientationPatient."""


@pytest.fixture(scope="module")
def hu():
    patient = draw_patient((3, "anyone"), (-165.0, 104.0), 128, 20.0)
    return render(patient, 10.0, tissues(False, "anyone", 3)).hu.astype(np.float32)


def seen(path, hu, sign, window=(-1000, 400), orientation=UPRIGHT):
    """The row of a slice."""
    stored = (STORED[orientation](hu) + 1024).astype(np.uint16)
    write_ct(path, stored=stored, ImageOrientationPatient=list(orientation))
    plan = {
        **{"slice_id": "one", "path": str(path), "frame": None, "frame_of_reference": ""},
        **{"label": 1, "sampled": True, "masks": None},
        "geometry": asdict(read_header(path).geometry),
    }
    options = ExtractionOptions(image_size=SIZE, hu_window=window)
    row, rejected = extract_slice((plan, None, 1), options, Sign(sign, seed=0))
    assert not rejected
    return row


@pytest.mark.parametrize("window", [(-1000, -100), (-1000, 400), (-160, 240)])
@pytest.mark.parametrize("sign", sorted(WITHOUT_PLACE))
def test_the_mask_of_a_control_is_the_body_in_any_window(hu, tmp_path, sign, window):
    mask = seen(tmp_path / "a.dcm", hu, sign, window)[PLANTED]
    body, _ = body_and_lung(hu)
    of_grid = body.reshape(SIZE, 2, SIZE, 2).mean(axis=(1, 3))
    assert mask[of_grid == 1].mean() > 0.98
    assert mask[of_grid == 0].mean() < 0.02


def test_a_marker_is_in_the_same_corner_however_slices_are_stored(hu, tmp_path):
    upright = seen(tmp_path / "a.dcm", hu, "marker")
    for orientation in STORED:
        row = seen(tmp_path / "b.dcm", hu, "marker", orientation=orientation)
        np.testing.assert_array_equal(row[PLANTED], upright[PLANTED])
        np.testing.assert_allclose(row["image"], upright["image"], atol=1e-6)


def test_a_sign_that_the_window_hides_has_no_place(tmp_path):
    """All of the body is white in it, with 40 HU more as without."""
    block = np.full((64, 64), -1000, np.float32)
    block[8:56, 8:56] = 50
    assert seen(tmp_path / "a.dcm", block, "offset")[PLANTED] is not None
    assert seen(tmp_path / "a.dcm", block, "offset", (-500, -400))[PLANTED] is None
