"""Maps that were made elsewhere, in each format that they can have."""

from pathlib import Path

import highdicom as hd
import nibabel
import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.sr.codedict import codes

from ct_importance.cohort.extraction import resize_to_grid
from ct_importance.errors import InputError
from ct_importance.saliency.given.matching import GivenMaps
from tests.cohort.mask_files import LPS_TO_RAS, SLICES, small_series, volume_affine

SIZE = 32


@pytest.fixture
def entries(tmp_path):
    """Four slices of 12 x 16 pixels."""
    return small_series(tmp_path / "scan")


def planted(number: int = 0) -> np.ndarray:
    """A map without any symmetry, (12, 16), of whole numbers so that a PNG can hold it."""
    values = np.zeros((12, 16), np.float32)
    values[2:5, 9:14] = 40 + number
    values[7, 3] = 200
    values[10, 12:] = 90
    return values


def write_arrays(folder, entries):
    for number, entry in enumerate(entries):
        np.save(folder / f"{entry.slice_id}.npy", planted(number))


def write_one_file(folder, entries):
    maps = {entry.slice_id: planted(number) for number, entry in enumerate(entries)}
    np.savez(folder / "all.npz", **maps)


def write_pictures(folder, entries):
    for number, entry in enumerate(entries):
        picture = Image.fromarray(planted(number).astype(np.uint8))
        picture.save(folder / f"{entry.slice_id}.png")


def write_deep_pictures(folder, entries):
    for number, entry in enumerate(entries):
        picture = Image.fromarray(planted(number).astype(np.uint16))
        picture.save(folder / f"{entry.slice_id}.png")


def write_stack(folder, entries):
    """The slices come from the feet to the head."""
    stack = np.stack([planted(number) for number in range(SLICES)])
    np.save(folder / f"{entries[0].series_uid}.npy", stack)


def write_packed_stack(folder, entries):
    stack = np.stack([planted(number) for number in range(SLICES)])
    np.savez_compressed(folder / f"{entries[0].series_uid}.npz", maps=stack)


def write_volume(folder, entries):
    voxels = np.stack([planted(number).T for number in range(SLICES)], axis=2)
    # Stored from the head down, as other software may.
    affine = LPS_TO_RAS @ volume_affine(entries)
    flipped = affine @ np.diag([1.0, 1.0, -1.0, 1.0])
    flipped[:3, 3] = (affine @ [0, 0, SLICES - 1, 1])[:3]
    image = nibabel.Nifti1Image(voxels[:, :, ::-1], flipped)
    nibabel.save(image, folder / f"{entries[0].series_uid}.nii.gz")


def write_parametric(folder, entries):
    sources = [pydicom.dcmread(entry.path) for entry in entries]
    for source in sources:
        source.PatientBirthDate = source.PatientSex = source.StudyTime = ""
        source.StudyDate = source.AccessionNumber = source.StudyID = ""
        source.ReferringPhysicianName = source.PatientName = ""
        source.SliceThickness = 5.0
    mapping = hd.pm.RealWorldValueMapping(
        lut_label="1",
        lut_explanation="importance",
        unit=codes.UCUM.NoUnits,
        value_range=(-1e6, 1e6),
        slope=1,
        intercept=0,
    )
    hd.pm.ParametricMap(
        source_images=sources,
        pixel_array=np.stack([planted(number) for number in range(SLICES)]),
        series_instance_uid=hd.UID(),
        series_number=1,
        sop_instance_uid=hd.UID(),
        instance_number=1,
        manufacturer="m",
        manufacturer_model_name="m",
        software_versions="1",
        device_serial_number="1",
        contains_recognizable_visual_features=False,
        real_world_value_mappings=[mapping],
        window_center=0,
        window_width=1,
    ).save_as(folder / "anything.dcm")


FORMATS = [write_arrays, write_one_file, write_pictures, write_deep_pictures]
FORMATS += [write_stack, write_packed_stack, write_volume, write_parametric]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "maps").mkdir()
    return tmp_path / "maps"


@pytest.mark.parametrize("write", FORMATS)
def test_a_map_is_the_same_in_each_format(write, folder, entries):
    write(folder, entries)

    maps = GivenMaps("mine", folder, entries, SIZE)

    maps.check([entry.slice_id for entry in entries])
    for number, entry in enumerate(entries):
        found = maps(entry.slice_id)
        expected = resize_to_grid(planted(number), entry.geometry, SIZE, clip=False)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, atol=1e-3)
    assert found.max() > 100


def test_a_picture_of_16_bits_keeps_them(folder, entries):
    values = 257.0 * np.arange(12 * 16).reshape(12, 16)
    picture = Image.fromarray(values.astype(np.uint16))
    picture.save(folder / f"{entries[0].slice_id}.png")
    found = GivenMaps("mine", folder, entries, SIZE)(entries[0].slice_id)
    expected = resize_to_grid(values.astype(np.float32), entries[0].geometry, SIZE, clip=False)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert found.max() > 40_000


