import json
import re

import pytest

from ct_importance.workflow.overview import print_overview, table_lines

ONE = {"resnet50": ["1"]}
PAGE = """\
**F × 10 of {}. Computed on 4 slices of 4 patients. Brackets: 95 % intervals.**

| Estimator | F × 10 (original) | F × 10 (absolute) |
|---|---:|---:|
| Random† | 0.0 [−0.1, 0.1] a | 0.0 [−0.1, 0.1] a |
| SmoothGrad Squared | 12.0 [9.0, 15.0] b | 0.1 [0.0, 0.2] a |

> Warning: there are 2 patients only of one class.
"""

ALIGNED = """
F × 10 of one

Estimator            F × 10 (original)  F × 10 (absolute)
Random†              0.0 [−0.1, 0.1] a  0.0 [−0.1, 0.1] a
SmoothGrad Squared  12.0 [9.0, 15.0] b   0.1 [0.0, 0.2] a
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "resnet50" / "1").mkdir(parents=True)
    (tmp_path / "resnet50" / "tables").mkdir()
    for table in ("one", "two"):
        (tmp_path / "resnet50" / "tables" / f"{table}.md").write_text(
            PAGE.format(table), encoding="utf-8"
        )
    (tmp_path / "cohort").mkdir()
    (tmp_path / "logs").mkdir()
    for file in ("README.md", "resnet50/explorer.html", "cohort/summary.csv"):
        (tmp_path / file).touch()
    set_evaluation(tmp_path, n=12, balanced_accuracy=0.78409)
    return tmp_path


def set_evaluation(folder, **test):
    (folder / "resnet50" / "1" / "evaluation.json").write_text(json.dumps({"test": test}))


def everything(folder):
    return {str(path) for path in folder.rglob("*.*")}


def test_it_shows_the_accuracy_the_tables_in_order_and_the_places(folder, capsys):
    print_overview(folder, ONE, ["two", "one"], everything(folder))

    printed = capsys.readouterr().out
    assert "Classifier: balanced accuracy 0.784 on 12 test slices" in printed
    assert printed.index("F × 10 of two") < printed.index("F × 10 of one")
    assert printed.splitlines()[-6:-1] == [
        f"Read:                   {folder}/README.md",
        f"Look through the maps:  {folder}/resnet50/explorer.html",
        f"Tables:                 {folder}/resnet50/tables/",
        f"Kept and set aside:     {folder}/cohort/summary.csv",
        f"Logs:                   {folder}/logs/",
    ]
    assert "--report report.html" in printed.splitlines()[-1]


def test_tables_are_aligned_text_and_a_warning_is_said_once(folder, capsys):
    print_overview(folder, ONE, ["one", "two"], everything(folder))

    printed = capsys.readouterr().out
    assert ALIGNED in printed
    assert not [line for line in printed.splitlines() if line.startswith(("|", "**", ">"))]
    assert "Brackets" not in printed
    assert printed.count("Warning: there are 2 patients only of one class.") == 1


def say(folder, **answers):
    classifiers = {name: {"answer": answer} for name, answer in answers.items()}
    (folder / "summary.json").write_text(json.dumps({"classifiers": classifiers}))


def test_the_answer_stands_between_the_tables_and_the_places(folder, capsys):
    say(folder, resnet50="By absolute values, SmoothGrad leads by ROC; all pass.")
    print_overview(folder, ONE, ["one"], everything(folder))

    printed = capsys.readouterr().out
    answer = "\n\nAnswer: By absolute values, SmoothGrad leads by ROC; all pass.\n\n"
    assert printed.index("F × 10 of one") < printed.index(answer) < printed.index("\nRead: ")


def test_each_classifier_has_its_answer_and_one_estimator_has_none(folder, capsys):
    say(folder, resnet50="Random leads.", mine="")
    print_overview(folder, ONE | {"mine": ["1"]}, ["one"], everything(folder))

    printed = capsys.readouterr().out
    assert "\nAnswer by resnet50: Random leads.\n" in printed
    assert printed.count("Answer") == 1


def test_an_answer_of_an_earlier_call_is_not_given(folder, capsys):
    say(folder, resnet50="Random leads.")
    print_overview(folder, ONE, ["one"], everything(folder) - {f"{folder}/summary.json"})

    assert "Answer" not in capsys.readouterr().out


def test_parts_of_a_page_are_tables_of_their_own():
    part = "**Of class low. More.**\n\n| E | A |\n|---|---:|\n| R | 10 |\n"
    assert list(table_lines(f"{part}\n{part}")) == ["Of class low", "", "E   A", "R  10"] * 2


def test_it_shows_where_the_labels_are_from(folder, capsys):
    (folder / "cohort" / "label_summary.csv").write_text(
        "dataset,source,labels,differs\na,csv,12,0\na,dicom_tag,2,3\na,none,4,0\nb,csv,5,0\n"
    )
    print_overview(folder, ONE, ["one"], everything(folder))

    assert (
        "Labels of a: 12 from csv, 2 from dicom_tag (which differs from the label of 3), "
        "4 series without a label\nLabels of b: 5 from csv\n"
    ) in capsys.readouterr().out


def test_a_call_that_ends_with_the_plan_says_where_it_is(folder, capsys):
    plan = folder / "cohort" / "plan_summary.csv"
    plan.touch()
    print_overview(folder, ONE, ["one"], {str(plan)})
    assert f"\nKept and set aside: {plan}\n" in capsys.readouterr().out

    print_overview(folder, ONE, ["one"], everything(folder))
    assert str(plan) not in capsys.readouterr().out


def test_without_test_slices_there_is_no_accuracy_to_show(folder, capsys):
    set_evaluation(folder, n=0, balanced_accuracy=None)
    print_overview(folder, ONE, ["one"], everything(folder))

    printed = capsys.readouterr().out
    assert "accuracy" not in printed
    assert "F × 10 of one" in printed


def test_tables_that_this_call_did_not_look_at_are_not_shown_as_its_own(folder, capsys):
    made = everything(folder) - {
        f"{folder}/resnet50/tables/two.md",
        f"{folder}/resnet50/1/evaluation.json",
    }
    print_overview(folder, ONE, ["one", "two"], made)

    printed = capsys.readouterr().out
    assert "accuracy" not in printed
    assert "F × 10 of one" in printed
    assert "F × 10 of two" not in printed
    assert printed.splitlines()[-1] == (
        f"Not made by this call, may be old: {folder}/resnet50/tables/two.md"
    )


def test_a_call_that_made_no_table_says_that_there_are_older_ones(folder, capsys):
    print_overview(folder, ONE, ["one", "two"], {f"{folder}/slices.parquet"})

    assert capsys.readouterr().out == (
        f"Not made by this call, may be old: {folder}/resnet50/tables/one.md, "
        f"{folder}/resnet50/tables/two.md\n"
    )


def test_a_first_call_that_made_no_table_shows_nothing(tmp_path, capsys):
    print_overview(tmp_path, ONE, ["one", "two"], {f"{tmp_path}/slices.parquet"})

    assert capsys.readouterr().out == ""


def test_several_classifiers_and_trainings_are_told_apart(folder, capsys):
    for training in ("1", "2"):
        (folder / "mine" / training).mkdir(parents=True)
        text = json.dumps({"test": {"n": 12, "balanced_accuracy": int(training) / 4}})
        (folder / "mine" / training / "evaluation.json").write_text(text)
    (folder / "mine" / "tables").mkdir()
    (folder / "mine" / "tables" / "one.md").write_text("**F of mine. Computed.**\n")
    print_overview(folder, {"mine": ["1", "2"]} | ONE, ["one"], everything(folder))

    printed = capsys.readouterr().out
    assert (
        "Classifier mine: balanced accuracy 0.250, 0.500 on 12 test slices (trainings 1 to 2)"
        in printed
    )
    assert "Classifier resnet50: balanced accuracy 0.784 on 12 test slices\n" in printed
    assert "Classifier mine\n\nF of mine\n" in printed
    assert re.search(rf"^Tables: +{folder}/mine/tables/$", printed, flags=re.MULTILINE)
    assert "side by side" not in printed

    page = folder / "tables" / "classifiers.md"
    page.parent.mkdir()
    page.touch()
    print_overview(folder, {"mine": ["1"]} | ONE, ["one"], everything(folder))
    assert f"All classifiers side by side:  {page}\n" in capsys.readouterr().out
    print_overview(folder, {"mine": ["1"]} | ONE, ["one"], everything(folder) - {str(page)})
    assert f"Not made by this call, may be old: {page}" in capsys.readouterr().out


def test_what_a_call_ended_before_is_not_looked_for(folder, capsys):
    """Snakemake names what a call would have made, had it not been told where to end."""
    missing = f"{folder}/resnet50/tables/two.md"
    print_overview(
        folder,
        ONE | {"mine": ["1"]},
        ["one", "two"],
        {
            *everything(folder),
            missing,
            f"{folder}/mine/1/evaluation.json",
        },
    )

    assert "F × 10 of one" in capsys.readouterr().out
