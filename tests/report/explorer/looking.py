"""How tests look at a page and use it."""

import json

import numpy as np

from ct_importance.report.explorer.levels import ALPHABET
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


def touch(page, kind, *points):
    """Tell the browser of fingers, each by its number and place: `touchStart`, `touchMove`..."""
    fingers = [{"id": number, "x": x, "y": y} for number, (x, y) in enumerate(points)]
    page.call("Input.dispatchTouchEvent", type=kind, touchPoints=fingers)


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


def decode_bytes(text):
    """Return what `encode_bytes` made a text of, digit by digit."""
    places = {character: place for place, character in enumerate(ALPHABET.astype(str))}
    numbers = [
        91 * places[one] + places[two] for one, two in zip(text[::2], text[1::2], strict=True)
    ]
    bits = "".join(f"{number:013b}" for number in numbers)
    whole = len(bits) // 8
    return int(bits[: 8 * whole], 2).to_bytes(whole, "big")


def decode_numbers(text, kind):
    """Return numbers; the text may hold a byte more than they take."""
    data = decode_bytes(text)
    size = np.dtype(kind).itemsize
    return np.frombuffer(data[: len(data) // size * size], kind)