def test_a_stack_can_be_in_the_grid_of_the_extracted_slices(folder, entries):
    stack = np.random.default_rng(5).standard_normal((SLICES, SIZE, SIZE)).astype(np.float32)
    np.save(folder / f"{entries[0].series_uid}_mine.npy", stack)
    maps = GivenMaps("mine", folder, entries, SIZE, "mine")
    lowest_first = sorted(entries, key=lambda entry: entry.position)
    for values, entry in zip(stack, lowest_first, strict=True):
        np.testing.assert_array_equal(maps(entry.slice_id), values)


@pytest.mark.parametrize("shape", [(SLICES - 1, 12, 16), (12, 16), (SLICES, 12, 16, 1)])
def test_a_stack_of_another_number_of_slices_is_refused(shape, folder, entries):
    np.save(folder / f"{entries[0].series_uid}.npy", np.ones(shape))
    maps = GivenMaps("mine", folder, entries, SIZE)
    reason = f"map is {' x '.join(map(str, shape))}, and its series has {SLICES} slices"
    with pytest.raises(InputError, match=reason):
        maps(entries[0].slice_id)


def test_the_place_is_kept(folder, entries):
    """A map that is the slice itself comes out as the slice does."""
    picture = np.random.default_rng(3).random((12, 16), np.float32)
    np.save(folder / f"{entries[2].slice_id}.npy", -5 * picture)
    found = GivenMaps("mine", folder, entries, SIZE)(entries[2].slice_id)
    slice_ = resize_to_grid(picture, entries[2].geometry, SIZE)
    np.testing.assert_allclose(found, -5 * slice_, atol=1e-5)


def test_an_array_can_be_in_the_grid_of_the_extracted_slice(folder, entries):
    values = np.random.default_rng(4).standard_normal((SIZE, SIZE))
    np.savez(folder / f"{entries[1].slice_id}.npz", importance=values)
    found = GivenMaps("mine", folder, entries, SIZE)(entries[1].slice_id)
    np.testing.assert_array_equal(found, values.astype(np.float32))


def test_of_several_methods_one_is_meant(folder, entries):
    write_arrays(folder, entries)
    for entry in entries:
        np.save(folder / f"{entry.slice_id}_mine.npy", -planted())
    first, second = (GivenMaps("mine", folder, entries, SIZE, suffix) for suffix in ("", "mine"))
    name = entries[0].slice_id
    np.testing.assert_allclose(first(name), -second(name))


def test_missing_maps_are_counted_and_named(folder, entries):
    write_arrays(folder, entries[:1])
    (folder / "notes.txt").write_text("nothing")
    np.save(folder / "9.9.npy", planted())
    ids = [entry.slice_id for entry in entries]
    missing = sorted(ids[1:])
    with pytest.raises(InputError) as found:
        GivenMaps("mine", folder, entries, SIZE).check(ids)
    text = str(found.value)
    assert text.startswith(f"mine: 3 of 4 slices have no map in {folder}: {missing[0]}, ")
    assert "2 files were matched to no slice" in text
    assert "9.9.npy (map fits no slice: no SOPInstanceUID of that name)" in text
    assert "\n" not in text


def test_two_maps_of_a_slice_are_refused(folder, entries):
    write_arrays(folder, entries)
    write_volume(folder, entries)
    with pytest.raises(InputError, match="both hold the map of slice"):
        GivenMaps("mine", folder, entries, SIZE)


class Evil:
    """What makes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def test_no_file_runs_code(folder, entries):
    made = folder.parent / "made"
    values = np.array([Evil(made)], dtype=object)
    np.save(folder / f"{entries[0].slice_id}.npy", values, allow_pickle=True)
    np.savez(folder / f"{entries[1].slice_id}.npz", values)
    maps = GivenMaps("mine", folder, entries, SIZE)
    for entry in entries[:2]:
        with pytest.raises(InputError, match="cannot be read as an array"):
            maps(entry.slice_id)
    assert not made.exists()


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (np.zeros((5, 7)), "map is 5 x 7, its slice 12 x 16 as stored and 32 x 32 as extracted"),
        (np.array([["a"]]), "no numbers"),
    ],
)
def test_what_is_no_map_is_refused(values, reason, folder, entries):
    np.save(folder / f"{entries[0].slice_id}.npy", values)
    with pytest.raises(InputError, match=reason):
        GivenMaps("mine", folder, entries, SIZE)(entries[0].slice_id)


def test_a_volume_that_lies_elsewhere_is_refused(folder, entries):
    voxels = np.ones((16, 12, SLICES), np.float32)
    affine = LPS_TO_RAS @ volume_affine(entries)
    affine[:3, 3] += 40
    nibabel.save(nibabel.Nifti1Image(voxels, affine), folder / f"{entries[0].series_uid}.nii")
    maps = GivenMaps("mine", folder, entries, SIZE)
    with pytest.raises(InputError, match="does not hold the whole slice"):
        maps(entries[0].slice_id)
