"""Which slices have a sign: nested doses of one class, all of its test slices, and the opposite."""

from itertools import pairwise

import numpy as np
import pytest

from ct_importance.cohort.extraction import slices_schema
from ct_importance.cohort.jobs import CopyJob, DoseJob
from ct_importance.cohort.planting.dosing import dose_slices
from ct_importance.cohort.variations.copying import copy_slices
from ct_importance.errors import InputError
from ct_importance.io.image_table import write_table
from ct_importance.io.slices import PLANTED, iterate_slices, listed_rows, write_slice_list

SIZE, PATIENTS, COUNT = 8, 24, 3
WITHOUT_ROOM = "P4.2"
"""A test slice on which the sign has no place."""


def job_of(**asked):
    return DoseJob(sign="marker", in_class="contrast", **asked)


def split_of(patient):
    return "test" if patient % 4 in (2, 3) and patient < 12 else "train"


def write_cohort(folder, value, without_room=(WITHOUT_ROOM,)):
    """A list of slices of one grey; in those of P4 and P5 each slice is of another class."""
    (folder / "slices").mkdir(parents=True)
    tables, has_sign = [], value > 0
    for patient in range(PATIENTS):
        ids = [f"P{patient}.{number}" for number in range(COUNT)]
        labels = [patient % 2] * COUNT if patient not in (4, 5) else [0, 1, 0]
        room = [one not in without_room for one in ids]
        tables.append(folder / "slices" / f"P{patient}.parquet")
        columns = {
            "slice_id": ids,
            "patient_id": [f"P{patient}"] * COUNT,
            "label": labels,
            "split": [split_of(patient)] * COUNT,
            "sampled": [True] * COUNT,
            "annotated": [False] * COUNT,
            "image": np.stack([np.full((SIZE, SIZE), value * it, np.float32) for it in room]),
            "mask": [None] * COUNT,
        }
        if has_sign:
            columns[PLANTED] = [np.eye(SIZE, dtype=bool) if it else None for it in room]
        write_table(tables[-1], slices_schema(SIZE, planted=has_sign), columns)
    write_slice_list(folder / "slices.parquet", tables)
    return folder / "slices.parquet"


@pytest.fixture(scope="module")
def cohorts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cohorts")
    return write_cohort(folder, 0.0), write_cohort(folder / "planted" / "marker", 1.0)


@pytest.fixture
def dosed(cohorts, tmp_path):
    """From a dose to the lists, deep in other folders: their paths have to follow."""

    def make(dose, label=1, seed=0):
        folder = tmp_path / f"{dose}_{seed}"
        (folder / "toggled").mkdir(parents=True)
        paths = [folder / "slices", folder / "toggled" / "test", folder / "toggled" / "planted"]
        dose_slices(job_of(label=label, dose=dose, seed=seed), *cohorts, *paths)
        return paths

    return make


def with_sign(slices, subset="all"):
    """Ids of the slices that are white, which the list says of them, too."""
    rows = list(iterate_slices(slices, [subset], ["image"]))
    assert [row["slice_id"] for row in rows] == [
        row["slice_id"] for row in iterate_slices(slices, [subset])
    ]
    white = {row["slice_id"] for row in rows if row["image"].all()}
    listed = {row["slice_id"] for row in listed_rows(slices, [subset]) if row["planted"]}
    assert white == listed
    return white


def ids(slices, subset="all"):
    return [row["slice_id"] for row in iterate_slices(slices, [subset])]


def test_a_list_has_all_slices_once_and_one_class_alone_has_the_sign(dosed, cohorts):
    slices, *_ = dosed(0.5)
    assert sorted(ids(slices)) == sorted(ids(cohorts[0]))
    signed = with_sign(slices)
    labels = {row["slice_id"]: row["label"] for row in iterate_slices(slices, ["all"])}
    assert {labels[one] for one in signed} == {1}


