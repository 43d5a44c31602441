"""How large the explorer of 300 slices and eight estimators is, and how fast it opens.

Maps are noise, which compresses least. Few slices are packed and repeated: packing takes minutes,
and the page does not tell the copies apart. Needs Chromium.
"""

import json
import os
import statistics
import tempfile
import time
from itertools import cycle
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter

from ct_importance.metrics.jobs import ChosenMetric
from ct_importance.report.explorer.detail import BYTES_OF_PAGE, Detail, choose_detail
from ct_importance.report.explorer.entries import page_index
from ct_importance.report.explorer.levels import encode_curve
from ct_importance.report.explorer.page import write_page
from ct_importance.report.explorer.scores import Scores
from ct_importance.report.explorer.slices import Material, pack_images, pack_regions, pack_slice
from ct_importance.report.jobs import ExplorerJob
from ct_importance.saliency.xrai.segments import segment_image
from ct_importance.saliency.xrai.storage import pack_segments
from ct_importance.task import DEFAULT_TASK
from tests.report.explorer.chromium import chromium

NAMES = (
    *("backpropagation", "deconvolution", "expected_gradients", "integrated_gradients"),
    *("integrated_gradients_bw", "random", "smoothgrad", "smoothgrad_squared"),
)
METRICS = ("fidelity", "roc", "dice")
JOB = ExplorerJob(
    **{"run": "benchmark", "estimators": NAMES, "subsets": ("annotated",), "slices": 300},
    metrics=tuple(ChosenMetric(name=name, method=name, options={}) for name in METRICS),
    hu_window=(-1000.0, 400.0),
    task=DEFAULT_TASK,
)
SLICES, SIDE, PACKED = 300, 224, 3
FRACTIONS = [step / 40 for step in range(41)]
PERCENTAGES = [*(quarter / 4 for quarter in range(4, 40)), *map(float, range(10, 101))]
TEMPLATES = Path(__file__).resolve().parents[1] / "ct_importance/report/explorer/templates"
VARIANTS = ("original", "absolute")


def make_examples() -> list[Material]:
    """Return a few slices with segments, a mask and signed and unsigned maps of noise."""
    examples = []
    for seed in range(PACKED):
        random = np.random.default_rng(seed)
        image = gaussian_filter(random.normal(size=(SIDE, SIDE)), SIDE / 30)
        image = ((image - image.min()) / np.ptp(image)).astype("f4")
        segments = pack_segments(segment_image(image))
        mask = image > 0.75
        # Some 10 HU, as of a slice of 512 x 512 that was reduced.
        image = np.clip(image + random.normal(scale=0.007, size=image.shape), 0, 1).astype("f4")
        maps = {name: random.normal(size=image.shape).astype("f4") for name in NAMES}
        for unsigned in ("random", "smoothgrad_squared"):
            maps[unsigned] = np.abs(maps[unsigned])
        examples.append(
            Material({"slice_id": str(seed), "image": image, "mask": mask}, maps, segments)
        )
    return examples


def bytes_of(packed: list[dict]) -> list[int]:
    """Return how many bytes each takes in the page."""
    return [len(json.dumps(content)) for content in packed]


def detail_of(examples: list[Material], scores: Scores) -> Detail:
    """Return how finely slices and maps are kept."""
    return choose_detail(
        bytes_of([pack_regions(material) for material in examples]),
        SLICES,
        BYTES_OF_PAGE - len(json.dumps([scores.numbers, scores.curves])),
        lambda detail: bytes_of([pack_images(it, detail, JOB.hu_window) for it in examples]),
    )


def make_scores(slice_ids: list[str]) -> Scores:
    """Return scores of every slice, estimator and variant."""
    logits = encode_curve(np.linspace(-8, 12, len(FRACTIONS)), 0.01)
    dice = encode_curve(np.linspace(0.1, 0.6, len(PERCENTAGES)), 0.001)
    curves = {"mif": logits, "lif": logits, "dsc": dice}
    numbers = {"fidelity": 3.125, "roc": 0.7312, "dice": 0.4521}
    by_map = [
        {
            slice_id: {name: dict.fromkeys(VARIANTS, content) for name in NAMES}
            for slice_id in slice_ids
        }
        for content in (numbers, curves)
    ]
    return Scores(*by_map, FRACTIONS, PERCENTAGES)


def build(path: Path) -> None:
    """Write the page."""
    examples = make_examples()
    slice_ids = [f"1.3.6.1.4.1.14519.5.2.1.6279.6001.{number:030d}" for number in range(SLICES)]
    scores = make_scores(slice_ids)
    detail = detail_of(examples, scores)
    packed = [pack_slice(material, detail, JOB.hu_window) for material in examples]
    entries = [
        {
            **{"slice_id": slice_id, "patient_id": f"LIDC-IDRI-{number:04d}", "label": number % 2},
            **{"split": "test", "annotated": True, "logit": 1.234, "correct": number % 2 == 1},
            **{"series": number // 10, "position": 2.5 * number},
            **{"scores": scores.numbers[slice_id]},
        }
        for number, slice_id in enumerate(slice_ids)
    ]
    index = page_index(JOB, entries, scores, SLICES, (SIDE, SIDE), detail)
    contents = (
        content | {"curves": scores.curves[slice_id]}
        for slice_id, content in zip(slice_ids, cycle(packed), strict=False)
    )
    write_page(path, {file.name: file for file in TEMPLATES.rglob("*.*")}, contents, index)
    print(
        f"{len(detail.shares)} levels, {detail.greys(JOB.hu_window)} grey values, images "
        f"reduced by {detail.factor}: {path.stat().st_size / 1e6:.1f} MB"
    )


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
    load = os.getloadavg()[0]
    print(
        f"opened: fastest {min(opened):.2f} s, median {statistics.median(opened):.2f} s, slowest "
        f"{max(opened):.2f} s, at a load of {load:.1f} on {os.cpu_count()} cores"
    )
    print(f"next slice: median {statistics.median(steps):.2f} s; heap {heap / 1e6:.0f} MB")


with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
    build(Path(name) / "explorer.html")
    measure(Path(name) / "explorer.html", Path(name))
