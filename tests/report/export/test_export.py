"""Maps come back where they belong: read by other programs than wrote them."""

import csv
from pathlib import Path

import highdicom
import nibabel
import numpy as np
import pyarrow as pa
import pydicom
import pytest
import SimpleITK
from pydicom.uid import generate_uid

from ct_importance.cohort.dicom.geometry import SliceGeometry
from ct_importance.cohort.extraction import resize_to_grid
from ct_importance.cohort.slice_entry import SliceEntry, volume_slice_id, write_index
from ct_importance.errors import InputError
from ct_importance.io.image_table import image_field, write_table
from ct_importance.report.export.source import in_source_grid, top_region
from ct_importance.report.export.write import export_maps
from ct_importance.report.jobs import ExportJob

SIZE = 64
UPRIGHT, TURNED = (1.0, 0, 0, 0, 1, 0), (0.0, 1, 0, 1, 0, 0)
MIRRORED, PRONE = (-1.0, 0, 0, 0, 1, 0), (-1.0, 0, 0, 0, -1, 0)
ORIENTATIONS = {"upright": UPRIGHT, "turned": TURNED, "mirrored": MIRRORED, "prone": PRONE}
JOB = ExportJob(
    estimator="smoothgrad",
    title="SmoothGrad of resnet50, training 1",
    formats=("nifti", "parametric_map", "segmentation"),
    top=0.02,
)


def entry(number, orientation=UPRIGHT, shift=(0.0, 0.0), **others):
    """A slice of 40 x 50 pixels of 2 x 1.5 mm, 5 mm above the one before it."""
    fields = {
        "dataset": "a",
        "slice_id": generate_uid(entropy_srcs=[f"slice {number}"]),
        "series_uid": "1.2.3",
        "study_uid": "1.2",
        "frame_of_reference": "1.2.9",
        "patient_id": "patient-7",
        "path": f"{number}.dcm",
        "frame": None,
        "rows": 40,
        "columns": 50,
        "origin": (-30.0 + shift[0] * number, -20.0 + shift[1] * number, 100.0 + 5 * number),
        "orientation": orientation,
        "spacing": (2.0, 1.5),
        "contrast_tag": "unknown",
        "description_label": None,
    }
    fields |= others
    geometry = SliceGeometry(
        *(fields[name] for name in ("rows", "columns", "origin", "orientation", "spacing"))
    )
    return SliceEntry(**fields, position=geometry.position)


def planted(one, row=11, column=33):
    """A map whose highest value stands at a pixel of the slice, and where that is in mm."""
    pixels = np.zeros((one.rows, one.columns), np.float32)
    pixels[row - 1 : row + 2, column - 1 : column + 2] = 0.5
    pixels[row, column] = 1
    small = resize_to_grid(pixels, one.geometry, SIZE, clip=False)
    return small - 0.1, (one.geometry.affine @ [column, row, 0, 1])[:3]


def export(folder, entries, maps, job=JOB):
    """Write maps by the number of their entry, and return what files.csv says."""
    write_index(folder / "index.parquet", entries)
    schema = pa.schema([("slice_id", pa.string()), image_field("importance", (SIZE, SIZE))])
    columns = {
        "slice_id": [entries[number].slice_id for number in maps],
        "importance": np.stack(list(maps.values())),
    }
    write_table(folder / "maps.parquet", schema, columns)
    export_maps(job, folder / "maps.parquet", folder / "index.parquet", folder / "export")
    with open(folder / "export" / "files.csv", newline="") as file:
        return list(csv.DictReader(file))


