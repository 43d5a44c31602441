import numpy as np
import pytest
import torch
from captum.metrics import infidelity as captum_infidelity
from pydantic import ValidationError

from ct_importance.errors import InputError
from ct_importance.metrics.catalogue.faithfulness.infidelity import Infidelity, infidelity
from tests.metrics.images import Linear, asking, random_maps, sample, smooth_image
from tests.saliency.networks import conv_network

ONE = sample(smooth_image((32, 32)))
MAP = random_maps((32, 32))["smooth"].astype(np.float32)


def of_captum(network, perturbed, importance, normalise):
    """What captum computes of the same perturbations, in one batch."""
    score = network(torch.from_numpy(ONE.image)[None, None])
    sign = 1 if score > 0 else -1

    def perturbations(inputs):
        images = torch.from_numpy(perturbed)[:, None].double()
        return inputs - images, images

    found = captum_infidelity(
        lambda x: sign * network.double()(x)[:, 0],
        perturbations,
        torch.from_numpy(ONE.image)[None, None].double(),
        torch.from_numpy(importance)[None, None].double(),
        n_perturb_samples=len(perturbed),
        max_examples_per_batch=len(perturbed),
        normalize=normalise,
    )
    return float(found)


@pytest.mark.parametrize(
    "options", [{"perturbation": "noise"}, {}, {"fill": "noise"}, {"fill": "noisy_linear"}]
)
def test_it_is_that_of_captum(options):
    network = conv_network(seed=3)
    asked = asking(network)
    for normalise in (False, True):
        metric = Infidelity(draws=12, normalise=normalise, **options)
        _, changes = metric.asked(ONE, asked)
        share = np.mean(changes**2) if normalise else 1
        perturbed = metric.perturbed(ONE, asked)
        for importance in (MAP, -MAP):
            found = metric.score(ONE, importance, asked)
            expected = of_captum(conv_network(seed=3), perturbed, importance, normalise) / share
            products = np.einsum("nhw,hw->n", ONE.image - perturbed, importance)
            if normalise and (products * changes).sum() < 0:
                expected = 1  # captum's factor is negative: it turns a wrong map round
            assert found == pytest.approx(expected, rel=1e-5)


def test_contributions_of_a_linear_score_leave_nothing_and_their_opposite_everything():
    weights = np.random.default_rng(0).normal(size=(32, 32))
    asked = asking(Linear(weights))
    sign = 1 if (weights * ONE.image).sum() > 0 else -1
    for perturbation in ("squares", "noise"):
        exact = Infidelity(perturbation=perturbation, normalise=False)
        assert exact.score(ONE, sign * weights, asked) == pytest.approx(0, abs=1e-6)
        scaled = Infidelity(perturbation=perturbation)
        assert scaled.score(ONE, 7 * sign * weights, asked) == pytest.approx(0, abs=1e-6)
        assert scaled.score(ONE, -sign * weights, asked) == 1
        assert scaled.score(ONE, np.zeros((32, 32)), asked) == 1


def test_batches_change_nothing_and_perturbations_depend_on_slice_and_seed():
    asked = asking(Linear(np.random.default_rng(0).normal(size=(32, 32))))
    found = {Infidelity(batch=batch).score(ONE, MAP, asked) for batch in (1, 7, None)}
    assert len(found) == 1
    metric = Infidelity()
    np.testing.assert_array_equal(metric.perturbed(ONE, asked), metric.perturbed(ONE, asked))
    other = metric.perturbed(sample(ONE.image, slice_id="other"), asked)
    assert (other != metric.perturbed(ONE, asked)).any()
    assert (metric.perturbed(ONE, asking(asked.classifier._network, seed=1)) != other).any()


def test_both_variants_share_the_passes():
    network = Linear(np.ones((32, 32)))
    metric = Infidelity(draws=9)
    points = metric.evaluate(ONE, {"original": MAP, "absolute": np.abs(MAP)}, asking(network))
    assert network.images_seen == 10 == metric.cost(None).forward
    assert points["original"]["score"] != points["absolute"]["score"]


def test_squares_have_their_size_and_lie_anywhere():
    metric = Infidelity(draws=2000, side=0.25, fill={"method": "constant", "value": 0.5})
    black = sample(np.zeros((16, 12)))
    images = metric.perturbed(black, asking(Linear(np.ones((16, 12)))))
    assert set(np.count_nonzero(images, axis=(1, 2))) == {4 * 3}
    assert (images.sum(axis=0) > 0).all()


def test_where_no_perturbation_changes_the_score_it_is_undefined():
    asked = asking(Linear(np.zeros((32, 32)), threshold=1))
    points = Infidelity().evaluate(ONE, {"original": MAP}, asked)["original"]
    assert points["defined"].tolist() == [False]
    assert Infidelity(normalise=False).score(ONE, np.zeros((32, 32)), asked) == 0


def test_a_logit_that_is_not_finite_is_refused():
    with pytest.raises(InputError, match="not finite"):
        Infidelity().score(ONE, MAP, asking(Linear(np.full((32, 32), np.nan))))


def test_it_is_at_least_0_and_normalised_at_most_1():
    rng = np.random.default_rng(0)
    for _ in range(50):
        told, changes = rng.normal(size=(2, 6))
        assert infidelity(told, changes) >= 0
        assert 0 <= infidelity(told, changes, normalise=True) <= 1


@pytest.mark.parametrize("options", [{"draws": 0}, {"side": 0}, {"perturbation": "blur"}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ValidationError):
        Infidelity(**options)
