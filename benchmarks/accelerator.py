"""Measures a GPU (or, without one, the CPU) at each precision: `make benchmark-accelerator`.

Prints how many 512 x 512 slices a second pass through the network and back, what fidelity and
SmoothGrad reach of that, and an estimate, from these rates, of the time the paper's protocol takes.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch

from ct_importance.classifier.classifier import Classifier
from ct_importance.classifier.forward.torch_runtime import TorchForward
from ct_importance.classifier.networks.folding import fold_batch_norm
from ct_importance.classifier.resnet import ResNet50
from ct_importance.compute.batch_size import images_per_pass
from ct_importance.compute.device import in_precision, make_deterministic, pick_device
from ct_importance.metrics.catalogue.faithfulness.fidelity import Fidelity
from ct_importance.metrics.metric import Probe, Sample
from ct_importance.plugins import load
from ct_importance.saliency.differentiating import ExplainedScores
from ct_importance.saliency.estimator import Batch
from ct_importance.saliency.explain import importance_of
from ct_importance.saliency.gradients import input_gradient

PRECISIONS = ("float32", "tf32", "bfloat16")
SAMPLES = 15
STEPS = 40
TEST_SLICES, ANNOTATED_SLICES = 4144, 290
# Per slice, of the eight estimators: two of their maps are never negative and have one variant.
FORWARDS = 14 * 2 * (STEPS - 1) + 8 * 2
GRADIENTS = 1 + 1 + 2 * 25 + 25 + SAMPLES


def main() -> None:
    """Print a row per precision."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=512, help="rows and columns of a slice")
    parser.add_argument("--repeats", type=int, default=5, help="runs, of which the median counts")
    arguments = parser.parse_args()
    make_deterministic(torch.get_num_threads())
    device = pick_device()
    name = torch.cuda.get_device_name() if device.type == "cuda" else "CPU"
    print(f"{name}, torch {torch.__version__}, {arguments.size} x {arguments.size}\n")
    print(
        "| precision | forward, 1/s | fidelity of that | gradient, 1/s | smoothgrad of that "
        "| paper's protocol, hours |\n|---|---:|---:|---:|---:|---:|"
    )
    for precision in PRECISIONS:
        rates = measure(precision, arguments.size, arguments.repeats, device)
        print(_line(precision, *rates), flush=True)


def _line(
    precision: str, forward: float, fidelity_rate: float, gradient: float, smoothgrad: float
) -> str:
    seconds = TEST_SLICES * FORWARDS / fidelity_rate
    seconds += (TEST_SLICES + ANNOTATED_SLICES) * GRADIENTS / smoothgrad
    return (
        f"| {precision} | {forward:.1f} | {fidelity_rate / forward:.2f} | {gradient:.1f} "
        f"| {smoothgrad / gradient:.2f} | {seconds / 3600:.2f} |"
    )


def measure(
    precision: str, size: int, repeats: int, device: torch.device
) -> tuple[float, float, float, float]:
    """Return passes a second: bare forward, in fidelity, bare gradient, in smoothgrad."""
    torch.manual_seed(0)
    network = ResNet50().eval().requires_grad_(False)
    image = np.random.default_rng(0).random((size, size), dtype=np.float32)
    fast = in_precision(fold_batch_norm(network, device), precision)
    forwards = 2 * (STEPS - 1) + 2
    images = torch.from_numpy(image).to(device).expand(forwards, 1, -1, -1).contiguous()
    batch = images_per_pass(device.type, size, size, gradient=False)
    asked = TorchForward(fast, device)

    def bare_forward() -> None:
        with torch.inference_mode():
            torch.cat([fast(part) for part in images.split(batch)]).cpu()

    sample = Sample("slice", "patient", 1, image)
    maps = {"original": np.random.default_rng(1).standard_normal((size, size), dtype=np.float32)}
    metric, probe = Fidelity(step=1 / STEPS), Probe(0, asked)
    # As many as have noisy copies for a pass, but of tiny images not hundreds.
    slices = min(8, max(1, images_per_pass(device.type, size, size) // 4))
    chosen = images[:slices].clone()
    work = Batch(
        name="smoothgrad",
        seed=0,
        slice_ids=[f"slice {number}" for number in range(slices)],
        images=chosen,
        targets=torch.ones(slices, dtype=torch.int64, device=device),
        scores=ExplainedScores(Classifier(fast)),
        images_per_pass=images_per_pass(device.type, size, size),
    )
    estimator = load("estimator", "smoothgrad")(samples=SAMPLES)
    copies = chosen.repeat_interleave(SAMPLES, dim=0)
    targets = work.targets.repeat_interleave(SAMPLES)
    parts = list(
        zip(copies.split(work.images_per_pass), targets.split(work.images_per_pass), strict=True)
    )
    return (
        forwards / _median_seconds(bare_forward, repeats),
        forwards / _median_seconds(lambda: metric.evaluate(sample, maps, probe), repeats),
        len(copies)
        / _median_seconds(lambda: [input_gradient(work.scores, *part) for part in parts], repeats),
        len(copies) / _median_seconds(lambda: importance_of(estimator, work).cpu(), repeats),
    )


def _median_seconds(step: Callable[[], object], repeats: int) -> float:
    step()
    seconds = []
    for _ in range(repeats):
        _wait()
        started = time.perf_counter()
        step()
        _wait()
        seconds.append(time.perf_counter() - started)
    return float(np.median(seconds))


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


if __name__ == "__main__":
    main()
