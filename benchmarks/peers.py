"""Times our work against what users would pick instead: `make bench`.

Each row runs the peer and ours in turns, in one process and on the same inputs, and prints medians
of the seconds and of the ratios of the pairs, as a Markdown table. Where there is a floor (the
passes through the network alone) it takes its turn as well. Peak memory is that of a process of
its own.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
import torch
from torch import nn

from ct_importance.classifier.classifier import Classifier
from ct_importance.classifier.forward.export import graph_of
from ct_importance.classifier.forward.onnx_runtime import OnnxForward
from ct_importance.classifier.forward.torch_runtime import TorchForward
from ct_importance.classifier.networks.folding import fold_batch_norm
from ct_importance.classifier.resnet import ResNet50
from ct_importance.cohort.options import PhantomOptions
from ct_importance.cohort.phantom.cohort import write_phantom_cohort
from ct_importance.cohort.pixels import read_hounsfield, resize_slice, to_unit_range
from ct_importance.compute.batch_size import images_per_pass
from ct_importance.compute.device import channels_last, make_deterministic
from ct_importance.metrics.catalogue.faithfulness.fidelity import Fidelity
from ct_importance.metrics.catalogue.localisation import dice
from ct_importance.metrics.catalogue.localisation.roc import Roc
from ct_importance.metrics.fills.noisy_linear import NoisyLinear
from ct_importance.metrics.metric import Probe, Sample
from ct_importance.plugins import load
from ct_importance.saliency.asking import AskedScores
from ct_importance.saliency.differentiating import ExplainedScores
from ct_importance.saliency.estimator import Batch
from ct_importance.saliency.explain import importance_of
from ct_importance.saliency.gradients import input_gradient
from ct_importance.saliency.perturbation.parts import parts_of_segments
from ct_importance.saliency.perturbation.random_masks import random_masks
from ct_importance.saliency.xrai.regions import xrai_regions
from ct_importance.saliency.xrai.segments import segment_image
from tests.quantus_metrics import quantus

THREADS = 2
PAIRS = 6
SLOW_PAIRS = 4
"""Where a pair takes half a minute or more."""
Step = Callable[[], object]


@dataclass(frozen=True)
class Row:
    """One comparison; seconds are per unit."""

    work: str
    unit: str
    ours: Step
    peer: Step
    target: str
    ours_units: int = 1
    peer_units: int = 1
    floor: Step | None = None
    """The same passes through the network and nothing else."""
    pairs: int = PAIRS
    memory: tuple[str, int] | None = None
    """Estimator and size of which the peak memory is measured too, in a process of its own."""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", choices=list(ROWS), help="rows to run (default: all)")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    make_deterministic(THREADS)
    print("| work | unit | floor, ms | ours, ms | peer, ms | peer / ours | floor / ours | target |")
    print("|---|---|---:|---:|---:|---:|---:|---|")
    for name in arguments.only or ROWS:
        print(_measure(ROWS[name]()), flush=True)


def _measure(row: Row) -> str:
    """Return the line of a row, measured in turns."""
    steps = {"peer": row.peer, "ours": row.ours} | ({"floor": row.floor} if row.floor else {})
    units = {"peer": row.peer_units, "ours": row.ours_units, "floor": row.ours_units}
    row.ours()
    seconds: dict[str, list[float]] = {side: [] for side in steps}
    _, *others = steps
    for pair in range(row.pairs):
        # What follows a peer that took gigabytes is slower for it: ours and the floor in turns.
        for side in ["peer", *(reversed(others) if pair % 2 else others)]:
            seconds[side].append(_seconds(steps[side]) / units[side])
    ratio = _median_ratio(seconds["peer"], seconds["ours"])
    floor, of_floor = "", ""
    if row.floor:
        floor = f"{1000 * statistics.median(seconds['floor']):.3g}"
        of_floor = f"{_median_ratio(seconds['floor'], seconds['ours']):.2f}"
    ours, peer = (f"{1000 * statistics.median(seconds[side]):.3g}" for side in ("ours", "peer"))
    target = row.target + (f" ({_peak(row.memory)} MB)" if row.memory else "")
    pairs = "" if row.pairs == PAIRS else f" ({row.pairs} pair{'s' * (row.pairs > 1)})"
    cells = (row.work + pairs, row.unit, floor, ours, peer, f"{ratio:.1f}", of_floor, target)
    return "| " + " | ".join(cells) + " |"


def _seconds(step: Step) -> float:
    started = time.perf_counter()
    step()
    return time.perf_counter() - started


def _median_ratio(numerators: list[float], denominators: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(numerators, denominators, strict=True))


def _peak(work: tuple[str, int]) -> str:
    command = [sys.executable, str(Path(__file__).with_name("memory.py")), *map(str, work)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


# Inputs


@cache
def phantom_slice(size: int) -> np.ndarray:
    """Return a slice of the phantom, (size, size) float32 in [0, 1]."""
    with tempfile.TemporaryDirectory() as folder:
        options = PhantomOptions(patients=4, slices=4, matrix=512)
        write_phantom_cohort(Path(folder), options, seed=0)
        for path in sorted(Path(folder, "dicom").rglob("*.dcm")):
            hounsfield, dataset = read_hounsfield(path)
            if "LOCALIZER" not in dataset.ImageType:
                return resize_slice(to_unit_range(hounsfield, (-200, 400)), (1, 1), size)
    raise SystemExit("the phantom has no axial slice")


@cache
def importance_maps(size: int, count: int) -> list[np.ndarray]:
    """Return maps (size, size) float32 of both signs."""
    generator = np.random.default_rng(0)
    return [generator.standard_normal((size, size), dtype=np.float32) for _ in range(count)]


def central_mask(size: int) -> np.ndarray:
    """Return a mask that covers 5 % of the slice, (size, size) bool."""
    rows, columns = np.mgrid[:size, :size] / size - 0.5
    return rows**2 + columns**2 < 0.05 / np.pi


@cache
def network() -> ResNet50:
    """Return a ResNet-50 with random weights, as a user of a library would hold it."""
    torch.manual_seed(0)
    return ResNet50().eval().requires_grad_(False)


@cache
def our_network() -> nn.Module:
    """Return the same as the workflow's jobs hold it."""
    return fold_batch_norm(network())


