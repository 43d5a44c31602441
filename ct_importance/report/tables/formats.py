"""Tables 1-3 of the paper: one value per estimator and variant, as CSV, Markdown and LaTeX."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from ct_importance.report.markup import escape_latex, escape_markdown

VARIANTS = ("original", "absolute")
Table = tuple[list[str], list[list[str]]]
"""Header and rows of text."""


def paper_table(values: pd.DataFrame, higher_is_better: bool = True) -> pd.DataFrame:
    """Return a row per estimator; best absolute value first, as in the paper.

    Args:
        values: Columns estimator, variant, value, value_low, value_high, letters; a value that is
            missing becomes NaN, and an estimator without absolute value comes last.
        higher_is_better: Whether the best value is the highest.

    Returns:
        Columns estimator, original, absolute, and for both of them _low, _high and _letters.
    """
    wide = values.pivot(index="estimator", columns="variant")
    suffixes = {"value": "", "value_low": "_low", "value_high": "_high", "letters": "_letters"}
    table = pd.DataFrame(
        {
            f"{variant}{suffix}": wide[column].get(variant, "" if column == "letters" else math.nan)
            for columns in (["value"], ["value_low", "value_high"], ["letters"])
            for variant in VARIANTS
            for column, suffix in suffixes.items()
            if column in columns
        },
        index=wide.index,
    )
    letters = [f"{variant}_letters" for variant in VARIANTS]
    table[letters] = table[letters].fillna("")
    order = ["absolute", "original", "estimator"]
    lowest_first = not higher_is_better
    return table.reset_index().sort_values(
        order, ascending=[lowest_first, lowest_first, True], ignore_index=True
    )


def cells(row: pd.Series, decimals: int, minus: str, mark: str) -> list[str]:
    """Return the text of both variants: value, interval and letters.

    Args:
        row: Of `paper_table`.
        decimals: Of the numbers.
        minus: The minus sign.
        mark: How letters are shown, e.g. ``"<sup>{}</sup>"``.
    """
    texts = []
    for variant in VARIANTS:
        value, low, high = (row[variant + end] for end in ("", "_low", "_high"))
        text = with_interval(value, low, high, decimals, minus)
        letters = "" if math.isnan(value) else row[f"{variant}_letters"]
        texts.append(text + (mark.format(letters) if letters else ""))
    return texts


def _rows_of_parts(table: pd.DataFrame) -> Iterator[tuple[str, pd.Series]]:
    """Yield the rows of a table, with the title of its ``part`` where one begins, else ""."""
    last = ""
    for _, row in table.iterrows():
        title = row.get("part", "")
        yield ("" if title == last else title), row
        last = title


def markdown_table(
    table: pd.DataFrame, names: Mapping[str, str], value: str, decimals: int
) -> list[str]:
    """Return a table as lines of Markdown.

    Args:
        table: See `paper_table`; with a column ``part``, its titles stand above their rows.
        names: Of the estimators, as they are printed.
        value: What the numbers are.
        decimals: Of the numbers.
    """
    value = escape_markdown(value)
    lines = [f"| Estimator | {value} (original) | {value} (absolute) |", "|---|---:|---:|"]
    for title, row in _rows_of_parts(table):
        lines += [f"| **{escape_markdown(title)}** | | |"] if title else []
        numbers = " | ".join(cells(row, decimals, "−", " {}"))
        lines.append(f"| {escape_markdown(names[row['estimator']])} | {numbers} |")
    return lines


def html_table(
    table: pd.DataFrame,
    names: Mapping[str, str],
    value: str,
    decimals: int,
    caption: str,
    notes: Sequence[str],
) -> str:
    """Return a table, see `markdown_table`, as a page of HTML, for the report."""
    header = ["Estimator", f"{value} (original)", f"{value} (absolute)"]
    rows: list[list[str]] = []
    for title, row in _rows_of_parts(table):
        rows += [[f"<b>{html.escape(title)}</b>", "", ""]] if title else []
        name = html.escape(names[row["estimator"]])
        rows.append([name, *cells(row, decimals, "−", " <sup>{}</sup>")])
    return html_page(value, caption, notes, [html_rows(header, rows)])


def markdown_rows(
    header: Sequence[str], rows: Sequence[Sequence[str]], numbers: bool = False
) -> list[str]:
    """Return a table as lines of Markdown; the first cell of a row is escaped.

    Args:
        header: Heads of the columns.
        rows: Cells.
        numbers: Whether all columns but the first are to stand at the right.
    """
    ruler = "|---" + ("|---:" if numbers else "|---") * (len(header) - 1) + "|"
    body = [f"| {' | '.join([escape_markdown(first), *others])} |" for first, *others in rows]
    return [f"| {' | '.join(header)} |", ruler, *body]


def titled_tables(tables: Mapping[str, Table]) -> tuple[list[str], list[str]]:
    """Return tables below their titles as lines of Markdown, and as parts of an HTML page.

    Args:
        tables: Header and rows of text, by title; tables without rows are left out.
    """
    lines: list[str] = []
    parts: list[str] = []
    for title, (header, rows) in tables.items():
        if rows:
            lines += ["", f"{title}:", "", *markdown_rows(header, rows)]
            escaped = [[html.escape(text) for text in row] for row in rows]
            parts.append(f"<h2>{html.escape(title)}</h2>{html_rows(header, escaped)}")
    return lines, parts


def html_rows(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table of HTML; the header is escaped, the cells of the rows are HTML already."""
    heading = "".join(f'<th scope="col">{html.escape(text)}</th>' for text in header)
    body = [
        f'<tr><th scope="row">{first}</th>{"".join(f"<td>{text}</td>" for text in others)}</tr>'
        for first, *others in rows
    ]
    return "\n".join(["<table>", f"<tr>{heading}</tr>", *body, "</table>"])


