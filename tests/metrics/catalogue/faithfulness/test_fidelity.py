from dataclasses import replace
from fractions import Fraction
from math import floor

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from ct_importance.compute.randomness import generator_for
from ct_importance.errors import InputError
from ct_importance.metrics.averaging import mean_curves, sum_by_patient
from ct_importance.metrics.catalogue.faithfulness.fidelity import Fidelity
from ct_importance.metrics.evaluate import evaluate_slice
from ct_importance.metrics.masking import ORDERS, rank_pixels
from ct_importance.plugins import names
from ct_importance.saliency.estimator import Cost
from ct_importance.task import Task
from tests.metrics.images import Linear, asking, random_maps, sample, smooth_image
from tests.metrics.known_truth import OUTPUTS, like_noise, points_of, setting
from tests.metrics.summary import summarise_points


def test_each_class_is_hidden_by_the_fill_of_the_task():
    one = sample(smooth_image((8, 6)), label=1)
    maps = {"original": np.arange(48.0).reshape(8, 6)}
    seen = []

    class Watching(Linear):
        def forward(self, x):
            seen.append(x)
            return super().forward(x)

    chosen = asking(Watching(np.ones((8, 6))), fill=(1.0, 0.25))
    Fidelity(step=1).evaluate(one, maps, chosen)

    assert (torch.cat(seen)[1] == 0.25).all()  # all pixels masked
    seen.clear()
    Fidelity(step=1).evaluate(one, maps, replace(chosen, fill=(1.0, "mean")))
    mean = one.image.astype(np.float64).mean()
    assert (torch.cat(seen)[1] == np.float32(mean)).all()
    words = Fidelity().describe(Task(classes=("healthy", "lesion"), fill=(1.0, 0.25)))
    assert "of class 'healthy' in white, of class 'lesion' in grey (0.25)" in words


def both_orders(importance, tie_order):
    return {order: rank_pixels(importance, tie_order, order) for order in ORDERS}


def table(slices):
    """Return the table of one estimator from (sample, points by variant)."""
    frames = [
        pd.DataFrame(
            {
                "slice_id": one.slice_id,
                "patient_id": one.patient_id,
                "label": one.label,
                "variant": variant,
            }
            | points
        )
        for one, by_variant in slices
        for variant, points in by_variant.items()
    ]
    return pd.concat(frames, ignore_index=True)


def reference_logits(one, importance, classifier, steps, seed):
    """Return the logits of both orders the plain way: one image at a time, sorted anew."""
    pixels = importance.size
    tie_order = generator_for(seed, one.slice_id, "fidelity ties").permutation(pixels)
    position = np.argsort(tie_order)
    logits = {"mif": [], "lif": []}
    for order, sign in (("mif", -1), ("lif", 1)):
        for step in range(steps + 1):
            masked_first = np.lexsort([position, sign * importance.ravel()])
            count = floor(Fraction(step, steps) * pixels + Fraction(1, 2))
            image = one.image.ravel().copy()
            image[masked_first[:count]] = 0 if one.label else 1
            batch = torch.from_numpy(image.reshape(1, 1, *importance.shape))
            logits[order].append(float(classifier(batch)))
    return logits


@pytest.mark.parametrize("label", [0, 1])
def test_fidelity_by_hand(label):
    # The class hangs on the first pixel alone, which is masked first by MiF, last by LiF.
    one = sample(np.full((2, 2), float(label)), label=label)
    classifier = Linear([[1, 0], [0, 0]], threshold=0.5)
    importance = np.array([[4.0, 3.0], [2.0, 1.0]])
    points = Fidelity(step=0.25).evaluate(one, {"original": importance}, asking(classifier))
    original = points["original"]
    assert original["order"].tolist() == ["mif"] * 5 + ["lif"] * 5
    assert original["fraction"].tolist() == [0, 0.25, 0.5, 0.75, 1] * 2
    assert original["correct"].tolist() == [True] + [False] * 4 + [True] * 4 + [False]
    sign = 1 if label else -1
    np.testing.assert_array_equal(original["logit"], sign * (original["correct"] - 0.5))
    summary = summarise_points(Fidelity(), table([(one, points)])).iloc[0]
    assert summary["mif_area"] == 0.125
    assert summary["lif_area"] == 0.875
    assert summary["fidelity"] == 0.75
    assert summary["value"] == 7.5