@pytest.mark.parametrize("dose", [0, 0.2, 0.5, 0.8, 1])
def test_training_patients_have_it_in_their_share_and_test_patients_all(dosed, dose):
    slices, *_ = dosed(dose)
    rows = list(iterate_slices(slices, ["all"]))
    signed = with_sign(slices)
    of_class = {(row["patient_id"], row["split"]) for row in rows if row["label"] == 1}
    training = {patient for patient, split in of_class if split == "train"}
    having = {row["patient_id"] for row in rows if row["slice_id"] in signed} & training
    assert len(having) == round(dose * len(training))
    tested = {row["slice_id"] for row in rows if row["split"] == "test" and row["label"] == 1} - {
        WITHOUT_ROOM
    }
    assert tested <= signed
    for row in rows:
        if row["patient_id"] in having and row["label"] == 1:
            assert row["slice_id"] in signed


def test_a_lower_dose_is_part_of_a_higher_one_and_the_seed_decides(dosed):
    lists = [with_sign(dosed(dose)[0]) for dose in (0, 0.2, 0.5, 0.8, 1)]
    for lower, higher in pairwise(lists):
        assert lower < higher
    assert with_sign(dosed(0.5, seed=1)[0]) != lists[2]


def test_toggled_slices_are_the_test_slices_the_other_way(dosed):
    slices, toggled, without = dosed(0.5)
    tested = set(ids(slices, "test")) - {WITHOUT_ROOM}
    assert set(ids(toggled)) == tested
    assert with_sign(toggled) == tested - with_sign(slices, "test")
    assert ids(without) == ids(slices, "planted")
    assert with_sign(without) == set()


def test_the_sign_of_another_class(dosed):
    slices, *_ = dosed(1, label=0)
    labels = {row["slice_id"]: row["label"] for row in iterate_slices(slices, ["all"])}
    assert {labels[one] for one in with_sign(slices)} == {0}
    assert WITHOUT_ROOM not in with_sign(slices)


@pytest.mark.parametrize("label", [0, 1])
def test_slices_of_which_some_have_the_sign_are_copied(dosed, tmp_path, label):
    """The first of them has the sign, or has not: tables with signs have one more mask."""
    slices, *_ = dosed(1, label=label)
    first = next(iterate_slices(slices, ["test"]))
    assert (first["slice_id"] in with_sign(slices)) == (label == 0)
    tables = [tmp_path / f"{name}.parquet" for name in ("copies", "images")]
    copy_slices(CopyJob(radii=(0.1,), copies=1, seed=0), slices, *tables)
    assert len(ids(tables[0])) == len(ids(slices))


def test_patients_without_place_for_the_sign_count_in_no_dose(cohorts, tmp_path):
    """All but four training patients of the class have slices without room."""
    of_class = [4, *range(1, PATIENTS, 2)]
    training = [f"P{number}" for number in of_class if split_of(number) == "train"]
    folder = tmp_path / "few"
    without_room = {f"{one}.{number}" for one in training[4:] for number in range(COUNT)}
    few = write_cohort(folder, 1.0, {WITHOUT_ROOM, *without_room})
    paths = [tmp_path / name for name in ("slices", "toggled", "without")]
    dose_slices(job_of(label=1, dose=0.5, seed=0), cohorts[0], few, *paths)
    having = {it.partition(".")[0] for it in with_sign(paths[0])} & set(training)
    assert len(having) == 2
    with pytest.raises(InputError, match=r"planted\.dose 0\.1 of 4 training patients of contrast"):
        dose_slices(job_of(label=1, dose=0.1, seed=0), cohorts[0], few, *paths)


def test_a_sign_without_any_place_is_refused(cohorts, tmp_path):
    all_of_them = {f"P{patient}.{number}" for patient in range(PATIENTS) for number in range(COUNT)}
    none = write_cohort(tmp_path / "none", 1.0, all_of_them)
    paths = [tmp_path / name for name in ("slices", "toggled", "without")]
    with pytest.raises(InputError, match=r"planted\.sign marker has no place on any test slice"):
        dose_slices(job_of(label=1, dose=0, seed=0), cohorts[0], none, *paths)
