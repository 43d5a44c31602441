"""How tests look at a page and use it."""

import json

import numpy as np

from tests.report.explorer.small_run import SHAPE

SHOWN = "document.documentElement.dataset.shown"
CONTROL, SHIFT = 2, 8
"""Modifiers of the DevTools protocol."""


def text_of(page, selector):
    return page.evaluate(f"document.querySelector({json.dumps(selector)}).textContent")


def pixels_of(page, view, width=SHAPE[1], height=SHAPE[0]):
    """Return the colours (H, W, 3) of a view, a pixel of the slice each."""
    data = page.evaluate(
        f"""(() => {{
          const canvas = document.querySelector("canvas[data-view={view}]");
          const small = new OffscreenCanvas({width}, {height}).getContext("2d");
          small.imageSmoothingEnabled = false;
          small.drawImage(canvas, 0, 0, {width}, {height});
          return [...small.getImageData(0, 0, {width}, {height}).data];
        }})()"""
    )
    return np.array(data).reshape(height, width, 4)[..., :3]


def press(page, key):
    page.press(key)
    page.wait_for(SHOWN)


def point_of(page, selector, share=0.5):
    """Return a point of an element on the screen, in shares of its sides."""
    box = page.evaluate(
        f"""(() => {{
          const box = document.querySelector("{selector}").getBoundingClientRect();
          return [box.left + {share} * box.width, box.top + {share} * box.height];
        }})()"""
    )
    return [round(place) + 0.5 for place in box]