def test_reversed_map_has_the_opposite_fidelity():
    one = sample(np.ones((2, 2)))
    classifier = Linear([[1, 0], [0, 0]], threshold=0.5)
    maps = {"original": np.array([[4.0, 3.0], [2.0, 1.0]])}
    maps["reversed"] = -maps["original"]
    points = Fidelity(step=0.25).evaluate(one, maps, asking(classifier))
    values = summarise_points(Fidelity(), table([(one, points)])).set_index("variant")["value"]
    assert values["original"] == -values["reversed"] == 7.5


@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize("kind", ["noise", "ties"])
def test_logits_are_those_of_the_plain_way(label, kind):
    image = smooth_image((9, 7))
    importance = random_maps((9, 7))["noise"].astype(np.float32)
    if kind == "ties":
        importance = np.round(importance)
    classifier = Linear(np.random.default_rng(1).normal(size=(9, 7)))
    one = sample(image, label=label)
    points = Fidelity().evaluate(one, {"original": importance}, asking(classifier, seed=5))
    expected = reference_logits(one, importance, classifier, 40, seed=5)
    logits = points["original"]["logit"]
    np.testing.assert_allclose(logits, expected["mif"] + expected["lif"], atol=1e-5)
    np.testing.assert_array_equal(points["original"]["correct"], (logits > 0) == label)


@pytest.mark.parametrize("batch", [1, 4, 1000, None])
def test_batch_size_changes_nothing(batch):
    torch.manual_seed(0)
    classifier = torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 3, stride=2),
        torch.nn.BatchNorm2d(4),
        torch.nn.ReLU(),
        torch.nn.Flatten(),
        torch.nn.LazyLinear(1),
    )
    one = sample(smooth_image((16, 12)))
    classifier(torch.from_numpy(one.image)[None, None].repeat(2, 1, 1, 1))
    classifier.eval()
    maps = random_maps((16, 12))
    points = Fidelity(step=0.1, batch=batch).evaluate(one, maps, asking(classifier))
    expected = Fidelity(step=0.1, batch=7).evaluate(one, maps, asking(classifier))
    for variant in maps:
        np.testing.assert_allclose(points[variant]["logit"], expected[variant]["logit"], atol=1e-5)


@pytest.mark.filterwarnings("error")
def test_arrays_of_a_table_which_are_read_only_are_taken():
    image = smooth_image((8, 8))
    importance = random_maps((8, 8))["noise"]
    importance.flags.writeable = False
    one = sample(image)
    one.image.flags.writeable = False
    asked = asking(Linear(np.ones((8, 8))))
    points = Fidelity(step=1).evaluate(one, {"original": importance}, asked)["original"]
    np.testing.assert_allclose(points["logit"], [image.sum(), 0] * 2, rtol=1e-6)


def test_untouched_and_fully_masked_image_are_passed_once():
    classifier = Linear(np.ones((8, 8)))
    maps = random_maps((8, 8))
    metric = Fidelity(step=0.1)
    metric.evaluate(sample(smooth_image((8, 8))), maps, asking(classifier))
    assert classifier.images_seen == 2 + len(maps) * 2 * 9


def test_its_cost_is_what_a_map_with_both_signs_takes():
    classifier, metric = Linear(np.ones((8, 8))), Fidelity(step=0.1, first=(0.02,))
    importance = random_maps((8, 8))["noise"]
    evaluate_slice(metric, sample(smooth_image((8, 8))), importance, asking(classifier))
    assert metric.cost(Cost(forward=7)) == Cost(forward=classifier.images_seen)


def test_each_map_is_sorted_once_per_order(monkeypatch):
    sorts = []
    argsort = np.argsort
    monkeypatch.setattr(np, "argsort", lambda *a, **k: sorts.append(1) or argsort(*a, **k))
    maps = random_maps((8, 8))
    Fidelity().evaluate(sample(smooth_image((8, 8))), maps, asking(Linear(np.ones((8, 8)))))
    assert len(sorts) == 2 * len(maps)


