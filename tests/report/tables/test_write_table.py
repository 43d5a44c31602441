import json
import re
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from ct_importance.metrics.jobs import ChosenMetric
from ct_importance.plugins import load
from ct_importance.report.jobs import TableJob
from ct_importance.report.tables.notes import (
    blind_to_class,
    no_test,
    reading_of_chance,
    table_warnings,
    undefined,
)
from ct_importance.statistics.options import StatisticsOptions
from ct_importance.task import DEFAULT_TASK, Task
from tests.report.scripts import run_script

SUFFIXES = {"csv": "csv", "markdown": "md", "html": "html", "latex": "tex"}
VALUES = {
    "smoothgrad_squared": (5.0, 5.0),
    "my_own_50": (-5.0, 0.0),
    "integrated_gradients_bw": (5.0, -5.0),
}
FIDELITY = ChosenMetric(name="fidelity", method="fidelity", options={})
COMPARISONS = pd.DataFrame(
    {"first": ["my_own_50"], "second": ["smoothgrad_squared"], "p_holm": [0.01]}
)
EXPECTED = [
    ("SmoothGrad Squared", 5.0, 5.0),
    ("my_own_50", -5.0, 0.0),
    ("Integrated Gradients (B&W)", 5.0, -5.0),
]
GOOD = {
    "fills": [
        {"fill": 1.0, "logit": 4.0, "agrees": True},
        {"fill": 0.0, "logit": -3.0, "agrees": True},
    ],
    "test": {"n": 4, "balanced_accuracy": 0.9},
}


OPTIONS = StatisticsOptions(resamples=100)


def values(
    patients: int = 30,
    fewest: int = 15,
    classes: str = "0 and 1",
    letters: bool = True,
    **columns: object,
) -> pd.DataFrame:
    """What estimate_values says of the estimators, of four slices."""
    rows = [
        {
            "estimator": estimator,
            "variant": variant,
            "value": value,
            "value_low": value - 1,
            "value_high": value + 2,
            "fidelity": value / 10,
            "letters": ("a" if value > 0 else "b") if letters else "",
            "patients": patients,
            "slices": 4,
            "classes": classes,
            "fewest_patients_of_class": fewest,
            "training_patients": 0,
            "training_slices": 0,
        }
        for estimator, pair in VALUES.items()
        for variant, value in zip(("original", "absolute"), pair, strict=True)
    ]
    return pd.DataFrame(rows).assign(**columns)


def write(
    folder: Path,
    evaluation: dict = GOOD,
    ceiling: float | None = None,
    task: Task = DEFAULT_TASK,
    name: str = "fidelity",
    trainings: int = 1,
    controls: tuple[str, ...] = (),
    readers: float | None = None,
    **computed_on,
) -> SimpleNamespace:
    """Run the rule's script; return its output paths."""
    values(**computed_on).to_parquet(folder / "values.parquet")
    perfect = values(**computed_on).iloc[:2]
    perfect = perfect.assign(estimator="mask", value=ceiling, value_low=0, value_high=9)
    perfect.to_parquet(folder / "ceiling.parquet")
    columns = ["estimator", "variant", "value", "value_low", "value_high"]
    perfect.assign(estimator="readers", value=readers)[columns].to_parquet(
        folder / "readers.parquet"
    )
    ceilings = {"ceiling": ceiling, "readers": readers}
    COMPARISONS.to_parquet(folder / "comparisons.parquet")
    (folder / "evaluation.json").write_text(json.dumps(evaluation))
    output = {kind: folder / f"table1_fidelity.{suffix}" for kind, suffix in SUFFIXES.items()}
    names = ("values.parquet", "comparisons.parquet")
    chosen = ChosenMetric(
        name=name, method="fidelity", options={"step": 0.05, "slices": "annotated"}
    )
    output |= {name: folder / f"{name}.csv" for name in ("details", "comparisons")}
    run_script(
        "write_table",
        TableJob(
            table="table1_fidelity",
            controls=controls,
            metric=chosen,
            statistics=OPTIONS,
            task=task,
        ),
        log=folder / "job.log",
        input={
            **{name.partition(".")[0]: folder / name for name in names},
            "evaluations": [folder / "evaluation.json"] * trainings,
            "ceiling": [
                folder / f"{it}.parquet" for it, value in ceilings.items() if value is not None
            ],
        },
        output=output,
    )
    return SimpleNamespace(**output)


