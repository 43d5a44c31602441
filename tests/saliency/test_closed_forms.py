"""Estimators against what their maps must be: written out for a linear and a two-layer network.

Every estimator has a closed form here, or says why it has none. Those that draw are compared with
their expectation.
"""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from scipy.stats import norm
from torch.nn.functional import interpolate

from ct_importance.classifier.classifier import Classifier
from ct_importance.compute.randomness import generator_for
from ct_importance.plugins import names
from ct_importance.saliency.explain import importance_of
from tests.saliency.closed_forms import PARTS, SIDE, Form, known
from tests.saliency.estimators.test_cam import written_out
from tests.saliency.networks import batch_of, quick
from tests.saliency.perturbation.test_shapley import by_definition

REFERENCES = np.random.default_rng(8).random((3, SIDE, SIDE), dtype=np.float32)
NOISE = {"samples": 4000, "noise": 0.15}
FILL = 0.25
RISE = {"masks": 10_000, "cells": 3, "probability": 0.4}
SHAPE = (SIDE, SIDE)
OF_PIXEL = PARTS.ravel()
SEGMENTS = np.arange(4)[:, None, None] == PARTS

WITHOUT = {
    "attention_rollout": "needs attention, of which no such network is made",
    "gradient_attention": "needs attention, of which no such network is made",
    "random": "a control: it knows nothing of the network",
    "centre": "a control: it knows nothing of the network",
    "mean_mask": "a control: it knows nothing of the network",
    "sobel_edges": "a control: it knows nothing of the network",
}
"""Estimators that have no closed form, and why."""


def weights(q):
    return q.back(np.ones_like(q.c))


def stretched(shares):
    shares = np.abs(shares) - np.abs(shares).min()
    return shares / shares.max()


def fullgrad(q):
    """Pixels, and the bias of the convolution where it acts; that of the answer has no place."""
    biases = stretched(q.c * q.v * q.active(q.z(q.x)))
    return stretched(q.x * q.gradient()) + biases.reshape(-1, SIDE**2).sum(0)


def cam(method):
    def of(q):
        return written_out(method, *map(torch.from_numpy, q.features())).numpy().ravel()

    return of


def eigen_cam(q):
    places = q.features()[0].reshape(2, -1).T
    _, vectors = np.linalg.eigh(places.T @ places)
    projected = places @ vectors[:, -1]
    return projected * np.sign(projected.sum())


def score_cam(q):
    maps = q.features()[0].reshape(2, -1)
    low, high = maps.min(1, keepdims=True), maps.max(1, keepdims=True)
    scores = np.array([q.score(q.x * shown) for shown in (maps - low) / (high - low)])
    raised = np.exp(scores - scores.max())
    return raised / raised.sum() @ maps


def guided(q):
    """The gradient behind the ReLU where it and the activation are positive."""
    return q.W.T @ (np.maximum(q.v, 0) * q.active(q.z(q.x)))


def epsilon(q):
    """x_i sum over units of w z+ / z = x_i w of those that are active; biases take the rest."""
    return q.x * q.gradient()


def flat(q):
    """The relevance of a unit is its share in the score; its pixels share it equally."""
    window = (q.W != 0).astype(float)
    return window.T @ (q.v * q.act(q.z(q.x)) / window.sum(1))


def deeplift(q, baseline=0.5):
    start = np.full_like(q.x, baseline)
    after, before = q.z(q.x), q.z(start)
    return (q.x - start) * q.back((q.act(after) - q.act(before)) / (after - before))


def expected_smoothgrad(q):
    """A unit is active in the share of the copies that its distance from 0 says."""
    deviation = NOISE["noise"] * np.ptp(q.x) * np.linalg.norm(q.W, axis=1)
    return q.back(norm.cdf(q.z(q.x) / deviation))


def expected_gradients(q):
    return np.mean([q.integrated(it.ravel().astype(float)) for it in REFERENCES], axis=0)


def blur_ig(q, sigma=2):
    blurred = gaussian_filter(q.x.reshape(SHAPE), sigma, mode="constant").ravel()
    return weights(q) * (q.x - blurred)


def occlusion(q):
    """Windows of 3 x 3 that do not overlap."""
    windows = np.kron(np.eye(16).reshape(16, 4, 4), np.ones((3, 3)))
    return sum(q.fall_without(it > 0, FILL) * it.ravel() for it in windows)


def ablation(q):
    return np.array([q.fall_without(part == OF_PIXEL, FILL) for part in range(4)])[OF_PIXEL]


def shapley(q):
    return by_definition(lambda shown: q.score(np.where(shown[OF_PIXEL], q.x, FILL)), 4)[OF_PIXEL]


def sums_of_parts(q):
    return np.bincount(OF_PIXEL, weights(q) * (q.x - FILL))[OF_PIXEL]


def means_of_parts(q):
    return (np.bincount(OF_PIXEL, q.gradient()) / np.bincount(OF_PIXEL))[OF_PIXEL]


def expected_rise(q):
    """B + p sum w x + (1 - p) sum_q w_q x_q K(p, q), K: how far two pixels see the same cells."""
    cells, side = RISE["cells"], SIDE // RISE["cells"]
    rows = interpolate(torch.eye(cells)[None], (cells + 1) * side, mode="linear")[0].double()
    seen = [rows.numpy()[:, start : start + SIDE] for start in range(side)]
    alike = np.mean([it.T @ it for it in seen], axis=0)
    share, shown = RISE["probability"], weights(q) * q.x
    # What is the same for all pixels is the mean of the masks times the score behind them.
    constant = q.score(np.zeros_like(q.x)) + share * shown.sum()
    return constant + (1 - share) * (np.kron(alike, alike) @ shown)


