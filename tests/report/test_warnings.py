import pytest

from ct_importance.report.warnings import model_warnings


def evaluation(black=True, white=True, accuracy=0.9):
    return {
        "references": {
            "black_agrees": black,
            "black_logit": -2.0 if black else 3.456,
            "white_agrees": white,
            "white_logit": 2.0 if white else -7.0,
        },
        "test": {"balanced_accuracy": accuracy},
    }


@pytest.mark.parametrize("accuracy", [0.7, 1.0, None])
def test_a_classifier_that_does_what_fidelity_assumes_is_not_warned_about(accuracy):
    assert model_warnings(evaluation(accuracy=accuracy)) == []


def test_an_answer_to_black_that_disagrees():
    (warning,) = model_warnings(evaluation(black=False))

    assert "answers an all-black image with 'no contrast', and it does not" in warning
    assert "(logit 3.46)" in warning


def test_an_answer_to_white_that_disagrees():
    (warning,) = model_warnings(evaluation(white=False))

    assert "answers an all-white image with 'contrast', and it does not" in warning
    assert "(logit -7.00)" in warning


def test_both_answers_and_a_poor_classifier_are_three_warnings():
    warnings = model_warnings(evaluation(black=False, white=False, accuracy=0.55))

    assert [("black" in text, "white" in text) for text in warnings[:2]] == [
        (True, False),
        (False, True),
    ]
    assert "right on 55% of the test slices only" in warnings[2]
