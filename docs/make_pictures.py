"""Make the small pictures of the README from figures of the demo: `make pictures`."""

from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ("figure1_examples", "ranks")
WIDTH = 1000
"""Pixels."""


def main() -> None:
    """Reduce each figure and write it beside this file."""
    for name in PICTURES:
        with Image.open(ROOT / "results/demo/resnet50/figures" / f"{name}.png") as figure:
            height = round(figure.height * WIDTH / figure.width)
            small = figure.convert("RGB").resize((WIDTH, height), Image.Resampling.LANCZOS)
        small.quantize(128).save(ROOT / "docs" / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
