"""The phantom's second task: what a slice shows is known by construction, and so is where."""

import csv
from collections import Counter, defaultdict

import numpy as np
import pydicom
import pytest
from scipy.ndimage import label

from ct_importance.cohort.options import NODULES, PhantomOptions
from ct_importance.cohort.phantom.anatomy.render import draw_patient, render
from ct_importance.cohort.phantom.cohort import write_phantom_cohort
from ct_importance.cohort.phantom.contrast import tissues
from ct_importance.cohort.phantom.nodules import kinds_of, with_nodule
from ct_importance.compute.randomness import generator_for
from tests.cohort.phantom.test_cohort import digests, hounsfield, masks_of

SEED = 3
OPTIONS = PhantomOptions(task="nodule", patients=4, slices=9, matrix=96, annotated_slices=9)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nodules")
    write_phantom_cohort(folder, OPTIONS, SEED)
    return folder


@pytest.fixture(scope="module")
def classes(cohort):
    with (cohort / "labels.csv").open(newline="") as file:
        return {row["slice_id"]: row["class"] for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def rendered():
    """A slice through the middle of both lungs, 2 mm a pixel or so."""
    patient = draw_patient((SEED, "anyone"), (-165.0, 104.0), 160, 20.0)
    return patient, render(patient, 10.0, tissues(False, "anyone", SEED))


def draw(rendered, kind, number):
    patient, plain = rendered
    generator = generator_for("nodule", number)
    return with_nodule(plain.hu, plain.lung, kind, patient.spacing, generator)


@pytest.mark.parametrize("kind", NODULES[1:])
def test_a_nodule_is_one_piece_of_lung_and_nothing_else_changes(rendered, kind):
    patient, plain = rendered
    for number in range(20):
        shown = draw(rendered, kind, number)
        assert shown.kind == kind
        assert label(shown.mask)[1] == 1
        assert plain.lung[shown.mask].min() > 0.95
        diameter = 2 * np.sqrt(shown.mask.sum() / np.pi) * patient.spacing
        assert 9 < diameter < 30
        changed = shown.hu != plain.hu
        assert plain.lung[changed].min() > 0.95
        # Beyond the mask lies the border alone.
        away = np.hypot(*(np.argwhere(changed) - np.argwhere(shown.mask).mean(0)).T)
        assert away.max() * patient.spacing < diameter / 2 * 1.4 + 5


def test_ground_glass_leaves_vessels_to_be_seen_and_solid_tissue_does_not(rendered):
    _, plain = rendered
    for number in range(20):
        solid, glass = (draw(rendered, kind, number) for kind in NODULES[1:])
        inside = solid.hu == 35.0
        assert inside.sum() > 4
        share = (glass.hu - plain.hu)[inside] / (35 - plain.hu[inside])
        assert 0.34 < np.median(share) < 0.36
        assert np.median(glass.hu[inside]) < -400


def test_without_a_nodule_or_room_for_it_a_slice_is_as_it_was(rendered):
    patient, plain = rendered
    nothing = draw(rendered, "none", 0)
    assert nothing.hu is plain.hu
    assert not nothing.mask.any()
    no_lung = with_nodule(plain.hu, 0 * plain.lung, "solid", patient.spacing, generator_for(0))
    assert (no_lung.kind, no_lung.mask.any()) == ("none", False)


def test_kinds_are_equally_frequent_in_random_order():
    drawn = [kinds_of(12, generator_for(number)) for number in range(3)]
    assert all(Counter(kinds) == dict.fromkeys(NODULES, 4) for kinds in drawn)
    assert len(set(map(tuple, drawn))) == 3


def test_every_patient_has_slices_of_all_classes(cohort, classes):
    of_patient = defaultdict(set)
    for path in sorted(cohort.glob("dicom/*/002/*.dcm")):
        dataset = pydicom.dcmread(path, stop_before_pixels=True)
        of_patient[dataset.PatientID].add(classes[dataset.SOPInstanceUID])
    assert len(of_patient) == OPTIONS.patients
    assert all(found == set(NODULES) for found in of_patient.values())


def test_masks_are_where_the_nodules_are(cohort, classes):
    for folder in sorted((cohort / "dicom").iterdir()):
        slices = [pydicom.dcmread(path) for path in sorted((folder / "002").iterdir())]
        masks = masks_of(cohort, slices)
        marked = {it.SOPInstanceUID for it in slices if classes[it.SOPInstanceUID] != "none"}
        assert marked == set(masks)
        for dataset in slices:
            if dataset.SOPInstanceUID not in masks:
                continue
            found = np.median(hounsfield(dataset)[masks[dataset.SOPInstanceUID]])
            solid = classes[dataset.SOPInstanceUID] == "solid"
            assert -150 < found < 150 if solid else -700 < found < -350


def test_patients_are_those_of_the_other_task(cohort, tmp_path):
    """But for what is drawn into them: slices without a nodule are the same to the byte."""
    write_phantom_cohort(tmp_path, OPTIONS.model_copy(update={"task": "contrast"}), SEED)
    plain, with_nodules = digests(tmp_path), digests(cohort)
    slices = [name for name in plain if name.startswith("dicom") and "/002/" in name]
    unchanged = {name for name in slices if plain[name] == with_nodules[name]}
    with (cohort / "labels.csv").open(newline="") as file:
        without = [row["slice_id"] for row in csv.DictReader(file) if row["class"] == "none"]
    uids = {pydicom.dcmread(cohort / name).SOPInstanceUID for name in unchanged}
    assert uids == set(without)
    assert plain["truth.csv"] == with_nodules["truth.csv"]
    assert not (tmp_path / "labels.csv").exists()
