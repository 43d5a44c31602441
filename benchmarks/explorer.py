"""How large the explorer of 300 slices and eight estimators is, and how fast it opens.

Maps are noise, which compresses least. Few slices are packed and repeated: packing takes minutes,
and the page does not tell the copies apart. Needs Chromium.
"""

import statistics
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter

from ct_importance.plugins import names
from ct_importance.report.explorer.build import MAP_BUDGET, page_index
from ct_importance.report.explorer.levels import plan_levels
from ct_importance.report.explorer.page import write_page
from ct_importance.report.explorer.scores import Scores
from ct_importance.report.explorer.slices import Material, pack_slice
from ct_importance.saliency.xrai.segments import segment_image
from ct_importance.saliency.xrai.storage import pack_segments
from ct_importance.task import DEFAULT_TASK
from tests.report.explorer.chromium import chromium

NAMES = names("estimator")
SLICES, SIDE, PACKED = 300, 224, 3
FRACTIONS = [step / 40 for step in range(41)]
PERCENTAGES = [*(quarter / 4 for quarter in range(4, 40)), *map(float, range(10, 101))]
TEMPLATES = Path(__file__).resolve().parents[1] / "ct_importance/report/explorer/templates"
VARIANTS = ("original", "absolute")


def pack_examples(factor: int, shares: np.ndarray) -> list[dict]:
    """Return a few packed slices with segments, a mask and signed and unsigned maps."""
    packed = []
    for seed in range(PACKED):
        random = np.random.default_rng(seed)
        image = gaussian_filter(random.normal(size=(SIDE, SIDE)), SIDE / 30)
        image = ((image - image.min()) / np.ptp(image)).astype("f4")
        maps = {name: random.normal(size=image.shape).astype("f4") for name in NAMES}
        for unsigned in ("random", "smoothgrad_squared"):
            maps[unsigned] = np.abs(maps[unsigned])
        row = {"slice_id": str(seed), "image": image, "mask": image > 0.75}
        segments = pack_segments(segment_image(image))
        packed.append(pack_slice(Material(row, maps, segments), factor, shares))
    return packed


def make_scores(slice_ids: list[str]) -> Scores:
    """Return scores of every slice, estimator and variant."""
    logits = np.round(np.linspace(-8, 12, len(FRACTIONS)), 2).tolist()
    curves = {"mif": logits, "lif": logits[::-1], "dsc": [512] * len(PERCENTAGES)}
    numbers = {"auc": 0.7312, "dsc": 0.4521, "dsc_percentage": 5.25, "fidelity": 3.125}
    by_map = [
        {
            slice_id: {name: dict.fromkeys(VARIANTS, content) for name in NAMES}
            for slice_id in slice_ids
        }
        for content in (numbers, curves)
    ]
    return Scores(*by_map, FRACTIONS, PERCENTAGES, has_auc=True)


def build(path: Path) -> None:
    """Write the page."""
    factor, shares = plan_levels((SIDE, SIDE), SLICES * len(NAMES), MAP_BUDGET)
    slice_ids = [f"1.3.6.1.4.1.14519.5.2.1.6279.6001.{number:030d}" for number in range(SLICES)]
    scores = make_scores(slice_ids)
    examples = list(islice(cycle(pack_examples(factor, shares)), SLICES))
    entries = [
        {
            **{"slice_id": slice_id, "patient_id": f"LIDC-IDRI-{number:04d}", "label": number % 2},
            **{"split": "test", "annotated": True, "logit": 1.234, "correct": number % 2 == 1},
            **{"scores": scores.numbers[slice_id]},
        }
        for number, slice_id in enumerate(slice_ids)
    ]
    index = page_index("benchmark", DEFAULT_TASK, NAMES, entries, scores)
    index |= {
        "explained": SLICES,
        "size": [SIDE, SIDE],
        "factor": factor,
        "levels": len(shares),
    }
    contents = (
        content | {"curves": scores.curves[slice_id]}
        for slice_id, content in zip(slice_ids, examples, strict=True)
    )
    write_page(path, {file.name: file for file in TEMPLATES.iterdir()}, contents, index)
    print(f"{len(shares)} levels, images reduced by {factor}: {path.stat().st_size / 1e6:.1f} MB")


def measure(path: Path, folder: Path) -> None:
    """Print how long the page takes until all of a slice is shown, and to the next slice."""
    shown = "document.documentElement.dataset.shown"
    opened, steps = [], []
    for number in range(5):
        with chromium(folder / str(number)) as page:
            page.resize(1280, 900)
            start = time.perf_counter()
            page.open(path.as_uri())
            page.wait_for(shown)
            opened.append(time.perf_counter() - start)
            for _ in range(5):
                start = time.perf_counter()
                page.press("ArrowRight")
                page.wait_for(shown)
                steps.append(time.perf_counter() - start)
            heap = page.call("Runtime.getHeapUsage")["usedSize"]
    print(f"opened: median {statistics.median(opened):.2f} s, slowest {max(opened):.2f} s")
    print(f"next slice: median {statistics.median(steps):.2f} s; heap {heap / 1e6:.0f} MB")


with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
    build(Path(name) / "explorer.html")
    measure(Path(name) / "explorer.html", Path(name))