SHOWN = re.compile(r"(-?[\d.]+) \[(-?[\d.]+), (-?[\d.]+)\]")


class Cells(HTMLParser):
    """The cells of the rows of a table, and the text of the paragraphs."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.rows, self.paragraphs, self.within = [], [], None
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
        elif tag == "p":
            self.paragraphs.append("")
        self.within = tag

    def handle_endtag(self, tag):
        self.within = None

    def handle_data(self, data):
        if self.within in ("td", "th"):
            self.rows[-1][-1] += data
        elif self.within == "p":
            self.paragraphs[-1] += data


def rows_of(kind: str, text: str) -> list[tuple[str, float, float]]:
    """The rows of a table out of each of its formats."""
    if kind == "html":
        cells = Cells(text.replace("<sup>", "").replace("</sup>", "")).rows[1:]
    elif kind == "markdown":
        lines = [line for line in text.splitlines() if line.startswith("| ")][1:]
        cells = [line.strip("| ").split(" | ") for line in lines]
    else:
        body = text.partition(r"\midrule")[2].partition(r"\bottomrule")[0]
        lines = body.replace(r"\&", "AND").replace(r"\_", "_").replace("$-$", "−").split(r"\\")
        cells = [line.strip().replace("AND", "&") for line in lines if line.strip()]
        cells = [re.split(r" & ", cell) for cell in cells]
    return [
        (name, *(float(SHOWN.match(number.replace("−", "-"))[1]) for number in numbers))
        for name, *numbers in cells
    ]


@pytest.mark.parametrize("kind", ["markdown", "html", "latex"])
def test_each_format_holds_the_same_rows(tmp_path, kind):
    output = write(tmp_path)

    assert rows_of(kind, getattr(output, kind).read_text()) == EXPECTED


def test_the_csv_holds_the_names_of_the_configuration_and_all_digits(tmp_path):
    text = write(tmp_path).csv.read_text()

    assert text.splitlines()[0] == (
        "estimator,original,absolute,original_low,original_high,absolute_low,absolute_high,"
        "original_letters,absolute_letters"
    )
    rows = pd.read_csv(tmp_path / "table1_fidelity.csv")
    assert list(rows.estimator) == ["smoothgrad_squared", "my_own_50", "integrated_gradients_bw"]
    np.testing.assert_allclose(
        rows[["original", "absolute"]], [numbers for _, *numbers in EXPECTED], atol=1e-12
    )
    np.testing.assert_allclose(rows.original_low, rows.original - 1)
    np.testing.assert_allclose(rows.absolute_high, rows.absolute + 2)
    assert list(rows.absolute_letters) == ["a", "b", "b"]


def test_the_comparisons_are_written_as_they_are(tmp_path):
    pd.testing.assert_frame_equal(pd.read_csv(write(tmp_path).comparisons), COMPARISONS)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("markdown", "| my_own_50 | −5.0 [−6.0, −3.0] b |"),
        ("html", "<td>−5.0 [−6.0, −3.0] <sup>b</sup></td>"),
        ("latex", r"my\_own\_50 & $-$5.0 [$-$6.0, $-$3.0]\textsuperscript{b} &"),
    ],
)
def test_each_format_shows_intervals_and_letters(tmp_path, kind, text):
    assert text in getattr(write(tmp_path), kind).read_text()


@pytest.mark.parametrize("kind", ["markdown", "html", "latex"])
def test_the_caption_says_what_brackets_and_letters_mean(tmp_path, kind):
    text = getattr(write(tmp_path), kind).read_text().replace("\\%", "%")

    assert "Brackets: 95 % intervals from 100 resamples of the patients" in text
    assert "share a letter could not be shown to differ" in text


@pytest.mark.parametrize("kind", ["markdown", "html", "latex"])
def test_the_caption_says_how_often_such_intervals_held_the_truth(tmp_path, kind):
    text = getattr(write(tmp_path), kind).read_text().replace("\\%", "%")

    assert "In simulations, 95 % intervals held the truth in 94.4 % (15 and 15 patients" in text


@pytest.mark.parametrize("kind", ["markdown", "html", "latex"])
def test_where_no_test_is_possible_the_caption_speaks_of_none(tmp_path, kind):
    text = getattr(write(tmp_path, patients=5, letters=False), kind).read_text()

    assert "Warning: No test possible with 5 patients: no comparison of 3 estimators can" in text
    assert "letter" not in text
    assert rows_of(kind, text) == EXPECTED


def test_where_a_test_is_possible_no_other_is_spoken_of(tmp_path):
    assert "No test" not in write(tmp_path, patients=7).markdown.read_text()


@pytest.mark.parametrize(
    ("patients", "permutations", "note"),
    [
        (6, 5000, "No test possible with 6 patients: no comparison of 8 estimators can have a "
         "Holm-corrected p-value below 0.88. Differences and ranks may be chance."),
        (8, 200, "No test possible with 8 patients: no comparison of 8 estimators can have a "
         "Holm-corrected p-value below 0.22. Differences and ranks may be chance."),
        (1, 5000, "No test possible with 1 patient: no comparison of 8 estimators can have a "
         "Holm-corrected p-value below 1. Differences and ranks may be chance."),
        (30, 200, "No test possible with 200 permutations: raise statistics.permutations to 559 "
         "or more."),
        (30, 559, None),
        (30, 5000, None),
    ],
)  # fmt: skip
def test_what_makes_a_test_impossible_is_named(patients, permutations, note):
    options = StatisticsOptions(permutations=permutations)

    assert no_test(patients, 8, options) == ([note] if note else [])
    assert no_test(patients, 1, options) == []


@pytest.mark.parametrize(
    ("patients", "fewest", "note"),
    [
        (30, 15, None),
        (9, 9, "Intervals are rough: there are 9 patients only."),
        (30, 3, "Intervals are rough: there are 3 patients only of one class."),
        (30, 1, "One patient only of one class: there are no intervals."),
        (1, 1, "One patient only: there are no intervals."),
    ],
)
def test_few_patients_of_a_class_are_noted(tmp_path, patients, fewest, note):
    text = write(tmp_path, patients=patients, fewest=fewest).markdown.read_text()

    assert [line for line in text.splitlines() if "intervals" in line.lower() and ">" in line] == (
        [f"> Warning: {note}"] if note else []
    )


def test_fidelity_of_one_class_is_noted(tmp_path):
    text = write(tmp_path, classes="1").markdown.read_text()

    assert '> Warning: All slices are of class "contrast": accuracies are those of this class' in (
        text
    )


def notes(folder: Path, **columns: object) -> list[str]:
    lines = write(folder, **columns).markdown.read_text().splitlines()
    return [line.removeprefix("> Warning: ") for line in lines if line.startswith("> ")]


def test_a_class_that_adds_nothing_for_any_estimator_is_noted(tmp_path):
    (note,) = notes(tmp_path, value_contrast=4.0, value_no_contrast=[0.04, -0.04, 0, 0, 0, 0])

    assert note.startswith('Slices of class "no contrast" add nothing to F × 10 for any estimator')
    assert "half of their range at most" in note
    assert note in (tmp_path / "job.log").read_text()
    # One estimator that tells pixels of the class apart is enough.
    columns = {"value_contrast": 4.0, "value_no_contrast": [0, 0, 0, 0.05, 0, 0]}
    assert notes(tmp_path, **columns) == []


@pytest.mark.parametrize(("left", "noted"), [(0.0, True), (0.08, True), (0.5, False)])
def test_a_class_lost_by_chance_at_the_first_step_is_noted(tmp_path, left, noted):
    # Only of the random map; of others, the first step may take all that is important.
    found = notes(
        tmp_path,
        estimator=["one", "one", "random", "random", "two", "two"],
        **{"value_contrast": 4.0, "value_no_contrast": 2.0},
        **{"accuracy_contrast": 1.0, "accuracy_no_contrast": 0.9},
        first_accuracy_contrast=[left, left, 1, 1, 0, 0],
        first_accuracy_no_contrast=[0, 0, left, left, 0, 0],
    )

    assert [note.split(":")[0] for note in found] == (
        [
            'Slices of class "no contrast" are answered wrongly as soon as the first step masks '
            "pixels at random"
        ]
        if noted
        else []
    )
    assert all("metrics.fidelity.first" in note for note in found)


def test_a_class_that_was_never_answered_rightly_is_not_said_to_fall(tmp_path):
    columns = {"estimator": "random", "variant": ["original", "absolute"] + ["x"] * 4}
    table = values(value_contrast=1.0, value_no_contrast=1.0, **columns).iloc[:2]
    table = table.assign(accuracy_contrast=0.0, first_accuracy_contrast=0.0)
    assert blind_to_class(FIDELITY, table, DEFAULT_TASK) == []


def test_the_note_names_the_entry_whose_option_helps(tmp_path):
    columns = {
        "estimator": "random",
        **{"value_contrast": 4.0, "value_no_contrast": 2.0},
        **{"accuracy_contrast": 1.0, "first_accuracy_contrast": 0.0},
        **{"accuracy_no_contrast": 1.0, "first_accuracy_no_contrast": 1.0},
        "variant": ["original", "absolute", "x", "y", "z", "w"],
    }
    (note,) = notes(tmp_path, name="fidelity_fine", **columns)

    assert note.endswith("Give smaller shares in metrics.fidelity_fine.first.")


def test_an_interval_without_width_says_why(tmp_path):
    columns = {"value_low": [5.0, 4, -6, -1, 4, -6], "value_high": [5.0, 6, -4, 1, 6, -4]}
    (note,) = notes(tmp_path, **columns)

    assert note.startswith("Intervals without width, of SmoothGrad Squared (original): all ")
    assert "not certain for that" in note
    assert notes(tmp_path) == []


def test_training_slices_and_patients_are_counted(tmp_path):
    told = "3 of the 4 slices and 2 of the 30 patients are training ones."
    assert told in write(tmp_path, training_slices=3, training_patients=2).markdown.read_text()
    assert "training ones" not in write(tmp_path).markdown.read_text()


def test_values_on_test_patients_stand_in_the_details_and_the_caption_says_so(tmp_path):
    output = write(tmp_path, value_test=1.5)
    assert "test patients alone are in the details" in output.markdown.read_text()
    assert (pd.read_csv(output.details).value_test == 1.5).all()
    assert "test patients alone" not in write(tmp_path).markdown.read_text()


@pytest.mark.parametrize("kind", ["markdown", "html", "latex"])
def test_the_ceiling_stands_below_the_estimators_and_is_none_of_them(tmp_path, kind):
    output = write(tmp_path, ceiling=8.5)

    rows = rows_of(kind, getattr(output, kind).read_text())
    assert rows == [*EXPECTED, ("Perfect map (the mask itself)", 8.5, 8.5)]
    assert len(pd.read_csv(output.csv)) == 3
    details = pd.read_csv(output.details)
    assert len(details) == 6
    assert (details.ceiling_value == 8.5).all()
    assert (details.ceiling_value_high == 9).all()


def test_the_details_hold_a_row_per_estimator_and_variant(tmp_path):
    details = pd.read_csv(write(tmp_path).details)

    assert list(details.columns)[:3] == ["estimator", "variant", "value"]
    assert len(details) == 6
    assert set(details.classes) == {"0 and 1"}


@pytest.mark.parametrize("kind", ["markdown", "html", "latex"])
def test_the_caption_says_what_the_table_is_computed_on(tmp_path, kind):
    text = getattr(write(tmp_path), kind).read_text().replace("\\%", "%")

    assert "in steps of 5 % of the pixels" in text
    assert "area between the LiF and MiF accuracy curves" in text
    assert (
        "Computed on 4 slices of 30 patients: all slices with a mask, of training and test" in text
    )
    assert "Warning" not in text


def test_latex_has_a_short_caption_and_the_rest_below(tmp_path):
    text = write(tmp_path).latex.read_text()
    caption = re.search(r"\\caption{(.*)}\n", text)[1]

    assert "Computed on 4 slices" in caption
    assert 10 < len(caption.split()) < 60
    assert text.index(r"\end{tabular}") < text.index("Brackets: 95")


@pytest.mark.parametrize("kind", ["markdown", "html", "latex"])
def test_warnings_about_the_classifier_stand_in_every_format_and_in_the_log(tmp_path, kind):
    fills = [GOOD["fills"][0], {"fill": 0.0, "logit": 1.5, "agrees": False}]
    output = write(tmp_path, GOOD | {"fills": fills})

    text = getattr(output, kind).read_text()
    if kind == "html":
        text = " ".join(Cells(text).paragraphs)
    warning = "an all-black image with 'no contrast', and it does not (logit 1.50)"
    assert warning in text
    assert warning in (tmp_path / "job.log").read_text()
    assert rows_of(kind, getattr(output, kind).read_text()) == EXPECTED


def test_what_is_known_of_trainings_is_said(tmp_path):
    one, three = (write(tmp_path, trainings=n).markdown.read_text() for n in (1, 3))
    assert "One training: how far trainings differ is not known." in one
    assert "held the truth in 94.4 %" in one
    assert "Values are means over 3 trainings" in three
    assert "widened by how far trainings differ" in three
    assert "permutation test by patient and training," in three
    # That was simulated with one.
    assert "held the truth" not in three


# More than two classes

PHASES = Task(classes=("native", "low & late", "venous"), fill=(1.0, 0.0, 0.5))


SEPARATORS = {"markdown": " | ", "html": "</th><td>", "latex": " & "}


def of_phases(by_class=(1.0, 2.0, 3.0)):
    """Columns of the values of each class."""
    return {
        f"value_{name}{end}": value + more
        for name, value in zip(PHASES.columns, by_class, strict=True)
        for end, more in {"": 0.0, "_low": -0.5, "_high": 0.5}.items()
    } | {"classes": "0 and 1 and 2"}


@pytest.mark.parametrize(
    ("kind", "heading"),
    [
        ("markdown", '| **Class "low & late"** | | |'),
        ("html", "<b>Class &quot;low &amp; late&quot;</b>"),
        ("latex", r'\multicolumn{3}{l}{\textbf{Class "low \& late"}} \\'),
    ],
)
def test_of_three_classes_the_table_has_a_part_of_each_below_their_mean(tmp_path, kind, heading):
    text = getattr(write(tmp_path, ceiling=8.0, task=PHASES, **of_phases()), kind).read_text()

    whole, native, late, venous = re.split('Class (?:"|&quot;)', text[text.index("Mean of the") :])
    assert heading in text
    assert [late[:5], venous[:5]] == ["low &" if kind != "latex" else "low \\", "venou"]
    for part, value in ((whole, 5.0), (native, 1.0), (late, 2.0), (venous, 3.0)):
        assert part.count("SmoothGrad Squared") == part.count("Perfect map") == 1
        assert f"SmoothGrad Squared{' | '}{value}".replace(" | ", SEPARATORS[kind]) in part
    assert "First comes the value of the mean of the classes, then that of each class" in text


def test_of_three_classes_the_csv_has_columns_of_each(tmp_path):
    table = pd.read_csv(write(tmp_path, task=PHASES, **of_phases()).csv)
    assert len(table) == len(EXPECTED)
    assert set(table["absolute_venous"]) == {3.0}
    assert set(table["original_low_late_low"]) == {1.5}
    assert set(table["absolute_native_high"]) == {1.5}


def test_of_two_classes_there_are_no_parts(tmp_path):
    columns = {"value_no_contrast": 1.0, "value_contrast": 2.0}
    made = write(tmp_path, **columns)
    assert "Mean of the classes" not in made.markdown.read_text()
    assert list(pd.read_csv(made.csv).filter(like="contrast")) == []


def test_notes_on_three_classes(tmp_path):
    text = write(tmp_path, task=PHASES, **of_phases((0.0, 2.0, 3.0))).markdown.read_text()
    assert "Values tell of the other classes alone and reach 2/3 of their range at most" in text
    text = write(tmp_path, task=PHASES, classes="0 and 2").markdown.read_text()
    assert 'No slice is of class "low & late": accuracies are the mean of the other classe' in text
    text = write(tmp_path, task=PHASES, classes="1").markdown.read_text()
    assert "accuracies are those of this class, not the mean of 3." in text


def test_controls_are_marked_and_told_of(tmp_path):
    plain = write(tmp_path).markdown.read_text()
    assert "†" not in plain
    files = write(tmp_path, controls=("my_own_50", "random"))
    for file in (files.markdown, files.html):
        text = file.read_text()
        assert "my_own_50†" in text
        assert text.count("†") == 2
        assert "† Control: a map that knows nothing of the classifier." in text
    assert r"my\_own\_50$\dagger$ &" in files.latex.read_text()
    assert "†" not in files.csv.read_text()


@pytest.mark.parametrize("ceiling", [None, 8.5])
def test_what_readers_reach_stands_below_the_estimators(tmp_path, ceiling):
    output = write(tmp_path, ceiling=ceiling, readers=7.25)
    text = output.markdown.read_text()
    assert "| Readers against each other | 7.2 [0.0, 9.0] |" in text
    assert ("Perfect map" in text) == (ceiling is not None)
    assert "the mean of those by the mask of each" in text
    details = pd.read_csv(output.details)
    assert (details.readers_value == 7.25).all()
    assert ("ceiling_value" in details) == (ceiling is not None)
    assert "readers" not in output.csv.read_text()
    assert "Readers" not in write(tmp_path, ceiling=8.5).markdown.read_text()


@pytest.mark.parametrize(
    ("chance", "said"),
    [
        ([0.031, 0.031], "On these slices a random map gets 0.03 (the share"),
        ([0.031, 0.052, np.nan], "On these slices a random map gets 0.03 to 0.05 (the share"),
        ([np.nan, np.nan], ""),
    ],
)
def test_chance_that_depends_on_the_slices_is_said(chance, said):
    metric = load("metric", "auprc")()
    found = reading_of_chance(metric, pd.DataFrame({"chance": chance}))
    assert found.startswith(said)
    assert bool(found) == bool(said)


def test_chance_that_is_always_the_same_is_not_repeated():
    assert reading_of_chance(load("metric", "roc")(), values()) == ""


def test_slices_without_a_value_are_counted_and_explained():
    metric = load("metric", "relevance_mass")()
    shares = [0, 0.25, 0, 0, 0, 1]
    (note,) = undefined(metric, values(undefined=shares))
    assert "where a map has no positive value: 25 % of SmoothGrad Squared (absolute)" in note
    assert "100 % of Integrated Gradients (B&W) (absolute)" in note
    assert undefined(metric, values(undefined=0)) == []
    assert undefined(load("metric", "roc")(), values()) == []


def test_a_value_that_is_undefined_is_a_dash_and_the_last_row(tmp_path):
    gone = [5, np.nan, -5, 0, 5, np.nan]
    written = write(tmp_path, value=gone, value_low=gone, value_high=gone)
    last = [line for line in written.markdown.read_text().splitlines() if line.startswith("|")][-1]
    assert last.endswith("| – |")


@pytest.mark.parametrize(("top", "is_rough"), [("training", True), (0.1, False)])
def test_of_a_metric_that_is_tuned_test_patients_alone_make_intervals(top, is_rough):
    chosen = ChosenMetric(name="iou", method="iou", options={"top": top})
    table = values(patients=30, fewest=30, training_patients=26)
    notes = table_warnings(chosen, OPTIONS, DEFAULT_TASK, table, [GOOD])
    assert ("Intervals are rough: there are 4 patients only." in notes) == is_rough


def test_what_cannot_be_tuned_has_no_value_and_a_note():
    (note,) = undefined(load("metric", "iou")(top="training"), values(value=np.nan))
    assert "there are not both with a mask" in note
    assert undefined(load("metric", "iou")(top="training"), values()) == []
