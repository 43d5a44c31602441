import pytest
from pydantic import ValidationError

from ct_importance.task import MOST_CLASSES, Task

PHASES = {"classes": ("native", "arterial", "venous"), "fill": (1.0, 0.0, 0.5)}


def test_more_than_two_classes():
    task = Task(**PHASES)
    assert task.keys == task.columns == PHASES["classes"]
    assert task.fill_in_words == (
        "of class 'native' in white, of class 'arterial' in black, of class 'venous' in grey (0.5)"
    )


def test_a_class_may_be_hidden_by_the_mean_of_the_slice():
    task = Task(classes=("healthy", "lesion"), fill=("mean", 0.0))
    assert task.fill_in_words == (
        "of class 'healthy' in the mean of the slice, of class 'lesion' in black"
    )
    with pytest.raises(ValidationError):
        Task(fill=("median", 0.0))


def test_columns_of_classes_are_those_of_nothing_else():
    grades = ("Low", "high", "test", "training 1", "middle")
    assert Task(classes=grades, fill=(0.0,) * 5).columns == (
        "class_low", "class_high", "class_test", "class_training_1", "middle",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"fill": (1.0, 0.0)},
            "fill: give a grey value from 0 to 1, or mean, for each of the classes",
        ),
        ({"label_from": "mask"}, "label_from: a mask tells two classes apart, .* there are 3: "),
        ({"classes": ("a", "b", "A")}, "give each class a name of its own"),
        ({"classes": tuple(map(str, range(MOST_CLASSES + 1)))}, "at most 100 items"),
    ],
)
def test_tasks_that_cannot_be(changes, message):
    with pytest.raises(ValidationError, match=message):
        Task(**PHASES | changes)
