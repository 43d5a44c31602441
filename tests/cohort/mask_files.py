"""A small CT series and masks of it in every format: writes them, and reads them back."""

import gzip
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pydicom
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import RTStructureSetStorage

from ct_importance.cohort.masks.matching import read_mask
from ct_importance.cohort.slice_entry import SliceEntry
from tests.cohort.dicom_files import save, uid, write_series
from tests.cohort.indexing import index_folders
from tests.cohort.matched import match_masks

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
SLICES, SPACING = 4, 5.0


def small_series(folder: Path, **wanted: object) -> list[SliceEntry]:
    """Write a series and return its slices, the lowest first."""
    write_series(folder, SLICES, SPACING, **{"PixelSpacing": [1.0, 0.8], **wanted})
    return index_folders([folder]).slices


def find_masks(
    entries: Sequence[SliceEntry], folder: Path, structures: Sequence[str | int] | None = None
) -> dict[int, np.ndarray]:
    """Return the masks found, by number of the slice; no file may be set aside."""
    masks, rejected = match_masks(entries, folder, structures)
    assert not rejected
    return {
        number: np.any(
            [
                read_mask(
                    mask["path"],
                    entry.slice_id,
                    entry.geometry,
                    structures,
                    entry.frame_of_reference,
                )
                for mask in masks[entry.slice_id]
            ],
            axis=0,
        )
        for number, entry in enumerate(entries)
        if entry.slice_id in masks
    }


def check_masks(found: dict[int, np.ndarray], masks: np.ndarray) -> None:
    """Check that just the slices marked in (slice, row, column) have masks, equal to each pixel."""
    assert list(found) == [number for number, mask in enumerate(masks) if mask.any()]
    for number, mask in found.items():
        assert mask.dtype == bool
        np.testing.assert_array_equal(mask, masks[number])


def only_reason(
    entries: Sequence[SliceEntry], folder: Path, structures: Sequence[str | int] | None = None
) -> str:
    """Return why the one unfit mask of a folder is set aside, beside one that fits."""
    slice_id = entries[-1].slice_id
    name, inside = slice_id, 255
    if structures and isinstance(structures[0], str):
        name = f"{slice_id}_{structures[0]}"
    elif structures:
        inside = structures[0]
    write_png(folder / f"{name}.png", blob(), inside)
    masks, rejected = match_masks(entries, folder, structures)
    assert list(masks) == [slice_id]
    assert len(rejected) == 1
    return next(iter(rejected.values()))


def blob(rows: int = 12, columns: int = 16) -> np.ndarray:
    """Return a mask without any symmetry, with a hole and a part of its own."""
    mask = np.zeros((rows, columns), bool)
    mask[2:7, 3:12] = True
    mask[4, 5:8] = False
    mask[7:9, 10] = True
    mask[9:11, 1:3] = True
    return mask


def truth(slices: int = 4) -> np.ndarray:
    """Return a mask (slice, row, column) that differs on each slice; the second is empty."""
    masks = np.stack([np.roll(blob(), number, axis=1) for number in range(slices)])
    masks[1] = False
    return masks


def volume_affine(entries: Sequence[SliceEntry]) -> np.ndarray:
    """Return the matrix (column, row, slice) -> LPS mm of a regular series."""
    affine = entries[0].geometry.affine
    affine[:3, 2] = np.subtract(entries[1].origin, entries[0].origin)
    return affine


