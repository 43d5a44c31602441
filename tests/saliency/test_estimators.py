"""Each estimator against its definition, written out as plainly as possible."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from captum.attr import Deconvolution, InputXGradient, IntegratedGradients, Saliency
from torch import nn

from ct_importance.classifier.classifier import Classifier
from ct_importance.classifier.resnet import ResNet50
from ct_importance.compute.randomness import generator_for, seed_for
from ct_importance.plugins import load
from ct_importance.saliency.differentiating import ExplainedScores
from ct_importance.saliency.explain import importance_of
from ct_importance.saliency.shared.path_gradients import PathGradients
from tests.estimators import PAPER
from tests.saliency.networks import ANY_NETWORK, LinearNetwork, conv_network

STOCHASTIC = ("expected_gradients", "smoothgrad", "smoothgrad_squared", "random")


def compute(method, network, images, case):
    """Maps (N, H, W) of the logit, or of what the case says."""
    maps = torch.as_tensor(importance_of(case.estimator, case.batch(network, images)))
    assert maps.shape == images.shape
    return maps[:, 0]


def path_gradients(network, images, case, reference, steps):
    work = PathGradients(reference=reference, steps=steps, target="last")
    return work.compute(case.batch(network, images))["integral"][:, 0]


def gradient(classifier, x):
    """dS/dx of one image (H, W) in float64."""
    x = x.detach().double().requires_grad_()
    classifier(x[None, None]).sum().backward()
    return x.grad


def assert_maps_agree(found, expected, tolerance):
    """Compare maps relative to the largest value of the expected ones."""
    scale = np.abs(np.asarray(expected)).max()
    np.testing.assert_allclose(
        np.asarray(found, dtype=np.float64) / scale, np.asarray(expected) / scale, atol=tolerance
    )


@pytest.fixture
def classifier():
    return conv_network()


@pytest.fixture
def exact():
    """The same classifier in float64."""
    return conv_network().double()


class TestDefinitions:
    def test_backpropagation_is_the_signed_gradient(self, classifier, exact, images, make_case):
        maps = compute("backpropagation", classifier, images, make_case("backpropagation"))
        assert_maps_agree(maps, torch.stack([gradient(exact, x[0]) for x in images]), 1e-5)
        assert (maps < 0).any()
        with pytest.warns(UserWarning, match="did not already require gradients"):
            reference = Saliency(classifier).attribute(images.clone(), abs=False)
        assert torch.equal(maps, reference[:, 0].detach())

    def test_input_x_gradient_is_captums(self, classifier, images, make_case):
        maps = compute("input_x_gradient", classifier, images, make_case("input_x_gradient"))
        expected = InputXGradient(classifier).attribute(images.clone().requires_grad_())
        assert_maps_agree(maps, expected[:, 0].detach(), 1e-6)

    @pytest.mark.parametrize("reference", [0.0, 1.0])
    @pytest.mark.parametrize("steps", [2, 25])
    def test_integrated_gradients_is_the_right_riemann_sum(
        self, exact, images, make_case, reference, steps
    ):
        images = images.double()
        case = make_case("integrated_gradients", images_per_pass=4)
        maps = path_gradients(exact, images, case, reference, steps)
        for x, found in zip(images[:, 0], maps, strict=True):
            points = [reference + k / steps * (x - reference) for k in range(1, steps + 1)]
            mean = torch.stack([gradient(exact, point) for point in points]).mean(0)
            # captum keeps the step size 1/m in float32.
            assert_maps_agree(found, (x - reference) * mean, 1e-7)

    def test_integrated_gradients_is_captums(self, classifier, images, make_case):
        case = make_case("integrated_gradients", images_per_pass=2)
        expected = IntegratedGradients(classifier).attribute(
            images, baselines=0, n_steps=25, method="riemann_right"
        )
        maps = compute("integrated_gradients", classifier, images, case)
        assert_maps_agree(maps, expected[:, 0].detach(), 1e-6)

    @pytest.mark.parametrize("reference", [0.0, 1.0])
    def test_integrated_gradients_becomes_complete_as_steps_grow(
        self, exact, images, make_case, reference
    ):
        images = images.double()
        case = make_case("integrated_gradients", images_per_pass=500)
        start = exact(torch.full_like(images, reference))
        gaps = []
        for steps in (10, 100, 1000):
            maps = path_gradients(exact, images, case, reference, steps)
            gaps.append((maps.sum((1, 2)) - (exact(images) - start)[:, 0]).abs().max().item())
        assert gaps[1] < gaps[0] / 3
        assert gaps[2] < gaps[1] / 3

    def test_integrated_gradients_bw_is_the_mean_of_both_references(
        self, classifier, images, make_case
    ):
        method = IntegratedGradients(classifier)
        both = [
            method.attribute(images, baselines=value, n_steps=7, method="riemann_right")
            for value in (0, 1)
        ]
        case = make_case("integrated_gradients_bw", steps=7)
        maps = compute("integrated_gradients_bw", classifier, images, case)
        assert_maps_agree(maps, (sum(both) / 2)[:, 0].detach(), 1e-6)

    def test_expected_gradients_is_the_mean_over_its_draws(
        self, classifier, exact, images, training_images, make_case
    ):
        case = make_case("expected_gradients", samples=6)
        maps = compute("expected_gradients", classifier, images, case)
        for slice_id, x, found in zip(case.slice_ids, images[:, 0], maps, strict=True):
            draws = generator_for(1, slice_id, "expected_gradients")
            chosen, positions = draws.integers(9, size=6), draws.random(6)
            terms = []
            for row, position in zip(chosen, positions, strict=True):
                reference = torch.from_numpy(training_images[row])
                difference = x - reference
                terms.append(difference * gradient(exact, reference + position * difference))
            assert_maps_agree(found, torch.stack(terms).mean(0), 1e-5)

    @pytest.mark.parametrize(("method", "power"), [("smoothgrad", 1), ("smoothgrad_squared", 2)])
    def test_smoothgrad_is_the_mean_over_noisy_copies(
        self, classifier, exact, images, make_case, method, power
    ):
        case = make_case(method, samples=4, noise=0.2)
        maps = compute(method, classifier, images, case)
        for slice_id, x, found in zip(case.slice_ids, images[:, 0], maps, strict=True):
            draws = torch.Generator().manual_seed(seed_for(1, slice_id, "noisy_gradients"))
            deviation = 0.2 * (x.max() - x.min())
            noise = [torch.randn((1, 32, 32), generator=draws)[0] for _ in range(4)]
            terms = [gradient(exact, x + deviation * n) ** power for n in noise]
            assert_maps_agree(found, torch.stack(terms).mean(0), 1e-5)
        assert power == 1 or (maps >= 0).all()

    def test_random_is_uniform(self, classifier, images, make_case):
        maps = compute("random", classifier, images, make_case("random"))
        assert maps.min() >= 0
        assert maps.max() < 1
        assert abs(maps.mean().item() - 0.5) < 0.02
        assert len({importance.sum().item() for importance in maps}) == len(maps)

    def test_defaults_are_the_protocols(self):
        every = {"smooth", "blur"}  # of noisy copies, and of the map
        defaults = {name: load("estimator", name)().model_dump(exclude=every) for name in PAPER}
        assert defaults == {
            "backpropagation": {"target": "last"},
            "deconvolution": {"target": "last"},
            "expected_gradients": {"target": "predicted", "samples": 25},
            "integrated_gradients": {"target": "predicted", "steps": 25},
            "integrated_gradients_bw": {"target": "predicted", "steps": 25},
            "random": {"target": "last"},
            "smoothgrad": {"target": "last", "samples": 15, "noise": 0.15},
            "smoothgrad_squared": {"target": "last", "samples": 15, "noise": 0.15},
        }


class DeconvolutionalReLU(torch.autograd.Function):
    """ReLU whose backward pass is ReLU of the gradient, without the mask of the forward pass."""

    @staticmethod
    def forward(ctx, x):
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, gradient):
        return gradient.clamp(min=0)


class DeconvolutionalModule(nn.Module):
    def forward(self, x):
        return DeconvolutionalReLU.apply(x)


class TestDeconvolution:
    @pytest.fixture
    def resnet(self):
        with torch.random.fork_rng():
            torch.manual_seed(5)
            network = ResNet50().eval().requires_grad_(False)
            for module in network.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.running_mean.normal_(0, 0.1)
                    module.running_var.uniform_(0.5, 1.5)
        return network

    def test_equals_a_modified_backward_pass_on_the_resnet(self, resnet, images, make_case):
        classifier = resnet
        maps = compute("deconvolution", classifier, images, make_case("deconvolution"))
        reference = ResNet50()
        reference.load_state_dict(resnet.state_dict())
        replaced = 0
        for parent in list(reference.modules()):
            for name, child in list(parent.named_children()):
                if isinstance(child, nn.ReLU):
                    setattr(parent, name, DeconvolutionalModule())
                    replaced += 1
        assert replaced == 1 + 3 * 16
        x = images.clone().requires_grad_()
        reference.eval()(x).sum().backward()
        assert_maps_agree(maps, x.grad[:, 0], 1e-6)

    def test_equals_captums_and_differs_from_the_gradient(self, resnet, images, make_case):
        classifier = resnet
        maps = compute("deconvolution", classifier, images, make_case("deconvolution"))
        with pytest.warns(UserWarning, match="Setting backward hooks"):
            reference = Deconvolution(classifier).attribute(images.clone().requires_grad_())
        assert_maps_agree(maps, reference[:, 0].detach(), 1e-6)
        plain = compute("backpropagation", classifier, images, make_case("backpropagation"))
        correlation = np.corrcoef(maps.flatten(), plain.flatten())[0, 1]
        assert abs(correlation) < 0.9

    def test_leaves_no_hooks_and_no_warning(self, classifier, images, make_case, recwarn):
        before = classifier(images)
        compute("deconvolution", classifier, images, make_case("deconvolution"))
        assert not recwarn.list
        assert not any(m._forward_hooks or m._forward_pre_hooks for m in classifier.modules())
        assert torch.equal(classifier(images), before)


class TestIndependenceOfTheBatch:
    """A slice's map is its own: batch size, order and shard change rounding at most."""

    @pytest.mark.parametrize("method", ANY_NETWORK)
    @pytest.mark.parametrize("images_per_pass", [1, 3, 64])
    def test_images_per_pass(self, classifier, images, make_case, method, images_per_pass):
        reference = compute(method, classifier, images, make_case(method))
        case = make_case(method, images_per_pass=images_per_pass)
        # Differences of answers are smaller than these, and rounding is not.
        tolerance = 1e-4 if case.estimator.only_asks else 1e-6
        assert_maps_agree(compute(method, classifier, images, case), reference, tolerance)

    @pytest.mark.parametrize("method", ANY_NETWORK)
    def test_order_and_shard(self, classifier, images, make_case, method):
        reference = compute(method, classifier, images, make_case(method))
        ids = [f"slice {i}" for i in range(5)]
        order = [3, 0, 4]
        case = make_case(method, slice_ids=[ids[i] for i in order])
        assert_maps_agree(compute(method, classifier, images[order], case), reference[order], 1e-6)

    @pytest.mark.parametrize("method", STOCHASTIC)
    def test_same_bits_alone(self, images, make_case, method):
        """The random numbers themselves, seen through a classifier without rounding of its own."""
        network = LinearNetwork(32)
        together = compute(method, network, images, make_case(method, images_per_pass=64))
        for index in range(5):
            case = make_case(method, slice_ids=[f"slice {index}"], images_per_pass=2)
            alone = compute(method, network, images[index : index + 1], case)
            assert torch.equal(alone[0], together[index])

    @pytest.mark.parametrize("method", ["expected_gradients", "random"])
    def test_draws_differ_between_entries_of_the_config(
        self, classifier, images, make_case, method
    ):
        first = compute(method, classifier, images, make_case(method))
        second = compute(method, classifier, images, make_case(method, name="another"))
        assert not torch.allclose(first, second)

    def test_smoothgrad_and_its_square_see_the_same_noise(self, images, make_case):
        """Their parts are equal, so that a run computes them once."""
        mean, square = (
            load("estimator", method)().shared() for method in ("smoothgrad", "smoothgrad_squared")
        )
        assert mean["noisy"].name == square["noisy"].name

    @pytest.mark.parametrize("method", ANY_NETWORK)
    def test_global_generators_are_left_alone(self, classifier, images, make_case, method):
        torch_before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()
        compute(method, classifier, images, make_case(method))
        assert torch.equal(torch.get_rng_state(), torch_before)
        assert (np.random.get_state()[1] == numpy_before).all()


