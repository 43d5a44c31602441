import re
import textwrap
from pathlib import Path

import pytest
import yaml

from ct_importance.errors import InputError
from ct_importance.workflow.config import parse_config

BASE = {"run": "r", "estimators": {"random": {}}, "metrics": {"roc": {}}}
PHASES = {"classes": ["native", "arterial", "venous"], "fill": [1.0, 0.0, 0.0]}
LESION = {"classes": ["healthy", "lesion"], "fill": [0.5, 0.5]}


def check(task: dict, dataset: dict) -> None:
    cohort = {"datasets": {"mine": {"dicom": "x"} | dataset}}
    parse_config(BASE | {"task": task, "cohort": cohort})


@pytest.mark.parametrize(
    ("task", "dataset"),
    [
        ({}, {}),
        (LESION, {"labels": {"csv": "labels.csv"}}),
        # Contrast agent by another name, so those who wrote the sources out must know.
        ({"classes": ["native", "enhanced"]}, {"labels": {"sources": ["dicom_tag"]}}),
        (PHASES, {"labels": {"csv": "labels.csv"}}),
        (LESION | {"label_from": "mask"}, {"masks": "m"}),
        (LESION | {"label_from": "mask"}, {"masks": "m", "labels": {"key": "patient_id"}}),
    ],
)
def test_labels_that_can_be_of_the_task(task, dataset):
    check(task, dataset)


@pytest.mark.parametrize(
    ("task", "dataset", "message"),
    [
        (
            LESION,
            {"masks": "m"},
            "config: cohort.datasets.mine.labels.csv: the task tells 'healthy' from 'lesion', and "
            "without a CSV labels come from sources that know of contrast agent alone: name a CSV "
            "here, or set task.label_from to mask",
        ),
        (
            LESION | {"label_from": "mask"},
            {},
            "config: cohort.datasets.mine.masks: task.label_from is mask, which needs the masks of "
            "every dataset: name the folder with them",
        ),
        (
            {"label_from": "mask"},
            {"masks": "m", "labels": {"csv": "labels.csv"}},
            "config: cohort.datasets.mine.labels: task.label_from is mask, so masks give the "
            "labels: leave this section out, or set task.label_from to sources",
        ),
        (
            PHASES,
            {"labels": {"csv": "labels.csv", "sources": ["csv", "dicom_tag"]}},
            "config: cohort.datasets.mine.labels.sources: dicom_tag tells two classes apart, and "
            "the task has more: leave csv alone",
        ),
        (
            PHASES,
            {},
            "config: cohort.datasets.mine.labels.csv: the task has 3 classes, and every other "
            "source of labels tells two apart: name a CSV here",
        ),
        (
            PHASES,
            {"labels": {"sources": ["dicom_tag"]}},
            "config: cohort.datasets.mine.labels.csv: the task has 3 classes, and every other "
            "source of labels tells two apart: name a CSV here",
        ),
        (
            PHASES | {"label_from": "mask"},
            {"masks": "m"},
            "config: task: label_from: a mask tells two classes apart, with it and without it, and "
            "there are 3: take sources",
        ),
    ],
)
def test_labels_that_cannot_be_are_told_with_the_key_and_the_remedy(task, dataset, message):
    with pytest.raises(InputError) as error:
        check(task, dataset)

    assert str(error.value) == message


def test_the_phantom_may_go_by_other_names():
    parse_config(BASE | {"task": {"classes": ["native", "enhanced"]}})


def test_the_phantom_has_no_third_class():
    with pytest.raises(InputError, match=r"task\.classes: the built-in cohort is of two classes: "):
        parse_config(BASE | {"task": PHASES})


def test_classes_of_the_phantom_with_nodules_are_its_own():
    nodules = {"cohort": {"phantom": {"task": "nodule"}}}
    with pytest.raises(
        InputError, match=r"task\.classes: .* of the classes none, solid, ground glass: "
    ):
        parse_config(BASE | nodules)
    fills = {"fill": ["mean"] * 3}
    parse_config(BASE | nodules | {"task": {"classes": ["Ground glass", "none", "solid"]} | fills})
    parse_config(
        BASE | nodules | {"task": {"classes": ["healthy", "nodule"], "label_from": "mask"}}
    )


def overlay_below(heading: str) -> dict:
    """The first overlay below a heading of docs/labels.md."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "labels.md").read_text()
    block = re.search(r"\n\n((?:    .*\n)+)", page[page.index(heading) :])[1]
    return yaml.safe_load(textwrap.dedent(block))


def test_the_overlay_of_more_than_two_classes_is_valid():
    cohort = {"datasets": {"mine": {"dicom": "x", "labels": {"csv": "labels.csv"}}}}
    options = parse_config(BASE | overlay_below("## More than two classes") | {"cohort": cohort})
    assert options.options.task.keys == ("native", "arterial", "venous")


def test_the_overlay_of_the_page_on_labels_is_valid():
    options = parse_config(BASE | overlay_below("## Another task")).options

    assert options.task.keys == ("no_lesion", "lesion")
    assert options.cohort.given_datasets["mine"].labels.key == "slice_id"