@settings(max_examples=100, deadline=None)
@given(pixels=st.integers(1, 300_000), steps=st.integers(1, 200))
def test_counts_are_exact_for_any_number_of_pixels(pixels, steps):
    expected = [floor(Fraction(step, steps) * pixels + Fraction(1, 2)) for step in range(steps + 1)]
    assert Fidelity(step=1 / steps).masked_counts(pixels).tolist() == expected


def test_masked_pixels_are_counted_exactly():
    # 35 pixels, 40 steps: neither divides the other. The logit counts the pixels that are left.
    one = sample(np.ones((5, 7)))
    importance = random_maps((5, 7))["noise"]
    points = Fidelity().evaluate(one, {"original": importance}, asking(Linear(np.ones((5, 7)))))
    left = 35 - Fidelity().masked_counts(35)
    np.testing.assert_array_equal(points["original"]["logit"], np.tile(left, 2))


@settings(max_examples=50, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    seed=st.integers(0, 2**32 - 1),
    levels=st.sampled_from([1, 3, 10**9]),
)
def test_ranks_follow_the_importance(shape, seed, levels):
    rng = np.random.default_rng(seed)
    importance = rng.integers(-levels, levels, shape).astype(np.float32)
    ranks = both_orders(importance, rng.permutation(importance.size))
    for rank in ranks.values():
        np.testing.assert_array_equal(np.sort(rank, axis=None), np.arange(importance.size))
    falling = importance.ravel()[np.argsort(ranks["mif"], axis=None)]
    assert (np.diff(falling) <= 0).all()
    rising = importance.ravel()[np.argsort(ranks["lif"], axis=None)]
    assert (np.diff(rising) >= 0).all()


@settings(max_examples=50, deadline=None)
@given(st.tuples(st.integers(1, 12), st.integers(1, 12)), st.integers(0, 2**32 - 1))
def test_without_ties_one_order_is_the_other_reversed(shape, seed):
    rng = np.random.default_rng(seed)
    pixels = shape[0] * shape[1]
    importance = rng.permutation(pixels).reshape(shape) / 3
    ranks = both_orders(importance, rng.permutation(pixels))
    np.testing.assert_array_equal(ranks["mif"], pixels - 1 - ranks["lif"])


def test_first_shares_come_before_the_steps_and_change_nothing_of_them():
    one, maps = sample(np.ones((10, 10))), {"original": random_maps((10, 10))["noise"]}
    classifier = Linear(random_maps((10, 10), seed=1)["noise"])
    plain, finer = (
        Fidelity(step=0.25, first=first).evaluate(one, maps, asking(classifier))["original"]
        for first in ((), (0.004, 0.01, 0.03))
    )
    assert plain["fraction"].tolist() == [0, 0.25, 0.5, 0.75, 1] * 2
    assert finer["fraction"].tolist() == [0, 0.004, 0.01, 0.03, 0.25, 0.5, 0.75, 1] * 2
    added = np.isin(finer["fraction"], [0.004, 0.01, 0.03])
    np.testing.assert_allclose(finer["logit"][~added], plain["logit"], atol=1e-5)
    most = np.argsort(-maps["original"].ravel())
    values = classifier.weights.numpy().ravel()
    without = [values.sum() - values[most[:count]].sum() for count in (0, 1, 3)]
    np.testing.assert_allclose(finer["logit"][1:4], without, atol=1e-5)


@pytest.mark.parametrize("first", [(0.1, 0.05), (0.0,), (0.2, 0.2), (0.3, 1.0)])
def test_first_shares_must_rise(first):
    with pytest.raises(ValidationError, match="rising shares of the pixels"):
        Fidelity(step=0.25, first=first)


def test_first_shares_that_a_step_passes_are_left_out():
    options = Fidelity(step=0.25, first=(0.1, 0.25, 0.3))
    assert options.fractions.tolist() == [0, 0.1, 0.25, 0.5, 0.75, 1]
    assert "in steps of 25 % of the pixels, after first shares of 10 %." in options.describe()


