import pytest

from ct_importance.report.warnings import model_warnings
from ct_importance.task import DEFAULT_TASK, Task


def evaluation(black=True, white=True, accuracy=0.9):
    return {
        "fills": [
            {"fill": 1.0, "logit": 2.0 if white else -7.0, "agrees": white},
            {"fill": 0.0, "logit": -2.0 if black else 3.456, "agrees": black},
        ],
        "test": {"balanced_accuracy": accuracy},
    }


@pytest.mark.parametrize("accuracy", [0.7, 1.0, None])
def test_a_classifier_that_does_what_fidelity_assumes_is_not_warned_about(accuracy):
    assert model_warnings([evaluation(accuracy=accuracy)], DEFAULT_TASK) == []


def test_an_answer_to_black_that_disagrees():
    (warning,) = model_warnings([evaluation(black=False)], DEFAULT_TASK)

    assert "answers an all-black image with 'no contrast', and it does not" in warning
    assert "(logit 3.46)" in warning


def test_an_answer_to_white_that_disagrees():
    (warning,) = model_warnings([evaluation(white=False)], DEFAULT_TASK)

    assert "answers an all-white image with 'contrast', and it does not" in warning
    assert "(logit -7.00)" in warning


def test_both_answers_and_a_poor_classifier_are_three_warnings():
    warnings = model_warnings([evaluation(black=False, white=False, accuracy=0.55)], DEFAULT_TASK)

    assert [("black" in text, "white" in text) for text in warnings[:2]] == [
        (True, False),
        (False, True),
    ]
    assert "right on 55% of the test slices only" in warnings[2]


def test_a_grey_that_hides_a_class_should_be_answered_with_the_other():
    task = Task(classes=("healthy", "lesion"), fill=(0.5, 0.0))
    fills = [
        {"fill": 0.5, "logit": -1.0, "agrees": False},
        {"fill": 0.0, "logit": -1.0, "agrees": True},
    ]

    (warning,) = model_warnings([{"fills": fills, "test": {"balanced_accuracy": 1.0}}], task)

    assert "answers an all-grey (0.5) image with 'lesion', and it does not" in warning


def test_of_the_mean_of_a_slice_nothing_is_assumed():
    task = Task(classes=("healthy", "lesion"), fill=("mean", "mean"))

    assert model_warnings([{"fills": [None, None], "test": {"balanced_accuracy": 1.0}}], task) == []


def test_of_three_classes():
    task = Task(classes=("native", "arterial", "venous"), fill=(1.0, 0.0, 0.0))
    fills = [
        {"fill": grey, "answer": 1, "agrees": label != 1} for label, grey in enumerate(task.fill)
    ]

    (warning,) = model_warnings([{"fills": fills, "test": {"balanced_accuracy": 0.61}}], task)

    assert warning == (
        "Fidelity assumes that the classifier answers an all-black image with another class than "
        "'arterial', and it does not: read fidelity with care."
    )
    (*_, poor) = model_warnings([{"fills": fills, "test": {"balanced_accuracy": 0.59}}], task)
    assert "right on 59% of the test slices only" in poor


def test_of_several_trainings_each_is_named():
    (warning,) = model_warnings([evaluation(), evaluation(black=False)], DEFAULT_TASK)
    assert warning.startswith("Training 2: Fidelity assumes")
