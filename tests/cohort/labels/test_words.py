import pytest

from ct_importance.cohort.labels.words import classify_agent, description_label


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("CT CHEST W CONTRAST", 1),
        ("CT CHEST W/CONTRAST", 1),
        ("CT CHEST W/ CONT", 1),
        ("CT CHEST WITH CONTRAST", 1),
        ("CT CHEST WITH IV CONTRAST", 1),
        ("CT CHEST W IV CONTRAST", 1),
        ("CT CHEST W/IV CONTRAST", 1),
        ("THORAX^WITH CONTRA | 5.0 B31f", 1),
        ("CT ANGIOGRAPHY CHEST", 1),
        ("CTA THORAX", 1),
        ("CHEST C+", 1),
        ("CONTRAST ENHANCED CT", 1),
        ("CT CHEST W C", 1),
        ("W/O CONTRAST", 0),
        ("CT CHEST W/O", 0),
        ("CT CHEST W / O CONTRAST", 0),
        ("CT CHEST W/OUT CONTRAST", 0),
        ("CT CHEST WO CONTRAST", 0),
        ("WITHOUT", 0),
        ("CT CHEST WITHOUT CONTR", 0),
        ("CT CHEST WITHOUT IV CONTRAST", 0),
        ("CT chest without contrast", 0),
        ("CHEST UNENHANCED", 0),
        ("NON-ENHANCED CHEST", 0),
        ("CHEST NON ENHANCED", 0),
        ("NON CONTRAST CHEST", 0),
        ("CHEST NON-CONTRAST", 0),
        ("CHEST NONCONTRAST", 0),
        ("CHEST C-", 0),
        ("W/WO CONTRAST", None),
        ("W/W/O CONTRAST", None),
        ("W&WO CONTRAST", None),
        ("W & W/O CONTRAST", None),
        ("W AND WO CONTRAST", None),
        ("W + W/O CONTRAST", None),
        ("W WO CONTRAST", None),
        ("WWO CONTRAST", None),
        ("WO/W CONTRAST", None),
        ("WO AND W CONTRAST", None),
        ("WITH/WITHOUT CONTRAST", None),
        ("WITH & WITHOUT CONTRAST", None),
        ("WITHOUT AND WITH CONTRAST", None),
        ("CT THORAX  WITH AND WI", None),
        ("CT THORAX  WITH AND WITHO", None),
        ("CT THORAX  WITH AND WI | CHEST 5.0", None),
        ("CT CHEST W/ & W/O CONTRAST", None),
        ("W/ AND W/O CONTRAST", None),
        ("W/, W/O IV CONTRAST", None),
        ("W/O & W/ CONTRAST", None),
        ("CTA CHEST WITHOUT CONTRAST", None),
        ("CT CHEST/ABD W/IV W/O ORAL", 1),
        ("CT ABD W/O ORAL CONTRAST WITH IV CONTRAST", 1),
        ("CT ABD W/O ORAL AND W/ IV", 1),
        ("CT ABD W/ORAL W/O IV", 0),
        ("CT ABD W/O ORAL OR IV CONTRAST", 0),
        ("CT ABD W/O ORAL/RECTAL/IV", 0),
        ("CT ABD W/O ORAL", None),
        ("CT ABD W/O ORAL OR RECTAL CONTRAST", None),
        ("CT ABD WITH ORAL CONTRAST", None),
        ("CHEST WITH CONTRAST | PRE WITHOUT", None),
        ("CT CHEST", None),
        ("C-SPINE", None),
        ("CT CHEST | WORKUP", None),
        ("None | None", None),
        ("", None),
    ],
)
def test_what_a_description_says(text, label):
    assert description_label(text) == label
    assert description_label(text.lower()) == label


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (None, "absent"),
        ("", "empty"),
        ("  ", "empty"),
        ("None", "none"),
        ("NO", "none"),
        ("Without contrast ", "none"),
        ("IV", "agent"),
        ("ORAL/RECTAL & IV CONTRAST", "agent"),
        ("APPLIED", "agent"),
        ("Omnipaque 300", "agent"),
        ("OMNIPAQUE 350 IV, W/O ORAL", "agent"),
        ("Isovue 370 (without oral)", "agent"),
        ("NO ORAL, IV OMNIPAQUE", "agent"),
        ("IV OMNIPAQUE WITHOUT REACTION", "agent"),
        ("Nonionic contrast", "agent"),
        ("NONE (W/O ORAL)", "none"),
        ("CHEST W/O IV CONTRAST", "none"),
        ("CHEST W/O", "none"),
        ("W/O ORAL OR IV CONTRAST", "none"),
        ("NOT GIVEN", "none"),
        ("FALSE", "none"),
        ("Nein", "none"),
        ("without oral contrast", "empty"),
        ("Oral Gastrografin", "empty"),
        ("WITH AND WITHOUT", "empty"),
    ],
)
def test_what_contrast_bolus_agent_holds(value, kind):
    assert classify_agent(value) == kind


@pytest.mark.parametrize(
    "word",
    [
        "UNKNOWN", "UNK", "NA", "N/A", "n.a.", "NULL", "UNSPECIFIED", "NOT SPECIFIED",
        "NOT RECORDED", "NOT KNOWN", "NOT AVAILABLE", "NO INFORMATION", "ANONYMIZED",
        "ANONYMISED", "REMOVED", "<REDACTED>", "Unknown ",
    ],
)  # fmt: skip
def test_a_word_that_stands_for_a_missing_agent_names_none_and_denies_none(word):
    assert classify_agent(word) == "empty"