def given(q):
    return generator_for("0").random(SHAPE, np.float32).ravel().astype(float)


CAPTUMS = {"attribution": "IntegratedGradients", "arguments": {"n_steps": 4}}
SIGNED = {"relu": False}
HIDING = {"fill": FILL}
SOME_FORMS = {
    # For both networks.
    "backpropagation": Form(lambda q: q.gradient()),
    "input_x_gradient": Form(lambda q: q.x * q.gradient()),
    "fullgrad": Form(fullgrad, {}, 3e-5),
    "grad_cam": Form(cam("grad_cam"), SIGNED),
    "grad_cam_plus_plus": Form(cam("grad_cam_plus_plus"), SIGNED),
    "hires_cam": Form(cam("hires_cam")),
    "layer_cam": Form(cam("layer_cam"), SIGNED),
    "xgrad_cam": Form(cam("xgrad_cam"), SIGNED),
    "eigen_cam": Form(eigen_cam),
    "score_cam": Form(score_cam, SIGNED),
    "lrp": Form(flat, {}, 3e-4),
    "lrp epsilon": Form(epsilon, {"composite": "epsilon"}, 1e-3),
    "deeplift": Form(deeplift, {"baseline": "grey"}),
    "integrated_gradients": Form(lambda q: q.integrated(0 * q.x), {"steps": 1000}, 3e-3),
    "expected_gradients": Form(expected_gradients, {"samples": 2000}, 0.04),
    "smoothgrad": Form(expected_smoothgrad, NOISE, 0.02),
    "occlusion": Form(occlusion, {"window": 0.25, "stride": 0.25, "fill": FILL}),
    "segment_ablation": Form(ablation, HIDING),
    "kernel_shap": Form(shapley, HIDING | {"parts": 50, "samples": 100}),
    "xrai": Form(means_of_parts, {"base": {"method": "backpropagation"}}),
    "precomputed": Form(given),
}
LINEAR = SOME_FORMS | {
    "smoothgrad": Form(weights),
    "smoothgrad_squared": Form(lambda q: weights(q) ** 2),
    "backpropagation smooth": Form(lambda q: weights(q) ** 2, {"smooth": {"power": 2}}),
    "integrated_gradients": Form(lambda q: weights(q) * q.x, {"steps": 2}),
    "integrated_gradients_bw": Form(lambda q: weights(q) * (q.x - 0.5), {"steps": 2}),
    "guided_ig": Form(lambda q: weights(q) * q.x, {"steps": 5, "max_distance": 0.5}),
    "captum": Form(lambda q: weights(q) * (q.x - FILL), CAPTUMS | {"baseline": FILL}),
    "blur_ig": Form(blur_ig, {"sigma": 2, "steps": 500}, 0.01),
    "lime": Form(sums_of_parts, HIDING | {"penalty": 1e-9, "samples": 50}),
    "kernel_shap": Form(sums_of_parts, HIDING | {"parts": 50, "samples": 100}),
    "rise": Form(expected_rise, RISE, 0.05),
}
TWO_LAYERS = SOME_FORMS | {
    "deconvolution": Form(lambda q: q.W.T @ np.maximum(q.v, 0)),
    "guided_backprop": Form(guided),
    "guided_grad_cam": Form(lambda q: guided(q) * cam("grad_cam")(q), SIGNED),
    "integrated_gradients_bw": Form(
        lambda q: (q.integrated(0 * q.x) + q.integrated(0 * q.x + 1)) / 2, {"steps": 1000}, 3e-3
    ),
}


def cases(forms):
    return [pytest.param(name.split()[0], form, id=name) for name, form in forms.items()]


def assert_is(method, form, network, target):
    images = torch.from_numpy(np.random.default_rng(5).random((2, 1, *SHAPE), np.float32))
    images[1] *= 0.5
    estimator = quick(method, **form.options)
    batch = batch_of(
        *(estimator, Classifier(network.network, network.head), images),
        torch.full((2,), target),
        **{"name": method, "seed": 0, "slice_ids": ["0", "0"], "images_per_pass": 64},
        training_images=lambda: REFERENCES,
        **({"segments": [SEGMENTS] * 2} if "segments" in estimator.wants else {}),
    )
    maps = np.asarray(importance_of(estimator, batch), np.float64)
    for image, found in zip(images, maps, strict=True):
        expected = form.of(network.ask(image, target)).reshape(SHAPE)
        scale = np.ptp(expected)
        assert expected.std() > 2 * form.tolerance * scale  # or any map would do
        np.testing.assert_allclose(found[0] / scale, expected / scale, rtol=0, atol=form.tolerance)


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize(("method", "form"), cases(LINEAR))
def test_of_a_linear_network(method, form, outputs):
    for target in (0, outputs // 2 + 1):
        assert_is(method, form, known(relu=False, outputs=outputs), target)


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize(("method", "form"), cases(TWO_LAYERS))
def test_of_two_layers_with_a_relu_between(method, form, outputs):
    for target in (0, outputs // 2 + 1):
        assert_is(method, form, known(relu=True, outputs=outputs), target)


def test_every_estimator_has_a_closed_form_or_says_why_not():
    have = {name.split()[0] for name in LINEAR | TWO_LAYERS}
    assert have | WITHOUT.keys() == set(names("estimator"))
    assert not have & WITHOUT.keys()
