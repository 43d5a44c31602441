import json

import pytest

from scripts.report.overview import print_overview


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "tables").mkdir()
    for table in ("one", "two"):
        (tmp_path / "tables" / f"{table}.md").write_text(f"F × 10 of {table}\n", encoding="utf-8")
    set_evaluation(tmp_path, n=12, balanced_accuracy=0.78409)
    return tmp_path


def set_evaluation(folder, **test):
    (folder / "model" / "evaluation.json").write_text(json.dumps({"test": test}))


def test_it_shows_the_accuracy_the_tables_in_order_and_the_places(folder, capsys):
    print_overview(folder, ["two", "one"])

    printed = capsys.readouterr().out
    assert "Classifier: balanced accuracy 0.784 on 12 test slices" in printed
    assert printed.index("F × 10 of two") < printed.index("F × 10 of one")
    assert printed.splitlines()[-4:] == [
        f"Tables:  {folder}/tables/",
        f"Figures: {folder}/figures/",
        f"Logs:    {folder}/logs/",
        f"Kept and set aside: {folder}/cohort/index_summary.csv",
    ]


def test_without_test_slices_there_is_no_accuracy_to_show(folder, capsys):
    set_evaluation(folder, n=0, balanced_accuracy=None)
    print_overview(folder, ["one"])

    printed = capsys.readouterr().out
    assert "accuracy" not in printed
    assert "F × 10 of one" in printed


@pytest.mark.parametrize("lacking", ["model/evaluation.json", "tables/two.md"])
def test_a_run_that_made_only_part_of_it_shows_nothing(folder, capsys, lacking):
    (folder / lacking).unlink()
    print_overview(folder, ["one", "two"])

    assert capsys.readouterr().out == ""
