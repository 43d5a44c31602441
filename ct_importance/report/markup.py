"""Text inside Markdown, LaTeX and reStructuredText."""

from __future__ import annotations

import re

LATEX = str.maketrans(
    {character: f"\\{character}" for character in "&%$#_{}"}
    | {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "×": r"$\times$",
        "−": r"$-$",
        "†": r"$\dagger$",
    }
)
"""What stands for LaTeX's special characters, and for those that not every font has."""


def escape_latex(text: str) -> str:
    """Return text with LaTeX's special characters escaped."""
    return text.translate(LATEX)


def escape_markdown(text: str) -> str:
    """Return text with what Markdown would take for markup escaped.

    Underscores inside a word are no markup, and stay as they are: the tables are also read raw.
    """
    text = re.sub(r"[\\`*|<\[]", r"\\\g<0>", text)
    return re.sub(r"(?<!\w)_+|_+(?!\w)", lambda run: r"\_" * len(run[0]), text)


def escape_rst(text: str) -> str:
    """Return text with the marks of reStructuredText escaped, and without those of templates."""
    text = re.sub(r"[\\`*|_]", r"\\\g<0>", text)
    return text.replace("{", "(").replace("}", ")")