class TestBoundedMemory:
    @pytest.mark.parametrize("method", ANY_NETWORK)
    def test_no_pass_is_larger_than_asked(self, images, make_case, method):
        sizes, network = [], conv_network()
        network.register_forward_pre_hook(lambda _, given: sizes.append(len(given[0])))
        compute(method, network, images, make_case(method, images_per_pass=3))
        assert max(sizes, default=0) <= 3


def of_probability(case):
    return replace(case, activation="probability")


class TestProbability:
    @pytest.mark.parametrize("method", ["backpropagation", "smoothgrad", "integrated_gradients"])
    def test_the_gradient_of_the_sigmoid_is_used(self, images, make_case, method):
        network = conv_network()
        score = ExplainedScores(Classifier(network), "probability")
        assert torch.allclose(score(images)[:, 1], torch.sigmoid(network(images))[:, 0])
        logit_maps = compute(method, network, images, make_case(method))
        maps = compute(method, network, images, of_probability(make_case(method)))
        assert maps.abs().max() < logit_maps.abs().max()
        if method == "backpropagation":
            p = score(images)[:, 1, None, None]
            assert_maps_agree(maps, p * (1 - p) * logit_maps, 1e-5)

    @pytest.mark.parametrize("method", ["backpropagation", "smoothgrad", "smoothgrad_squared"])
    def test_a_saturated_sigmoid_gives_zero(self, images, make_case, method):
        network = LinearNetwork(32, bias=1e4)
        maps = compute(method, network, images, of_probability(make_case(method)))
        assert not maps.any()

    def test_an_unknown_target_is_refused(self):
        with pytest.raises(ValueError, match="logit or probability"):
            ExplainedScores(Classifier(LinearNetwork(32)), "class")