def brightest(image):
    """Where a volume that SimpleITK has read is brightest, in mm (LPS)."""
    pixels = np.nan_to_num(SimpleITK.GetArrayFromImage(image), nan=-np.inf)
    z, y, x = np.unravel_index(pixels.argmax(), pixels.shape)
    return np.array(image.TransformIndexToPhysicalPoint((int(x), int(y), int(z))))


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_a_planted_voxel_keeps_its_place_in_millimetres(tmp_path, orientation):
    entries = [entry(number, ORIENTATIONS[orientation]) for number in range(5)]
    small, place = planted(entries[3])
    rows = export(tmp_path, entries, {1: np.full((SIZE, SIZE), -0.1, "f4"), 3: small})

    nifti, map_file, top_file = (tmp_path / "export" / row["file"] for row in rows)
    np.testing.assert_allclose(brightest(SimpleITK.ReadImage(str(nifti))), place, atol=0.01)
    image = nibabel.load(nifti)
    voxel = np.unravel_index(np.nanargmax(image.get_fdata()), image.shape)
    ras = nibabel.affines.apply_affine(image.affine, voxel)
    np.testing.assert_allclose(ras * [-1, -1, 1], place, atol=0.01)

    found = pydicom.dcmread(map_file)
    frame = int(found.pixel_array.max(axis=(1, 2)).argmax())
    own = found.PerFrameFunctionalGroupsSequence[frame]
    shared = found.SharedFunctionalGroupsSequence[0]
    row, column = np.unravel_index(found.pixel_array[frame].argmax(), (40, 50))
    geometry = SliceGeometry(
        40,
        50,
        tuple(own.PlanePositionSequence[0].ImagePositionPatient),
        tuple(shared.PlaneOrientationSequence[0].ImageOrientationPatient),
        tuple(shared.PixelMeasuresSequence[0].PixelSpacing),
    )
    np.testing.assert_allclose((geometry.affine @ [column, row, 0, 1])[:3], place, atol=0.01)
    source = own.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
    assert source == entries[3].slice_id

    region = highdicom.seg.segread(top_file)
    pixels = region.get_pixels_by_source_instance([entries[3].slice_id])[0, :, :, 0]
    assert pixels[row, column]
    assert 0 < pixels.mean() < 0.06


def test_what_the_files_say_of_themselves(tmp_path):
    entries = [entry(number) for number in range(3)]
    maps = {number: planted(entries[number])[0] for number in (0, 2)}
    rows = export(tmp_path, entries, maps)

    assert [row["file"] for row in rows] == [
        f"patient-7/1.2.3{end}" for end in (".nii.gz", "_map.dcm", "_top.dcm")
    ]
    assert {row["slices"] for row in rows} == {"2"}
    assert rows[0]["slice_ids"] == f"{entries[0].slice_id} {entries[2].slice_id}"
    found = pydicom.dcmread(tmp_path / "export" / rows[1]["file"])
    assert found.SeriesDescription == "SmoothGrad of resnet50, training 1"
    assert found.FrameOfReferenceUID == "1.2.9"
    assert (found.StudyInstanceUID, found.PatientID) == ("1.2", "patient-7")
    assert found.PatientName == ""
    mapping = found.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence[0]
    quantity = mapping.QuantityDefinitionSequence[0].ConceptCodeSequence[0]
    assert quantity.CodeMeaning == "Class activation"
    assert mapping.RealWorldValueSlope == 1
    stored = np.stack([in_source_grid(maps[number], entries[number].geometry) for number in maps])
    np.testing.assert_array_equal(found.pixel_array, stored)
    region = pydicom.dcmread(tmp_path / "export" / rows[2]["file"])
    assert region.SeriesDescription == "top 2 % of SmoothGrad of resnet50, training 1"
    assert region.SegmentSequence[0].SegmentLabel == "top 2 %"


def test_slices_without_a_map_hold_no_number(tmp_path):
    entries = [entry(number) for number in range(4)]
    rows = export(tmp_path, entries, {2: planted(entries[2])[0]})
    pixels = nibabel.load(tmp_path / "export" / rows[0]["file"]).get_fdata()
    assert pixels.shape == (50, 40, 4)
    assert np.isfinite(pixels).all(axis=(0, 1)).tolist() == [False, False, True, False]


@pytest.mark.parametrize(
    "entries",
    [
        [entry(0), entry(1), entry(3)],  # one is missing
        [entry(number, shift=(1.0, 0.0)) for number in range(3)],  # a gantry that is tilted
        [entry(0), entry(1, rows=30)],
    ],
)
def test_slices_that_are_no_even_stack_are_files_of_their_own(tmp_path, entries):
    small, place = planted(entries[-1])
    rows = export(tmp_path, entries, {0: np.zeros((SIZE, SIZE), "f4"), len(entries) - 1: small})

    volumes = [row["file"] for row in rows if row["file"].endswith(".nii.gz")]
    assert len(volumes) == 2
    image = SimpleITK.ReadImage(str(tmp_path / "export" / volumes[1]))
    assert image.GetSize()[2] == 1
    np.testing.assert_allclose(brightest(image), place, atol=0.01)


