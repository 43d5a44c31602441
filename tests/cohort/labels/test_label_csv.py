from pathlib import Path

import pytest

from ct_importance.cohort.labels.label_csv import read_label_csv
from ct_importance.cohort.options import LabelOptions
from ct_importance.errors import InputError


def write_csv(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "labels.csv"
    path.write_text(text, encoding=encoding)
    return path


@pytest.mark.parametrize(
    ("word", "label"),
    [("1", 1), ("0", 0), ("1.0", 1), ("True", 1), ("FALSE", 0), (" yes ", 1), ("No", 0)],
)
def test_words_for_labels(tmp_path, word, label):
    assert read_label_csv(
        write_csv(tmp_path, f"patient_id,contrast\nP1,{word}\n"), LabelOptions()
    ) == {"P1": label}


@pytest.mark.parametrize("line", ["P1,", "P1,unknown", "P1,NaN", "P1", "P1,n/a"])
def test_a_line_without_a_label_is_passed_over(tmp_path, line):
    path = write_csv(tmp_path, f"patient_id,contrast\n{line}\nP2,1\n")

    assert read_label_csv(path, LabelOptions()) == {"P2": 1}


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_bytes(b"\xef\xbb\xbfpatient_id,contrast\r\n P1 ,1\r\n")

    assert read_label_csv(path, LabelOptions()) == {"P1": 1}


def test_a_label_given_twice_alike_is_fine(tmp_path):
    path = write_csv(tmp_path, "patient_id,contrast\nP1,1\nP1,yes\n")

    assert read_label_csv(path, LabelOptions()) == {"P1": 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "patient,contrast\nP1,1\n",
            "has no column 'patient_id' among the 2 of its first line: is that the header line, "
            "and are its names separated by commas? (`key_column` and `label_column` of the labels "
            "in cohort.datasets name the columns)",
        ),
        ("patient_id;contrast\nP1;1\n", "has no column 'patient_id' among the 1 of"),
        ("", "has no column 'patient_id' among the 0 of"),
        (
            f"patient_id,contrast\nP1,1\nP2,{'x' * 200_000}\n",
            ", line 3: not as CSV should be: field larger than field limit (131072)",
        ),
        (
            'patient_id,contrast\nP1,1\n"P2,0\nP3,1\n',
            ", line 3: not as CSV should be: unexpected end of data; is a quote there lacking or",
        ),
        ('patient_id,contrast\nP1,1\nP2,"0\nP3,"1\n', ", line 3: not as CSV should be: "),
        ('patient_id,contrast\n"P1\nP2",1\n', ", line 2: not as CSV should be: a value goes over"),
        (
            "patient_id,contrast,contrast\nP1,1,0\n",
            " has the column 'contrast' 2 times: which one counts is not known, so rename",
        ),
        ("patient_id,contrast\n", " has a header line and no line below it"),
        (
            "patient_id,contrast\nP1,\nP2,unknown\n",
            ": column 'contrast' holds no label; write 1 or 0, or check `label_column`",
        ),
        (
            "patient_id,contrast\nP1,1\nP2,maybe\n",
            ", line 3: the label names no class: write no contrast/0/false/no or",
        ),
        ("patient_id,contrast\nP1,2\n", ", line 2: the label names no class"),
        ("patient_id,contrast\nP1,1\nP1,0\n", ", line 3: a second label for one key"),
    ],
)
def test_what_is_wrong_with_a_csv_is_said_with_the_place(tmp_path, text, message):
    path = write_csv(tmp_path, text)

    with pytest.raises(InputError) as error:
        read_label_csv(path, LabelOptions())

    assert str(error.value).startswith(str(path))
    assert message in str(error.value)


def test_a_csv_without_a_header_line_does_not_end_up_in_the_message(tmp_path):
    path = write_csv(tmp_path, "Doe^Jane,1970-01-01,1\n")

    with pytest.raises(InputError, match="among the 3 of its first line") as error:
        read_label_csv(path, LabelOptions())

    assert "Doe" not in str(error.value)
    assert "1970" not in str(error.value)


def test_a_csv_in_another_encoding_says_what_to_do(tmp_path):
    path = write_csv(tmp_path, "patient_id,contrast,note\nP1,1,Müller\n", "latin-1")

    with pytest.raises(InputError, match="is not UTF-8 text: save it as CSV UTF-8"):
        read_label_csv(path, LabelOptions())


def test_a_missing_csv_names_the_key_to_check(tmp_path):
    with pytest.raises(InputError, match=r"is not a file; check `labels\.csv` in cohort\.datasets"):
        read_label_csv(tmp_path / "nowhere.csv", LabelOptions())


# Classes


LESION = ("No lesion", "Lesion: part-solid")


@pytest.mark.parametrize(
    ("word", "label"),
    [("no LESION", 0), ("no_lesion", 0), ("lesion: part-solid", 1), ("lesion_part_solid", 1),
     ("0", 0), ("1", 1), ("no", 0), ("Yes", 1)],
)  # fmt: skip
def test_a_label_names_its_class_or_the_index_of_it(tmp_path, word, label):
    path = write_csv(tmp_path, f"patient_id,contrast\nP1,{word}\n")

    assert read_label_csv(path, LabelOptions(), LESION) == {"P1": label}


@pytest.mark.parametrize("word", ["contrast", "no contrast", "lesion", "2", "-1", "1.5"])
def test_a_word_for_no_class_is_told_with_those_that_are_allowed(tmp_path, word):
    path = write_csv(tmp_path, f"patient_id,contrast\nP1,{word}\n")

    with pytest.raises(InputError) as error:
        read_label_csv(path, LabelOptions(), LESION)

    assert str(error.value) == (
        f"{path}, line 2: the label names no class: write No lesion/0/false/no or "
        "Lesion: part-solid/1/true/yes; leave it empty if it is unknown"
    )


def test_where_a_name_is_the_index_of_another_class_only_names_count(tmp_path):
    grades = ("1", "2")
    path = write_csv(tmp_path, "patient_id,contrast\nP1,1\nP2,2\n")

    assert read_label_csv(path, LabelOptions(), grades) == {"P1": 0, "P2": 1}
    path = write_csv(tmp_path, "patient_id,contrast\nP1,0\n")
    with pytest.raises(InputError, match="names no class: write 1 or 2; leave it empty"):
        read_label_csv(path, LabelOptions(), grades)


def test_a_class_may_be_called_as_what_is_unknown_elsewhere(tmp_path):
    path = write_csv(tmp_path, "patient_id,contrast\nP1,unknown\nP2,n/a\n")

    assert read_label_csv(path, LabelOptions(), ("known", "unknown")) == {"P1": 1}


PHASES = ("native", "arterial", "venous")


def test_three_classes_go_by_name_and_index(tmp_path):
    path = write_csv(tmp_path, "patient_id,contrast\nP1,Venous\nP2,1\nP3,2.0\nP4,0\n")

    found = read_label_csv(path, LabelOptions(), PHASES)

    assert found == {"P1": 2, "P2": 1, "P3": 2, "P4": 0}


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("P1,yes", "line 2: the label names no class: write native/0 or arterial/1 or venous/2;"),
        ("P1,", ": column 'contrast' holds no label; write 2 or 1 or 0, or check"),
    ],
)
def test_what_is_none_of_three_classes(tmp_path, lines, message):
    path = write_csv(tmp_path, f"patient_id,contrast\n{lines}\n")
    with pytest.raises(InputError) as error:
        read_label_csv(path, LabelOptions(), PHASES)
    assert message in str(error.value)
