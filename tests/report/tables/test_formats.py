import re
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

from ct_importance.report.markup import escape_latex, escape_markdown
from ct_importance.report.names import display_name
from ct_importance.report.tables.formats import (
    fixed,
    html_table,
    latex_table,
    markdown_table,
    paper_table,
)


def summary(**values: tuple[float | None, float | None]) -> pd.DataFrame:
    """Values (original, absolute) of each estimator; None leaves the variant out."""
    rows = [
        {
            "estimator": estimator,
            "variant": variant,
            "value": value,
            "value_low": value - 0.06,
            "value_high": value + 0.16,
            "letters": "ab",
        }
        for estimator, pair in values.items()
        for variant, value in zip(("original", "absolute"), pair, strict=True)
        if value is not None
    ]
    return pd.DataFrame(rows)


# Numbers and text


@pytest.mark.parametrize(
    ("number", "decimals", "text"),
    [
        (4.4611, 1, "4.5"),
        (0.5, 2, "0.50"),
        (-0.66, 1, "−0.7"),
        (-0.04, 1, "0.0"),
        (-0.0, 2, "0.00"),
        (0.04, 1, "0.0"),
        (12.0, 0, "12"),
        (-0.4, 0, "0"),
        (np.float64("nan"), 2, "–"),
    ],
)
def test_numbers_have_fixed_decimals_and_zero_no_sign(number, decimals, text):
    assert fixed(number, decimals) == text


def test_the_minus_sign_is_the_callers():
    assert fixed(-1.25, 2, minus="$-$") == "$-$1.25"


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("Integrated Gradients (B&W)", r"Integrated Gradients (B\&W)"),
        ("smoothgrad_50", r"smoothgrad\_50"),
        ("70% of #1 {x} $", r"70\% of \#1 \{x\} \$"),
        ("a<b>c~^", r"a\textless{}b\textgreater{}c\textasciitilde{}\textasciicircum{}"),
        (r"\input{x}", r"\textbackslash{}input\{x\}"),
        ("F × 10 − 1", r"F $\times$ 10 $-$ 1"),
    ],
)
def test_latex_special_characters_are_escaped_once(text, latex):
    assert escape_latex(text) == latex


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("Integrated Gradients (B&W)", "Integrated Gradients (B&W)"),
        ("smoothgrad_50", "smoothgrad_50"),
        ("_mine_", r"\_mine\_"),
        ("__a__b", r"\_\_a__b"),
        ("a|b", r"a\|b"),
        ("<b> *x* [y] `z`", r"\<b> \*x\* \[y] \`z\`"),
        ("a\\b", r"a\\b"),
    ],
)
def test_markdown_markup_is_escaped_and_the_rest_stays_readable(text, markdown):
    assert escape_markdown(text) == markdown


def test_an_estimator_of_the_users_own_keeps_its_name():
    assert display_name("integrated_gradients_bw") == "Integrated Gradients (B&W)"
    assert display_name("smoothgrad_50") == "smoothgrad_50"


# The paper's table


def test_the_highest_absolute_value_comes_first():
    table = paper_table(summary(low=(9.0, 0.1), high=(0.0, 0.9), middle=(-1.0, 0.5)))

    assert list(table.columns) == [
        *("estimator", "original", "absolute"),
        *("original_low", "original_high", "absolute_low", "absolute_high"),
        *("original_letters", "absolute_letters"),
    ]
    assert table.columns.name is None
    assert list(table.estimator) == ["high", "middle", "low"]
    assert list(table.original) == [0.0, -1.0, 9.0]
    assert list(table.absolute) == [0.9, 0.5, 0.1]
    assert list(table.index) == [0, 1, 2]


def test_ties_go_to_the_original_value_and_then_to_the_name():
    table = paper_table(summary(b=(0.1, 0.5), random=(0.5, 0.5), a=(0.1, 0.5)))

    assert list(table.estimator) == ["random", "a", "b"]


def test_numbers_that_look_alike_are_sorted_by_all_their_digits():
    table = paper_table(summary(first=(0, 0.421), second=(0, 0.424)))

    assert list(table.estimator) == ["second", "first"]


def test_where_lower_is_better_the_lowest_comes_first():
    values = summary(b=(0.2, 0.1), worst=(0.1, 0.9), a=(0.3, 0.1), half=(0.1, None))
    table = paper_table(values, higher_is_better=False)

    assert list(table.estimator) == ["b", "a", "worst", "half"]