@pytest.mark.parametrize("axes", [(1, 2, 3), (-2, 1, 3), (3, -1, 2)])
def test_a_volume_gets_its_own_affine_and_no_dicom(tmp_path, axes):
    from ct_importance.cohort.volume.slices import read_volume_headers

    ct = np.random.default_rng(0).normal(0, 100, (50, 40, 6)).astype("i2")
    affine = np.diag([-1.5, -2.0, 5.0, 1.0])
    affine[:3, 3] = 30, 20, 100
    stored = nibabel.as_closest_canonical(nibabel.Nifti1Image(ct, affine))
    codes = nibabel.orientations.axcodes2ornt(
        [
            "LR"[it > 0] if abs(it) == 1 else "PA"[it > 0] if abs(it) == 2 else "IS"[it > 0]
            for it in axes
        ]
    )
    turn = nibabel.orientations.ornt_transform(
        nibabel.orientations.io_orientation(stored.affine), codes
    )
    stored = stored.as_reoriented(turn)
    nibabel.save(stored, tmp_path / "ct.nii.gz")
    headers = read_volume_headers(str(tmp_path / "ct.nii.gz"))
    fields = SliceEntry.__dataclass_fields__
    entries = [SliceEntry(**{name: getattr(one, name) for name in fields}) for one in headers]
    number = next(n for n, it in enumerate(entries) if it.slice_id == volume_slice_id("ct", 4))
    small, place = planted(entries[number])

    rows = export(tmp_path, entries, {number: small})

    (path,) = (tmp_path / "export" / row["file"] for row in rows)
    found = nibabel.load(path)
    assert found.shape == stored.shape
    np.testing.assert_allclose(found.affine, stored.affine, atol=1e-5)
    np.testing.assert_allclose(brightest(SimpleITK.ReadImage(str(path))), place, atol=0.01)


def test_a_series_without_a_frame_of_reference_has_no_dicom(tmp_path):
    entries = [entry(number, frame_of_reference="") for number in range(2)]
    rows = export(tmp_path, entries, {0: planted(entries[0])[0]})
    assert [Path(row["file"]).suffix for row in rows] == [".gz"]


def test_only_the_formats_that_are_asked_for_are_written(tmp_path):
    entries = [entry(number) for number in range(2)]
    job = JOB.model_copy(update={"formats": ("segmentation",)})
    rows = export(tmp_path, entries, {0: planted(entries[0])[0]}, job)
    assert [row["holds"] for row in rows] == ["top 2 %"]


def test_a_map_of_an_unknown_slice_is_an_error(tmp_path):
    entries = [entry(number) for number in range(2)]
    export(tmp_path, entries, {0: planted(entries[0])[0]})
    write_index(tmp_path / "index.parquet", entries[1:])
    with pytest.raises(InputError, match="is not in"):
        export_maps(JOB, tmp_path / "maps.parquet", tmp_path / "index.parquet", tmp_path / "b")


def test_the_grid_of_the_slice_is_what_resizing_came_from():
    random = np.random.default_rng(3)
    for orientation in ORIENTATIONS.values():
        geometry = SliceGeometry(40, 50, (0.0, 0.0, 0.0), orientation, (2.0, 1.5))
        smooth = np.add.outer(np.linspace(0, 1, 40), np.linspace(0, 1, 50) ** 2).astype("f4")
        back = in_source_grid(resize_to_grid(smooth, geometry, 256, clip=False), geometry)
        assert np.abs(back - smooth)[2:-2, 2:-2].max() < 0.02
        mask = random.random((40, 50)) < 0.5
        np.testing.assert_array_equal(
            in_source_grid(resize_to_grid(mask, geometry, 400), geometry), mask
        )


def test_the_top_region_holds_the_highest_values_of_equal_ones_the_first():
    importance = np.array([[1, 3], [3, 2]], np.float32)
    assert top_region(importance, 0.25).tolist() == [[False, True], [False, False]]
    assert top_region(importance, 0.75).tolist() == [[False, True], [True, True]]
    assert top_region(importance, 0.01).sum() == 1
