import docutils.core
import docutils.utils
import pytest

from ct_importance.report.jobs import Caption, CaptionsJob
from ct_importance.report.landing import landing_text, readme_text
from tests.report.scripts import run_script

NOBODY = {"n": 0, "balanced_accuracy": None, "sensitivity": None, "specificity": None}
TESTED = {"n": 4, "balanced_accuracy": 0.75, "sensitivity": None, "specificity": 0.75}
CLASSIFIER = {
    "answer": "By absolute values, mine leads_ by *ROC*.",
    "is_trained_here": True,
    "trainings": [{"train": NOBODY, "test": TESTED}],
    "warnings": ["maps of a *poor* classifier_ explain `little`"],
    "findings": ["my_own_ ranks 2nd for Dice but last for {{ fidelity }}"],
    "digests": {"classifier": ["cd34"]},
}
SUMMARY = {
    "run": "tiny_run",
    "seed": 3,
    "data": {
        "slices": 10,
        "slices_evenly_spaced": 8,
        "patients": 4,
        "slices_by_class": {"no contrast": 4, "contrast": 6},
        "patients_by_split": {"test": 1, "train": 3},
    },
    "classifiers": {"resnet50": CLASSIFIER},
    "metrics": {"roc": "Thresholds of *ROC* are levels."},
    "controls": ["random", "mine"],
    "digests": {"slices": "ab12"},
    "code": None,
    "packages": {"numpy": "1.2", "torch": None},
    "hardware": {
        "processor": "P",
        "cores": 2,
        "memory_gb": 8,
        "gpus": [],
        "system": "Linux",
        "python": "3.11",
    },
    "config": {"run": "tiny_run"},
}


def summary_of(**classifiers):
    return SUMMARY | {"classifiers": classifiers}


def test_the_first_page_of_the_report_is_valid_and_shows_marks_as_they_are():
    text = landing_text(SUMMARY)
    page = docutils.core.publish_parts(
        text,
        writer="html",
        settings_overrides={"halt_level": docutils.utils.Reporter.WARNING_LEVEL},
    )["html_body"]

    assert "Run tiny_run" in page
    assert page.index("mine leads_ by *ROC*.") < page.index("10 slices of 4 patients")
    assert "<style>" in page  # or Snakemake would show the middle of a long page
    assert (
        "10 slices of 4 patients (1 for test and 3 for train): 8 evenly spaced and 2 more with a "
        "mask. They are 4 of class &quot;no contrast&quot; and 6 of class &quot;contrast&quot;."
        in page
    )
    assert "Balanced accuracy 0.750 on 4 evenly spaced test slices (sensitivity unknown" in page
    assert "a *poor* classifier_ explain `little`" in page
    assert "my_own_ ranks 2nd" in page
    assert "Thresholds of *ROC* are levels." in page
    assert "know nothing of the classifier: Random and mine." in page
    assert "{{" not in text


def test_slices_that_a_given_model_may_never_have_seen_are_not_called_training_slices():
    part = {"n": 9, "balanced_accuracy": 0.5, "sensitivity": 0.5, "specificity": 0.5}
    of_both = [{"train": part, "test": TESTED}]
    trained = summary_of(resnet50=CLASSIFIER | {"trainings": of_both})
    given = summary_of(resnet50=CLASSIFIER | {"trainings": of_both, "is_trained_here": False})

    assert "on 9 evenly spaced training slices" in landing_text(trained)
    assert "on 9 evenly spaced other slices" in landing_text(given)


def test_where_all_slices_are_evenly_spaced_no_others_are_told_of():
    data = SUMMARY["data"] | {"slices_evenly_spaced": 10}

    assert "(1 for test and 3 for train). They are" in landing_text(SUMMARY | {"data": data})


@pytest.mark.parametrize(
    "heading", ["The answer", "Data", "Classifier", "Warnings", "What it says", "Tables"]
)
def test_the_readme_of_a_run_has_its_sections(heading):
    text = readme_text(SUMMARY, {"resnet50": ["**T**\n\n| a |\n"]})

    assert f"\n## {heading}\n" in text
    assert "| a |" in text
    assert "Digest of slices (BLAKE2): ab12" in text
    assert "numpy 1.2" in text
    assert "torch" not in text


def test_sections_without_content_are_left_out():
    quiet = summary_of(resnet50=CLASSIFIER | {"warnings": []})
    assert "Warnings" not in landing_text(quiet)


def test_several_classifiers_and_trainings_have_sections_of_their_own():
    twice = CLASSIFIER | {"trainings": 2 * CLASSIFIER["trainings"]}
    summary = summary_of(mine=CLASSIFIER, resnet50=twice)
    text = readme_text(summary, {"mine": ["| m |"], "resnet50": ["| r |"]})

    for heading in ("Classifier", "Warnings", "What it says", "Tables"):
        assert f"\n## {heading}: mine\n" in text
        assert f"\n## {heading}: resnet50\n" in text
    assert "- Balanced accuracy 0.750 on 4" in text
    assert "- Training 2: balanced accuracy 0.750 on 4" in text
    assert "Digest of classifier of mine (BLAKE2): cd34" in text
    assert text.index("| m |") < text.index("| r |")


def test_of_three_classes_each_has_its_accuracy():
    tested = {"n": 6, "balanced_accuracy": 0.75, "accuracy_by_class": [0.5, 1.0, None]}
    trainings = [{"train": NOBODY, "test": tested}]
    data = SUMMARY["data"] | {"slices_by_class": {"native": 4, "arterial": 6, "venous": 0}}
    found = summary_of(resnet50=CLASSIFIER | {"trainings": trainings}) | {"data": data}
    assert (
        'Balanced accuracy 0.750 on 6 evenly spaced test slices (of class "native" 0.500, of class '
        '"arterial" 1.000, of class "venous" unknown).'
    ) in landing_text(found)


def test_every_figure_of_the_folder_is_named_with_its_caption(tmp_path):
    figures = (
        Caption(name="roc", heading="Figure 5: <ROC>", caption="Chance is *grey*."),
        Caption(name="ranks", heading="Ranks", caption="Best on the left."),
    )
    path = tmp_path / "captions.md"
    run_script(
        "write_captions",
        CaptionsJob(figures=figures),
        log=tmp_path / "log",
        input={},
        output={"markdown": path},
    )

    assert path.read_text() == (
        "# Captions\n\n## Figure 5: \\<ROC>\n\nFiles: `roc.*`\n\nChance is \\*grey\\*.\n\n"
        "## Ranks\n\nFiles: `ranks.*`\n\nBest on the left.\n"
    )
