import gzip
import itertools
import os
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from ct_importance.cohort.extraction import extract_slices
from ct_importance.cohort.headers import ImageSource, update_headers
from ct_importance.cohort.index import index_cohort
from ct_importance.cohort.labels.slice_labels import SliceLabels
from ct_importance.cohort.options import ExtractionOptions, SelectionOptions, SlicesPerPatient
from ct_importance.cohort.plan.selection import plan_patient
from ct_importance.cohort.rejection import RejectedFile
from ct_importance.cohort.volume import file as volume_file
from ct_importance.cohort.volume.parts import holds_pixels_of_another, name_of, parts_of
from ct_importance.cohort.volume.slices import (
    read_patients,
    read_volume_headers,
    read_volume_slice,
    volume_names,
)
from ct_importance.errors import InputError
from ct_importance.io.image_table import read_images
from tests.cohort.dicom_files import write_ct
from tests.cohort.indexing import index_sources
from tests.cohort.volume_files import SHAPE, voxels, write_volume

FORMATS = ["a.nii", "a.nii.gz", "a.mhd", "a.mha", "a.nrrd", "a.nhdr"]
DAMAGED = r"^cannot be read as a volume: "


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_same_slices(tmp_path, name, compressed):
    path = str(write_volume(tmp_path / name, compressed=compressed))

    headers = read_volume_headers(path)

    assert [header.slice_id for header in headers] == [f"a-{n:04d}" for n in range(SHAPE[0])]
    assert {header.patient_id for header in headers} == {"a"}
    assert (headers[0].rows, headers[0].columns) == SHAPE[1:]
    assert headers[0].spacing == pytest.approx((1.0, 0.5))
    assert [header.position for header in headers] == pytest.approx([30, 32.5, 35, 37.5, 40])
    for header in headers:
        np.testing.assert_array_equal(read_volume_slice(path, header.frame), voxels()[header.frame])


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.mha", "a.nrrd"])
def test_suffixes_may_be_in_upper_case(tmp_path, name):
    path = write_volume(tmp_path / name).rename(tmp_path / name.upper())

    assert {header.patient_id for header in read_volume_headers(str(path))} == {"A"}
    np.testing.assert_array_equal(read_volume_slice(str(path), 1), voxels()[1])


# Axes of the file in any order and direction, as viewers and converters write them.
ORIENTATIONS = [
    np.eye(3)[:, list(order)] * signs
    for order in itertools.permutations(range(3))
    for signs in ((1, 1, 1), (-1, 1, -1))
]


@pytest.mark.parametrize("directions", ORIENTATIONS, ids=lambda it: str(it.ravel().astype(int)))
def test_a_volume_gives_the_same_picture_in_any_orientation(tmp_path, directions):
    upright = write_volume(tmp_path / "upright.mha", spacing=(1.0, 1.0, 1.0))
    turned = SimpleITK.ReadImage(str(upright))
    order = [int(np.argmax(np.abs(directions[:, axis]))) for axis in range(3)]
    flips = [bool(directions[order[axis], axis] < 0) for axis in range(3)]
    turned = SimpleITK.Flip(SimpleITK.PermuteAxes(turned, order), flips)
    SimpleITK.WriteImage(turned, str(tmp_path / "turned.nii"))
    assert np.allclose(np.reshape(turned.GetDirection(), (3, 3)), directions)

    pictures = []
    for path in (upright, tmp_path / "turned.nii"):
        entries = sorted(read_volume_headers(str(path)), key=lambda entry: entry.position)
        options = SelectionOptions(slices_per_patient=SlicesPerPatient(train=5), inner_fraction=1)
        labels = SliceLabels({entry.series: 1 for entry in entries})
        plan = plan_patient(entries, labels, "train", {}, options)
        table = tmp_path / f"{path.stem}.parquet"
        assert not extract_slices("P", "train", plan, ExtractionOptions(image_size=32), table)
        pictures.append(read_images(table, "image"))

    np.testing.assert_array_equal(pictures[0], pictures[1])