def html_page(title: str, caption: str, notes: Sequence[str], parts: Sequence[str]) -> str:
    """Return a page of the report: caption and notes, which are escaped, then parts of HTML."""
    style = (
        "body{font-family:sans-serif;max-width:60em;margin:1em;line-height:1.4}"
        "table{border-collapse:collapse;margin:1em 0}td,th{padding:.25em 1em;text-align:right;"
        "font-weight:normal;border-bottom:1px solid #ddd}th[scope=col]{font-weight:bold}"
        "th:first-child{text-align:left}.note{color:#a03000}sup{line-height:0}"
    )
    return "\n".join(
        [
            '<!doctype html><html lang="en"><meta charset="utf-8">',
            f"<title>{html.escape(title)}</title><style>{style}</style>",
            f"<p>{html.escape(caption)}</p>",
            *(f'<p class="note">{html.escape(note)}</p>' for note in notes),
            *parts,
            "</html>\n",
        ]
    )


def latex_table(
    table: pd.DataFrame,
    names: Mapping[str, str],
    value: str,
    decimals: int,
    caption: str,
    notes: Sequence[str],
    label: str,
) -> str:
    """Return a table, see `markdown_table`, as LaTeX, as wide as both columns of a page.

    The caption stands above it, the notes below.
    """
    value = escape_latex(value)
    lines = [
        r"% Needs \usepackage{booktabs}. It spans both columns of a page: one is too narrow.",
        r"\begin{table*}",
        r"\centering",
        rf"\caption{{{escape_latex(caption)}}}",
        rf"\label{{tab:{label}}}",
        r"\smallskip",
        r"\small",
        r"\begin{tabular}{lrr}",
        r"\toprule",
        rf"Estimator & {value} (original) & {value} (absolute) \\",
        r"\midrule",
    ]
    for title, row in _rows_of_parts(table):
        lines += (
            [rf"\multicolumn{{3}}{{l}}{{\textbf{{{escape_latex(title)}}}}} \\"] if title else []
        )
        numbers = " & ".join(cells(row, decimals, "$-$", r"\textsuperscript{{{}}}"))
        lines.append(rf"{escape_latex(names[row['estimator']])} & {numbers} \\")
    lines += [r"\bottomrule", r"\end{tabular}"]
    if notes:
        said = escape_latex(" ".join(notes))
        lines += ["", r"\medskip", rf"\parbox{{\linewidth}}{{\footnotesize {said}}}"]
    return "\n".join([*lines, r"\end{table*}", ""])


def with_interval(value: float, low: float, high: float, decimals: int, minus: str = "−") -> str:
    """Return a number and its interval in brackets; the number alone where there is none.

    >>> with_interval(0.5, 0.25, 0.75, 2)
    '0.50 [0.25, 0.75]'
    """
    text, *ends = (fixed(number, decimals, minus) for number in (value, low, high))
    return text if math.isnan(low) else f"{text} [{', '.join(ends)}]"


def with_places(rank: float, low: float, high: float, between: str = " ") -> str:
    """Return a rank and the places that tests leave open in brackets.

    >>> with_places(2.5, 2, 3)
    '2.5 [2, 3]'
    """
    return f"{rank:g}{between}[{low:g}, {high:g}]"


def fixed(number: float, decimals: int, minus: str = "−") -> str:
    """Return a number with a fixed number of decimals, zero without a sign; a dash for NaN."""
    if math.isnan(number):
        return "–"
    text = f"{number:.{decimals}f}"
    if float(text) == 0:
        text = text.removeprefix("-")
    return text.replace("-", minus)