def write_png(path: Path, mask: np.ndarray, inside: int = 255) -> Path:
    """Write a mask (rows, columns) as an 8-bit PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((np.asarray(mask) * inside).astype(np.uint8)).save(path)
    return path


def write_nifti(path: Path, volume: np.ndarray, to_patient: np.ndarray) -> Path:
    """Write a volume (x, y, z) of bytes as NIfTI-1, byte by byte.

    Args:
        path: ``.nii`` or ``.nii.gz``.
        volume: Values, in three dimensions or more.
        to_patient: Matrix (4, 4) from indices to LPS, mm.
    """
    header = bytearray(352)
    to_ras = LPS_TO_RAS @ to_patient
    sizes = [volume.ndim, *volume.shape, *[1] * (7 - volume.ndim)]
    spacing = [1.0, *np.linalg.norm(to_ras[:3, :3], axis=0), *[1.0] * 4]
    for place, values, kind in (
        (0, [348], "<i4"),
        (40, sizes, "<i2"),
        (70, [2, 8], "<i2"),
        (76, spacing, "<f4"),
        (108, [352], "<f4"),
        (123, [2], "u1"),
        (254, [1], "<i2"),
        (280, to_ras[:3].ravel(), "<f4"),
    ):
        content = np.array(values).astype(kind).tobytes()
        header[place : place + len(content)] = content
    header[344:348] = b"n+1\0"
    content = bytes(header) + volume.astype(np.uint8).tobytes(order="F")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def write_volume(path: Path, volume: np.ndarray, to_patient: np.ndarray, zipped=False) -> Path:
    """Write a volume (x, y, z) with ITK, in the format of the suffix; arguments as `write_nifti`.

    Volumes of bytes in four dimensions become 3D ones with several values per voxel.
    """
    import SimpleITK

    image = SimpleITK.GetImageFromArray(
        np.moveaxis(volume, (0, 1, 2), (2, 1, 0)).astype(np.uint8), isVector=volume.ndim == 4
    )
    spacing = np.linalg.norm(to_patient[:3, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((to_patient[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin(to_patient[:3, 3].tolist())
    path.parent.mkdir(parents=True, exist_ok=True)
    SimpleITK.WriteImage(image, str(path), useCompression=zipped)
    return path


def segment(number: int, label: str) -> object:
    """Return the description of a segment."""
    import highdicom
    from pydicom.sr.codedict import codes

    return highdicom.seg.SegmentDescription(
        segment_number=number,
        segment_label=label,
        segmented_property_category=codes.SCT.Organ,
        segmented_property_type=codes.SCT.Heart,
        algorithm_type=highdicom.seg.SegmentAlgorithmTypeValues.MANUAL,
    )


def seg_dataset(
    entries: Sequence[SliceEntry],
    masks: np.ndarray,
    labels: Sequence[str] = ("heart",),
    kind: str = "BINARY",
    **more: object,
) -> Dataset:
    """Return a DICOM SEG.

    Args:
        entries: The slices it was drawn on.
        masks: Array (slice, row, column) or (slice, row, column, segment), bool, or float in
            [0, 1] if fractional, or segment numbers if a label map.
        labels: Names of the segments.
        kind: "BINARY", "FRACTIONAL" or "LABELMAP".
        more: Further arguments of highdicom.
    """
    import highdicom

    sources = []
    for entry in entries:
        source = pydicom.dcmread(entry.path, stop_before_pixels=True)
        for keyword in ("PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID"):
            setattr(source, keyword, "")
        source.AccessionNumber = ""
        source.SliceThickness = 5
        sources.append(source)
    return highdicom.seg.Segmentation(
        source_images=sources,
        pixel_array=masks if masks.dtype.kind == "f" else masks.astype(np.uint8),
        segmentation_type=kind,
        segment_descriptions=[segment(number, label) for number, label in enumerate(labels, 1)],
        series_instance_uid=uid("seg series"),
        series_number=1,
        sop_instance_uid=uid("seg"),
        instance_number=1,
        manufacturer="tests",
        manufacturer_model_name="tests",
        software_versions="1",
        device_serial_number="1",
        **more,
    )


def frames_of(dataset: Dataset) -> Items:
    """Return the per-frame items of a SEG."""
    return dataset.PerFrameFunctionalGroupsSequence


def edge_loops(mask: np.ndarray) -> list[np.ndarray]:
    """Return closed polygons (n, 2) of (column, row) along the edges of the pixels of a mask."""
    padded = np.pad(mask, 1)
    following: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for row, column in np.argwhere(padded):
        corners = [(0, 0), (1, 0), (1, 1), (0, 1)]  # clockwise, the pixel to the right
        beyond = [(-1, 0), (0, 1), (1, 0), (0, -1)]
        for side, (down, right) in enumerate(beyond):
            if not padded[row + down, column + right]:
                start, end = corners[side], corners[(side + 1) % 4]
                place = (column + start[0], row + start[1])
                following.setdefault(place, []).append((column + end[0], row + end[1]))
    loops = []
    while following:
        loop = [next(iter(following))]
        while loop[-1] in following:
            ends = following[loop[-1]]
            loop.append(ends.pop())
            if not ends:
                del following[loop[-2]]
        loops.append(np.array(loop[:-1]) - 1.5)
    return loops


def rtstruct_dataset(
    entries: Sequence[SliceEntry],
    rois: dict[str, Sequence[Sequence[np.ndarray]]],
    kind: str = "CLOSED_PLANAR",
    names_slices: bool = True,
) -> Dataset:
    """Return an RT Structure Set.

    Args:
        entries: The slices.
        rois: Name of each ROI -> its polygons (n, 2) of (column, row) on each slice.
        kind: ContourGeometricType.
        names_slices: Whether contours name their slices.
    """
    dataset = Dataset()
    dataset.SOPClassUID = RTStructureSetStorage
    dataset.SOPInstanceUID = uid("rtstruct")
    dataset.StudyInstanceUID = entries[0].study_uid
    dataset.SeriesInstanceUID = uid("rtstruct series")
    dataset.Modality = "RTSTRUCT"
    series, study, frame = Dataset(), Dataset(), Dataset()
    series.SeriesInstanceUID = entries[0].series_uid
    study.RTReferencedSeriesSequence = [series]
    frame.RTReferencedStudySequence = [study]
    dataset.ReferencedFrameOfReferenceSequence = [frame]
    dataset.StructureSetROISequence, dataset.ROIContourSequence = [], []
    for number, (name, polygons) in enumerate(rois.items(), 1):
        roi, contours = Dataset(), Dataset()
        roi.ROINumber, roi.ROIName = number, name
        contours.ReferencedROINumber = number
        contours.ContourSequence = [
            _contour(entry, polygon, kind, names_slices)
            for entry, on_slice in zip(entries, polygons, strict=True)
            for polygon in on_slice
        ]
        dataset.StructureSetROISequence.append(roi)
        dataset.ROIContourSequence.append(contours)
    return dataset


def _contour(entry: SliceEntry, polygon: np.ndarray, kind: str, names_slice: bool) -> Dataset:
    contour = Dataset()
    contour.ContourGeometricType = kind
    contour.NumberOfContourPoints = len(polygon)
    affine = entry.geometry.affine
    points = polygon @ affine[:3, :2].T + affine[:3, 3]
    contour.ContourData = [f"{value:.6f}".rstrip("0").rstrip(".") for value in points.ravel()]
    if names_slice:
        image = Dataset()
        image.ReferencedSOPInstanceUID = entry.slice_id
        contour.ContourImageSequence = [image]
    return contour


def write_seg(path: Path, *args: object, **wanted: object) -> Path:
    """Write the SEG that `seg_dataset` makes of the remaining arguments."""
    return write_dataset(path, seg_dataset(*args, **wanted))


def write_rtstruct(path: Path, *args: object, **wanted: object) -> Path:
    """Write the RTSTRUCT that `rtstruct_dataset` makes of the remaining arguments."""
    return save(path, rtstruct_dataset(*args, **wanted))


def write_dataset(path: Path, dataset: Dataset) -> Path:
    """Write a dataset that brings its own file meta information."""
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)
    return path