class TestEdges:
    @pytest.mark.parametrize("method", ANY_NETWORK)
    def test_one_image_and_oblong_images(self, classifier, images, make_case, method):
        case = make_case(method, slice_ids=["a"])
        cut = case.training_images()[:, :20]
        masks = case.training_masks()[:, :20]
        case = replace(case, training_images=lambda: cut, training_masks=lambda: masks)
        maps = compute(method, classifier, images[:1, :, :20], case)
        assert maps.shape == (1, 20, 32)
        assert maps.dtype == torch.float32
        assert not maps.requires_grad

    def test_smoothgrad_of_a_constant_image_is_the_gradient(self, classifier, images, make_case):
        flat = torch.full_like(images, 0.4)
        maps = compute("smoothgrad", classifier, flat, make_case("smoothgrad"))
        plain = compute("backpropagation", classifier, flat, make_case("backpropagation"))
        assert_maps_agree(maps, plain, 1e-6)


class CountingGradients(nn.Module):
    """A classifier that counts the images whose answers it is asked for, and for gradients of."""

    def __init__(self, classifier):
        super().__init__()
        self.classifier = classifier
        self.count = self.forward_count = 0

    def forward(self, x):
        self.forward_count += len(x)
        answer = self.classifier(x)
        if answer.requires_grad:
            answer.register_hook(self._add)
        return answer

    def _add(self, gradient):
        self.count += len(gradient)


@pytest.mark.parametrize("method", ANY_NETWORK)
def test_gradient_passes_are_those_it_takes(method, classifier, images, make_case):
    counting = CountingGradients(classifier)
    case = make_case(method)
    compute(method, counting, images, case)
    counting.count = counting.forward_count = 0  # which layer to look at, was asked once
    compute(method, counting, images, case)

    stated = case.estimator.cost()
    assert counting.count == stated.backward * len(images)
    if "segments" in case.estimator.wants:  # a slice can have fewer
        assert 0 < counting.forward_count <= stated.forward * len(images)
    else:
        assert counting.forward_count == stated.forward * len(images)