@cache
def graph(size: int) -> bytes:
    """Return the same as the workflow's jobs on a CPU ask it."""
    return graph_of(network(), size)


def image_tensor(size: int) -> torch.Tensor:
    """Return the slice as (1, 1, size, size)."""
    return torch.from_numpy(phantom_slice(size))[None, None]


@cache
def sample(size: int) -> Sample:
    """Return the slice with its mask."""
    return Sample("slice", "patient", 1, phantom_slice(size), central_mask(size), None)


# Metrics


def xrai_row(size: int = 512, count: int = 15) -> Row:
    """XRAI of several maps of a slice."""
    from saliency.core import XRAI

    image, maps = phantom_slice(size), importance_maps(size, count)

    def ours() -> None:
        segments = segment_image(image)
        for importance in maps:
            xrai_regions(importance, segments)

    def peer() -> None:
        XRAI().GetMask(image[..., None], None, base_attribution=maps[0][..., None])

    work = f"XRAI, {count} maps of a {size} x {size} slice; saliency, full mode"
    return Row(work, "map", ours, peer, "≥ 30 ×", ours_units=count)


def fidelity_row(size: int = 224) -> Row:
    """Fidelity of one map: MiF and LiF at 41 fractions."""
    PixelFlipping = quantus().PixelFlipping
    asked, steps = OnnxForward(graph(size), THREADS), 40
    forwards = 2 * (steps - 1) + 2
    importance = importance_maps(size, 1)[0]
    probe = Probe(0, asked)
    masked = np.repeat(phantom_slice(size)[None], forwards, axis=0)
    # Its step must divide the number of pixels.
    flipping = PixelFlipping(features_in_step=size**2 // 32, disable_warnings=True)

    def peer() -> None:
        flipping(
            model=network(),
            x_batch=phantom_slice(size)[None, None],
            y_batch=np.zeros(1, int),
            a_batch=importance[None, None],
            device="cpu",
        )

    return Row(
        f"fidelity, MiF and LiF, {steps + 1} fractions, {size} x {size}; quantus, one order",
        "forward pass",
        lambda: Fidelity(step=1 / steps).evaluate(sample(size), {"original": importance}, probe),
        peer,
        "≥ 1.8 ×, ≥ 0.93 of the floor",
        ours_units=forwards,
        peer_units=32,
        floor=lambda: asked.scores(masked),
    )


def forward_row(size: int = 224) -> Row:
    """Eight slices asked; torch with BatchNorm folded is what jobs did before."""
    ours = OnnxForward(graph(size), THREADS)
    peer = TorchForward(our_network())
    images = np.repeat(phantom_slice(size)[None], 8, axis=0)
    return Row(
        f"forward pass, {size} x {size}; torch, BatchNorm folded, channels-last",
        "forward pass",
        lambda: ours.scores(images),
        lambda: peer.scores(images),
        "≥ 1.3 ×",
        ours_units=8,
        peer_units=8,
    )


def gradient_row(size: int = 224) -> Row:
    """Eight gradients; BatchNorm not folded is what jobs did before."""
    plain = channels_last(copy.deepcopy(network()))
    return Row(
        f"gradient, {size} x {size}; torch, channels-last",
        "gradient",
        bare_gradients(size, 8),
        bare_gradients(size, 8, plain),
        "≥ 1.2 ×",
        ours_units=8,
        peer_units=8,
    )


def roc_row(size: int = 512) -> Row:
    """ROC curve and area of one map."""
    from sklearn.metrics import roc_auc_score, roc_curve

    importance = importance_maps(size, 1)[0]
    truth, scores = central_mask(size).ravel(), importance.ravel()
    return Row(
        f"ROC curve and area, {size} x {size}; scikit-learn, roc_curve and roc_auc_score",
        "map",
        lambda: Roc().evaluate(sample(size), {"original": importance}, Probe(0)),
        lambda: (roc_curve(truth, scores), roc_auc_score(truth, scores)),
        "≥ 40 ×",
        pairs=25,
    )


def dice_row(size: int = 512) -> Row:
    """Dice coefficient at 100 percentages of an XRAI map."""
    mask, percentages = central_mask(size), np.arange(1.0, 101)
    regions = xrai_regions(importance_maps(size, 1)[0], segment_image(phantom_slice(size)))
    heat = regions.heat

    def peer() -> list[float]:
        thresholds = np.percentile(heat, 100 - percentages)
        return [
            2 * (shown & mask).sum() / (shown.sum() + mask.sum())
            for shown in (heat >= threshold for threshold in thresholds)
        ]

    return Row(
        f"Dice sweep, 100 percentages, {size} x {size}; thresholding 100 times",
        "map",
        lambda: dice.dice_curve(regions, mask, percentages),
        peer,
        "≥ 10 ×",
        pairs=25,
    )


def noisy_linear_row(size: int = 224) -> Row:
    """Noisy linear imputation at ten shares, the most important pixels of a smooth map masked."""
    from scipy.ndimage import gaussian_filter

    imputation = quantus().functions.perturb_func.noisy_linear_imputation
    image, probe = phantom_slice(size), Probe(0)
    order = np.argsort(-gaussian_filter(importance_maps(size, 1)[0], size / 56), axis=None)
    ranks = np.empty(image.size, int)
    ranks[order] = np.arange(image.size)
    shares = np.arange(0.05, 1, 0.1)
    masks = ranks.reshape(1, size, size) < (shares * image.size)[:, None, None]

    def peer() -> None:
        for masked in masks:
            imputation(image[None].astype(float), np.flatnonzero(masked))

    return Row(
        f"noisy_linear, {len(shares)} shares of {size} x {size}; quantus",
        "image",
        lambda: NoisyLinear().of(sample(size), probe)(masks),
        peer,
        "≥ 5 ×",
        ours_units=len(shares),
        peer_units=len(shares),
    )


# Estimators


class LogitOf(nn.Module):
    """A network's one number per image, (N,), as peers want it."""

    def __init__(self, network: nn.Module) -> None:
        """Wrap a network that maps (N, 1, H, W) to (N, 1)."""
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images (N, 1, H, W) to logits, (N,)."""
        return self.network(x).flatten()


def our_maps(method: str, size: int, **options: object) -> Step:
    """Return what computes the map of one slice as a job does."""
    estimator = load("estimator", method)(**options)
    references = phantom_slice(size)[None] * np.linspace(0.2, 1, 9, dtype="f4")[:, None, None]
    as_built = Classifier(network())
    batch = Batch(
        name=method,
        seed=0,
        slice_ids=["slice"],
        images=image_tensor(size),
        targets=torch.ones(1, dtype=torch.int64),
        scores=ExplainedScores(Classifier(our_network())),
        images_per_pass=images_per_pass("cpu", size, size),
        training_images=lambda: references,
        classifier=as_built,
        built=ExplainedScores(as_built),
    )
    return lambda: importance_of(estimator, batch)


def bare_gradients(size: int, count: int, asked: nn.Module | None = None) -> Step:
    """Return what takes the gradient of an image a number of times, and nothing else."""
    scores = ExplainedScores(Classifier(asked or our_network()))
    targets = torch.ones(count, dtype=torch.int64)
    images = image_tensor(size).expand(count, -1, -1, -1).clone()
    passes = images_per_pass("cpu", size, size)
    return lambda: [
        input_gradient(scores, *part)
        for part in zip(images.split(passes), targets.split(passes), strict=True)
    ]


def integrated_gradients_row(size: int = 512) -> Row:
    """Integrated Gradients with 25 steps."""
    from captum.attr import IntegratedGradients

    peer = IntegratedGradients(LogitOf(network()))
    return Row(
        f"integrated_gradients 25, {size} x {size}; captum with its defaults",
        "slice",
        our_maps("integrated_gradients", size),
        lambda: peer.attribute(image_tensor(size), n_steps=25),
        "≥ 2.6 ×, ≤ 1100 MB",
        floor=bare_gradients(size, 25),
        pairs=SLOW_PAIRS,
        memory=("integrated_gradients", size),
    )


def expected_gradients_row(size: int = 512) -> Row:
    """Expected Gradients with 25 samples."""
    from captum.attr import GradientShap

    peer = GradientShap(LogitOf(network()))
    references = torch.from_numpy(phantom_slice(size))[None, None] * torch.rand(9, 1, 1, 1)
    return Row(
        f"expected_gradients 25, {size} x {size}; captum's GradientShap",
        "slice",
        our_maps("expected_gradients", size),
        lambda: peer.attribute(image_tensor(size), baselines=references, n_samples=25),
        "≥ 2.6 ×",
        floor=bare_gradients(size, 25),
        pairs=SLOW_PAIRS,
    )


def smoothgrad_row(size: int, name: str, peer: Step, least: float) -> Row:
    """SmoothGrad with 15 samples against a peer."""
    return Row(
        f"smoothgrad 15, {size} x {size}; {name}",
        "slice",
        our_maps("smoothgrad", size),
        peer,
        f"≥ {least:g} ×, ≥ 0.93 of the floor",
        floor=bare_gradients(size, 15),
        pairs=PAIRS if size < 512 else SLOW_PAIRS,
    )


def smoothgrad_captum_row(size: int) -> Row:
    """SmoothGrad against captum."""
    from captum.attr import NoiseTunnel, Saliency

    tunnel = NoiseTunnel(Saliency(LogitOf(network())))

    def peer() -> None:
        image = image_tensor(size).requires_grad_()
        tunnel.attribute(image, nt_samples=15, stdevs=0.15, abs=False)

    return smoothgrad_row(size, "captum with its defaults", peer, 1.6 if size < 512 else 1.5)


def smoothgrad_saliency_row(size: int) -> Row:
    """SmoothGrad against PyPI's saliency."""
    from saliency.core import INPUT_OUTPUT_GRADIENTS, GradientSaliency

    def call_model(images: np.ndarray, call_model_args: object, expected_keys: object) -> dict:
        points = torch.tensor(images, dtype=torch.float32)[:, None].requires_grad_()
        (gradient,) = torch.autograd.grad(network()(points).sum(), points)
        return {INPUT_OUTPUT_GRADIENTS: gradient[:, 0].numpy()}

    saliency = GradientSaliency()

    def peer() -> None:
        saliency.GetSmoothedMask(phantom_slice(size), call_model, nsamples=15, magnitude=False)

    return smoothgrad_row(size, "saliency's GetSmoothedMask", peer, 1.6 if size < 512 else 1.25)


def smoothgrad_monai_row(size: int) -> Row:
    """SmoothGrad against MONAI."""
    from monai.visualize import SmoothGrad

    # It calls backward(): with weights as torch makes them it takes their gradients as well.
    trainable = copy.deepcopy(network()).requires_grad_()
    smoothgrad = SmoothGrad(trainable, n_samples=15, magnitude=False, verbose=False)
    peer = partial(smoothgrad, index=0)
    return smoothgrad_row(
        size, "monai.visualize's SmoothGrad", lambda: peer(image_tensor(size)), 1.5
    )


def grad_cam_row(size: int = 224) -> Row:
    """Grad-CAM against MONAI; one pass forwards is the floor, since the way back is short."""
    from monai.visualize import GradCAM

    # Its hooks see nothing unless weights require gradients.
    peer = GradCAM(copy.deepcopy(network()).requires_grad_(), "layer4")
    scores = ExplainedScores(Classifier(network()))
    return Row(
        f"grad_cam, {size} x {size}; monai.visualize's GradCAM",
        "slice",
        our_maps("grad_cam", size),
        lambda: peer(image_tensor(size), class_idx=0),
        "≥ 1 ×, ≥ 0.95 of the floor",
        floor=torch.no_grad()(lambda: scores(image_tensor(size))),
    )


# Estimators that only ask


def our_asked_maps(method: str, size: int, segments: np.ndarray | None = None, **options) -> Step:
    """Return what computes the map of one slice as a job on a CPU does."""
    estimator = load("estimator", method)(**options)
    batch = Batch(
        name=method,
        seed=0,
        slice_ids=["slice"],
        images=phantom_slice(size)[None, None],
        targets=np.ones(1, np.int64),
        scores=AskedScores(OnnxForward(graph(size), THREADS), "logit", "logit"),
        images_per_pass=images_per_pass("cpu", size, size, gradient=False),
        segments=None if segments is None else [segments],
    )
    return lambda: importance_of(estimator, batch)


def bare_passes(size: int, count: int) -> Step:
    """Return what asks a slice a number of times, and nothing else."""
    asked = OnnxForward(graph(size), THREADS)
    images = np.repeat(phantom_slice(size)[None], count, axis=0)
    return lambda: asked.scores(images)


def asking_row(work: str, passes: int, size: int, ours: Step, peer: Step) -> Row:
    """An estimator that only asks, per pass; those of the peer are counted."""
    counted: list[int] = []
    handle = network().register_forward_hook(lambda _, given, __: counted.append(len(given[0])))
    peer()
    handle.remove()
    return Row(
        f"{work}, {passes} passes, {size} x {size}",
        "forward pass",
        ours,
        peer,
        "≥ 2 ×, ≥ 0.95 of the floor",
        ours_units=passes,
        peer_units=sum(counted),
        floor=bare_passes(size, passes),
        pairs=SLOW_PAIRS,
    )


def occlusion_captum_row(size: int = 224) -> Row:
    """Occlusion with 5 x 5 windows against captum with its defaults."""
    from captum.attr import Occlusion

    peer = Occlusion(LogitOf(network()))
    window, stride = (1, size // 2, size // 2), (1, size // 8, size // 8)
    return asking_row(
        "occlusion; captum with its defaults",
        26,
        size,
        our_asked_maps("occlusion", size, window=0.5, stride=0.125, fill="black"),
        lambda: peer.attribute(image_tensor(size), window, stride),
    )


def occlusion_monai_row(size: int = 224) -> Row:
    """Occlusion with 5 x 5 windows against MONAI."""
    from monai.visualize import OcclusionSensitivity

    side = size // 2
    peer = OcclusionSensitivity(network(), mask_size=side, overlap=0.75, verbose=False)
    return asking_row(
        "occlusion; monai.visualize's OcclusionSensitivity",
        26,
        size,
        our_asked_maps("occlusion", size, window=0.5, stride=0.125, fill="black"),
        lambda: peer(image_tensor(size)),
    )


def rise_row(size: int = 224, masks: int = 32) -> Row:
    """RISE against the published formula in torch, masks of which are made beforehand."""
    generator = np.random.default_rng(0)
    stored = list(random_masks(generator, masks, 7, 0.5, (size, size)))
    shown = torch.from_numpy(np.stack(stored))[:, None]

    def peer() -> torch.Tensor:
        with torch.no_grad():
            scores = network()(image_tensor(size) * shown)
        return (scores[:, :, None, None] * shown).sum(0) / (masks * 0.5)

    ours = our_asked_maps("rise", size, masks=masks)
    return asking_row("rise; the formula in torch, one pass", masks, size, ours, peer)


def kernel_shap_row(size: int = 224, samples: int = 30) -> Row:
    """KernelSHAP of up to 20 parts against captum with its defaults."""
    from captum.attr import KernelShap

    segments = segment_image(phantom_slice(size))
    labels = torch.from_numpy(parts_of_segments(segments, 20))[None, None]
    peer = KernelShap(LogitOf(network()))
    return asking_row(
        "kernel_shap; captum with its defaults",
        samples + 2,
        size,
        our_asked_maps("kernel_shap", size, segments, parts=20, samples=samples, fill="black"),
        lambda: peer.attribute(image_tensor(size), feature_mask=labels, n_samples=samples),
    )


ROWS: dict[str, Callable[[], Row]] = {
    "xrai": xrai_row,
    "forward": forward_row,
    "gradient": gradient_row,
    "fidelity": fidelity_row,
    "noisy_linear": noisy_linear_row,
    "roc": roc_row,
    "dice": dice_row,
    "integrated_gradients": integrated_gradients_row,
    "expected_gradients": expected_gradients_row,
    "occlusion_captum": occlusion_captum_row,
    "occlusion_monai": occlusion_monai_row,
    "rise": rise_row,
    "kernel_shap": kernel_shap_row,
    "smoothgrad_captum_224": partial(smoothgrad_captum_row, 224),
    "smoothgrad_captum_512": partial(smoothgrad_captum_row, 512),
    "smoothgrad_saliency_224": partial(smoothgrad_saliency_row, 224),
    "smoothgrad_saliency_512": partial(smoothgrad_saliency_row, 512),
    "smoothgrad_monai_224": partial(smoothgrad_monai_row, 224),
    "smoothgrad_monai_512": partial(smoothgrad_monai_row, 512),
    "grad_cam": grad_cam_row,
}


if __name__ == "__main__":
    main()
