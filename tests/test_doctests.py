"""The examples in the docstrings of the library are true."""

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MODULES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in sorted((ROOT / "ct_importance").rglob("*.py"))
    if ">>> " in path.read_text()
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_of(name, capsys):
    failed, tried = doctest.testmod(importlib.import_module(name), report=True)

    assert not failed, capsys.readouterr().out
    assert tried


def test_examples_are_found_in_every_stage():
    finder = doctest.DocTestFinder()
    found = [test for name in MODULES for test in finder.find(importlib.import_module(name))]
    with_examples = [test.name for test in found if test.examples]

    assert len(with_examples) >= 30
    assert {name.split(".")[1] for name in with_examples} >= {
        "classifier",
        "cohort",
        "compute",
        "io",
        "metrics",
        "saliency",
        "statistics",
    }