def cut_short(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.mha", "a.nrrd"])
def test_a_volume_that_is_cut_short_is_set_aside(tmp_path, name, compressed):
    path = write_volume(tmp_path / name, compressed=compressed)
    cut_short(path)

    with pytest.raises(RejectedFile, match=DAMAGED):
        read_volume_slice(str(path), 4)


@pytest.mark.parametrize(
    ("name", "pixels", "place"),
    [
        ("a.nii.gz", "a.nii.gz", -6),
        ("a.nrrd", "a.nrrd", -6),
        ("a.nhdr", "a.raw.gz", -6),
        ("a.mha", "a.mha", -2),
        ("a.mhd", "a.zraw", -2),
    ],
)
def test_a_wrong_checksum_is_noticed_when_a_slice_is_read(tmp_path, name, pixels, place):
    path = write_volume(tmp_path / name, compressed=True)
    content = bytearray((tmp_path / pixels).read_bytes())
    content[place] ^= 0xFF
    (tmp_path / pixels).write_bytes(content)

    # The index reads headers only.
    assert len(read_volume_headers(str(path))) == SHAPE[0]
    with pytest.raises(RejectedFile, match=DAMAGED):
        read_volume_slice(str(path), 4)


@pytest.mark.parametrize("name", ["a.mha", "a.nrrd"])
def test_damaged_bytes_in_zipped_voxels_are_noticed_when_a_slice_is_read(tmp_path, name):
    path = write_volume(tmp_path / name, compressed=True)
    content = bytearray(path.read_bytes())
    content[-500:-480] = bytes(20)
    path.write_bytes(content)

    assert len(read_volume_headers(str(path))) == SHAPE[0]
    with pytest.raises(RejectedFile, match=DAMAGED):
        read_volume_slice(str(path), 0)


def test_a_zipped_nifti_is_unzipped_once_and_again_when_it_has_changed(tmp_path, monkeypatch):
    opened = []

    def note(path, *args):
        opened.append(path)
        return gzip_open(path, *args)

    gzip_open = gzip.open
    monkeypatch.setattr(volume_file.gzip, "open", note)
    for number in (1, 2):
        path = str(write_volume(tmp_path / "a.nii.gz", voxels(number)))
        os.utime(path, ns=(number, number))
        for frame in range(SHAPE[0]):
            np.testing.assert_array_equal(read_volume_slice(path, frame), voxels(number)[frame])
        assert opened == [path] * number


def test_a_header_without_its_pixels_is_set_aside(tmp_path):
    path = write_volume(tmp_path / "a.mhd")
    (tmp_path / "a.raw").unlink()

    with pytest.raises(RejectedFile, match="is a header whose data file is missing"):
        read_volume_headers(str(path))


def test_a_header_with_many_data_files_is_set_aside(tmp_path):
    path = write_volume(tmp_path / "a.mhd")
    path.write_text(path.read_text().replace("a.raw", "slice%02d.raw 0 4 1"))

    with pytest.raises(RejectedFile, match="is spread over several data files"):
        read_volume_headers(str(path))


@pytest.mark.parametrize(("name", "pixels"), [("a.mhd", "a.raw"), ("a.mha", "a.mha")])
def test_the_pixels_of_a_header_may_not_fall_short(tmp_path, name, pixels):
    path = write_volume(tmp_path / name)
    content = (tmp_path / pixels).read_bytes()
    (tmp_path / pixels).write_bytes(content[:-1])

    with pytest.raises(RejectedFile, match=DAMAGED):
        read_volume_headers(str(path))


def test_volumes_that_are_no_ct_are_set_aside_with_the_reason(tmp_path):
    colour = SimpleITK.GetImageFromArray(np.zeros((4, 8, 8, 3), np.uint8), isVector=True)
    SimpleITK.WriteImage(colour, str(tmp_path / "colour.nrrd"))
    still = SimpleITK.GetImageFromArray(voxels())
    SimpleITK.WriteImage(SimpleITK.JoinSeries([still, still]), str(tmp_path / "film.nii"))
    (tmp_path / "words.nii.gz").write_text("no volume")
    (tmp_path / "notes.txt").write_text("no volume")
    tilted = np.array([[1, 0, 0], [0, 0.7071, -0.7071], [0, 0.7071, 0.7071]])
    write_volume(tmp_path / "oblique.mha", directions=tilted)

    reasons = {}
    for path in tmp_path.iterdir():
        with pytest.raises(RejectedFile) as reason:
            read_volume_headers(str(path))
        reasons[path.name] = str(reason.value)
    assert reasons == {
        "colour.nrrd": "volume has several values per voxel",
        "film.nii": "volume has 4 dimensions, not 3",
        "words.nii.gz": "cannot be read as a volume: damaged, it cannot be unzipped",
        "notes.txt": "not a volume (.nii.gz, .nii, .nrrd, .nhdr, .mha, .mhd)",
        "oblique.mha": "not axial",
    }


@pytest.mark.parametrize(
    ("unit", "millimetres", "reason"),
    [
        ("meter", 1.0, "volume is measured in meters (xyzt_units): write it in millimetres"),
        ("micron", 1.0, "volume is measured in microns (xyzt_units): write it in millimetres"),
        ("mm", 0.001, "spacing of the voxels cannot be in millimetres"),
        ("unknown", 0.001, "spacing of the voxels cannot be in millimetres"),
        ("unknown", 1000.0, "spacing of the voxels cannot be in millimetres"),
    ],
)
def test_a_nifti_that_is_not_in_millimetres_is_set_aside(tmp_path, unit, millimetres, reason):
    import nibabel

    affine = np.diag([0.7 * millimetres, 0.7 * millimetres, 2.5 * millimetres, 1])
    image = nibabel.Nifti1Image(voxels().T, affine)
    image.header.set_xyzt_units(unit)
    nibabel.save(image, tmp_path / "a.nii")

    with pytest.raises(RejectedFile) as raised:
        read_volume_headers(str(tmp_path / "a.nii"))

    assert str(raised.value) == reason


def test_a_volume_with_voxels_beyond_reason_is_set_aside(tmp_path):
    path = write_volume(tmp_path / "a.mha", spacing=(0.5, 2.1, 2.5))

    with pytest.raises(RejectedFile, match="spacing of the voxels cannot be in millimetres"):
        read_volume_headers(str(path))


@pytest.mark.parametrize("name", ["a.nii.gz", "a.mha", "a.nrrd"])
def test_a_volume_sheared_by_the_tilt_of_the_gantry_is_set_aside(tmp_path, name):
    tilt = np.deg2rad(15)
    path = write_sheared(tmp_path / name, tilt)

    with pytest.raises(RejectedFile, match="axes of the volume are not at right angles"):
        read_volume_headers(str(path))


def write_sheared(path: Path, tilt: float) -> Path:
    """Write a volume whose slices are upright, but not straight above each other."""
    import nibabel

    if path.suffix == ".gz":
        affine = np.eye(4)
        affine[1, 2] = np.tan(tilt)
        nibabel.save(nibabel.Nifti1Image(voxels().T, affine), path)
        return path
    write_volume(path, spacing=(1.0, 1.0, 1.0))
    content = path.read_bytes()
    for upright, sheared in (
        (b"TransformMatrix = 1 0 0 0 1 0 0 0 1", b"TransformMatrix = 1 0 0 0 1 0 0 %.3f 1"),
        (b"(0,0,1)", b"(0,%.3f,1)"),
    ):
        content = content.replace(upright, sheared % np.tan(tilt))
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", ["a.nii", "a.mha", "a.mhd", "a.nrrd"])
def test_a_fourth_dimension_of_one_is_no_harm(tmp_path, name):
    still = SimpleITK.GetImageFromArray(voxels())
    SimpleITK.WriteImage(SimpleITK.JoinSeries([still]), str(tmp_path / name))

    for header in read_volume_headers(str(tmp_path / name)):
        pixels = read_volume_slice(header.path, header.frame)
        np.testing.assert_array_equal(pixels, voxels()[header.frame])


def test_slices_without_hounsfield_units_are_set_aside(tmp_path):
    grey = write_volume(tmp_path / "grey.mha", np.full(SHAPE, 128, np.uint8))
    holes = voxels().astype(np.float32)
    holes[2, 3, 4] = np.nan
    partly = write_volume(tmp_path / "nan.mha", holes)

    with pytest.raises(RejectedFile, match="no value is below 0: not in Hounsfield units"):
        read_volume_slice(str(grey), 0)
    with pytest.raises(RejectedFile, match="slice has values that are not finite"):
        read_volume_slice(str(partly), 2)
    np.testing.assert_array_equal(read_volume_slice(str(partly), 1), holes[1])


def test_names_are_without_the_suffix():
    assert [name_of(name) for name in ("x/LNDb-0001.mhd", "y.NII.GZ", "a.b.nrrd")] == [
        "LNDb-0001",
        "y",
        "a.b",
    ]


def test_the_pixels_beside_a_header_are_no_file_of_their_own():
    paths = {"f/a.mhd", "f/a.raw", "f/b.raw", "f/c.nhdr", "f/c.raw.gz", "f/D.MHD", "f/D.RAW"}
    paths |= {"f/e.hdr", "f/e.img", "f/g.mha", "f/g.raw"}

    assert {path for path in paths if holds_pixels_of_another(path, paths)} == {
        "f/a.raw",
        "f/c.raw.gz",
        "f/D.RAW",
        "f/e.img",
    }


@pytest.mark.parametrize("name", ["LOCAL", "Local"])
def test_a_header_may_say_that_its_pixels_follow(tmp_path, name):
    path = write_volume(tmp_path / "a.mha")
    path.write_bytes(path.read_bytes().replace(b"LOCAL", name.encode()))

    assert parts_of(path) == [path]
    np.testing.assert_array_equal(read_volume_slice(str(path), 1), voxels()[1])


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["/d/P1.nii", "/d/P1.nii.gz", "/d/P2.nii"], ["P1.nii", "P1.nii.gz", "P2"]),
        (["/d/x/a.nii", "/d/x/a.mha", "/d/y/a.nii"], ["x_a.nii", "x_a.mha", "y_a"]),
        (["/d/P1_ct.nii", "/d/P1/ct.nii", "/d/P2/ct.nii"], ["P1_ct", "d_P1_ct", "P2_ct"]),
        (["/d/1/P1/ct.nii", "/d/2/P1/ct.nii"], ["1_P1_ct", "2_P1_ct"]),
        (["/d/ct.nii", "/d/d/ct.nii"], ["_d_ct", "d_d_ct"]),
        (["ct.nii", "d/ct.nii", "d/notes.txt"], ["ct", "d_ct"]),
    ],
)
def test_no_two_volumes_have_one_name(paths, names):
    for order in itertools.permutations(paths):
        found = volume_names(order)
        assert [found[path] for path in paths if path in found] == names


