"""Networks that forget: layers are re-initialised from the output side (Adebayo et al. 2018)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import nn

from ct_importance.classifier.store import save_weights
from ct_importance.compute.randomness import seed_for
from ct_importance.io.paths import StrPath

if TYPE_CHECKING:
    from ct_importance.classifier.jobs import RandomisationJob


def randomise_classifier(job: RandomisationJob, classifier: StrPath, randomised: StrPath) -> None:
    """Write a classifier some of whose layers are re-initialised.

    Args:
        job: Which classifier, and how many of its layers.
        classifier: Its file.
        randomised: The file to write, which the source of the classifier loads like the other.

    Raises:
        InputError: If the classifier cannot be read, or its file does not hold its weights.
    """
    loaded = job.source.load(classifier)
    network = loaded.network.get_submodule(loaded.inside.removesuffix("."))
    randomise(network, job.layers, job.seed)
    save_weights(randomised, network, like=classifier)


def randomise(network: nn.Module, share: float, seed: int) -> list[str]:
    """Re-initialise a share of the layers of a network in place, the last ones first.

    A layer is a module with parameters of its own. It is initialised as its class does that
    (``reset_parameters``; of a normalisation the running statistics, too); where its class does not
    say how, each of its parameters is drawn from the normal distribution with the mean and the
    standard deviation that its values have. The layers of an exported program are its tensors of
    two dimensions or more. What a layer gets depends on the seed and its name, so that a larger
    share forgets what a smaller one does, and more.

    Args:
        network: Any network of torch; its layers are taken in the order in which it holds them.
        share: In (0, 1]; 1 for all layers. One layer at least is re-initialised.
        seed: Seed of the run.

    Returns:
        Names of the layers, from the output side.

    Example:
        >>> network = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 1))
        >>> randomise(network, 0.5, seed=0)
        ['2']
        >>> randomise(network, 1, seed=0)
        ['2', '0']
    """
    layers = _layers(network)
    chosen = list(reversed(layers))[: math.ceil(share * len(layers) - 1e-9)]
    for name in chosen:
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(seed_for(seed, "randomised", name))
            _forget(layers[name])
    return chosen


def _layers(network: nn.Module) -> dict[str, nn.Module | torch.Tensor]:
    found: dict[str, nn.Module | torch.Tensor] = {
        name: module
        for name, module in network.named_modules()
        if any(True for _ in module.parameters(recurse=False))
    }
    return found or {
        name: tensor
        for name, tensor in network.named_buffers()
        if tensor.is_floating_point() and tensor.dim() > 1
    }


def _forget(layer: nn.Module | torch.Tensor) -> None:
    reset = getattr(layer, "reset_parameters", None)
    if reset is not None:
        reset()
        return
    own = [layer] if isinstance(layer, torch.Tensor) else layer.parameters(recurse=False)
    for values in own:
        values.normal_(float(values.mean()), float(values.std(correction=0)))
