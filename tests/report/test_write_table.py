import json
import re
import runpy
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]
SUFFIXES = {"csv": "csv", "markdown": "md", "html": "html", "latex": "tex"}
# Whether the classifier is right when half of the pixels are masked, by order: F is 0.5 times the
# difference of LiF and MiF.
HALFWAY = {
    "smoothgrad_squared": {"original": (True, False), "absolute": (True, False)},
    "my_own_50": {"original": (False, True), "absolute": (True, True)},
    "integrated_gradients_bw": {"original": (True, False), "absolute": (False, True)},
}
EXPECTED = [
    ("SmoothGrad Squared", 5.0, 5.0),
    ("my_own_50", -5.0, 0.0),
    ("Integrated Gradients (B&W)", 5.0, -5.0),
]
GOOD = {
    "references": {
        "black_logit": -3.0,
        "black_agrees": True,
        "white_logit": 4.0,
        "white_agrees": True,
    },
    "test": {"n": 4, "balanced_accuracy": 0.9},
}


def points(by_variant: dict[str, tuple[bool, bool]]) -> pd.DataFrame:
    """Fidelity points of four slices of three patients: right when whole, wrong when all masked."""
    rows = [
        {
            "slice_id": f"slice {number}",
            "patient_id": f"patient {min(number, 2)}",
            "label": number % 2,
            "variant": variant,
            "order": order,
            "fraction": fraction,
            "logit": 0.0,
            "correct": correct,
        }
        for number in range(4)
        for variant, halfway in by_variant.items()
        for order, at_half in zip(("lif", "mif"), halfway, strict=True)
        for fraction, correct in ((0.0, True), (0.5, at_half), (1.0, False))
    ]
    return pd.DataFrame(rows)


def write(folder: Path, evaluation: dict = GOOD) -> SimpleNamespace:
    """Run the rule's script; return its output paths."""
    tables = {}
    for estimator, by_variant in HALFWAY.items():
        tables[estimator] = folder / f"{estimator}.parquet"
        points(by_variant).to_parquet(tables[estimator])
    (folder / "evaluation.json").write_text(json.dumps(evaluation))
    output = {kind: folder / f"table1_fidelity.{suffix}" for kind, suffix in SUFFIXES.items()}
    job = SimpleNamespace(
        log=[folder / "job.log"],
        input=SimpleNamespace(points=list(tables.values()), evaluation=folder / "evaluation.json"),
        output=SimpleNamespace(**output, details=folder / "details.csv"),
        params=SimpleNamespace(
            metric="fidelity", slices="annotated", estimators=json.dumps(list(HALFWAY))
        ),
        wildcards=SimpleNamespace(table="table1_fidelity"),
    )
    runpy.run_path(str(ROOT / "scripts/report/write_table.py"), {"snakemake": job})
    return job.output


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
        cells = Cells(text).rows[1:]
    elif kind == "markdown":
        lines = [line for line in text.splitlines() if line.startswith("| ")][1:]
        cells = [line.strip("| ").split(" | ") for line in lines]
    else:
        body = text.partition(r"\midrule")[2].partition(r"\bottomrule")[0]
        lines = body.replace(r"\&", "AND").replace(r"\_", "_").replace("$-$", "−").split(r"\\")
        cells = [line.strip().replace("AND", "&") for line in lines if line.strip()]
        cells = [re.split(r" & ", cell) for cell in cells]
    return [
        (name, *(float(number.replace("−", "-")) for number in numbers)) for name, *numbers in cells
    ]


@pytest.mark.parametrize("kind", ["markdown", "html", "latex"])
def test_each_format_holds_the_same_rows(tmp_path, kind):
    output = write(tmp_path)

    assert rows_of(kind, getattr(output, kind).read_text()) == EXPECTED


def test_the_csv_holds_the_names_of_the_configuration_and_all_digits(tmp_path):
    text = write(tmp_path).csv.read_text()

    assert text.splitlines()[0] == "estimator,original,absolute"
    rows = pd.read_csv(tmp_path / "table1_fidelity.csv")
    assert list(rows.estimator) == ["smoothgrad_squared", "my_own_50", "integrated_gradients_bw"]
    np.testing.assert_allclose(
        rows[["original", "absolute"]], [numbers for _, *numbers in EXPECTED], atol=1e-12
    )


def test_the_details_hold_a_row_per_estimator_and_variant(tmp_path):
    details = pd.read_csv(write(tmp_path).details)

    assert list(details.columns)[:3] == ["estimator", "variant", "value"]
    assert len(details) == 6
    assert set(details.classes) == {"0 and 1"}


@pytest.mark.parametrize("kind", ["markdown", "html", "latex"])
def test_the_caption_says_what_the_table_is_computed_on(tmp_path, kind):
    text = getattr(write(tmp_path), kind).read_text()

    assert "area between the LiF and MiF accuracy curves" in text
    assert (
        "Computed on 4 slices of 3 patients: all slices with a mask, of training and test" in text
    )
    assert "Warning" not in text


@pytest.mark.parametrize("kind", ["markdown", "html", "latex"])
def test_warnings_about_the_classifier_stand_in_every_format_and_in_the_log(tmp_path, kind):
    references = GOOD["references"] | {"black_agrees": False, "black_logit": 1.5}
    output = write(tmp_path, GOOD | {"references": references})

    text = getattr(output, kind).read_text()
    if kind == "html":
        text = " ".join(Cells(text).paragraphs)
    warning = "an all-black image with 'no contrast', and it does not (logit 1.50)"
    assert warning in text
    assert warning in (tmp_path / "job.log").read_text()
    assert rows_of(kind, getattr(output, kind).read_text()) == EXPECTED