def test_volumes_that_no_folder_tells_apart_are_an_error():
    paths = ["a_b/c.nii", "a/b_c.nii", "x/c.nii", "x/b_c.nii"]

    with pytest.raises(InputError, match=r"^a_b/c\.nii and a/b_c\.nii would have one name"):
        volume_names(paths)


def test_a_volume_that_lies_there_in_two_formats_is_of_one_patient(tmp_path):
    write_volume(tmp_path / "P1.nii")
    write_volume(tmp_path / "P1.nii.gz")

    index = index_sources(ImageSource("v", [tmp_path], are_volumes=True))

    assert {entry.series for entry in index.slices} == {("P1", "P1.nii"), ("P1", "P1.nii.gz")}
    assert len(index.slices) == 2 * SHAPE[0]


# The CSV of patients


def write_csv(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_patients_are_named_by_as_much_of_the_path_as_tells_files_apart(tmp_path):
    files = ["x/one/ct.nii", "x/two/ct.nii", "x/three.nii", "x/four.nii"]
    csv_path = write_csv(
        tmp_path / "p.csv", "file,patient_id\none/ct.nii,P1\ntwo/ct.nii,P2\nthree.nii,P3\n"
    )

    assert read_patients(csv_path, files) == {
        "x/one/ct.nii": "P1",
        "x/two/ct.nii": "P2",
        "x/three.nii": "P3",
    }


def test_accents_are_compared_however_they_are_encoded(tmp_path):
    one, other = "u\u0308", "\u00fc"
    csv_path = write_csv(tmp_path / "p.csv", f"file,patient_id\n{other}/1.nii,P{one}\n")

    assert read_patients(csv_path, [f"x/{one}/1.nii"]) == {f"x/{one}/1.nii": f"P{other}"}
    assert volume_names([f"{one}.nii"]) == {f"{one}.nii": other}
    with pytest.raises(InputError, match="would have one name"):
        volume_names([f"{one}.nii", f"{other}.nii"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,patient_id\n", "has no column 'file' among the 2 of its first line"),
        ("x.nii,Doe^Jane\n", "has no column 'file' among the 2 [^D]*$"),
        (f"file,patient_id\n{'x' * 200_000},P1\n", r"p\.csv, line 2: not as CSV should be"),
        ("file,patient_id\nelse.nii,P1\n", "its column file names none of the 1 volumes found"),
    ],
)
def test_a_csv_of_patients_that_does_not_fit_is_an_error(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read_patients(write_csv(tmp_path / "p.csv", text), ["a.nii"])


def test_volumes_that_the_csv_does_not_name_are_set_aside(tmp_path):
    write_volume(tmp_path / "ct" / "a.nii", voxels(1))
    write_volume(tmp_path / "ct" / "b.nii", voxels(2))
    csv_path = write_csv(tmp_path / "p.csv", "file,patient_id\na.nii,P1\n")

    index = index_sources(ImageSource("v", [tmp_path / "ct"], True, patients_csv=csv_path))

    assert {entry.patient_id for entry in index.slices} == {"P1"}
    assert index.rejected == {
        str(tmp_path / "ct" / "b.nii"): (
            "no patient_id in the CSV of cohort.datasets.<name>.patients"
        )
    }


# In the index


def test_a_copied_volume_is_set_aside_and_its_patients_stay_together(tmp_path):
    write_volume(tmp_path / "a.mhd")
    write_volume(tmp_path / "b.nii.gz", voxels(2))
    for suffix in ("mhd", "raw"):
        content = (tmp_path / f"a.{suffix}").read_bytes()
        (tmp_path / f"c.{suffix}").write_bytes(content.replace(b"a.raw", b"c.raw"))

    index = index_sources(ImageSource("v", [tmp_path], are_volumes=True))

    assert {entry.patient_id for entry in index.slices} == {"a", "b"}
    assert index.same_person == {("a", "c")}
    assert (
        index.rejected[f"{tmp_path}/c.mhd, slice 3"] == f"exact copy of {tmp_path}/a.mhd, slice 3"
    )
    assert len(index.rejected) == SHAPE[0]


def test_two_volumes_of_one_name_are_not_mixed_up(tmp_path):
    write_volume(tmp_path / "v" / "x" / "ct.nii", voxels(0, (3, 12, 16)))
    write_volume(tmp_path / "v" / "y" / "ct.nii", voxels(1, (6, 12, 16)))
    write_volume(tmp_path / "w" / "x_ct.nii", voxels(2))

    index = index_sources(
        ImageSource("v", [tmp_path / "v"], are_volumes=True),
        ImageSource("w", [tmp_path / "w"], are_volumes=True),
    )

    assert not index.rejected
    found = Counter((entry.patient_id, entry.series_uid, entry.path) for entry in index.slices)
    assert found == {
        ("x_ct", "x_ct", f"{tmp_path}/v/x/ct.nii"): 3,
        ("y_ct", "y_ct", f"{tmp_path}/v/y/ct.nii"): 6,
        ("w-x_ct", "w-x_ct", f"{tmp_path}/w/x_ct.nii"): 5,
    }
    assert len({entry.slice_id for entry in index.slices}) == 14


def test_a_volume_that_would_take_the_name_of_another_is_an_error(tmp_path):
    write_volume(tmp_path / "v" / "ct.nii")
    for number, name in enumerate(("ct.nii", "w-ct.nii")):
        write_volume(tmp_path / "w" / name, voxels(number + 1))
    csv_path = write_csv(tmp_path / "p.csv", "file,patient_id\nct.nii,P1\nw-ct.nii,P2\n")

    with pytest.raises(InputError, match="volume w-ct comes twice: rename the dataset"):
        index_sources(
            ImageSource("v", [tmp_path / "v"], are_volumes=True),
            ImageSource("w", [tmp_path / "w"], are_volumes=True, patients_csv=csv_path),
        )


def test_a_copied_volume_that_is_gone_when_the_cohort_is_indexed_stops_nothing(tmp_path):
    write_volume(tmp_path / "v" / "a.nii")
    copy = Path(shutil.copy(tmp_path / "v" / "a.nii", tmp_path / "v" / "b.nii"))
    update_headers(ImageSource("v", [tmp_path / "v"], are_volumes=True), tmp_path / "v.parquet")
    copy.unlink()

    index = index_cohort([tmp_path / "v.parquet"])

    assert {entry.patient_id for entry in index.slices} == {"a", "b"}


def test_datasets_are_told_apart_where_patients_have_the_same_id(tmp_path):
    write_ct(tmp_path / "dicom" / "1.dcm", patient="7")
    write_volume(tmp_path / "volumes" / "7.nii")
    write_volume(tmp_path / "volumes" / "8.nii", voxels(8))

    index = index_sources(
        ImageSource("lidc", [tmp_path / "dicom"]),
        ImageSource("lndb", [tmp_path / "volumes"], are_volumes=True),
    )

    assert {(entry.dataset, entry.patient_id) for entry in index.slices} == {
        ("lidc", "7"),
        ("lndb", "lndb-7"),
        ("lndb", "8"),
    }


@pytest.mark.skipif(
    "CT_IMPORTANCE_DATA" not in os.environ,
    reason="CT_IMPORTANCE_DATA does not name the folder with real CT",
)
def test_a_real_nifti_equals_nibabel(tmp_path):
    import nibabel

    source = Path(os.environ["CT_IMPORTANCE_DATA"]) / "chest_cta_masks" / "ct_cropped.nii.gz"
    path = shutil.copy(source, tmp_path)
    image = nibabel.load(path)
    array, to_ras = np.asarray(image.dataobj), image.affine

    headers = read_volume_headers(str(path))

    for header in headers[::40]:
        pixels = read_volume_slice(str(path), header.frame)
        corner = header.geometry.affine @ [7, 5, 0, 1]
        voxel = np.rint(np.linalg.inv(to_ras) @ (corner * [-1, -1, 1, 1])).astype(int)
        assert pixels[5, 7] == pytest.approx(array[tuple(voxel[:3])])