def test_an_estimator_that_lacks_a_variant_stays_and_comes_last():
    table = paper_table(summary(half=(0.9, None), whole=(0.1, 0.2)))

    assert list(table.estimator) == ["whole", "half"]
    assert table.original[1] == 0.9
    assert np.isnan(table.absolute[1])
    assert markdown_table(table, {"half": "half", "whole": "whole"}, "AUC", 2)[-1] == (
        "| half | 0.90 [0.84, 1.06] ab | – |"
    )


def test_a_metric_without_absolute_values_has_an_empty_column():
    table = paper_table(summary(a=(0.9, None), b=(1.0, None)))

    assert list(table.estimator) == ["b", "a"]
    assert table.absolute.isna().all()


def test_without_intervals_and_letters_values_stand_alone():
    values = summary(a=(0.9, 0.8)).assign(value_low=np.nan, value_high=np.nan, letters="")
    table = paper_table(values)

    assert markdown_table(table, {"a": "a"}, "AUC", 2)[-1] == "| a | 0.90 | 0.80 |"


# Marks of a metric's own


AWKWARD = {"table": paper_table(summary(x=(0.1, 0.2))), "names": {"x": "<x> & y"}, "decimals": 1}


def test_html_escapes_names_labels_captions_and_notes():
    page = html_table(**AWKWARD, value="a<b", caption="c<d", notes=["e<f"])

    for text in ("&lt;x&gt; &amp; y", "a&lt;b (original)", "<title>a&lt;b</title>", "c&lt;d"):
        assert text in page
    assert '<p class="note">e&lt;f</p>' in page
    assert "<x>" not in page


def test_latex_escapes_names_labels_captions_and_notes():
    text = latex_table(
        **AWKWARD, value="hits_%", caption="share of #", notes=["50% only"], label="table4_x"
    )

    assert r"\textless{}x\textgreater{} \& y & 0.1 [0.0, 0.3]\textsuperscript{ab} & " in text
    assert r"Estimator & hits\_\% (original) & hits\_\% (absolute) \\" in text
    assert r"\caption{share of \#}" in text
    assert text.index(r"\end{tabular}") < text.index(r"{\footnotesize 50\% only}")
    assert r"\label{tab:table4_x}" in text


def test_latex_says_what_it_needs_and_closes_what_it_opens():
    for notes in ([], ["a note"]):
        text = latex_table(**AWKWARD, value="AUC", caption="c", notes=notes, label="x")

        assert text.startswith(r"% Needs \usepackage{booktabs}")
        opened, closed = (re.findall(rf"\\{it}{{(.*?)}}", text) for it in ("begin", "end"))
        assert opened == closed[::-1] == ["table*", "tabular"]
        assert ("footnotesize" in text) == bool(notes)
        body = text.partition(r"\midrule")[2].partition(r"\bottomrule")[0]
        assert body.replace(r"\&", "").count("&") == 2 * body.count(r"\\")


ARTICLE = r"""\documentclass[twocolumn]{article}
\usepackage{booktabs}
\begin{document}
%s
\end{document}
"""


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="TeX is not installed")
def test_latex_compiles_and_fits_two_columns(tmp_path):
    names = ["Integrated Gradients (B&W)", "Mean training mask†", "x_y ~ 50 % #1 {±} \\ ^2"]
    values = summary(**dict.fromkeys(names, (-10.25, 0.5))).assign(letters="abcdefgh")
    text = latex_table(
        table=paper_table(values),
        names={name: name for name in names},
        decimals=2,
        value="F × 10",
        caption="share of #",
        notes=["50 % – of 'these' <1 only. " * 9],
        label="x",
    )
    (tmp_path / "a.tex").write_text(ARTICLE % text, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "a.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    said = [line for line in done.stdout.splitlines() if line.startswith(("!", "Overfull"))]
    assert said == []
    assert (tmp_path / "a.pdf").is_file()


def test_markdown_keeps_its_columns_whatever_the_names():
    lines = markdown_table(AWKWARD["table"], {"x": "a|b"}, "c|d", 1)

    assert lines[0] == r"| Estimator | c\|d (original) | c\|d (absolute) |"
    assert lines[2] == r"| a\|b | 0.1 [0.0, 0.3] ab | 0.2 [0.1, 0.4] ab |"
