"""Figures as tests look at them."""

import pytest

from ct_importance.report.style import RC, plt


@pytest.fixture
def draw():
    """Return a function that draws a figure as the report does; in the end it is closed."""
    figures = []

    def draw_one(shown, tables):
        with plt.rc_context(RC):
            figures.append(shown.draw(tables))
        return figures[-1]

    yield draw_one
    for figure in figures:
        plt.close(figure)