def test_a_class_that_falls_before_the_first_step_counts_where_the_first_shares_are():
    # One of five white pixels is enough: only small shares tell them from others.
    image = np.zeros((10, 10))
    weights = np.zeros((10, 10))
    weights[0, :5] = 1
    one = sample(image, label=0)
    maps = {"original": weights}
    classifier = Linear(weights, threshold=0.5)
    for first, expected in (((), 0), ((0.05, 0.2, 0.9), 0.9)):
        points = Fidelity(step=1, first=first).evaluate(one, maps, asking(classifier))
        summary = summarise_points(Fidelity(), table([(one, points)])).iloc[0]
        assert summary["fidelity"] == pytest.approx(expected, abs=0.03)
        assert summary["accuracy"] == 1
        assert summary["first_accuracy"] == (0.5 if first else 0)


@pytest.mark.parametrize("value", [0.0, 0.1])
def test_constant_map_has_fidelity_0(value):
    slices = []
    for label in (0, 1):
        one = sample(smooth_image((12, 12), seed=label), label=label, slice_id=str(label))
        classifier = Linear(np.ones((12, 12)), threshold=one.image.sum() - 0.5 + label)
        maps = {"original": np.full((12, 12), value)}
        slices.append((one, Fidelity().evaluate(one, maps, asking(classifier))))
    rows = table(slices)
    mif, lif = (rows[rows["order"] == order] for order in ORDERS)
    np.testing.assert_array_equal(mif["logit"], lif["logit"])
    assert summarise_points(Fidelity(), rows)["value"][0] == 0


def test_signed_zeros_are_ties():
    importance = np.array([[0.0, -0.0], [-0.0, 0.0]])
    ranks = both_orders(importance, np.array([2, 0, 3, 1]))
    np.testing.assert_array_equal(ranks["mif"], ranks["lif"])


def test_ties_do_not_favour_a_side_of_the_image_and_depend_on_seed_and_slice():
    classifier = Linear(np.arange(64).reshape(8, 8))
    maps = {"original": np.zeros((8, 8))}

    def logits(slice_id, seed):
        one = sample(np.ones((8, 8)), slice_id=slice_id)
        points = Fidelity(step=0.5).evaluate(one, maps, asking(classifier, seed))
        return points["original"]["logit"]

    np.testing.assert_array_equal(logits("a", 0), logits("a", 0))
    assert (logits("a", 0) != logits("b", 0)).any()
    assert (logits("a", 0) != logits("a", 1)).any()
    at_half = [logits(str(index), 0)[1] for index in range(200)]
    assert np.mean(at_half) == pytest.approx(64 * 63 / 4, rel=0.02)


def test_random_maps_have_fidelity_about_0():
    rng = np.random.default_rng(0)
    slices = []
    for index in range(100):
        label = index % 2
        image = np.clip(rng.normal(0.35 + 0.3 * label, 0.2, (16, 16)), 0, 1)
        one = sample(image, label=label, slice_id=str(index))
        classifier = Linear(np.ones((16, 16)), threshold=128)
        maps = {"original": rng.random((16, 16)), "informed": (2 * label - 1) * one.image}
        slices.append((one, Fidelity(step=0.05).evaluate(one, maps, asking(classifier))))
    summary = summarise_points(Fidelity(), table(slices)).set_index("variant")
    assert summary["fidelity"]["original"] == pytest.approx(0, abs=0.01)
    assert summary["fidelity"]["informed"] > 0.15


