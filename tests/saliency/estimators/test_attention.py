"""Estimators of attention against their equations."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from ct_importance.classifier.resnet import ResNet50
from ct_importance.errors import InputError
from ct_importance.plugins import load
from tests.saliency.networks import TARGETS, compute, conv_network, small_vit

METHODS = ["attention_rollout", "gradient_attention"]


@pytest.fixture(scope="module")
def images():
    return torch.rand(3, 1, 64, 64, generator=torch.Generator().manual_seed(2))


def attention_by_hooks(vit, images, targets):
    """Attention and its gradients by block, of MONAI's ViT, whose dropout is given them."""
    kept = []

    def keep(module, given):
        given[0].retain_grad()
        kept.append(given[0])

    hooks = [block.attn.drop_weights.register_forward_pre_hook(keep) for block in vit.blocks]
    logits = vit(images.double().requires_grad_())[:, 0]
    (logits * (2 * targets - 1)).sum().backward()
    for hook in hooks:
        hook.remove()
    return [(it.detach(), it.grad) for it in kept]


def enlarged(seen):
    """The class token's view of 4 x 4 places."""
    maps = seen[:, 0, 1:].reshape(-1, 1, 4, 4)
    return F.interpolate(maps, 64, mode="bilinear", align_corners=False).float()


@pytest.fixture(scope="module")
def blocks(images):
    return attention_by_hooks(small_vit().double(), images, TARGETS)


def test_attention_rollout_is_the_product_over_blocks(images, blocks):
    (one, _), (two, _) = blocks
    eye = torch.eye(17, dtype=torch.float64)
    one, two = (0.5 * it.mean(1) + 0.5 * eye for it in (one, two))
    found = compute("attention_rollout", small_vit(), images)
    torch.testing.assert_close(found, enlarged(two @ one), rtol=1e-4, atol=1e-6)


def test_gradient_attention_adds_up_what_speaks_for_the_class(images, blocks):
    relevance = torch.eye(17, dtype=torch.float64).expand(3, -1, -1)
    for values, gradients in blocks:
        relevance = relevance + (values * gradients).clamp(min=0).mean(1) @ relevance
    found = compute("gradient_attention", small_vit(), images)
    torch.testing.assert_close(found, enlarged(relevance), rtol=1e-3, atol=1e-6)


class FusedViT(nn.Module):
    """A vision transformer of torch's own parts, whose attention is one fused operation."""

    def __init__(self, read=0):
        super().__init__()
        self.read = read
        self.patches = nn.Conv2d(1, 12, 16, 16)
        self.token = nn.Parameter(torch.randn(1, 1, 12))
        self.qkv = nn.ModuleList(nn.Linear(12, 36) for _ in range(2))
        self.head = nn.Linear(12, 3)

    def forward(self, x):
        x = self.patches(x).flatten(2).mT
        x = torch.cat([self.token.expand(len(x), -1, -1), x], dim=1)
        for layer in self.qkv:
            q, k, v = layer(x).reshape(len(x), 17, 3, 2, 6).permute(2, 0, 3, 1, 4)
            x = x + self.attend(q, k, v).transpose(1, 2).flatten(2)
        return self.head(x[:, self.read])

    def attend(self, q, k, v):
        return F.scaled_dot_product_attention(q, k, v)


class PlainViT(FusedViT):
    def attend(self, q, k, v):
        return (q @ k.mT / 6**0.5).softmax(-1) @ v


@pytest.mark.parametrize("method", METHODS)
class TestAnyNetwork:
    def test_fused_attention_is_found_too(self, images, method):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            fused = FusedViT().eval().requires_grad_(False)
        plain = PlainViT().eval().requires_grad_(False)
        plain.load_state_dict(fused.state_dict())
        targets = torch.tensor([0, 1, 2])
        maps = [compute(method, it, images, targets, "softmax") for it in (fused, plain)]
        torch.testing.assert_close(*maps, rtol=1e-4, atol=1e-7)
        assert maps[0].std() > 0

    def test_maps_do_not_depend_on_the_batch(self, images, method):
        network = small_vit()
        whole = compute(method, network, images)
        alone = compute(method, network, images[2:], TARGETS[2:], images_per_pass=1)
        torch.testing.assert_close(alone, whole[2:], rtol=1e-5, atol=1e-7)
        smooth = compute(method, network, images, smooth={"samples": 2, "noise": 0.5}, blur=1.0)
        assert not torch.allclose(smooth, whole)

    def test_other_networks_are_refused(self, images, method):
        """Without attention, or where another token answers."""
        for network in (conv_network(), ResNet50().eval(), FusedViT(read=3).eval()):
            head = "softmax" if isinstance(network, FusedViT) else "logit"
            with pytest.raises(InputError, match=f"{method}: the network is no vision transf"):
                compute(method, network.requires_grad_(False), images, head=head)
        estimator = load("estimator", method)()
        assert "no vision transformer" in estimator.unfit(frozenset({"relu"}))
        assert estimator.unfit(frozenset({"gelu", "attention"})) is None