def test_accuracy_is_the_mean_of_the_classes():
    labels = [0, 1, 1, 1]
    correct = [True, False, False, True]
    rows = pd.DataFrame(
        [
            {
                "slice_id": str(index),
                "patient_id": str(index // 2),
                "label": label,
                "variant": "original",
                "order": order,
                "fraction": fraction,
                "correct": right,
            }
            for index, (label, right) in enumerate(zip(labels, correct, strict=True))
            for order in ORDERS
            for fraction in (0.0, 1.0)
        ]
    )
    for of_labels, accuracy in ((rows, (1 + 1 / 3) / 2), (rows[rows["label"] == 1], 1 / 3)):
        sums = sum_by_patient(Fidelity(), of_labels)["original"]
        curves = Fidelity().figure_curves(mean_curves(Fidelity(), sums))
        assert list(curves.positions) == ["order", "fraction"]
        np.testing.assert_allclose(curves.means["accuracy"], np.full((1, 4), accuracy))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_map_that_is_not_finite_is_refused(value):
    importance = np.zeros((4, 4))
    importance[1, 2] = value
    with pytest.raises(InputError, match="map has values that are not finite"):
        Fidelity().evaluate(
            sample(np.ones((4, 4))), {"original": importance}, asking(Linear(np.ones((4, 4))))
        )


def test_logit_that_is_not_finite_is_refused():
    classifier = Linear(np.full((4, 4), np.nan))
    with pytest.raises(InputError, match="logit that is not finite"):
        Fidelity().evaluate(sample(np.ones((4, 4))), {"original": np.eye(4)}, asking(classifier))


@pytest.mark.parametrize("step", [0.025, 0.1, 1 / 3, 0.5, 1])
def test_steps_that_divide_1_are_taken(step):
    assert Fidelity(step=step).steps == round(1 / step)


@pytest.mark.parametrize("step", [0.03, 0.3, 0.7, 0.99])
def test_steps_that_do_not_divide_1_are_refused_with_a_proposal(step):
    with pytest.raises(ValidationError, match="whole number of steps; the nearest is"):
        Fidelity(step=step)


@pytest.mark.parametrize("options", [{"step": 0}, {"step": 1.5}, {"batch": 0}, {"steps": 40}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ValidationError):
        Fidelity(**options)


# More than two classes


class ByPlace(torch.nn.Module):
    """Three outputs: the brightness of a third of the image each."""

    def forward(self, images):
        return torch.stack([part.mean((1, 2, 3)) for part in images.chunk(3, dim=2)], dim=1)


def of_three():
    return asking(ByPlace().eval(), fill=(0.0, 0.0, 0.0))


def bright_third(label, seed):
    """A dim image that is brighter in the third of its class, and that third."""
    where = np.zeros((12, 8))
    where[4 * label : 4 * label + 4] = 1
    noise = np.random.default_rng(seed).random((12, 8))
    return 0.2 * noise + 0.5 * where, where


def test_three_classes_by_hand():
    image, where = bright_third(2, 0)
    one = sample(image, label=2)
    points = Fidelity(step=1 / 3).evaluate(one, {"original": where}, of_three())
    original = points["original"]
    correct = original["correct"].reshape(2, 4).tolist()
    assert correct[0] == [True, False, False, False]
    assert correct[1] == [True, True, True, False]
    thirds = image.reshape(3, -1).mean(axis=1)
    margin = original["logit"].reshape(2, 4)
    assert margin[0, 0] == pytest.approx(thirds[2] - max(thirds[:2]))
    assert margin[0, 1] == pytest.approx(-max(thirds[:2]))
    assert margin[1, 2] == pytest.approx(thirds[2])
    assert margin[1, 3] == 0  # all masked: the first class wins, which is another one


def test_of_three_classes_what_is_looked_at_beats_chance_and_chance_its_opposite():
    slices = []
    for index in range(30):
        image, where = bright_third(index % 3, index)
        one = sample(image, label=index % 3, slice_id=str(index))
        noise = np.random.default_rng(100 + index).random(where.shape)
        maps = {"original": where, "random": noise, "inverted": -where}
        slices.append((one, Fidelity(step=1 / 12).evaluate(one, maps, of_three())))
    values = summarise_points(Fidelity(), table(slices)).set_index("variant")["value"]
    assert values["original"] > 5
    assert abs(values["random"]) < 1.5
    assert values["inverted"] == pytest.approx(-values["original"], abs=0.2)


# Other answers and fills


def values_of(answer, slices):
    metric = Fidelity(answer=answer)
    return summarise_points(metric, table(slices)).iloc[0]


@pytest.mark.parametrize("label", [0, 1])
def test_answers_by_hand(label):
    # The logit is the sum of what is left, above 2; one of four pixels counts 4, the others 0.
    one = sample(np.full((2, 2), float(label)), label=label)
    classifier = Linear([[4, 0], [0, 0]], threshold=2)
    importance = np.array([[4.0, 3.0], [2.0, 1.0]])
    points = Fidelity(step=0.25).evaluate(one, {"original": importance}, asking(classifier))
    sure, not_sure = 1 / (1 + np.exp(-2)), 1 / (1 + np.exp(2))
    original = points["original"]
    found = original["probability"].reshape(2, 5)
    np.testing.assert_allclose(found[0], [sure] + [not_sure] * 4, rtol=1e-6)
    np.testing.assert_allclose(found[1], [sure] * 4 + [not_sure], rtol=1e-6)
    np.testing.assert_allclose(original["margin"], [2] + [-2] * 4 + [2] * 4 + [-2], rtol=1e-6)
    probability, logit = (values_of(answer, [(one, points)]) for answer in ("probability", "logit"))
    assert probability["mif_area"] == pytest.approx(sure / 8 + 7 * not_sure / 8, abs=1e-6)
    assert probability["fidelity"] == pytest.approx(0.75 * (sure - not_sure), abs=1e-6)
    # Relative to the logit of the slice as it is.
    assert logit["lif_area"] == pytest.approx(-0.5)
    assert logit["mif_area"] == pytest.approx(-3.5)
    assert logit["value"] == pytest.approx(30)


def test_answers_of_three_classes_are_of_the_own_class():
    image, where = bright_third(2, 0)
    one = sample(image, label=2)
    points = Fidelity(step=1 / 3).evaluate(one, {"original": where}, of_three())["original"]
    scores = np.append(image.reshape(3, -1).mean(axis=1), 0)
    start = np.exp(scores[2]) / np.exp(scores[:3]).sum()
    assert points["probability"][0] == pytest.approx(start)
    assert points["probability"][3] == pytest.approx(1 / 3)
    np.testing.assert_array_equal(points["margin"], points["logit"])


@pytest.mark.parametrize("answer", ["probability", "logit"])
def test_figures_and_captions_say_which_answer_it_is(answer):
    metric = Fidelity(answer=answer)
    assert f"MiF {answer} curves" in metric.heading
    assert answer in metric.describe()
    assert metric.coverage == ""
    assert Fidelity().coverage


@pytest.mark.parametrize("fill", ["constant", "mean", "blur", "noise", "noisy_linear"])
def test_other_fills_are_what_the_classifier_sees(fill):
    one = sample(smooth_image((8, 6)), label=1)
    importance = np.arange(48.0).reshape(8, 6)
    seen = []

    class Watching(Linear):
        def forward(self, x):
            seen.append(x.numpy()[:, 0].copy())
            return super().forward(x)

    metric, asked = Fidelity(step=0.5, fill=fill), asking(Watching(np.ones((8, 6))))
    metric.evaluate(one, {"original": importance}, asked)

    _, whole, most, least = np.concatenate(seen)
    rows = np.arange(8)[:, None] >= 4  # the most important half
    replaced = metric.fill.of(one, asked)
    for image, masked in ((whole, np.ones((8, 6), bool)), (most, rows), (least, ~rows)):
        masked = np.broadcast_to(masked, (8, 6))
        by_hand = (
            replaced(masked[None])[0]
            if callable(replaced)
            else np.where(masked, np.asarray(replaced, np.float32), one.image)
        )
        np.testing.assert_array_equal(image, by_hand)


@pytest.mark.parametrize("head", OUTPUTS)
@pytest.mark.parametrize("fill", names("fill"))
def test_the_truth_beats_chance_and_chance_its_opposite_with_each_fill_and_answer(fill, head):
    known = setting(OUTPUTS[head], slices=6)
    maps = {
        "truth": known.truths,
        "opposite": [-truth for truth in known.truths],
        "chance": like_noise(known.truths),
        "constant": [np.ones_like(truth) for truth in known.truths],
    }
    metric = Fidelity(step=0.2, fill=fill)
    points = {name: points_of(metric, known, of) for name, of in maps.items()}
    for answer in ("accuracy", "probability", "logit"):
        values = {
            name: summarise_points(Fidelity(answer=answer), of)["value"][0]
            for name, of in points.items()
        }
        if answer == "accuracy" and fill in ("mean", "blur", "noise"):
            # Where the place is as grey as the whole slice, it still is the brightest of them.
            assert values["truth"] >= 0
            continue
        assert values["truth"] > values["chance"] > values["opposite"]
        assert values["opposite"] == pytest.approx(-values["truth"], rel=0.1)
        assert values["chance"] == pytest.approx(0, abs=0.15 * values["truth"])
        assert values["constant"] == pytest.approx(0, abs=1e-5)
